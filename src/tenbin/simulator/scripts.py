"""Scripts: what the next answer is to be and how it is to go wrong, and where a request's script is found.

In this order: the `x-simulate` header, the `simulate:` line in the conversation, the queue of the model. Without any
of them the answer is generated.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any

import msgspec

from tenbin.simulator.prompt import ApiError, Prompt, Turn


class ToolCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tool call that the answer is to make."""

    name: str
    input: Any = {}
    id: str | None = None


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One answer. All keys are optional; counts are in tokens, times in milliseconds. See "
    "docs/simulator.md."""

    # What is said
    text: str | None = None
    thinking: str | None = None
    tools: list[ToolCall] = []
    tool: str | None = None
    input: Any = {}
    stop_reason: str | None = None
    stop_sequence: str | None = None
    output_tokens: int | None = None
    web_searches: int = 0
    seed: str = ""
    raw: str | None = None
    content_type: str | None = None
    headers: dict[str, str] = {}
    structured: bool = False

    # What is stated of it
    usage: dict[str, Any] = {}
    quota: dict[str, Any] = {}
    no_usage: bool = False
    wrong_usage: int = 0
    late_usage: bool = False
    no_request_id: bool = False

    # How it flows
    chunk_tokens: int = 4
    delay_ms: float = 0
    tick_ms: float = 0
    ping_every: int = 0
    split_bytes: int = 0
    crlf: bool = False
    gzip: bool = False
    slow_headers: float = 0
    connection_close: bool = False

    # How it fails
    status: int | None = None
    message: str | None = None
    error_type: str | None = None
    error_code: str | None = None
    retry_after: int | float | str | None = None
    x_should_retry: bool | None = None
    html_error: bool | int = False
    empty_body: bool = False
    close_before_response: bool = False
    cut_after_events: int | None = None
    reset: bool = False
    stall_after_events: int | None = None
    stall_ms: float | None = None
    malformed_chunk_at: int | None = None
    error_event_at: int | None = None
    failed: bool = False
    fail_times: int | None = None
    key: str = "default"

    @property
    def calls(self) -> list[ToolCall]:
        """All tool calls, the short form `tool`/`input` first."""
        return ([ToolCall(self.tool, self.input)] if self.tool else []) + self.tools

    @property
    def fails(self) -> bool:
        """Whether the script asks for an answer that is not a success."""
        return bool(self.status or self.html_error or self.empty_body or self.close_before_response)


GENERATED = Script()
"""The script that asks for nothing: a generated answer, at once and without faults."""

_FAULTS = (
    "status",
    "html_error",
    "empty_body",
    "close_before_response",
    "cut_after_events",
    "stall_after_events",
    "malformed_chunk_at",
    "error_event_at",
    "failed",
)
_LINE = re.compile(r"(?:^|\n)[ \t]*simulate:[ \t]*(?=[\[{])")


def decode(value: Any, where: str) -> Script:
    """Return the script that a JSON object says. Raises ApiError 400 naming `where` and the wrong key."""
    try:
        return msgspec.convert(value, Script)
    except (msgspec.ValidationError, TypeError) as error:
        raise ApiError(400, f"simulator: {where}: {error}") from None


def find_line(text: str) -> list[Any] | None:
    """Return the scripts of the last `simulate: {...}` or `simulate: [...]` line in `text`, or None.

    Raises ApiError 400 if what follows is not JSON.
    """
    lines = list(_LINE.finditer(text))
    if not lines:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(text, lines[-1].end())
    except ValueError as error:
        raise ApiError(400, f"simulator: the simulate line is not valid JSON: {error}") from None
    return value if isinstance(value, list) else [value]


def from_turns(turns: Sequence[Turn]) -> Script | None:
    """Return the script that the conversation itself asks for.

    The last user text with a `simulate:` line decides; the number of assistant turns since then is the index into its
    list. After the end of the list the answer is generated, so a tool loop always ends.
    """
    answered, previous = 0, ""
    for turn in reversed(turns):
        if turn.role == "user" and (scripts := find_line(turn.text)) is not None:
            return decode(scripts[answered], "the simulate line") if answered < len(scripts) else None
        if turn.role == "assistant" and previous != turn.role:
            answered += 1
        previous = turn.role
    return None


class ScriptBook:
    """Scripts waiting in queues by model name (`*` is for any model), and counts of the failures already "
    "served."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[Script]] = defaultdict(deque)
        self._failed: dict[str, int] = defaultdict(int)

    def add(self, model: str, scripts: Sequence[Script]) -> None:
        """Put `scripts` at the end of the queue of `model`."""
        self._queues[model].extend(scripts)

    def clear(self) -> None:
        """Forget all queues and counts."""
        self._queues.clear()
        self._failed.clear()

    def waiting(self) -> dict[str, int]:
        """Return how many scripts wait, by model."""
        return {model: len(queue) for model, queue in self._queues.items() if queue}

    def choose(self, prompt: Prompt) -> Script:
        """Return the script for this request and take it off its queue. Raises ApiError 400 for a wrong "
        "script."""
        return self._spend_failure(self._find(prompt))

    def _find(self, prompt: Prompt) -> Script:
        header = prompt.headers.get("x-simulate")
        if header:
            try:
                return decode(json.loads(header), "x-simulate")
            except ValueError as error:
                raise ApiError(400, f"simulator: x-simulate is not valid JSON: {error}") from None
        script = from_turns(prompt.turns)
        if script is not None and (prompt.schema is None or script.structured):
            return script
        for name in (prompt.model_name, "*"):
            if self._queues.get(name):
                return self._queues[name].popleft()
        return GENERATED

    def _spend_failure(self, script: Script) -> Script:
        """Take the faults out of a `fail_times` script once they were served that many times under its "
        "key."""
        if script.fail_times is None:
            return script
        if self._failed[script.key] < script.fail_times:
            self._failed[script.key] += 1
            return script
        kept = {name: value for name, value in msgspec.structs.asdict(script).items() if name not in _FAULTS}
        return Script(**kept)
