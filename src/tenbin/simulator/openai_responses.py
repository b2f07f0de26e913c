"""OpenAI's Responses: items in, items out, and the full sequence of events with its indexes and numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tenbin.simulator import responses_prompt
from tenbin.simulator.answers import Answer, Part
from tenbin.simulator.exchange import Exchange, Pause, encode
from tenbin.simulator.openai_chat import admit, enter, identify
from tenbin.simulator.openai_habits import Habits, error_body
from tenbin.simulator.prefix_cache import Plan
from tenbin.simulator.prompt import ApiError, Prompt
from tenbin.simulator.scripts import Script

_STORE_SIZE = 1000

Event = tuple[str, dict[str, Any]]


async def create(exchange: Exchange) -> None:
    """POST /v1/responses. Raises ApiError."""
    body, model, habits = admit(exchange)
    stored = exchange.simulator.stored
    items = responses_prompt.items_of(body, stored, habits)
    if habits.strict:
        responses_prompt.check(body, items, model)
    prompt = responses_prompt.read(body, items, model, exchange.headers)
    script, answer, plan = enter(exchange, prompt, habits, "responses")
    reply = _ResponseReply(exchange, body, prompt, answer, plan, script, habits)
    if body.get("store", True) and not script.fails:
        stored[reply.identifier] = {"items": [*items, *reply.output()], "response": reply.response("completed")}
        while len(stored) > _STORE_SIZE:
            del stored[next(iter(stored))]
    await exchange.reply(prompt, reply)


async def retrieve(exchange: Exchange) -> None:
    """GET /v1/responses/ID. Raises ApiError 404 for one that was not stored."""
    identify(exchange)
    identifier = exchange.path.rpartition("/")[2]
    if identifier not in exchange.simulator.stored:
        raise ApiError(404, f"Response with id '{identifier}' not found.", "invalid_request_error")
    await exchange.respond(200, encode(exchange.simulator.stored[identifier]["response"]))


class _ResponseReply:
    """An answer as a response and as the stream of its events."""

    stream_type = "text/event-stream; charset=utf-8"

    def __init__(
        self,
        exchange: Exchange,
        body: dict[str, Any],
        prompt: Prompt,
        answer: Answer,
        plan: Plan,
        script: Script,
        habits: Habits,
    ) -> None:
        self._body, self._prompt, self._answer, self._plan = body, prompt, answer, plan
        self._script, self._habits = script, habits
        self._created = int(exchange.simulator.clock.now())
        self._number = -1
        self._meter = exchange.meter
        self.identifier = exchange.simulator.identifier("resp_", 48)
        self._items = self._make_items(exchange)

    @property
    def _cut(self) -> bool:
        return self._answer.stop_reason in ("max_tokens", "model_context_window_exceeded")

    def _make_items(self, exchange: Exchange) -> list[tuple[Part, dict[str, Any]]]:
        made = []
        include = self._body.get("include") or []
        summary = (self._body.get("reasoning") or {}).get("summary")
        for part in self._answer.parts:
            if part.kind == "thinking":
                text = [{"type": "summary_text", "text": part.text}] if summary else []
                item = {"id": exchange.simulator.identifier("rs_", 48), "type": "reasoning", "summary": text}
                if "reasoning.encrypted_content" in include:
                    item["encrypted_content"] = responses_prompt.encrypt(self._prompt.model.name, part.text)
            elif part.kind == "tool":
                item = {
                    "id": exchange.simulator.identifier("fc_", 48),
                    "type": "function_call",
                    "status": "completed",
                    "arguments": part.text,
                    "call_id": part.id if part.given else f"call_{part.id}",
                    "name": part.name,
                }
            else:
                item = {
                    "id": exchange.simulator.identifier("msg_", 48),
                    "type": "message",
                    "status": "incomplete" if self._cut else "completed",
                    "role": "assistant",
                    "content": [self._content(part)],
                }
            made.append((part, item))
        return made

    def _content(self, part: Part, text: str | None = None) -> dict[str, Any]:
        shown = part.text if text is None else text
        if self._answer.stop_reason == "refusal":
            return {"type": "refusal", "refusal": shown}
        return {"type": "output_text", "annotations": [], "logprobs": [], "text": shown}

    def output(self) -> list[dict[str, Any]]:
        """Return the output items."""
        return [item for _, item in self._items]

    def _usage(self) -> dict[str, Any]:
        plan, answer, wrong = self._plan, self._answer, self._script.wrong_usage
        prompt = plan.input + plan.read + plan.write_5m
        return {
            "input_tokens": prompt + wrong,
            "input_tokens_details": {"cached_tokens": plan.read, "cache_write_tokens": plan.write_5m},
            "output_tokens": answer.output_tokens + wrong,
            "output_tokens_details": {"reasoning_tokens": answer.thinking_tokens},
            "total_tokens": prompt + answer.output_tokens,
            **self._script.usage,
        }

    def response(self, status: str) -> dict[str, Any]:
        """Return the response object; output and usage only once it is no longer in progress."""
        body = self._body
        done = status != "in_progress"
        tier = body.get("service_tier") or "auto"
        return {
            "id": self.identifier,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "background": False,
            "completed_at": self._created if status == "completed" else None,
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            "instructions": body.get("instructions"),
            "max_output_tokens": body.get("max_output_tokens"),
            "max_tool_calls": None,
            "model": self._prompt.model_name,
            "output": self.output() if done else [],
            "parallel_tool_calls": body.get("parallel_tool_calls", True),
            "previous_response_id": body.get("previous_response_id"),
            "prompt_cache_key": body.get("prompt_cache_key"),
            "reasoning": {"effort": None, "summary": None, **(body.get("reasoning") or {})},
            "safety_identifier": None,
            "service_tier": tier if not done else "default" if tier == "auto" else tier,
            "store": body.get("store", True),
            "temperature": body.get("temperature", 1.0),
            "text": body.get("text") or {"format": {"type": "text"}, "verbosity": "medium"},
            "tool_choice": body.get("tool_choice") or "auto",
            "tools": body.get("tools") or [],
            "top_logprobs": 0,
            "top_p": body.get("top_p", 1.0),
            "truncation": body.get("truncation") or "disabled",
            "usage": self._usage() if done and not self._script.no_usage else None,
            "user": None,
            "metadata": body.get("metadata") or {},
        }

    def _final_status(self) -> str:
        return "incomplete" if self._cut else "completed"

    def whole(self) -> bytes:
        """Return the response."""
        return encode(self.response(self._final_status()))

    def events(self) -> Iterator[bytes | Pause]:
        """Yield the stream's events."""
        yield self._event("response.created", {"response": self.response("in_progress")})
        yield self._event("response.in_progress", {"response": self.response("in_progress")})
        for index, (part, item) in enumerate(self._items):
            for name, data in self._item_events(part, item):
                yield self._event(name, {"output_index": index, **data})
        status = self._final_status()
        if self._script.failed:
            error = {"code": self._script.error_code or "server_error", "message": self._script.message or "failed"}
            yield self._event("response.failed", {"response": {**self.response("failed"), "error": error}})
            return
        yield self._event(f"response.{status}", {"response": self.response(status)})

    def _item_events(self, part: Part, item: dict[str, Any]) -> Iterator[Event]:
        empty: dict[str, dict[str, Any]] = {
            "reasoning": {"summary": []},
            "function_call": {"arguments": "", "status": "in_progress"},
            "message": {"content": [], "status": "in_progress"},
        }
        yield "response.output_item.added", {"item": {**item, **empty[item["type"]]}}
        steps = {"reasoning": self._summary_events, "function_call": self._call_events, "message": self._text_events}
        for name, data in steps[item["type"]](part, item):
            yield name, {"item_id": item["id"], **data}
        yield "response.output_item.done", {"item": item}

    def _text_events(self, part: Part, item: dict[str, Any]) -> Iterator[Event]:
        refusal = self._answer.stop_reason == "refusal"
        where = {} if self._habits.name == "llamacpp" else {"content_index": 0}
        stem = "response.refusal" if refusal else "response.output_text"
        more: dict[str, Any] = {} if refusal else {"logprobs": []}
        yield "response.content_part.added", {**where, "part": self._content(part, "")}
        for piece in self._meter.pieces(part.text, self._script.chunk_tokens):
            yield f"{stem}.delta", {**where, "delta": piece, **more}
        yield f"{stem}.done", {**where, "refusal" if refusal else "text": part.text, **more}
        yield "response.content_part.done", {**where, "part": self._content(part)}

    def _call_events(self, part: Part, item: dict[str, Any]) -> Iterator[Event]:
        self._meter.whole(part.name)
        for piece in self._meter.pieces(part.text, self._script.chunk_tokens):
            yield "response.function_call_arguments.delta", {"delta": piece}
        yield "response.function_call_arguments.done", {"arguments": part.text, "name": part.name}

    def _summary_events(self, part: Part, item: dict[str, Any]) -> Iterator[Event]:
        if not item["summary"]:
            self._meter.whole(part.text)
            return
        where = {"summary_index": 0}
        yield "response.reasoning_summary_part.added", {**where, "part": {"type": "summary_text", "text": ""}}
        for piece in self._meter.pieces(part.text, self._script.chunk_tokens):
            yield "response.reasoning_summary_text.delta", {**where, "delta": piece}
        yield "response.reasoning_summary_text.done", {**where, "text": part.text}
        yield "response.reasoning_summary_part.done", {**where, "part": item["summary"][0]}

    def _event(self, name: str, data: dict[str, Any]) -> bytes:
        self._number += 1
        event = {"type": name, "sequence_number": self._number, **data}
        return b"event: " + name.encode() + b"\ndata: " + encode(event) + b"\n\n"

    def error_event(self, error: ApiError) -> bytes:
        """Return the `error` event."""
        said = error_body(self._habits, error)
        inner = said["error"] if isinstance(said, dict) else said[0]["error"]
        code = error.code or inner.get("type") or "server_error"
        return self._event("error", {"code": code, "message": error.message, "param": None})
