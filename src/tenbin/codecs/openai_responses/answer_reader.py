"""Stages 6 and 7, a provider's Responses answer, streamed or whole, becomes deltas.

Servers that copy the dialect leave out indexes, single events, or whole items until the last event: what a later event
says in full and no delta has said is said then.
"""

from typing import Any

from tenbin.codecs import openai_errors, openai_usage
from tenbin.codecs.openai_json import decoded
from tenbin.codecs.openai_responses.item_blocks import ItemBlocks
from tenbin.codecs.sse import SSEReader
from tenbin.core.answer import (
    AnswerFailed,
    AnswerFinished,
    AnswerStarted,
    Delta,
    StopReason,
)
from tenbin.core.problems import Failure
from tenbin.core.usage import NOTHING, Usage

_LIFE = ("response.created", "response.in_progress", "response.queued")
_ENDS = ("response.completed", "response.incomplete", "response.failed")


class AnswerReader:
    """Reads one answer. State: the items that are open, the last usage."""

    def __init__(self, *, streamed: bool) -> None:
        self.usage: Usage = NOTHING
        self._sse = SSEReader() if streamed else None
        self._body: list[bytes] = []
        self._started = False
        self._over = False
        self._cost: str | None = None
        self._blocks = ItemBlocks()

    def feed(self, data: bytes) -> list[Delta]:
        """The deltas that these bytes complete."""
        if self._sse is None:
            self._body.append(data)
            return []
        deltas: list[Delta] = []
        for event in self._sse.feed(data):
            self._read_event(event.data, deltas)
        if self._sse.failure is not None and not self._over:
            self._fail(self._sse.failure, deltas)
        return deltas

    def finish(self) -> list[Delta]:
        """The body has ended. A stream without its last event was cut."""
        deltas: list[Delta] = []
        if self._sse is None:
            self._read_whole(b"".join(self._body), deltas)
            return deltas
        for event in self._sse.finish():
            # An event that the end left without its blank line may itself be cut: then it is no JSON, and no fault.
            if decoded(event.data) is not None:
                self._read_event(event.data, deltas)
        if not self._over:
            self._fail(Failure(kind="cut", message="The provider's answer broke off before its end."), deltas)
        return deltas

    def _read_event(self, data: bytes, deltas: list[Delta]) -> None:
        if self._over or data[:6] == b"[DONE]" or not data.strip():
            return
        event = decoded(data)
        if not isinstance(event, dict):
            message = "The provider sent an event that is no JSON object."
            self._fail(Failure(kind="malformed", message=message), deltas)
            return
        kind = event.get("type")
        if kind in _LIFE:
            self._start(event.get("response"), deltas)
        elif kind in _ENDS:
            self._end(event.get("response"), data, deltas)
        elif kind == "error" or (kind is None and openai_errors.error_in(event) is not None):
            self._fail(openai_errors.from_object(openai_errors.error_in(event) or event), deltas)
        elif isinstance(kind, str):
            self._start(None, deltas)
            self._blocks.read(kind, event, deltas)

    def _start(self, response: Any, deltas: list[Delta]) -> None:
        if self._started:
            return
        self._started = True
        fields = response if isinstance(response, dict) else {}
        deltas.append(AnswerStarted(_string(fields.get("id")), _string(fields.get("model")), self.usage))

    def _end(self, response: Any, data: bytes, deltas: list[Delta]) -> None:
        fields = response if isinstance(response, dict) else {}
        usage = fields.get("usage")
        if isinstance(usage, dict):
            self.usage = usage_of(fields)
            self._cost = openai_usage.cost_in(data)
        failed = failure_of(fields)
        if failed is not None:
            self._fail(failed, deltas)
            return
        self._start(response, deltas)
        output = fields.get("output")
        self._blocks.finish(output if isinstance(output, list) else [], deltas)
        self._over = True
        tier = fields.get("service_tier")
        deltas.append(
            AnswerFinished(
                self._stop_reason(fields),
                self.usage,
                provider_cost=self._cost,
                service_tier=tier if isinstance(tier, str) else None,
            )
        )

    def _stop_reason(self, response: dict[str, Any]) -> StopReason:
        incomplete = stop_reason_of(response)
        if incomplete is not None:
            return incomplete
        if self._blocks.called:
            return "tool_use"
        return "refusal" if self._blocks.refused else "end_turn"

    def _fail(self, failure: Failure, deltas: list[Delta]) -> None:
        self._over = True
        deltas.append(AnswerFailed(failure, self.usage))

    def _read_whole(self, body: bytes, deltas: list[Delta]) -> None:
        response = decoded(body)
        if not isinstance(response, dict):
            message = "The provider's answer is no JSON object."
            self._fail(Failure(kind="malformed" if body.strip() else "cut", message=message), deltas)
            return
        if not isinstance(response.get("output"), list) and failure_of(response) is None:
            self._fail(Failure(kind="malformed", message="The provider's answer holds no output."), deltas)
            return
        self._end(response, body, deltas)


def usage_of(response: dict[str, Any]) -> Usage:
    """A response's usage, with the web searches that are billed each."""
    usage = openai_usage.from_stated(response.get("usage"))
    tools = response.get("tool_usage")
    search = tools.get("web_search") if isinstance(tools, dict) else None
    stated = search.get("num_requests") if isinstance(search, dict) else None
    if isinstance(stated, int) and not isinstance(stated, bool):
        return openai_usage.with_searches(usage, max(stated, 0))
    output = response.get("output")
    searches = [item for item in output if _searched(item)] if isinstance(output, list) else []
    return openai_usage.with_searches(usage, len(searches)) if searches else usage


def _searched(item: Any) -> bool:
    """Whether an item is a search that is billed: opening a page it found is not."""
    if not isinstance(item, dict) or item.get("type") != "web_search_call":
        return False
    action = item.get("action")
    return not isinstance(action, dict) or action.get("type") in (None, "search")


def failure_of(response: dict[str, Any]) -> Failure | None:
    """The failure that a response tells of itself."""
    error = openai_errors.error_in(response)
    if error is not None:
        return openai_errors.from_object(error)
    if response.get("status") in ("failed", "cancelled"):
        return Failure(kind="server_error", message="The provider gave up without a reason.")
    return None


def stop_reason_of(response: dict[str, Any]) -> StopReason | None:
    """Why a response is incomplete; None for one that is complete."""
    details = response.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    if reason == "content_filter":
        return "content_filter"
    return "max_tokens" if reason is not None or response.get("status") == "incomplete" else None


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""
