"""An answer of a model that stands in for another: its own bytes, but for the marks on its signatures."""

import itertools
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.anthropic_messages import ANTHROPIC
from tenbin.codecs.dialect import Observer
from tenbin.core.ask import Head
from tests.codecs.anthropic_messages.targets import claude, golden

_STAND_IN = msgspec.structs.replace(claude("claude-haiku-5-5"), stand_in=True)
_MARK = "tenbin:claude-haiku-5-5:"


def _observer(*, streamed: bool, stand_in: bool = True) -> Observer:
    target = _STAND_IN if stand_in else claude("claude-haiku-5-5")
    return ANTHROPIC.observer(streamed=streamed, head=Head(model="m"), target=target)


def _passed(data: bytes, cuts: list[int], *, streamed: bool = True, stand_in: bool = True) -> tuple[bytes, Observer]:
    observer = _observer(streamed=streamed, stand_in=stand_in)
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    out = b"".join(observer.feed(data[start:end]) for start, end in itertools.pairwise(places))
    return out + observer.finish(), observer


def _events(data: bytes) -> list[Any]:
    return [json.loads(line[5:]) for line in data.splitlines() if line.startswith(b"data:")]


def _signatures(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for item in value for found in _signatures(item)]
    if not isinstance(value, dict):
        return []
    field = "data" if value.get("type") == "redacted_thinking" else "signature"
    own = [value[field]] if isinstance(value.get(field), str) and value[field] else []
    return own + [found for item in value.values() for found in _signatures(item)]


@pytest.mark.parametrize("name", ["thinking_and_tools.sse", "web_search.sse", "overloaded.sse", "llamacpp.sse"])
@given(cuts=st.lists(st.integers(min_value=0), max_size=30), end=st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_only_signatures_change_however_the_stream_is_cut(name: str, cuts: list[int], end: bytes) -> None:
    data = golden(name).replace(b"\n", end)
    marked, observer = _passed(data, cuts)
    before, after = _signatures(_events(data)), _signatures(_events(marked))
    assert after == [_MARK + signature for signature in before]
    for signature in before:
        marked = marked.replace(json.dumps(_MARK + signature).encode(), json.dumps(signature).encode())
    assert marked == data
    plain = _passed(data, cuts, stand_in=False)[1]
    assert (observer.usage, observer.ended, observer.failure) == (plain.usage, plain.ended, plain.failure)
    assert observer.produced() == plain.produced()


def test_the_recorded_stream_has_a_signature_to_mark() -> None:
    assert _signatures(_events(golden("thinking_and_tools.sse")))


def test_a_whole_answer() -> None:
    content: list[dict[str, Any]] = [
        {"type": "thinking", "thinking": "hm", "signature": "Eq=="},
        {"type": "redacted_thinking", "data": "gAAA"},
        {"type": "thinking", "thinking": "unsigned", "signature": ""},
        {"type": "text", "text": '{"type":"thinking","signature":"Eq=="}'},
        {"type": "tool_use", "id": "t", "name": "n", "input": {"signature": "Eq==", "type": "x"}},
    ]
    usage = {"input_tokens": 3, "output_tokens": 1}
    whole = {"type": "message", "model": "m", "content": content, "stop_reason": "end_turn", "usage": usage, "x": 1.0}
    marked, observer = _passed(json.dumps(whole, indent=1).encode(), [7], streamed=False)
    assert json.loads(marked) == whole | {
        "content": [
            content[0] | {"signature": _MARK + "Eq=="},
            content[1] | {"data": _MARK + "gAAA"},
            *content[2:],
        ]
    }
    assert observer.usage.output == 1
    assert _passed(b"not json", [], streamed=False)[0] == b"not json"


def test_marked_once_is_enough() -> None:
    event = {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": _MARK + "E"}}
    line = b"data: " + json.dumps(event).encode() + b"\n\n"
    assert _passed(line, [])[0] == line


@given(st.binary(max_size=200), st.booleans())
def test_other_bytes_pass(data: bytes, streamed: bool) -> None:
    data = b'data: {"signature": ' + data
    assert _passed(data, [3, 9], streamed=streamed)[0] == data
