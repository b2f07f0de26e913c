"""Hypothesis strategies: conversations and answers in no dialect, and ways of cutting bytes and batching deltas.

What they draw is what real clients send and real models answer; odd bytes are the business of the fuzzers.
"""

import base64
import json
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import strategies as st

from tenbin.core.answer import (
    AnswerFinished,
    AnswerStarted,
    ArgumentsDelta,
    BlockStarted,
    BlockStopped,
    Delta,
    Ping,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
)
from tenbin.core.conversation import (
    Conversation,
    Document,
    Image,
    OutputFormat,
    Part,
    Sampling,
    Text,
    Thinking,
    Thought,
    Tool,
    ToolCall,
    ToolChoice,
    ToolReference,
    ToolResult,
    Turn,
)
from tenbin.core.usage import Usage

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = base64.b64encode(b"%PDF-1.4\n%%EOF\n").decode()

words = st.text(min_size=1, max_size=40).filter(str.strip)
"""Any characters but lone surrogates, which no JSON of a real client holds; not only blanks, which some refuse."""
prose = (
    st.sampled_from(["Good morning.", "天秤 weighs 🙂", 'a "quoted"\nline\ttab', "data: x\n\n", " leading", "\u2028"])
    | words
)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,20}", fullmatch=True)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
arguments = st.dictionaries(words, json_values, max_size=3).map(json.dumps) | st.dictionaries(
    names, json_values, max_size=3
).map(lambda value: json.dumps(value, ensure_ascii=False, indent=1))

texts = st.builds(Text, text=prose)
images = st.just(Image(data=PNG, media_type="image/png")) | st.builds(
    Image, url=st.sampled_from(["https://pictures.invalid/a.png", "http://pictures.invalid/b?c=d&e"])
)
documents = st.builds(Document, data=st.just(PDF), title=st.none() | st.just("report.pdf")) | st.builds(
    Document, text=prose, media_type=st.just("text/plain"), title=st.none() | words
)
schemas = st.dictionaries(names, st.sampled_from([{"type": "string"}, {"type": "integer"}]), max_size=3).map(
    lambda properties: msgspec.Raw(
        json.dumps(
            {
                "type": "object",
                "properties": properties,
                "required": list(properties),
                "additionalProperties": False,
            }
        ).encode()
    )
)


@st.composite
def tools(draw: st.DrawFn) -> tuple[Tool, ...]:
    """Tools with names that differ."""
    unique = draw(st.lists(names, max_size=4, unique=True))
    offered = tuple(
        Tool(name=name, description=draw(st.none() | prose), schema=draw(schemas), deferred=draw(st.booleans()))
        for name in unique
    )
    # Who defers tools offers one that finds them.
    return (*offered, Tool(name="ToolSearch")) if any(tool.deferred for tool in offered) else offered


@st.composite
def assistant_turns(draw: st.DrawFn, ids: "list[str]", tool_names: list[str]) -> Turn:
    """What a model said: thinking, words, calls; in this order, as models do."""
    parts: list[Part] = []
    if draw(st.booleans()):
        parts.append(Thinking(text=draw(prose), signature=draw(st.none() | st.just("c2lnbmF0dXJl"))))
    if draw(st.booleans()):
        parts.append(Text(text=draw(prose)))
    for _ in range(draw(st.integers(0, 3))):
        ids.append(f"toolu_{len(ids):04d}")
        parts.append(ToolCall(id=ids[-1], name=draw(st.sampled_from(tool_names)), arguments=draw(arguments)))
    if not any(isinstance(part, Text | ToolCall) for part in parts):
        parts.append(Text(text=draw(prose)))
    return Turn(role="assistant", parts=tuple(parts))


@st.composite
def results(draw: st.DrawFn, turn: Turn, deferred: list[str]) -> list[Part]:
    """One result for each call of the turn, in any order, with errors, images and tools that were found."""
    calls = draw(st.permutations([part for part in turn.parts if isinstance(part, ToolCall)]))
    kinds: st.SearchStrategy[Text | Image | ToolReference] = texts | st.just(Image(data=PNG, media_type="image/png"))
    if deferred:
        kinds |= st.builds(ToolReference, tool_name=st.sampled_from(deferred))
    inner = st.lists(kinds, max_size=3)
    return [ToolResult(call_id=call.id, content=tuple(draw(inner)), is_error=draw(st.booleans())) for call in calls]


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """Whole requests."""
    offered = draw(tools())
    callable_names = [tool.name for tool in offered if not tool.deferred] or ["forgotten_tool"]
    deferred = [tool.name for tool in offered if tool.deferred]
    ids: list[str] = []
    turns = [Turn(role="user", parts=(*draw(st.lists(texts | images | documents, max_size=2)), draw(texts)))]
    for _ in range(draw(st.integers(0, 3))):
        said = draw(assistant_turns(ids, callable_names))
        answered = draw(results(said, deferred))
        followed = draw(st.lists(texts | images, min_size=0 if answered else 1, max_size=2))
        turns += [said, Turn(role="user", parts=(*answered, *followed))]
        if draw(st.booleans()):
            turns.append(Turn(role="system", parts=(draw(texts),)))
    choice = draw(_choices(offered))
    forced = choice is not None and choice.mode in ("any", "tool")
    return Conversation(
        model="a-model",
        stream=draw(st.booleans()),
        system=tuple(draw(st.lists(texts, max_size=2))),
        turns=tuple(turns),
        tools=offered,
        tool_choice=choice,
        parallel_tool_calls=draw(st.sampled_from([None, False])) if offered else None,
        max_tokens=draw(st.integers(16, 64_000)),
        stop=tuple(draw(st.lists(words, max_size=3, unique=True))),
        sampling=draw(samplings),
        # Anthropic does not take both.
        thought=None if forced else draw(thoughts),
        output_format=draw(output_formats),
    )


