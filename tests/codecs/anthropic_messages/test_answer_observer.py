"""An answer that passes through: nothing of it changes, and its usage is known, however it was cut."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.anthropic_messages import ANTHROPIC, answer_observer
from tenbin.codecs.dialect import Observer
from tenbin.core.answer import AnswerFinished
from tenbin.core.ask import Head
from tenbin.core.usage import Usage
from tests.codecs.anthropic_messages.targets import claude, golden

TOOLS = Usage(input=14, cache_read=30_000, cache_write_5m=500, cache_write_1h=1_500, output=321, reasoning=200)
SAID = 'Which "usage" is "message_delta"?I\'ll look — 日本 "error": {}Read{"path": "/a.txt"}ListAgents'


def _observer(*, streamed: bool = True, cache_1h: bool = False) -> Observer:
    return ANTHROPIC.observer(streamed=streamed, head=Head(model="m", cache_1h=cache_1h), target=claude())


def _watch(data: bytes, cuts: list[int] | None = None, **how: bool) -> Observer:
    """An observer that has seen the whole answer, having checked that it forwards every byte."""
    observer = _observer(**how)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts or []), len(data)]
    forwarded = b""
    for start, end in itertools.pairwise(edges):
        piece = data[start:end]
        passed = observer.feed(piece)
        assert passed is piece
        forwarded += passed
    assert forwarded + observer.finish() == data
    return observer


def _seen(observer: Observer) -> tuple[Any, ...]:
    return (
        observer.started,
        observer.ended,
        observer.failure,
        observer.model,
        observer.stop_reason,
        observer.service_tier,
        observer.usage,
        observer.produced(),
    )


def test_a_stream() -> None:
    model = "claude-opus-5-5-20261001"
    expected = (True, True, None, model, "tool_use", "standard", TOOLS, SAID)
    assert _seen(_watch(golden("thinking_and_tools.sse"))) == expected


def test_streamed_and_whole_use_the_same() -> None:
    whole = _watch(golden("thinking_and_tools.json"), streamed=False)
    assert whole.usage == TOOLS
    assert (whole.started, whole.ended, whole.stop_reason) == (True, True, "tool_use")
    assert whole.produced().startswith('Which "usage"')


@pytest.mark.parametrize("name", ["thinking_and_tools.sse", "web_search.sse", "overloaded.sse", "llamacpp.sse"])
@given(cuts=st.lists(st.integers(min_value=0), max_size=30), end=st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_any_cutting_and_line_end_tells_the_same(name: str, cuts: list[int], end: bytes) -> None:
    data = golden(name).replace(b"\n", end)
    assert _seen(_watch(data, cuts)) == _seen(_watch(golden(name)))


@pytest.mark.parametrize("name", ["thinking_and_tools.sse", "overloaded.sse"])
def test_byte_by_byte(name: str) -> None:
    data = golden(name)
    assert _seen(_watch(data, list(range(len(data))))) == _seen(_watch(data))


def test_cache_writes_that_are_not_split_are_taken_for_what_was_asked() -> None:
    for cache_1h, buckets in ((False, (700, 0)), (True, (0, 700))):
        usage = _watch(golden("web_search.sse"), cache_1h=cache_1h).usage
        assert (usage.cache_write_5m, usage.cache_write_1h) == buckets
        assert (usage.input, usage.output, usage.web_searches) == (900, 40, 2)


@pytest.mark.parametrize(
    ("echoed", "tier"),
    [
        ({}, None),
        ({"service_tier": "standard", "speed": "standard", "inference_geo": "global"}, "standard"),
        ({"service_tier": "standard", "inference_geo": "not_available"}, "standard"),
        ({"service_tier": "standard", "speed": "fast", "inference_geo": "us"}, "standard+fast+us"),
        ({"service_tier": "batch", "inference_geo": "us"}, "batch+us"),
        ({"service_tier": None, "speed": "fast"}, "fast"),
        ({"service_tier": 7, "speed": [], "inference_geo": {}}, None),
    ],
)
def test_what_changes_the_price_is_told_as_one_service_tier(echoed: dict[str, Any], tier: str | None) -> None:
    usage = {"input_tokens": 3, "output_tokens": 1, **echoed}
    whole = {"type": "message", "model": "m", "content": [], "stop_reason": "end_turn", "usage": usage}
    start = {"type": "message_start", "message": {**whole, "stop_reason": None}}
    delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}
    events = [start, delta, {"type": "message_stop"}]
    stream = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    assert _watch(json.dumps(whole).encode(), streamed=False).service_tier == tier
    assert _watch(stream).service_tier == tier
    for data, streamed in ((json.dumps(whole).encode(), False), (stream, True)):
        reader = ANTHROPIC.reader(streamed=streamed, target=claude())
        finished = [*reader.feed(data), *reader.finish()][-1]
        assert isinstance(finished, AnswerFinished)
        assert finished.service_tier == tier


def test_a_recorded_answer_of_llamacpp() -> None:
    observer = _watch(golden("llamacpp.sse"))
    assert observer.usage == Usage(input=34, output=6)
    assert (observer.ended, observer.stop_reason, observer.model) == (True, "max_tokens", "smollm2-135m")
    assert observer.produced() == "The colour you're referring to"


def test_an_error_in_the_middle_is_a_failure() -> None:
    observer = _watch(golden("overloaded.sse"))
    assert observer.failure is not None
    assert (observer.failure.kind, observer.failure.message) == ("overloaded", "Overloaded")
    assert (observer.started, observer.ended) == (True, False)
    assert observer.usage == Usage(input=50, output=1)
    assert observer.produced() == "Half a"


def test_an_answer_is_started_by_content_not_by_its_head_or_a_ping() -> None:
    observer = _observer()
    for event in golden("thinking_and_tools.sse").split(b"\n\n")[:2]:
        assert not observer.started
        observer.feed(event + b"\n\n")
    assert observer.started


def test_a_cut_is_no_end_and_a_stop_reason_is_one() -> None:
    data = golden("thinking_and_tools.sse")
    assert not _watch(data[: data.index(b"event: message_delta")]).ended
    assert _watch(data[: data.index(b"event: message_stop")]).ended
    half = data[: data.index(b'"output_tokens":321')]
    assert not _watch(half).ended
    assert _watch(half).usage.output == 1


def test_the_first_tokens_count_is_not_the_answers() -> None:
    """Where the event that states the output is damaged, nobody has said what it came to."""
    data = golden("thinking_and_tools.sse")
    damaged = data.replace(b'"output_tokens":321', b'"output_tok', 1)
    observer = _watch(damaged)
    assert observer.ended
    assert observer.usage.output == 0
    assert observer.usage.prompt > 32_000


@pytest.mark.parametrize(
    "data",
    [
        b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
        b'data: {"error":{"code":503,"message":"Overloaded","type":"unavailable_error"}}\n\n',
    ],
)
def test_an_error_body_where_a_stream_was_due_is_seen(data: bytes) -> None:
    failure = _watch(data).failure
    assert failure is not None
    assert (failure.kind, failure.message) == ("overloaded", "Overloaded")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "malformed"),
        (b"<html>", "malformed"),
        (b"[]", "malformed"),
        (b'{"object":"chat.completion"}', "malformed"),
        (b'{"type":"error","error":{"type":"api_error","message":"x"}}', "server_error"),
        (b'{"error":{"code":400,"message":"prompt is too long: 9 tokens > 5 maximum"}}', "context_exceeded"),
    ],
)
def test_a_whole_answer_that_is_none(body: bytes, kind: str) -> None:
    observer = _watch(body, streamed=False)
    assert observer.failure is not None
    assert observer.failure.kind == kind
    assert not observer.ended
    assert observer.produced() == ""


def test_odd_usage_counts_as_nothing_rather_than_breaking_the_answer() -> None:
    body = json.loads(golden("thinking_and_tools.json"))
    body["usage"] = {
        "input_tokens": "many",
        "output_tokens": 7.0,
        "cache_read_input_tokens": -5,
        "cache_creation": 3,
        "server_tool_use": [],
        "output_tokens_details": {"thinking_tokens": 99},
        "cost": 0.0123,
    }
    observer = _watch(json.dumps(body).encode(), streamed=False)
    assert observer.usage == Usage(output=7, reasoning=7)
    assert observer.provider_cost is not None
    assert float(observer.provider_cost) == 0.0123


@given(
    total=st.none() | st.integers(0, 5_000),
    hour=st.none() | st.integers(0, 5_000),
    five=st.none() | st.integers(0, 5_000),
)
def test_cache_writes_are_disjoint_and_sum_to_the_providers_total(
    total: int | None, hour: int | None, five: int | None
) -> None:
    split = {"ephemeral_1h_input_tokens": hour, "ephemeral_5m_input_tokens": five}
    body = json.dumps({"type": "message", "usage": {"cache_creation_input_tokens": total, "cache_creation": split}})
    for cache_1h in (False, True):
        usage = _watch(body.encode(), streamed=False, cache_1h=cache_1h).usage
        assert usage.cache_write_5m + usage.cache_write_1h == (
            total if total is not None else (hour or 0) + (five or 0)
        )
        assert min(usage.cache_write_5m, usage.cache_write_1h) >= 0


def test_long_answers_are_folded_and_still_told_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_observer, "KEPT_BYTES", 300)
    monkeypatch.setattr(answer_observer, "LONGEST_LINE", 60)
    assert _seen(_watch(golden("thinking_and_tools.sse"))) == _seen(_watch(golden("thinking_and_tools.sse"), [1, 500]))
    observer = _watch(golden("thinking_and_tools.sse"), [50, 900, 1_000])
    assert observer.produced() == SAID
    assert observer.ended


@given(data=st.lists(st.sampled_from([
    b"data: ", b'{"type":"message_start","message":', b"5", b'{"usage":7}', b"}", b"\n\n", b'"error"', b"\xff",
    b'{"type":"message_delta","delta":[],"usage":[]}', b'{"type":"error"}', b'"content_block', b"[" * 2_000,
])).map(b"".join), streamed=st.booleans())  # fmt: skip
def test_no_bytes_make_it_fail(data: bytes, streamed: bool) -> None:
    _seen(_watch(data, streamed=streamed))
