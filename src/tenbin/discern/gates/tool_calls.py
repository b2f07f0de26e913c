"""7. The gate on tool calls: each names a tool that was offered, with arguments that fit its JSON Schema.

`repaired` is the cheap repair that a caller may offer before it goes one step up.
"""

from typing import Any

import msgspec

from tenbin.core.conversation import Tool, ToolCall
from tenbin.discern.gates.coercion import coerced
from tenbin.discern.gates.gate import Answer, Judgement, Question, shown
from tenbin.discern.gates.json_text import decoded, find_json, repair_json
from tenbin.discern.gates.schemas import NotChecked, faults

MOST_CALLS = 64
"""Calls of one answer that are looked at."""


class RepairedCalls(msgspec.Struct, frozen=True):
    """Tool calls that are right now, and what was changed."""

    calls: tuple[ToolCall, ...]
    changes: tuple[str, ...]
    """In words, never empty."""


def tool_calls(question: Question, answer: Answer) -> Judgement:
    """Whether every call can be run as it stands, and there is one where one was demanded."""
    choice = question.tool_choice.mode if question.tool_choice else "auto"
    if not answer.tool_calls:
        return _no_call(question, answer, choice)
    if choice == "none":
        return Judgement("tool_calls", 0.0, "no call was wanted")
    wrong: list[str] = []
    unchecked: list[str] = []
    for call in answer.tool_calls[:MOST_CALLS]:
        if choice == "tool" and question.tool_choice and call.name != question.tool_choice.name:
            wrong.append(f"{shown(call.name)}: {question.tool_choice.name} was demanded")
        try:
            wrong += _faults(call, question)
        except NotChecked as error:
            unchecked.append(f"{shown(call.name)}: {error}")
    if len(answer.tool_calls) > MOST_CALLS:
        wrong.append(f"{len(answer.tool_calls)} calls at once")
    if wrong:
        return Judgement("tool_calls", 0.0, "; ".join(wrong[:4]))
    if unchecked:
        return Judgement("tool_calls", None, "; ".join(unchecked[:4]))
    return Judgement("tool_calls", 1.0, f"{len(answer.tool_calls)} calls fit their schemas")


def _no_call(question: Question, answer: Answer, choice: str) -> Judgement:
    if not question.tools:
        return Judgement("tool_calls", None, "no tool was offered")
    if choice in ("any", "tool"):
        return Judgement("tool_calls", 0.0, "a call was demanded: there is none")
    if answer.stop_reason == "tool_use":
        return Judgement("tool_calls", 0.0, "it stopped for a tool call: there is none")
    if (name := _written_as_text(question, answer.text)) is not None:
        return Judgement("tool_calls", 0.1, f"a call of {shown(name)} written as text")
    return Judgement("tool_calls", None, "no call, and none was demanded")


def _written_as_text(question: Question, text: str) -> str | None:
    """The tool that a text names as a call would: JSON with a name and arguments, as weak models write it."""
    if not any(tool.name in text[:4096] for tool in question.tools) or "{" not in text[:4096]:
        return None
    if "<tool_call>" in text[:4096]:
        return "a tool"
    found = find_json(text)
    value = found.value if found is not None else None
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, dict):
        return None
    within = first.get("function")
    inner: dict[str, Any] = within if isinstance(within, dict) else first
    name = inner.get("name")
    return (
        name if isinstance(name, str) and ("arguments" in inner or "parameters" in inner or "input" in inner) else None
    )


def _offered(question: Question, name: str) -> Tool | None:
    return next((tool for tool in question.tools if tool.name == name), None)


def _faults(call: ToolCall, question: Question) -> list[str]:
    tool = _offered(question, call.name)
    if tool is None:
        return [f"{shown(call.name)} was not offered"]
    try:
        value = decoded(call.arguments or "{}")
    except ValueError as error:
        return [f"{call.name}: its arguments are no JSON ({shown(str(error), 80)})"]
    if not isinstance(value, dict):
        return [f"{call.name}: its arguments are no object"]
    return [f"{call.name}: {fault.words}" for fault in faults(bytes(tool.schema), value)]


def repaired(question: Question, answer: Answer) -> RepairedCalls | None:
    """The answer's calls, repaired without inventing anything, and checked: a tool's name in another case, JSON that
    was not closed, types that say the same, fields that the schema does not know. None where nothing is wrong, or
    where it would not do. An answer that was cut by a limit is never repaired: what is missing may be what matters.
    """
    if not answer.tool_calls or answer.stop_reason in ("max_tokens", "context_exceeded"):
        return None
    changes: list[str] = []
    calls: list[ToolCall] = []
    for call in answer.tool_calls[:MOST_CALLS]:
        mended = _mended(call, question, changes)
        if mended is None:
            return None
        calls.append(mended)
    if not changes or len(calls) < len(answer.tool_calls):
        return None
    return RepairedCalls(tuple(calls), tuple(changes))


def _mended(call: ToolCall, question: Question, changes: list[str]) -> ToolCall | None:
    name = call.name if _offered(question, call.name) else _nearest(call.name, question)
    tool = _offered(question, name) if name is not None else None
    if tool is None or name is None:
        return None
    told = [f"{shown(call.name)}: the tool is called {name}"] if name != call.name else []
    value: Any
    try:
        value = decoded(call.arguments.strip() or "{}")
    except ValueError:
        repair = repair_json(call.arguments)
        if repair is None:
            return None
        value = repair.value
        told += [f"{name}: {change}" for change in repair.changes]
    try:
        schema = bytes(tool.schema)
        if not isinstance(value, dict) or faults(schema, value):
            fitted = coerced(value, {"type": "object", **decoded(schema)})
            value = fitted.value
            told += [f"{name}: {change}" for change in fitted.changes]
            if not isinstance(value, dict) or faults(schema, value):
                return None
    except (NotChecked, ValueError, TypeError):
        return None
    changes += told
    if not told:
        return call
    return msgspec.structs.replace(call, name=name, arguments=msgspec.json.encode(value).decode())


def _nearest(name: str, question: Question) -> str | None:
    """The only tool whose name is the same but for case, separators and a namespace before it."""

    def plain(text: str) -> str:
        return "".join(letter for letter in text.casefold() if letter.isalnum())

    wanted = {plain(name), plain(name.rpartition(".")[2]), plain(name.rpartition(":")[2])} - {""}
    found = {tool.name for tool in question.tools if plain(tool.name) in wanted}
    return found.pop() if len(found) == 1 else None
