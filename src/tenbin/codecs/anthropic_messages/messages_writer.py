"""Stage 2, a conversation's turns are arranged as Anthropic wants them: roles in turn, each tool result in the user
message straight after its call, every id once.
"""

import re
from collections.abc import Iterable

import msgspec

from tenbin.codecs.anthropic_messages.content_writer import BLANK, Block, text_block, written_part
from tenbin.core.conversation import Conversation, Image, Part, Role, Text, ToolCall, ToolResult, Turn
from tenbin.core.problems import Inexpressible
from tenbin.core.target import Target

Calls = dict[tuple[int, int], ToolCall]
"""Tool calls by where they stand: position of the turn, and of the part in it."""

_NOT_IN_ID = re.compile(r"[^a-zA-Z0-9_-]")

NO_RESULT = "No result was given for this call."
"""Stands for the result of a call that the conversation went on without; Anthropic wants one for each."""

OPENING = "(The conversation begins here.)"
"""Stands first where another than the user's message would; Anthropic wants a user's there."""

CLOSING = "(Go on.)"
"""Stands last where an assistant's message would and the model does not go on with one: other dialects ask for one
more answer so."""


class _Message(msgspec.Struct):
    role: Role
    parts: list[Part]
    effort: str | None = None


def arranged(conversation: Conversation, target: Target) -> tuple[list[Block], list[Block]]:
    """(system blocks, messages), written. Raises Inexpressible for what the target can't be given."""
    turns = list(conversation.turns)
    system = list(conversation.system)
    while turns and turns[0].role == "system":
        system += turns.pop(0).parts
    if not turns:  # a conversation of system messages only: they are what the user says
        turns, system = [Turn(role="user", parts=tuple(system))], []
    calls, results = _matched(turns)
    messages = _with_results(_merged(_folded(turns, target), calls), results)
    written = []
    for position, message in enumerate(messages):
        last = position == len(messages) - 1
        blocks = _blocks(message, target, last=last)
        if blocks:
            written.append(_message(message, blocks))
    if not written or written[0]["role"] != "user":
        written.insert(0, {"role": "user", "content": [text_block(OPENING)]})
    if not target.quirks.prefill and _begins_answer(written[-1]):
        written.append({"role": "user", "content": [text_block(CLOSING)]})
    return [block for part in system if (block := _system_block(part, target)) is not None], _joined(written)


def _matched(turns: list[Turn]) -> tuple[Calls, dict[str, ToolResult]]:
    """Calls with an id that is allowed and used once; and results by their call's new id.

    A result belongs to the nearest call before it of the same id: some clients number calls anew in every turn.
    """
    calls: Calls = {}
    results: dict[str, ToolResult] = {}
    current: dict[str, str] = {}
    taken: set[str] = set()
    for place, turn in enumerate(turns):
        for index, part in enumerate(turn.parts):
            if isinstance(part, ToolCall) and turn.role == "assistant":
                plain = _NOT_IN_ID.sub("_", part.id) or "call"
                unique, count = plain, 1
                while unique in taken:
                    count += 1
                    unique = f"{plain}_{count}"
                taken.add(unique)
                current[part.id] = unique
                calls[place, index] = msgspec.structs.replace(part, id=unique)
            elif isinstance(part, ToolResult) and part.call_id in current:
                call_id = current[part.call_id]
                if call_id not in results:
                    results[call_id] = msgspec.structs.replace(part, call_id=call_id)
    return calls, results


def _folded(turns: list[Turn], target: Target) -> list[Turn]:
    """System turns in the middle become words of the user's, where the target takes none there.

    Anthropic itself takes them at certain places only, which other dialects' conversations do not keep to.
    """
    if target.quirks.middle_system and not target.quirks.safeguards:
        return turns
    return [turn if turn.role != "system" else Turn(role="user", parts=_reminder(turn.parts)) for turn in turns]


