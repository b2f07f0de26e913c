"""A stand-in's answer passes through, its reasoning marked, in any cutting of its bytes."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.openai_responses import OPENAI_RESPONSES
from tenbin.codecs.thinking import unmark
from tenbin.core.target import Target

HEAD = OPENAI_RESPONSES.read_head(b'{"model":"auto","input":"a","stream":true}')
STAND_IN = Target(provider="openai", model="gpt-5.1", dialects=("openai_responses",), stand_in=True)
RECORDED = (Path(__file__).parents[2] / "golden" / "openai" / "responses_openai_full.sse").read_bytes()
ITEM = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}
EVENTS: list[dict[str, Any]] = [
    {"type": "response.output_text.delta", "delta": 'a "encrypted_content" of words'},
    {"type": "response.output_item.done", "output_index": 0, "item": ITEM},
    {"type": "response.completed", "response": {"status": "completed", "output": [ITEM]}},
]
STREAM = b"".join(
    b"event: " + event["type"].encode() + b"\ndata: " + json.dumps(event).encode() + b"\n\n" for event in EVENTS
)


def fed(data: bytes, cuts: list[int]) -> tuple[bytes, Any]:
    observer = OPENAI_RESPONSES.observer(streamed=True, head=HEAD, target=STAND_IN)
    places = [0, *sorted(cut % len(data) for cut in cuts), len(data)]
    pieces = [observer.feed(data[start:end]) for start, end in pairwise(places)]
    return b"".join(pieces) + observer.finish(), observer


@given(cuts=st.lists(st.integers(0, 10_000), max_size=6))
def test_reasoning_is_marked_in_every_event(cuts: list[int]) -> None:
    told, observer = fed(STREAM, cuts)
    events = [json.loads(line[5:]) for line in told.splitlines() if line.startswith(b"data:")]
    assert observer.ended
    assert [event["type"] for event in events] == [event["type"] for event in EVENTS]
    assert events[0] == EVENTS[0]
    for item in (events[1]["item"], *events[2]["response"]["output"]):
        assert unmark(item["encrypted_content"]) == ("gpt-5.1", "rs_1|gAAAA")
        assert {**item, "encrypted_content": "gAAAA"} == ITEM


@given(cuts=st.lists(st.integers(0, 10_000), max_size=6))
def test_an_answer_without_it_passes_byte_for_byte(cuts: list[int]) -> None:
    plain = b"\n".join(line for line in RECORDED.splitlines() if b'"encrypted_content"' not in line) + b"\n\n"
    assert fed(plain, cuts)[0] == plain
