"""Values stand where the document says they do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.document import read
from tenbin.config.problem import ConfigError, KeyPath, Position, written

_WORDS = st.text("abcxyz", min_size=1, max_size=5)


@given(st.lists(st.tuples(_WORDS, st.integers(0, 3)), min_size=1, max_size=6, unique_by=lambda row: row[0]))
def test_each_key_is_found_at_its_line_and_column(rows: list) -> None:
    """Keys with blank lines before them and a block below each."""
    text, line = "", 1
    expected: dict[KeyPath, Position] = {}
    for word, blank in rows:
        text += "\n" * blank + f"{word}:\n  inner: [1, two]\n"
        line += blank
        expected[(word,)] = Position(line, 1)
        expected[(word, "inner")] = Position(line + 1, 3)
        expected[(word, "inner", 1)] = Position(line + 1, 14)
        line += 2
    positions = read(text, "t", {}).positions
    assert {path: positions[path] for path in expected} == expected


def test_a_key_path_reads_as_it_is_written_in_programs() -> None:
    assert written(("models", "gpt-5.1", 0)) == 'models["gpt-5.1"][0]'
    assert written(("a", "b-c", "d")) == "a.b-c.d"


def test_what_follows_from_a_mistake_is_not_told() -> None:
    document = read("a: {b: 1}\n", "t", {})
    document.report(("a",), "m", "f")
    assert document.is_broken(("a", "b"))
    assert document.is_broken(())
    assert not document.is_broken(("ab",))


@pytest.mark.parametrize("begin", ["[", "{a: ", "- "])
def test_nesting_without_end_is_refused_in_words(begin: str) -> None:
    with pytest.raises(ConfigError, match="nested more than 30 levels deep"):
        read("a:\n  " + begin * 100_000, "t", {})


@pytest.mark.parametrize("odd", ["\x85", "\u2028", "\u2029"])
def test_lines_are_counted_as_editors_count_them(odd: str) -> None:
    text = f"é: 'a{odd}{odd}b'\nsecond: x\n"
    assert read(text, "t", {}).positions[("second",)] == Position(2, 1)
