"""Tables and sentences of reports stay within their columns and their width."""

from hypothesis import given
from hypothesis import strategies as st

from tenbin.measure.plain_text import WIDTH, columns, wrapped

cells = st.text(alphabet="ab12.", min_size=1, max_size=9)


@given(st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1)))
def test_every_cell_ends_or_begins_where_its_column_does(rows: list[list[str]]) -> None:
    lines = columns(rows, "  ")
    assert [line.split() for line in lines] == rows
    assert all(line.startswith("  ") and line == line.rstrip() for line in lines)
    if len(rows[0]) > 1:
        assert len({len(line) for line in lines}) == 1


@given(st.lists(st.text(alphabet="abc", min_size=1, max_size=20), min_size=1, max_size=60))
def test_a_sentence_keeps_its_words_and_its_width(words: list[str]) -> None:
    lines = wrapped(" ".join(words), "  ")
    assert all(len(line) <= WIDTH for line in lines)
    assert " ".join(lines).split() == words
    assert [len(line) - len(line.lstrip()) for line in lines] == [2, *[4] * (len(lines) - 1)]