def _reminder(parts: Iterable[Part]) -> tuple[Part, ...]:
    """A system message in the form in which Claude Code itself puts one into a user message."""
    return tuple(
        msgspec.structs.replace(part, text=f"<system-reminder>\n{part.text}\n</system-reminder>")
        if isinstance(part, Text) and part.text.strip(BLANK)
        else part
        for part in parts
    )


def _merged(turns: list[Turn], calls: Calls) -> list[_Message]:
    """Turns of one role in a row as one message. Results are taken out (they are put in again after their calls),
    save those of no known call, which become words.
    """
    messages: list[_Message] = []
    known: set[str] = set()
    seen: set[str] = set()
    for place, turn in enumerate(turns):
        parts: list[Part] = []
        for index, part in enumerate(turn.parts):
            if isinstance(part, ToolCall):
                if (place, index) in calls:
                    known.add(part.id)
                    seen.discard(part.id)
                    parts.append(calls[place, index])
            elif isinstance(part, ToolResult):
                if part.call_id not in known or part.call_id in seen:
                    parts += _orphan(part)
                seen.add(part.call_id)
            else:
                parts.append(part)
        if messages and messages[-1].role == turn.role and turn.role != "system":
            messages[-1].parts += parts
        else:
            messages.append(_Message(turn.role, parts, turn.effort))
    return messages


def _orphan(result: ToolResult) -> list[Part]:
    """A result whose call is not there (a conversation that was cut at its beginning), as words."""
    return [Text(text=f"Result of an earlier tool call ({result.call_id}):"), *result.content]


def _with_results(messages: list[_Message], results: dict[str, ToolResult]) -> list[_Message]:
    """Every assistant message with calls is followed by a user message that begins with their results, in order."""
    arranged: list[_Message] = []
    for position, message in enumerate(messages):
        arranged.append(message)
        asked = [part for part in message.parts if isinstance(part, ToolCall)]
        if not asked:
            continue
        following = messages[position + 1] if position + 1 < len(messages) else None
        if following is None and not any(call.id in results for call in asked):
            continue  # nothing follows: the calls are the end of the conversation
        given: list[Part] = [
            results.get(call.id) or ToolResult(call_id=call.id, content=(Text(text=NO_RESULT),), is_error=True)
            for call in asked
        ]
        if following is not None and following.role == "user":
            following.parts[:0] = given
        else:
            arranged.append(_Message("user", given))
    return arranged


def _blocks(message: _Message, target: Target, *, last: bool) -> list[Block]:
    parts = message.parts
    if message.role == "assistant" and any(isinstance(part, Image) for part in parts):
        raise Inexpressible("images", f"{target.name} takes no images in an assistant message.")
    blocks = [block for part in parts if (block := written_part(part, target)) is not None]
    if last and message.role == "assistant" and blocks and blocks[-1]["type"] == "text":
        # As the beginning of the answer it may not end in white space.
        blocks[-1]["text"] = blocks[-1]["text"].rstrip()
    return blocks


def _message(message: _Message, blocks: list[Block]) -> Block:
    written: Block = {"role": message.role, "content": blocks}
    if message.effort is not None and message.role == "system":
        written["output_config"] = {"effort": message.effort}
    return written


def _joined(messages: list[Block]) -> list[Block]:
    """Messages of one role in a row as one: those between them may have turned out empty."""
    joined: list[Block] = []
    for message in messages:
        if joined and joined[-1]["role"] == message["role"] != "system":
            joined[-1]["content"] += message["content"]
        else:
            joined.append(message)
    return joined


def _begins_answer(message: Block) -> bool:
    return message["role"] == "assistant" and all(block["type"] != "tool_use" for block in message["content"])


def _system_block(part: Part, target: Target) -> Block | None:
    if not isinstance(part, Text):
        raise Inexpressible("system", f"{target.name} takes only text as its system prompt.")
    return written_part(part, target)