def _choices(offered: tuple[Tool, ...]) -> st.SearchStrategy[ToolChoice | None]:
    shown = [tool.name for tool in offered if not tool.deferred]
    if not shown:
        return st.none()
    return (
        st.none()
        | st.sampled_from([ToolChoice(mode="auto"), ToolChoice(mode="none"), ToolChoice(mode="any")])
        | st.sampled_from(shown).map(lambda name: ToolChoice(mode="tool", name=name))
    )


samplings = st.builds(
    Sampling,
    temperature=st.none() | st.sampled_from([0.0, 0.5, 1.0]),
    top_p=st.none() | st.sampled_from([0.1, 0.95]),
    top_k=st.none() | st.integers(1, 100),
)
thoughts = st.none() | st.sampled_from(
    [
        Thought(mode="off"),
        Thought(mode="adaptive"),
        Thought(mode="adaptive", effort="high"),
        Thought(mode="on", budget=2048),
        Thought(mode="adaptive", effort="medium", show=False),
    ]
)
output_formats = st.none() | schemas.map(lambda schema: OutputFormat(mode="json_schema", schema=schema))


usages = st.builds(
    Usage,
    input=st.integers(0, 10**6),
    cache_read=st.integers(0, 10**6),
    cache_write_5m=st.integers(0, 10**6),
    cache_write_1h=st.integers(0, 10**6),
    output=st.integers(500, 10**5),
    reasoning=st.integers(0, 500),
)


@st.composite
def answers(draw: st.DrawFn) -> list[Delta]:
    """A whole answer: thinking, words, calls in this order, each block in pieces, pings between."""
    usage = draw(usages)
    deltas: list[Delta] = [AnswerStarted("msg_0123", "a-model", draw(st.sampled_from([Usage(), usage_so_far(usage)])))]
    kinds = ["thinking"] * draw(st.integers(0, 1)) + ["text"] * draw(st.integers(0, 1))
    calls = draw(st.integers(0, 3))
    kinds += ["tool_call"] * calls
    for index, kind in enumerate(kinds):
        deltas += draw(_block(index, kind))
        if draw(st.booleans()):
            deltas.append(Ping())
    reason: Any = "tool_use" if calls else draw(st.sampled_from(["end_turn", "max_tokens", "refusal"]))
    deltas.append(AnswerFinished(reason, usage))
    return deltas


def usage_so_far(usage: Usage) -> Usage:
    """What a provider states at the start: the prompt's side."""
    return msgspec.structs.replace(usage, output=0, reasoning=0)


@st.composite
def _block(draw: st.DrawFn, index: int, kind: Any) -> list[Delta]:
    if kind == "tool_call":
        text = draw(arguments)
        started = BlockStarted(index=index, kind=kind, id=f"toolu_{index:04d}", name=draw(names))
        pieces: list[Delta] = [ArgumentsDelta(index, piece) for piece in draw(pieces_of(text))]
    elif kind == "thinking":
        started = BlockStarted(index=index, kind=kind)
        pieces = [ThinkingDelta(index, piece) for piece in draw(pieces_of(draw(prose)))]
        if draw(st.booleans()):
            pieces.append(SignatureDelta(index, "c2lnbmF0dXJl"))
    else:
        started = BlockStarted(index=index, kind=kind)
        pieces = [TextDelta(index, piece) for piece in draw(pieces_of(draw(prose)))]
    return [started, *pieces, BlockStopped(index)]


@st.composite
def pieces_of(draw: st.DrawFn, whole: Any) -> list[Any]:
    """A text or bytes in pieces, none of them empty."""
    cuts = draw(st.lists(st.integers(0, len(whole)), max_size=8))
    edges = sorted({0, *cuts, len(whole)})
    return [whole[start:end] for start, end in pairwise(edges)]
