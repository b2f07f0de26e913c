"""Server-sent events: any cutting, all line ends, comments, names, bounds."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.sse import Event, SSEReader, comment, event

_LINE = st.binary(max_size=12).filter(lambda line: b"\n" not in line and b"\r" not in line)


def _read(data: bytes, cuts: list[int], limit: int = 1 << 20) -> tuple[list[Event], SSEReader]:
    reader = SSEReader(limit)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    events: list[Event] = []
    for start, end in itertools.pairwise(edges):
        events += reader.feed(data[start:end])
    return events + reader.finish(), reader


@given(
    events=st.lists(st.tuples(_LINE.filter(lambda name: not name.startswith(b" ")), st.lists(_LINE, min_size=1))),
    end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    cuts=st.lists(st.integers(min_value=0)),
    bom=st.booleans(),
)
def test_what_is_written_is_read_back_in_any_cutting_and_with_any_line_end(
    events: list[tuple[bytes, list[bytes]]], end: bytes, cuts: list[int], bom: bool
) -> None:
    written = b"".join(comment("hello\nthere") + event(name, b"\n".join(lines)) for name, lines in events)
    data = (b"\xef\xbb\xbf" if bom else b"") + written.replace(b"\n", end)
    assert _read(data, cuts)[0] == [Event(name, b"\n".join(lines)) for name, lines in events]


@given(data=st.lists(st.sampled_from([b"data", b":", b" ", b"\n", b"\r", b"\r\n", b"\n\n", b"event", b"x", b"\xef"])))
def test_any_bytes_give_the_same_events_in_one_piece_and_byte_by_byte(data: list[bytes]) -> None:
    joined = b"".join(data)
    for limit in (6, 1 << 20):
        whole, whole_reader = _read(joined, [], limit)
        cut, cut_reader = _read(joined, list(range(len(joined))), limit)
        assert whole == cut
        assert whole_reader.failure == cut_reader.failure


def test_fields_follow_the_standard() -> None:
    stream = (
        b": a comment\n\nevent: ping\n\nid: 7\nretry: 1\ndata:no blank\ndata:  two\ndata\n\nevent:named\ndata: {}\n\n"
    )
    assert _read(stream, [])[0] == [Event(b"", b"no blank\n two\n"), Event(b"named", b"{}")]


def test_a_last_event_without_its_blank_line_is_given_at_the_end() -> None:
    assert _read(b"data: a\n\ndata: [DONE]", [])[0] == [Event(b"", b"a"), Event(b"", b"[DONE]")]


def test_an_event_that_is_too_long_is_a_failure_and_nothing_is_read_after_it() -> None:
    reader = SSEReader(limit=10)
    assert reader.feed(b"data: 1234\n\n") == [Event(b"", b"1234")]
    assert reader.feed(b"data: 12345678") == []
    failure = reader.failure
    assert failure is not None
    assert failure.kind == "malformed"
    assert "10 bytes" in failure.message
    assert reader.feed(b"\n\ndata: 1\n\n") == []
    assert reader.finish() == []
