"""7. The gate on structured output: JSON where the request's parameters ask for it, fitting the schema that they
give.
"""

from typing import Any

import msgspec

from tenbin.core.conversation import OutputFormat
from tenbin.discern.gates.coercion import coerced
from tenbin.discern.gates.gate import Answer, Judgement, Question
from tenbin.discern.gates.json_text import decoded, find_json, repair_json
from tenbin.discern.gates.schemas import NotChecked, faults


class RepairedText(msgspec.Struct, frozen=True):
    """A text that is what was asked for now, and what was changed."""

    text: str
    changes: tuple[str, ...]
    """In words, never empty."""


def structured_output(question: Question, answer: Answer) -> Judgement:
    """Whether the text is JSON and nothing else, and fits the schema. A program reads it: words around it break it
    too.
    """
    wanted = question.output_format
    if wanted is None:
        return Judgement("json", None, "no structured output was asked for")
    if answer.tool_calls:
        return Judgement("json", None, "a tool call: the output is still to come")
    found = find_json(answer.text)
    if found is None:
        return Judgement("json", 0.0, "it is no JSON")
    if wanted.mode == "json_object" and not isinstance(found.value, dict):
        return Judgement("json", 0.1, "it is JSON, but no object")
    try:
        wrong = _faults(wanted, found.value)
    except NotChecked as error:
        return Judgement("json", None if found.alone else 0.3, str(error))
    if wrong:
        return Judgement("json", 0.1, "; ".join(wrong))
    if not found.alone:
        return Judgement("json", 0.3, "JSON that fits, but with other words around it")
    return Judgement("json", 1.0, "JSON that fits the schema" if wanted.schema is not None else "a JSON object")


def _faults(wanted: OutputFormat, value: Any) -> list[str]:
    return [fault.words for fault in faults(bytes(wanted.schema), value)] if wanted.schema is not None else []


def repaired(question: Question, answer: Answer) -> RepairedText | None:
    """The text, repaired without inventing anything, and checked; None where nothing is wrong, or it would not do. An
    answer that was cut by a limit is never repaired.
    """
    wanted = question.output_format
    if wanted is None or answer.tool_calls or answer.stop_reason in ("max_tokens", "context_exceeded"):
        return None
    changes: tuple[str, ...] = ()
    try:
        value = decoded(answer.text.strip())
    except ValueError:
        repair = repair_json(answer.text)
        if repair is None:
            return None
        value, changes = repair
    try:
        if _faults(wanted, value) and wanted.schema is not None:
            fitted = coerced(value, decoded(bytes(wanted.schema)))
            value, changes = fitted.value, (*changes, *fitted.changes)
            if _faults(wanted, value):
                return None
    except (NotChecked, ValueError):
        return None
    if not changes or (wanted.mode == "json_object" and not isinstance(value, dict)):
        return None
    return RepairedText(msgspec.json.encode(value).decode(), changes)
