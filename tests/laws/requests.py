"""What a request says, taken apart into facts; which of them each dialect cannot say; and how the laws write one.

A fact is compared by itself, so that a table can state what is lost, and everything else must arrive.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeGuard

import msgspec

from tenbin.codecs.registry import dialect
from tenbin.core.conversation import (
    Conversation,
    Document,
    Image,
    Part,
    Text,
    ToolCall,
    ToolReference,
    ToolResult,
    Turn,
)
from tenbin.core.problems import Inexpressible
from tenbin.core.target import DialectName, Quirks
from tests.laws.answers import target_of

QUIRKS: dict[DialectName, Quirks] = {
    "anthropic": Quirks(reasoning_request="thinking", documents=True, tool_result_images=True, cache_control=True),
    "openai_chat": Quirks(reasoning_request="reasoning_effort", documents=True),
    "openai_responses": Quirks(reasoning_request="reasoning_effort", documents=True, tool_result_images=True),
    "ollama_chat": Quirks(reasoning_request="thinking", stop_limit=0),
}
"""Providers that can do all that their dialect has words for; less able ones are the business of each codec's tests."""


def write(name: DialectName, conversation: Conversation) -> bytes:
    """The request for a provider of this dialect."""
    return dialect(name).write(conversation, target_of(name, quirks=QUIRKS[name], context=1_000_000))


def through(name: DialectName, conversation: Conversation) -> Conversation:
    """The same conversation, once it was written and read in this dialect."""
    return dialect(name).read(write(name, conversation))


# What cannot be said at all, and must be refused rather than dropped.

INEXPRESSIBLE: dict[DialectName, dict[str, str]] = {
    "anthropic": {"stop": "a stop sequence of blanks only"},
    "openai_chat": {"documents": "a file by URL"},
    "openai_responses": {"stop": "there is no field for it"},
    "ollama_chat": {
        "forced_tool_choice": "there is no tool_choice",
        "images": "images are sent as base64 only",
        "documents": "there are no documents but text",
    },
}


def expressible(name: DialectName, conversation: Conversation) -> Conversation:
    """The conversation without what this dialect refuses; a refusal that the table does not have is a failure."""
    for _ in range(5):
        feature = _refused(name, conversation)
        if feature is None:
            return conversation
        assert feature in INEXPRESSIBLE[name], f"{name} must not refuse {feature}"
        conversation = _WITHOUT[feature](conversation)
    raise AssertionError(f"{name} refuses the same thing again and again")


def _refused(name: DialectName, conversation: Conversation) -> str | None:
    try:
        write(name, conversation)
    except Inexpressible as refused:
        return refused.feature
    return None


def _without_forced_choice(conversation: Conversation) -> Conversation:
    return msgspec.structs.replace(conversation, tool_choice=None)


def _without_parts(unwanted: Callable[[Part], bool]) -> Callable[[Conversation], Conversation]:
    def strip(conversation: Conversation) -> Conversation:
        turns = []
        for turn in conversation.turns:
            kept = tuple(part for part in turn.parts if not unwanted(part))
            turns.append(Turn(role=turn.role, parts=kept or (Text(text="(nothing)"),)))
        return msgspec.structs.replace(conversation, turns=tuple(turns))

    return strip


_WITHOUT: dict[str, Callable[[Conversation], Conversation]] = {
    "forced_tool_choice": _without_forced_choice,
    "stop": lambda conversation: msgspec.structs.replace(conversation, stop=()),
    "images": _without_parts(lambda part: isinstance(part, Image) and part.data is None),
    "documents": _without_parts(lambda part: isinstance(part, Document) and part.text is None),
}


# Facts


Gap = list[Turn]


def _gaps(conversation: Conversation) -> list[Gap]:
    """What stands before, between and after the assistant's turns."""
    gaps: list[Gap] = [[]]
    after_assistant = False
    for turn in conversation.turns:
        if turn.role == "assistant":
            if not after_assistant:
                gaps.append([])
            after_assistant = True
        else:
            gaps[-1].append(turn)
            after_assistant = False
    return gaps


def _parts(turns: Iterable[Turn], kind: Any) -> list[Any]:
    return [part for turn in turns for part in turn.parts if isinstance(part, kind)]


def _results(conversation: Conversation) -> list[ToolResult]:
    return sorted(_parts(conversation.turns, ToolResult), key=lambda result: str(result.call_id))


def _said_by_assistant(conversation: Conversation) -> list[str]:
    turns: list[str] = []
    previous = ""
    for turn in conversation.turns:
        if turn.role == "assistant":
            said = "".join(part.text for part in turn.parts if isinstance(part, Text))
            if previous == "assistant":
                turns[-1] += said
            else:
                turns.append(said)
        previous = turn.role
    return turns


def _words_of_gap(gap: Gap) -> list[str]:
    return [part.text for part in _parts(gap, Text)]


def _pictures(gap: Gap) -> list[str]:
    inner = [part for result in _parts(gap, ToolResult) for part in result.content]
    pictures = [part for part in [*inner, *_parts(gap, Image)] if isinstance(part, Image)]
    return sorted(picture.data or picture.url or "" for picture in pictures)


def _documents(conversation: Conversation) -> list[Any]:
    return [
        (document.title, document.data or document.url or document.text)
        for document in _parts(conversation.turns, Document)
    ]


