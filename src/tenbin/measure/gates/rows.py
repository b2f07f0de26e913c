"""Files of judged answers, read into questions and answers as gates look at them; recognised by their columns alone."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tenbin.core.answer import StopReason
from tenbin.core.conversation import OutputFormat, Tool, ToolCall
from tenbin.core.features import TaskType
from tenbin.discern.gates.asking import question_of_prompt
from tenbin.discern.gates.confidence import logprobs_of
from tenbin.discern.gates.gate import Answer, Question
from tenbin.measure.routing.files import FORMS, Columns, Unreadable, form_of, read
from tenbin.measure.routing.labels import task_of

NAMES = {
    "prompt": ("prompt", "question", "query", "instruction", "input"),
    "answer": ("answer", "response", "output", "completion"),
    "correct": ("correct", "right", "is_correct", "label", "score"),
    "task": ("task", "task_type"),
    "tools": ("tools",),
    "tool_calls": ("tool_calls",),
    "schema": ("schema", "json_schema"),
    "logprobs": ("logprobs",),
    "finish_reason": ("finish_reason", "stop_reason"),
    "others": ("others", "second_answer", "samples"),
}
"""What a column holds -> the names it may have, small letters; of several the first one."""

STOP_REASONS: dict[str, StopReason] = {
    "stop": "end_turn",
    "end_turn": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "max_tokens": "max_tokens",
    "tool_calls": "tool_use",
    "tool_use": "tool_use",
    "content_filter": "content_filter",
    "refusal": "refusal",
}
"""A finish reason as providers write it."""

LEARNING_SHARE = 0.6
"""Of the rows, by a digest of their prompts, that a calibration learns from; it is measured on the others."""


class NothingHere(Exception):
    """There is no judged answer to be found; the message says what is looked for."""


class Case(NamedTuple):
    """One judged answer."""

    question: Question
    answer: Answer
    right: bool
    learning: bool
    """Whether a calibration learns from it: the same for every file and order."""


class Cases(NamedTuple):
    """All that was found."""

    cases: tuple[Case, ...]
    files: dict[str, int]
    """File -> rows that were used."""
    unused: dict[str, str]
    """File -> why it, or some of its rows, were not."""


def cases(path: Path) -> Cases:
    """The judged answers of a folder's files, or of one file. Raises NothingHere, OSError, and PyarrowMissing."""
    paths = [path] if path.is_file() else sorted(path.iterdir())
    found: list[Case] = []
    files: dict[str, int] = {}
    unused: dict[str, str] = {}
    for file in paths:
        if file.is_dir() or not form_of(file):
            continue
        try:
            rows, dropped = _rows(read(file))
        except Unreadable as error:
            unused[file.name] = str(error)
            continue
        if dropped:
            unused[file.name] = ", ".join(f"{count} rows: {why}" for why, count in dropped.items())
        if rows:
            files[file.name] = len(rows)
            found += rows
    if not found:
        why = "".join(f" {name}: {reason}." for name, reason in unused.items())
        raise NothingHere(
            f"{path} holds no judged answers: files that end in {', '.join(FORMS)} with the columns prompt, answer and "
            f"correct.{why}"
        )
    return Cases(tuple(found), files, unused)


def _rows(columns: Columns) -> tuple[list[Case], Counter[str]]:
    small = {name.lower(): name for name in columns}
    names = {what: next((small[name] for name in tried if name in small), "") for what, tried in NAMES.items()}
    lacking = [what for what in ("prompt", "answer", "correct") if not names[what]]
    if lacking:
        raise Unreadable(f"it has no column {' and no column '.join(lacking)}")
    found: list[Case] = []
    dropped: Counter[str] = Counter()
    for number in range(len(columns[names["prompt"]])):
        row = {what: columns[name][number] for what, name in names.items() if name}
        try:
            found.append(_case(row))
        except ValueError as error:
            dropped[str(error)] += 1
    return found, dropped


def _case(row: Mapping[str, Any]) -> Case:
    """Raises ValueError, which says what is wrong with the row."""
    prompt, text = row["prompt"], row["answer"]
    if not isinstance(prompt, str) or not prompt.strip():
        raise ValueError("no prompt")
    if text is not None and not isinstance(text, str):
        raise ValueError("the answer is no text")
    right = _right(row["correct"])
    schema = _parsed(row.get("schema"), "schema")
    question = msgspec.structs.replace(
        question_of_prompt(prompt, _task(row.get("task"))),
        tools=_tools(_parsed(row.get("tools"), "tools")),
        output_format=OutputFormat(mode="json_schema", schema=_raw(schema)) if isinstance(schema, dict) else None,
    )
    answer = Answer(
        text=text or "",
        tool_calls=_calls(_parsed(row.get("tool_calls"), "tool_calls")),
        stop_reason=STOP_REASONS.get(str(row.get("finish_reason") or "").lower()),
        logprobs=logprobs_of(_parsed(row.get("logprobs"), "logprobs")),
        others=_others(row.get("others")),
    )
    digest = hashlib.blake2b(prompt.encode(), digest_size=2).digest()
    return Case(question, answer, right, int.from_bytes(digest) < LEARNING_SHARE * 65_536)


def _right(value: object) -> bool:
    if isinstance(value, str):
        value = {"true": 1, "yes": 1, "1": 1, "false": 0, "no": 0, "0": 0}.get(value.strip().lower())
    if not isinstance(value, bool | int | float) or not 0 <= value <= 1:
        raise ValueError("correct is neither true nor false, nor a number from 0 to 1")
    return value >= 0.5


def _task(value: object) -> TaskType | None:
    return task_of(value)


def _parsed(value: object, name: str) -> Any:
    """A column of JSON, which may be written as text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else None
    except (ValueError, RecursionError):
        raise ValueError(f"{name} is no JSON") from None


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _tools(value: object) -> tuple[Tool, ...]:
    """In the form of Chat Completions (``function`` or not) or of Anthropic Messages."""
    found = []
    for each in value if isinstance(value, list) else ():
        inner = each.get("function", each) if isinstance(each, dict) else None
        if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
            raise ValueError("a tool has no name")
        schema = inner.get("parameters") or inner.get("input_schema") or {"type": "object"}
        found.append(Tool(name=inner["name"], schema=_raw(schema)))
    return tuple(found)


def _calls(value: object) -> tuple[ToolCall, ...]:
    found = []
    for place, each in enumerate(value if isinstance(value, list) else ()):
        inner = each.get("function", each) if isinstance(each, dict) else None
        if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
            raise ValueError("a tool call has no name")
        given = inner.get("arguments", inner.get("input", "{}"))
        arguments = given if isinstance(given, str) else json.dumps(given)
        found.append(ToolCall(id=str(each.get("id") or place), name=inner["name"], arguments=arguments))
    return tuple(found)


def _others(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
