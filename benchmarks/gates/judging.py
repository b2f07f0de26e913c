"""Whether an answer is right, told exactly by a program for every kind of generated prompt: no model, no opinion."""

import json
import re
import resource
import subprocess
import sys
import unicodedata
from collections.abc import Mapping
from typing import Any

_NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?")
_FENCE = re.compile(r"```[\w+-]*\n(.*?)(?:```|\Z)", re.DOTALL)
CPU_SECONDS = 2
MEMORY_BYTES = 256 << 20


def plain(text: str) -> str:
    """Letters and digits only, small, full width made half: what labels are compared by."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in folded if letter.isalnum())


def is_right(answer: str, expected: Mapping[str, Any], calls: list[dict[str, str]]) -> bool:
    """Whether this answer (and its tool calls) is what ``expected`` describes; its ``kind`` says how to compare."""
    kind = expected["kind"]
    if kind == "number":
        found = _NUMBER.findall(unicodedata.normalize("NFKC", answer))
        return bool(found) and float(found[-1].replace(",", "")) == expected["value"]
    if kind == "mention":
        # A reader takes the value from a sentence as well as from a word, but not from among the wrong ones.
        said = unicodedata.normalize("NFKC", answer).casefold()
        return _mentions(said, expected["values"]) and not _mentions(said, expected["wrong"])
    if kind == "json":
        return _json(answer) == expected["value"]
    if kind == "lines":
        return _items(answer) == [plain(item) for item in expected["value"]]
    if kind == "tool":
        return (
            len(calls) == 1
            and calls[0]["name"] == expected["name"]
            and _json(calls[0]["arguments"]) == expected["value"]
        )
    assert kind == "code", kind
    return _runs(answer, expected["checks"])


def _mentions(text: str, values: list[str]) -> bool:
    # Beside Latin letters and digits a value ends; Japanese sets no blanks.
    return any(re.search(rf"(?<![a-z0-9]){re.escape(value.casefold())}(?![a-z0-9])", text) for value in values)


def _json(text: str) -> object:
    fenced = _FENCE.search(text)
    try:
        return json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError):
        return None


def _items(answer: str) -> list[str]:
    if len(answer.strip().splitlines()) == 1:
        answer = re.sub(r",\s*", "\n", answer)
    lines = [re.sub(r"^\s*(?:[-*•・]\s+|\d+[.)]\s+)", "", line) for line in answer.strip().splitlines() if line.strip()]
    return [plain(line) for line in lines]


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _runs(answer: str, checks: list[str]) -> bool:
    """Run the code in a process of its own, with little time and memory and no file to write, and see what it gives."""
    fenced = _FENCE.search(answer)
    program = "\n".join([fenced[1] if fenced else answer, *(f"assert {check}" for check in checks), "print('passed')"])
    if "\0" in program:
        return False
    try:
        ran = subprocess.run(
            [sys.executable, "-I", "-c", program],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10 * CPU_SECONDS,
            check=False,
            env={},
            cwd="/",
            preexec_fn=_limit,
        )
    except subprocess.TimeoutExpired:
        return False
    return ran.returncode == 0 and ran.stdout.endswith(b"passed\n")
