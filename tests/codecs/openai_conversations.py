"""Conversations that every dialect can say, for the round trips of OpenAI's two."""

import base64
from typing import Any

import msgspec
from hypothesis import strategies as st

from tenbin.core.conversation import (
    Conversation,
    Document,
    Image,
    OutputFormat,
    Part,
    Sampling,
    Text,
    Thought,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)

words = st.text(min_size=1, max_size=12)
names = st.text("abcXYZ019_-", min_size=1, max_size=20)
texts = st.builds(Text, text=words)
images = st.one_of(
    st.builds(
        Image,
        media_type=st.sampled_from(["image/png", "image/jpeg"]),
        data=st.binary(min_size=1, max_size=9).map(lambda data: base64.b64encode(data).decode()),
        detail=st.sampled_from(["low", "high"]),
    ),
    st.builds(Image, url=st.just("https://example.invalid/a.png"), detail=st.just("low")),
)
documents = st.builds(
    Document,
    data=st.binary(min_size=1, max_size=9).map(lambda data: base64.b64encode(data).decode()),
    title=st.just("a.pdf"),
)
user_parts = st.one_of(
    st.tuples(texts), st.lists(images | documents, min_size=1, max_size=3).map(tuple), st.tuples(texts, images)
)


@st.composite
def turns(draw: Any) -> tuple[Turn, ...]:
    """User and assistant taking turns; calls answered in some order by the next turn."""
    made: list[Turn] = []
    for number in range(draw(st.integers(1, 4))):
        made.append(Turn(role="user", parts=draw(user_parts)))
        parts: list[Part] = list(draw(st.lists(texts, max_size=1)))
        calls: list[Part] = [
            ToolCall(
                id=f"call_{number}_{position}", name=draw(names), arguments=draw(st.sampled_from(["{}", '{"a": 1}']))
            )
            for position in range(draw(st.integers(0, 3)))
        ]
        if not parts and not calls:
            continue
        made.append(Turn(role="assistant", parts=tuple(parts + calls)))
        if calls:
            results = [
                ToolResult(call_id=call.id, content=(draw(texts),)) for call in calls if isinstance(call, ToolCall)
            ]
            made.append(Turn(role="user", parts=tuple(draw(st.permutations(results)))))
        if draw(st.booleans()):
            made.append(Turn(role="system", parts=(draw(texts),)))
    return tuple(made)


schemas = st.sampled_from(
    [b'{"type":"object","properties":{}}', b'{"type":"object","properties":{"a":{"type":"string"}}}']
)
tools = st.lists(
    st.builds(
        Tool,
        name=names,
        description=st.none() | words,
        schema=schemas.map(msgspec.Raw),
        strict=st.sampled_from([False, True]),
    ),
    max_size=3,
    unique_by=lambda tool: tool.name,
).map(tuple)
efforts = st.sampled_from(["minimal", "low", "medium", "high"])


@st.composite
def conversations(draw: Any, *, chat: bool) -> Conversation:
    offered = draw(tools)
    choices = [None, ToolChoice(mode="auto"), ToolChoice(mode="none"), ToolChoice(mode="any")]
    if offered:
        choices.append(ToolChoice(mode="tool", name=offered[0].name))
    numbers = st.none() | st.sampled_from([0.0, 0.5, 1.0])
    return Conversation(
        model="m",
        stream=draw(st.booleans()),
        system=draw(st.just(()) | st.tuples(texts)),
        turns=draw(turns()),
        tools=offered,
        tool_choice=draw(st.sampled_from(choices)) if offered else None,
        parallel_tool_calls=draw(st.none() | st.booleans()) if offered else None,
        max_tokens=draw(st.none() | st.integers(16, 128_000)),
        stop=draw(st.lists(words, max_size=4).map(tuple)) if chat else (),
        sampling=Sampling(
            temperature=draw(numbers),
            top_p=draw(numbers),
            top_k=draw(st.none() | st.integers(1, 50)) if chat else None,
            seed=draw(st.none() | st.integers(0, 9)) if chat else None,
            presence_penalty=draw(numbers) if chat else None,
            frequency_penalty=draw(numbers) if chat else None,
        ),
        thought=draw(
            st.none() | st.just(Thought(mode="off")) | st.builds(Thought, mode=st.just("adaptive"), effort=efforts)
        ),
        output_format=draw(
            st.none()
            | st.just(OutputFormat(mode="json_object"))
            | st.builds(
                OutputFormat,
                mode=st.just("json_schema"),
                name=names,
                schema=schemas.map(msgspec.Raw),
                strict=st.booleans(),
            )
        ),
        user=draw(st.none() | st.just("user-1")),
        session=draw(st.none() | st.just("session-1")),
        service_tier=draw(st.none() | st.just("flex")),
    )


def in_order(conversation: Conversation) -> Conversation:
    """The conversation with results in the order of their calls, which is how both dialects put them."""
    order: dict[str, int] = {}
    for turn in conversation.turns:
        for part in turn.parts:
            if isinstance(part, ToolCall):
                order[part.id] = len(order)

    def place(part: Part) -> int:
        return order[part.call_id] if isinstance(part, ToolResult) else -1

    turns = [
        msgspec.structs.replace(turn, parts=tuple(sorted(turn.parts, key=place)))
        if any(isinstance(part, ToolResult) for part in turn.parts)
        else turn
        for turn in conversation.turns
    ]
    return msgspec.structs.replace(conversation, turns=tuple(turns))


def comparable(conversation: Conversation) -> Any:
    """Plain data: raw JSON compares by its value."""
    return msgspec.json.decode(msgspec.json.encode(conversation))
