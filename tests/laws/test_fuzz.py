"""Whatever bytes come, a request reader raises Unreadable or nothing; an answer reader or observer raises nothing."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenbin.codecs.registry import dialect
from tenbin.core.answer import AnswerFailed, AnswerFinished, AnswerStarted, Delta
from tenbin.core.ask import Head
from tenbin.core.conversation import Conversation
from tenbin.core.problems import Unreadable
from tenbin.core.target import DialectName
from tenbin.core.usage import Usage
from tests.laws.answers import DIALECTS, in_order, read_answer, target_of, write_answer
from tests.laws.requests import expressible, write
from tests.laws.strategies import answers, conversations, pieces_of

each_dialect = pytest.mark.parametrize("name", DIALECTS)

LARGEST_COUNT = 2**63 - 1
"""What the ledger can hold."""

GOLDEN = Path(__file__).parents[1] / "golden"

ODD: tuple[bytes, ...] = (
    b"",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"null",
    b"[]",
    b'""',
    b"1e999",
    b"-1",
    b"99999999999999999999999999999999",
    b"1" * 5000,
    b'"\\ud800"',
    b'"\\udfff\\ud800"',
    b'"\xed\xa0\x80"',
    b"[" * 20_000,
    b'{"a":' * 20_000,
    b"true",
    b'{"type":null}',
    b'{"type":"unheard_of"}',
    b"\r\n\r\n",
    b"data: \n\n",
    b"data: [DONE]\n\n",
    b"event: error\ndata: {}\n\n",
    b'data: {"error":null}\n\n',
)


@st.composite
def mutated(draw: st.DrawFn, original: bytes) -> bytes:
    """The bytes after a few accidents."""
    data = bytearray(original)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 30)))
        match draw(st.sampled_from(["cut", "replace", "repeat", "flip"])):
            case "cut":
                del data[start:end]
            case "replace":
                data[start:end] = draw(st.sampled_from(ODD))
            case "repeat":
                data[start:start] = data[start:end]
            case _ if start < len(data):
                data[start] ^= draw(st.integers(1, 255))
    return bytes(data)


@st.composite
def misplaced(draw: st.DrawFn, original: bytes) -> bytes:
    """The JSON with one value, wherever it stands, replaced by one of another kind."""
    value = json.loads(original)
    holder: Any = value
    path = [holder]
    while isinstance(holder, dict | list) and holder:
        key = draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
        if not isinstance(holder[key], dict | list) or not holder[key] or draw(st.integers(0, 3)) == 0:
            holder[key] = draw(
                st.sampled_from([None, True, -1, 10**30, 0.5, "", "x", "\ud800", [], {}, [[]], [None], {"type": "x"}])
            )
            break
        holder = holder[key]
        path.append(holder)
    return json.dumps(value).encode()


def read_all(name: DialectName, body: bytes) -> None:
    codec = dialect(name)
    with contextlib.suppress(Unreadable):
        codec.read(body)
    with contextlib.suppress(Unreadable):
        codec.splice(body, codec.read_head(body), target_of(name))


@each_dialect
@given(body=st.binary(max_size=200) | st.sampled_from(ODD))
def test_random_bytes_as_a_request(name: DialectName, body: bytes) -> None:
    read_all(name, body)
    for field in ("messages", "input", "system", "tools", "model", "max_tokens"):
        read_all(name, b'{"model":"m","max_tokens":1,"' + field.encode() + b'":' + body + b"}")


@each_dialect
@given(data=st.data(), conversation=conversations())
def test_damaged_requests(name: DialectName, data: st.DataObject, conversation: Conversation) -> None:
    body = write(name, expressible(name, conversation))
    read_all(name, data.draw(mutated(body)))
    read_all(name, data.draw(misplaced(body)))


def check_answer(name: DialectName, pieces: list[bytes], *, streamed: bool) -> None:
    """Reading and watching raise nothing, and every answer has exactly one end with counts that can be kept."""
    deltas = in_order(read_answer(name, pieces, streamed=streamed))
    last = deltas[-1]
    assert isinstance(last, AnswerFinished | AnswerFailed)
    observer = dialect(name).observer(streamed=streamed, head=Head(model="m", stream=streamed), target=target_of(name))
    for piece in pieces:
        observer.feed(piece)
    observer.finish()
    observer.produced()
    for usage in (last.usage, observer.usage):
        for count in (usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h, usage.output):
            assert 0 <= count <= LARGEST_COUNT


@each_dialect
@given(data=st.binary(max_size=200) | st.sampled_from(ODD), streamed=st.booleans())
def test_random_bytes_as_an_answer(name: DialectName, data: bytes, streamed: bool) -> None:
    check_answer(name, [data], streamed=streamed)
    check_answer(name, [b"data: " + data + b"\n\n"], streamed=streamed)


@each_dialect
@given(data=st.data(), answer=answers(), streamed=st.booleans())
def test_damaged_answers(name: DialectName, data: st.DataObject, answer: list[Delta], streamed: bool) -> None:
    damaged = data.draw(mutated(write_answer(name, [answer], streamed=streamed)))
    check_answer(name, data.draw(pieces_of(damaged)), streamed=streamed)


@each_dialect
@given(data=st.data(), answer=answers())
def test_answers_with_values_of_the_wrong_kind(name: DialectName, data: st.DataObject, answer: list[Delta]) -> None:
    whole = write_answer(name, [answer], streamed=False)
    check_answer(name, [data.draw(misplaced(whole))], streamed=False)
    lines = write_answer(name, [answer], streamed=True).split(b"\n")
    places = [place for place, line in enumerate(lines) if b"{" in line]
    place = data.draw(st.sampled_from(places))
    prefix, brace, rest = lines[place].partition(b"{")
    lines[place] = prefix + data.draw(misplaced(brace + rest))
    check_answer(name, [b"\n".join(lines)], streamed=True)


@each_dialect
@pytest.mark.parametrize("absurd", [b"1" + b"0" * 30, b"-7", b"1e300", b"0.5", b'"many"', b"null"])
@pytest.mark.parametrize("streamed", [False, True])
def test_counts_that_are_none(name: DialectName, absurd: bytes, streamed: bool) -> None:
    usage = Usage(input=777_777, output=777_777)
    answer: list[Delta] = [AnswerStarted("msg_0123", "a-model", usage), AnswerFinished("end_turn", usage)]
    written = write_answer(name, [answer], streamed=streamed)
    assert b"777777" in written
    check_answer(name, [written.replace(b"777777", absurd)], streamed=streamed)


def golden() -> list[tuple[DialectName, Path]]:
    """Transcripts as providers send them, by the dialect that they are in."""
    folders: dict[str, DialectName] = {
        "anthropic/*.sse": "anthropic",
        "openai/chat_*.sse": "openai_chat",
        "openai/responses_*.sse": "openai_responses",
        "ollama/*.ndjson": "ollama_chat",
    }
    return [(name, path) for glob, name in folders.items() for path in sorted(GOLDEN.glob(glob))]


@pytest.mark.parametrize(("name", "path"), golden(), ids=lambda value: getattr(value, "stem", value))
@settings(max_examples=max(1, settings().max_examples // 3))
@given(data=st.data())
def test_damaged_transcripts(name: DialectName, path: Path, data: st.DataObject) -> None:
    transcript = path.read_bytes()
    damaged = data.draw(mutated(transcript))
    check_answer(name, data.draw(pieces_of(damaged)), streamed=True)
    check_answer(data.draw(st.sampled_from(DIALECTS)), [transcript], streamed=True)


def test_every_dialect_has_transcripts() -> None:
    assert {name for name, _ in golden()} == set(DIALECTS)


@each_dialect
@given(
    status=st.sampled_from([400, 401, 402, 403, 404, 413, 422, 429, 500, 502, 503, 504, 529, 599]),
    body=st.binary(max_size=200)
    | st.sampled_from(ODD)
    | st.sampled_from([b'{"error":{"message":5}}', b'{"error":[]}']),
    headers=st.lists(
        st.tuples(st.sampled_from([b"retry-after", b"x-should-retry"]), st.binary(max_size=10)), max_size=2
    ),
)
def test_any_error_body_is_a_failure(
    name: DialectName, status: int, body: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    failure = dialect(name).failure(status, headers, body)
    assert failure.status == status
    assert failure.message
    assert failure.body == body
    assert failure.retry_after_ms is None or 0 <= failure.retry_after_ms <= LARGEST_COUNT
    assert {401: "unauthenticated", 429: "rate_limited", 404: "not_found"}.get(status, failure.kind) == failure.kind
