"""An answer on its way from one dialect to another, as the pipeline relays it."""

import json

import pytest

from tenbin.codecs.anthropic_messages import ANTHROPIC
from tenbin.codecs.openai_chat import OPENAI_CHAT
from tenbin.codecs.openai_responses import OPENAI_RESPONSES
from tenbin.codecs.tool_names import fitted, originals
from tenbin.codecs.translation import Translation
from tenbin.core.ask import Head
from tenbin.core.conversation import Tool
from tenbin.core.usage import Usage
from tests.codecs.openai_golden import CHAT_STREAMS, deltas_of, expected, stream, target
from tests.codecs.test_openai_chat_answers import plain

HEAD = Head(model="asked", stream=True)
REQUEST_ID = "req_01ARZ3NDEKTSV4RRFFQ69G5FAV"


def translation(streamed: bool = True, tools: tuple[Tool, ...] = ()) -> Translation:
    writer = OPENAI_RESPONSES.writer(streamed=streamed, request_id=REQUEST_ID, head=HEAD)
    return Translation(OPENAI_CHAT.reader(streamed=True, target=target()), writer, originals(tools))


@pytest.mark.parametrize("name", CHAT_STREAMS)
def test_a_stream_arrives_in_the_other_dialect_and_is_settled_alike(name: str) -> None:
    under_way = translation()
    sent = under_way.feed(stream(name)) + under_way.finish()
    source = deltas_of(OPENAI_CHAT, [stream(name)])
    finished = expected(name)[-1]["delta"] == "AnswerFinished"
    assert under_way.ended == finished
    assert (under_way.failure is None) == finished
    assert under_way.usage == source[-1].usage  # type: ignore[union-attr]
    if finished:
        assert plain(deltas_of(OPENAI_RESPONSES, [sent])) == plain(source)
    said = plain(source)
    words = [said["text"], said["thinking"], said["refusal"], *(piece for call in said["calls"] for piece in call[1:])]
    # Calls may come in turns: what counts for an estimate is that no word is lost.
    assert sorted("".join(under_way.produced().split())) == sorted("".join("".join(words).split()))


def test_a_tool_whose_name_was_too_long_is_called_by_its_own_name() -> None:
    name = "mcp__" + "server__" * 12
    chunk = {
        "choices": [
            {
                "index": 0,
                "delta": {
                    "tool_calls": [{"index": 0, "id": "c", "function": {"name": fitted(name), "arguments": "{}"}}]
                },
                "finish_reason": "tool_calls",
            }
        ]
    }
    data = b"data: " + json.dumps(chunk).encode() + b"\n\ndata: [DONE]\n\n"
    for streamed in (True, False):
        under_way = translation(streamed, (Tool(name=name), Tool(name="other")))
        sent = under_way.feed(data) + under_way.finish()
        assert plain(deltas_of(OPENAI_RESPONSES, [sent], streamed))["calls"] == [("c", name, "{}")]


def test_usage_that_a_provider_leaves_out_is_told_to_the_client_as_counted() -> None:
    asked: list[tuple[Usage, str]] = []

    def complete(stated: Usage, produced: str) -> Usage:
        asked.append((stated, produced))
        return Usage(input=7, output=3, input_estimated=True, output_estimated=True)

    writer = ANTHROPIC.writer(streamed=True, request_id="req_1", head=Head(model="m", stream=True))
    under_way = Translation(OPENAI_CHAT.reader(streamed=True, target=target()), writer, complete=complete)
    told = under_way.feed(
        b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"two words"}}]}\n\n'
        b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    )
    told += under_way.finish()
    assert asked == [(Usage(), "two words")]
    assert b'"input_tokens":7' in told
    assert b'"output_tokens":3' in told
    assert under_way.usage.output == 3
    assert under_way.usage.estimated
