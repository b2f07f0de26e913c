"""Requests and turns that the tests of this dialect share."""

import json
from typing import Any

from tenbin.codecs.openai_chat import OPENAI_CHAT
from tenbin.core.conversation import (
    Conversation,
    Document,
    Image,
    Part,
    Text,
    ToolCall,
    Turn,
)
from tests.codecs.openai_golden import target

USER = Turn(role="user", parts=(Text(text="Hi"),))


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}], **fields}).encode()


def read(*messages: Any, **fields: Any) -> Conversation:
    return OPENAI_CHAT.read(body(messages=list(messages), **fields))


def written(conversation: Conversation, **quirks: Any) -> dict[str, Any]:
    return json.loads(OPENAI_CHAT.write(conversation, target(**quirks)))


def talk(*turns: Turn, **fields: Any) -> Conversation:
    return Conversation(model="m", turns=turns, **fields)


def assistant(*parts: Part) -> Turn:
    return Turn(role="assistant", parts=parts)


def user(*parts: Part) -> Turn:
    return Turn(role="user", parts=parts)


CALL = ToolCall(id="call_1", name="look", arguments='{"x": 1}')
PNG = Image(media_type="image/png", data="aGk=")
PDF = Document(data="aGk=", title="a.pdf")