def _shown_tools(conversation: Conversation) -> list[Any]:
    """Those that the model may call: none under tool_choice none, deferred ones once a search has found them."""
    if conversation.tool_choice is not None and conversation.tool_choice.mode == "none":
        return []
    found = {part.tool_name for result in _results(conversation) for part in result.content if _is_reference(part)}
    return [
        (tool.name, tool.description, json.loads(bytes(tool.schema)))
        for tool in conversation.tools
        if not tool.deferred or tool.name in found
    ]


def _is_reference(part: Any) -> TypeGuard[ToolReference]:
    return isinstance(part, ToolReference)


def _called(conversation: Conversation) -> list[Any]:
    return [(call.id, call.name, json.loads(call.arguments)) for call in _parts(conversation.turns, ToolCall)]


def _choice(conversation: Conversation) -> Any:
    choice = conversation.tool_choice
    # Nothing and "auto" mean the same to everybody.
    return None if choice is None or choice.mode == "auto" else (choice.mode, choice.name)


def _schema(conversation: Conversation) -> Any:
    wanted = conversation.output_format
    return None if wanted is None or wanted.schema is None else json.loads(bytes(wanted.schema))


def _thinks(conversation: Conversation) -> bool:
    return conversation.thought is not None and conversation.thought.mode != "off"


def _thinks_not(conversation: Conversation) -> bool:
    return conversation.thought is not None and conversation.thought.mode == "off"


def _effort(conversation: Conversation) -> Any:
    return None if conversation.thought is None else conversation.thought.effort


FACTS: dict[str, Callable[[Conversation], Any]] = {
    "stream": lambda said: said.stream,
    "assistant's words": _said_by_assistant,
    "calls": _called,
    "results": lambda said: [result.call_id for result in _results(said)],
    "result errors": lambda said: [result.is_error for result in _results(said)],
    "images": lambda said: [_pictures(gap) for gap in _gaps(said)],
    "documents": _documents,
    "tools": _shown_tools,
    "tool choice": _choice,
    # Where no tool may be called, there is nothing to say of several at once.
    "parallel calls": lambda said: None if _choice(said) == ("none", None) else said.parallel_tool_calls,
    "max tokens": lambda said: said.max_tokens,
    "stop": lambda said: said.stop,
    "temperature": lambda said: said.sampling.temperature,
    "top_p": lambda said: said.sampling.top_p,
    "top_k": lambda said: said.sampling.top_k,
    "thinking asked for": _thinks,
    "thinking forbidden": _thinks_not,
    "effort": _effort,
    "schema": _schema,
}

SAID_OR_CHOSEN = {"effort"}
"""Facts that a writer may choose where they were not said: a budget of thinking becomes an effort."""

LOST_IN_REQUESTS: dict[DialectName, dict[str, str]] = {
    "anthropic": {},
    "openai_chat": {
        "result errors": "said in words: Error: ...",
        "documents": "text documents are put into the user's words",
        "thinking asked for": "an effort, or nothing: there is no word for thinking without one",
        "top_k": "not among OpenAI's fields",
    },
    "openai_responses": {
        "result errors": "said in words: Error: ...",
        "documents": "text documents are put into the user's words",
        "thinking asked for": "an effort, or nothing: there is no word for thinking without one",
        "top_k": "not among OpenAI's fields",
        "stop": "there is no field for it",
    },
    "ollama_chat": {
        "result errors": "said in words: Error: ...",
        "documents": "text documents are put into the user's words",
        "tool choice": "none is said by offering no tools, and nothing else can be said",
        "parallel calls": "there is no field for it",
        "effort": "think is true or false for all but a few models",
    },
}
"""Facts that a dialect has no words for, each with the reason. Words and results are never in here."""


def lost(*names: DialectName) -> set[str]:
    """The facts that do not survive all of these dialects."""
    return {fact for name in names for fact in LOST_IN_REQUESTS[name]}


def assert_same_facts(said: Conversation, arrived: Conversation, without: set[str]) -> None:
    """Every fact that is not among the lost ones has arrived, and every word in its place."""
    for fact, of in FACTS.items():
        value = of(said)
        if fact not in without and (fact not in SAID_OR_CHOSEN or value is not None):
            assert of(arrived) == value, fact
    gaps, arrived_gaps = _gaps(said), _gaps(arrived)
    assert len(arrived_gaps) == len(gaps)
    assert_words(_texts(said.system), _texts(arrived.system))
    for gap, arrived_gap in zip(gaps, arrived_gaps, strict=True):
        assert_words(_words_of_gap(gap), _words_of_gap(arrived_gap))
    for result, arrived_result in zip(_results(said), _results(arrived), strict=True):
        assert_words(_texts(result.content), _texts(arrived_result.content))


def _texts(parts: Sequence[Any]) -> list[str]:
    return [part.text for part in parts if isinstance(part, Text)]


def assert_words(said: Sequence[str], arrived: Sequence[str]) -> None:
    """Every word said is found, in order, in what arrived, whatever stands around it."""
    whole = "\n".join(arrived)
    place = 0
    for words in said:
        found = whole.find(words, place)
        assert found >= 0, f"{words!r} is missing in {whole[place:]!r}"
        place = found + len(words)
