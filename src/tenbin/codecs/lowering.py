"""Stage 2, saying in a plainer dialect what a conversation holds: which results answer which calls, which tools are
offered, how much thinking is asked for, and words for what the dialect has no field for.
"""

from collections.abc import Sequence

import msgspec

from tenbin.core.conversation import (
    Conversation,
    Document,
    Image,
    Opaque,
    OutputFormat,
    Part,
    Text,
    Thought,
    Tool,
    ToolCall,
    ToolReference,
    ToolResult,
    Turn,
)
from tenbin.core.problems import Inexpressible
from tenbin.core.target import Quirks, Target

PLACEHOLDER = "DeferredToolPlaceholder"
"""A tool that Claude Code declares but that is never to be called."""

EFFORTS = frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"})
"""What ``reasoning_effort`` can be (OpenAI's API reference)."""

TIERS = frozenset({"default", "flex", "priority", "scale", "fast"})
"""What ``service_tier`` can be, but for ``auto``, which is the default."""

_LONGEST_USER = 64


def told_tier(tier: str | None) -> str | None:
    """The service tier that an answer echoes, in OpenAI's words; None where they have none for it."""
    word = (tier or "").partition("+")[0]
    return word if word in TIERS or word == "auto" else "default" if word == "standard" else None


Results = dict[int, dict[str, list[ToolResult]]]
"""Tool results by the index of the turn that made the call, and the call's id."""


def most_output(conversation: Conversation, target: Target) -> int | None:
    """Most tokens of output to ask for: what the client wants, as far as the model can."""
    most = target.max_output or target.quirks.most_output
    return min(conversation.max_tokens, most) if conversation.max_tokens and most else conversation.max_tokens


def public_user(conversation: Conversation) -> str | None:
    """The end user's id, where it may be told to another provider: an id that is a JSON object (Claude Code's) tells
    the device and the account.
    """
    user = conversation.user
    return user if user and len(user) <= _LONGEST_USER and not user.startswith("{") else None


def offered(conversation: Conversation) -> list[Tool]:
    """The tools to show to a model that knows no deferred tools.

    A deferred tool is shown once a tool search has found it or a call has used it. Where the client has no search tool
    of its own, nothing could ever find one, so all are shown.
    """
    tools = [tool for tool in conversation.tools if tool.name != PLACEHOLDER]
    if not any(tool.deferred for tool in tools):
        return tools
    if not any(tool.name.lower().replace("_", "").startswith("toolsearch") for tool in tools):
        return tools
    found: set[str] = set()
    for turn in conversation.turns:
        for part in turn.parts:
            if isinstance(part, ToolCall):
                found.add(part.name)
            elif isinstance(part, ToolReference):
                found.add(part.tool_name)
            elif isinstance(part, ToolResult):
                found.update(inner.tool_name for inner in part.content if isinstance(inner, ToolReference))
    return [tool for tool in tools if not tool.deferred or tool.name in found]


def effort_of(conversation: Conversation) -> tuple[Thought | None, str | None]:
    """What is asked of thinking, and the effort in force: the one that the last turn to name one asks for."""
    thought = conversation.thought
    effort = thought.effort if thought is not None else None
    for turn in conversation.turns:
        effort = turn.effort or effort
    return thought, effort


def effort_for_budget(budget: int) -> str:
    """The effort that stands for a budget of thinking tokens: OpenRouter's shares (20, 50 and 80 %) of 32 000."""
    return "low" if budget <= 6_400 else "medium" if budget <= 16_000 else "high"


_SCALE = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


def nearest_effort(effort: str | None, quirks: Quirks) -> str | None:
    """The effort that the model takes and that is nearest to the one asked for, rather below it than above; None where
    it takes none.
    """
    taken = quirks.efforts
    if effort is None or taken is None or effort in taken:
        return effort
    if effort not in _SCALE:
        return None
    place = _SCALE.index(effort)
    below = [one for one in _SCALE[:place] if one in taken and one != "none"]
    above = [one for one in _SCALE[place:] if one in taken]
    return below[-1] if below else above[0] if above else None


def schema_in_words(schema: bytes) -> str:
    """The schema of an answer as an instruction."""
    return f"Answer with one JSON object that fits this JSON Schema, and with nothing else:\n{schema.decode()}"


def format_in_words(output: OutputFormat | None, quirks: Quirks) -> str | None:
    """The schema as an instruction, for a target that can't be held to one."""
    if output is None or output.mode != "json_schema" or output.schema is None or quirks.json_schema:
        return None
    return schema_in_words(bytes(output.schema))


def results_by_turn(turns: tuple[Turn, ...], dialect: str) -> Results:
    """Each tool result under the latest assistant turn before it that made the call, whatever the order they came in.

    Ids may repeat over a conversation: some servers count calls anew in each answer. Raises Inexpressible for a
    result whose call is nowhere before it.
    """
    callers: dict[str, int] = {}
    results: Results = {}
    for index, turn in enumerate(turns):
        for part in turn.parts:
            called = call_id(part, dialect)
            if called is not None:
                callers[called] = index
            elif isinstance(part, ToolResult):
                caller = callers.get(part.call_id)
                if caller is None:
                    raise Inexpressible(
                        "tool_result", f"The tool result for {part.call_id!r} answers no tool call before it."
                    )
                results.setdefault(caller, {}).setdefault(part.call_id, []).append(part)
    return results


def call_id(part: Part, dialect: str) -> str | None:
    """The id under which a result answers this part; None for a part that calls nothing."""
    if isinstance(part, ToolCall):
        return part.id
    if isinstance(part, Opaque) and part.dialect == dialect and isinstance(part.value, dict):
        found = part.value.get("call_id", part.value.get("id"))
        return str(found) if found is not None else None
    return None


def as_error(parts: list[Part]) -> list[Part]:
    """The dialect has no field that marks a failed call, so the words say it."""
    if parts and isinstance(parts[0], Text):
        return [msgspec.structs.replace(parts[0], text=f"Error: {parts[0].text}"), *parts[1:]]
    return [Text(text="Error:"), *parts]


def document_words(document: Document) -> str:
    """A document that is text, as text."""
    title = f' title="{document.title}"' if document.title else ""
    return f"<document{title}>\n{document.text}\n</document>"


def split_attachments(result: ToolResult, target: Target) -> tuple[list[Part], list[Part]]:
    """A tool result's parts: those that stay in it, and pictures and files that must move to a user message."""
    kept: list[Part] = []
    taken: list[Part] = []
    for part in result.content:
        attached = isinstance(part, Image) or (isinstance(part, Document) and part.text is None)
        (taken if attached and not target.quirks.tool_result_images else kept).append(part)
    if taken:
        kept.append(Text(text="(This result's attachments are in the user message that follows.)"))
    return kept, taken


def system_words(parts: Sequence[Part], target: Target) -> str:
    """A system message's text. Raises Inexpressible when it holds anything else."""
    for part in parts:
        if not isinstance(part, Text):
            raise Inexpressible("system", f"{target.name} takes nothing but text in system messages.")
    return "\n\n".join(part.text for part in parts if isinstance(part, Text))


def reminder(words: str) -> str:
    """A system message in the middle, inside a user message, for a target that takes no such thing."""
    return f"<system-reminder>\n{words}\n</system-reminder>"
