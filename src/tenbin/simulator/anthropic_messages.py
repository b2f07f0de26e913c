"""The Anthropic dialect: messages, token counts and models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from tenbin.simulator import anthropic_checks, anthropic_model_checks, anthropic_prompt
from tenbin.simulator.answers import Answer, Part, compose
from tenbin.simulator.exchange import Exchange, Pause, encode
from tenbin.simulator.models import Model
from tenbin.simulator.prefix_cache import Plan
from tenbin.simulator.prompt import ApiError, Prompt
from tenbin.simulator.scripts import Script

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def refuse(exchange: Exchange, error: ApiError) -> tuple[int, bytes]:
    """Return status and body of a refusal, and set its headers."""
    return error.status, encode(_error(exchange, error))


def _error(exchange: Exchange, error: ApiError) -> dict[str, Any]:
    kind = error.kind or _TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "api_error")
    _identify(exchange)
    return {
        "type": "error",
        "error": {"type": kind, "message": error.message},
        "request_id": exchange.entry.request_id,
    }


def _identify(exchange: Exchange) -> None:
    if exchange.entry.request_id is None:
        exchange.entry.request_id = exchange.simulator.identifier("req_011C")
        if not exchange.script.no_request_id:
            exchange.extra_headers.append(("request-id", exchange.entry.request_id))


def _admit(exchange: Exchange) -> tuple[dict[str, Any], Model, str]:
    """Check credentials and version; return body, model and version. Raises ApiError."""
    if exchange.profile not in ("", "anthropic"):
        return _find(exchange, exchange.headers.get("anthropic-version", ""))
    if not exchange.credential:
        raise ApiError(401, "x-api-key header is required")
    if exchange.credential.startswith("invalid"):
        raise ApiError(401, "invalid x-api-key")
    version = exchange.headers.get("anthropic-version", "")
    if not version:
        raise ApiError(400, "anthropic-version: header is required")
    if version not in anthropic_checks.VERSIONS:
        raise ApiError(400, f'anthropic-version: "{version}" is not a valid version')
    return _find(exchange, version)


def _find(exchange: Exchange, version: str) -> tuple[dict[str, Any], Model, str]:
    body = exchange.json()
    if not isinstance(body.get("model"), str):
        raise ApiError(400, "model: Field required")
    model = exchange.simulator.models.find(body["model"])
    if model is None:
        raise ApiError(404, f"model: {body['model']}")
    return body, model, version


async def messages(exchange: Exchange) -> None:
    """POST /v1/messages. Raises ApiError."""
    body, model, version = _admit(exchange)
    anthropic_checks.check(body, model, version)
    prompt = anthropic_prompt.read(body, model, exchange.headers)
    if prompt.tokens > model.context:
        raise ApiError(400, f"prompt is too long: {prompt.tokens} tokens > {model.context} maximum")
    _limit_headers(exchange)
    script = exchange.admit(prompt)
    _limit_headers(exchange)  # again: the request itself counts
    if exchange.subscription and exchange.simulator.limits.quota_spent(script.quota):
        raise ApiError(429, "This request would exceed your account's rate limit. Please try again later.")
    output = body.get("output_config") or {}
    plan = exchange.simulator.cache.plan_breakpoints(
        prompt,
        f"anthropic|{exchange.credential}|{model.name}|{output.get('effort')}",
        f"{encode(body.get('thinking'))!r}|{encode(body.get('tool_choice'))!r}",
    )
    answer = compose(prompt, script)
    if not script.fails:
        plan.commit()
        exchange.settle(_truth(plan, answer))
    _identify(exchange)
    exchange.extra_headers.append(("anthropic-organization-id", "00000000-0000-4000-8000-000000000000"))
    await exchange.reply(prompt, _MessageReply(exchange, body, prompt, answer, plan, script))


def _limit_headers(exchange: Exchange) -> None:
    limits = exchange.simulator.limits
    exchange.extra_headers = [pair for pair in exchange.extra_headers if not pair[0].startswith("anthropic-ratelimit")]
    if exchange.subscription:
        exchange.extra_headers += limits.unified_headers(exchange.credential, exchange.script.quota)
    else:
        exchange.extra_headers += limits.anthropic_headers(exchange.credential)


def _truth(plan: Plan, answer: Answer) -> dict[str, int]:
    return {
        "input": plan.input,
        "cache_read": plan.read,
        "cache_write_5m": plan.write_5m,
        "cache_write_1h": plan.write_1h,
        "output": answer.output_tokens,
        "thinking": answer.thinking_tokens,
        "web_searches": answer.web_searches,
    }


class _MessageReply:
    """An answer as a message and as the stream of its events."""

    stream_type = "text/event-stream; charset=utf-8"

    def __init__(
        self,
        exchange: Exchange,
        body: dict[str, Any],
        prompt: Prompt,
        answer: Answer,
        plan: Plan,
        script: Script,
    ) -> None:
        self._exchange, self._body, self._prompt = exchange, body, prompt
        self._answer, self._plan, self._script = answer, plan, script
        thinking = body.get("thinking") or {}
        self._hidden = thinking.get("display") == "omitted"
        self._id = exchange.simulator.identifier("msg_01")

    def _usage(self, output_tokens: int) -> dict[str, Any]:
        plan, script = self._plan, self._script
        usage: dict[str, Any] = {
            "input_tokens": plan.input + script.wrong_usage,
            "cache_creation_input_tokens": plan.write_5m + plan.write_1h,
            "cache_read_input_tokens": plan.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": plan.write_5m,
                "ephemeral_1h_input_tokens": plan.write_1h,
            },
            "output_tokens": output_tokens + script.wrong_usage,
            "service_tier": "standard",
            "inference_geo": self._body.get("inference_geo") or "global",
            **script.usage,
        }
        if self._body.get("speed"):
            usage["speed"] = self._body["speed"]
        if self._answer.web_searches:
            usage["server_tool_use"] = {
                "web_search_requests": self._answer.web_searches,
                "web_fetch_requests": 0,
            }
        return {**usage, **script.usage}

    def _final_usage(self) -> dict[str, Any]:
        usage = self._usage(self._answer.output_tokens)
        usage.setdefault("output_tokens_details", {"thinking_tokens": self._answer.thinking_tokens})
        return usage

    def _delta_usage(self) -> dict[str, Any]:
        """Return what `message_delta` states: cumulative, without what only the beginning can know."""
        usage = self._final_usage()
        left_out = () if self._script.late_usage else ("cache_creation", "service_tier", "inference_geo", "speed")
        return {name: value for name, value in usage.items() if name in self._script.usage or name not in left_out}

    def _envelope(self, content: list[Any], usage: dict[str, Any]) -> dict[str, Any]:
        message: dict[str, Any] = {
            "model": self._prompt.model_name,
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "content": content,
            "stop_reason": None,
            "stop_sequence": None,
            "stop_details": None,
        }
        if not self._script.no_usage:
            message["usage"] = usage
        return message

    def _ending(self) -> dict[str, Any]:
        answer = self._answer
        details = (
            {"type": "refusal", "category": None, "explanation": None} if answer.stop_reason == "refusal" else None
        )
        return {
            "stop_reason": answer.stop_reason,
            "stop_sequence": answer.stop_sequence,
            "stop_details": details,
        }

    def whole(self) -> bytes:
        """Return the message."""
        content = [*self._searches(), *(self._block(part) for part in self._answer.parts)]
        return encode({**self._envelope(content, self._final_usage()), **self._ending()})

    def _block(self, part: Part) -> dict[str, Any]:
        if part.kind == "thinking":
            shown = "" if self._hidden else part.text
            signature = anthropic_model_checks.sign(self._prompt.model.name, shown)
            return {"type": "thinking", "thinking": shown, "signature": signature}
        if part.kind == "tool":
            return {"type": "tool_use", "id": _tool_id(part), "name": part.name, "input": _arguments(part)}
        return {"type": "text", "text": part.text}

    def _searches(self) -> list[dict[str, Any]]:
        """Blocks of the web searches that a script asks for."""
        blocks: list[dict[str, Any]] = []
        for index in range(self._answer.web_searches):
            identifier = f"srvtoolu_01{index:022d}"
            query = {"query": f"search {index + 1}"}
            blocks.append({"type": "server_tool_use", "id": identifier, "name": "web_search", "input": query})
            result = {
                "type": "web_search_result",
                "url": f"https://example.com/{index + 1}",
                "title": f"Result {index + 1}",
                "encrypted_content": "c2ltdWxhdGVk",
                "page_age": None,
            }
            blocks.append({"type": "web_search_tool_result", "tool_use_id": identifier, "content": [result]})
        return blocks

    def events(self) -> Iterator[bytes | Pause]:
        """Yield the stream's events."""
        script = self._script
        first = min(1, self._answer.output_tokens)
        self._exchange.meter.least = first  # it is stated at the beginning, so it has been produced
        start = self._usage(first)
        if script.late_usage:
            start = {"input_tokens": 0, "output_tokens": 0}
        yield _event("message_start", {"message": self._envelope([], start)})
        sent = 0
        for index, events in enumerate(
            [*map(_whole_block, self._searches()), *map(self._streamed, self._answer.parts)]
        ):
            for name, data in events:
                yield _event(name, {"index": index, **data})
                sent += 1
                if (index == 0 and name == "content_block_start") or (
                    script.ping_every and sent % script.ping_every == 0
                ):
                    yield _event("ping", {})
        ending: dict[str, Any] = {"delta": self._ending()}
        if not script.no_usage:
            ending["usage"] = self._delta_usage()
        yield _event("message_delta", ending)
        yield _event("message_stop", {})

    def _streamed(self, part: Part) -> Iterator[tuple[str, dict[str, Any]]]:
        block = self._block(part)
        empties: dict[str, dict[str, Any]] = {"thinking": {"thinking": "", "signature": ""}, "tool": {"input": {}}}
        empty = empties.get(part.kind, {"text": ""})
        self._exchange.meter.whole(part.name)
        yield "content_block_start", {"content_block": {**block, **empty}}
        yield from (("content_block_delta", {"delta": delta}) for delta in self._deltas(part, block))
        yield "content_block_stop", {}

    def _deltas(self, part: Part, block: dict[str, Any]) -> Iterator[dict[str, Any]]:
        meter, size = self._exchange.meter, self._script.chunk_tokens
        if part.kind == "thinking":
            if self._hidden:
                meter.whole(part.text)
            else:
                yield from ({"type": "thinking_delta", "thinking": piece} for piece in meter.pieces(part.text, size))
            yield {"type": "signature_delta", "signature": block["signature"]}
        elif part.kind == "tool":
            yield {"type": "input_json_delta", "partial_json": ""}
            for piece in meter.pieces(part.text, size):
                yield {"type": "input_json_delta", "partial_json": piece}
        else:
            yield from ({"type": "text_delta", "text": piece} for piece in meter.pieces(part.text, size))

    def error_event(self, error: ApiError) -> bytes:
        """Return the `error` event."""
        return b"event: error\ndata: " + encode(_error(self._exchange, error)) + b"\n\n"


def _whole_block(block: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if block["type"] == "server_tool_use":
        yield "content_block_start", {"content_block": {**block, "input": {}}}
        delta = {"type": "input_json_delta", "partial_json": encode(block["input"]).decode()}
        yield "content_block_delta", {"delta": delta}
    else:
        yield "content_block_start", {"content_block": block}
    yield "content_block_stop", {}


def _event(name: str, data: dict[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + encode({"type": name, **data}) + b"\n\n"


def _tool_id(part: Part) -> str:
    return part.id if part.given else f"toolu_01{part.id}"


def _arguments(part: Part) -> Any:
    """Return the arguments as an object; arguments cut off by max_tokens become an empty one."""
    try:
        return msgspec.json.decode(part.text)
    except msgspec.DecodeError:
        return {}


async def count_tokens(exchange: Exchange) -> None:
    """POST /v1/messages/count_tokens. Raises ApiError."""
    if exchange.profile in ("ollama", "deepseek"):
        raise ApiError(404, "Not found: this provider counts no tokens")
    body, model, version = _admit(exchange)
    body = {"max_tokens": 1, **body, "stream": False}
    if (body.get("thinking") or {}).get("type") == "enabled":
        body["max_tokens"] = model.max_output
    anthropic_checks.check(body, model, version)
    prompt = anthropic_prompt.read(body, model, exchange.headers)
    exchange.entry.model = prompt.model_name
    _identify(exchange)
    await exchange.respond(200, encode({"input_tokens": prompt.tokens}))


async def models(exchange: Exchange) -> None:
    """GET /v1/models and /v1/models/ID. Raises ApiError 404 for an unknown model."""
    _identify(exchange)
    catalogue = exchange.simulator.models
    names = [name for name in catalogue.names() if name.startswith("claude")]
    _, _, wanted = exchange.path.partition("/models/")
    if wanted:
        model = catalogue.find(wanted)
        if model is None:
            raise ApiError(404, f"model: {wanted}")
        await exchange.respond(200, encode(_model(model)))
        return
    query = dict(pair.partition("=")[::2] for pair in exchange.entry.query.split("&"))
    after = query.get("after_id")
    names = names[names.index(after) + 1 :] if after in names else names
    limit = int(query.get("limit") or 20)
    shown = names[:limit]
    data = [_model(model) for name in shown if (model := catalogue.find(name))]
    page = {"data": data, "has_more": len(names) > limit}
    await exchange.respond(
        200,
        encode({**page, "first_id": shown[0] if shown else None, "last_id": shown[-1] if shown else None}),
    )


def _model(model: Model) -> dict[str, Any]:
    return {
        "type": "model",
        "id": model.name,
        "display_name": model.name.replace("-", " ").title(),
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": model.context,
        "max_tokens": model.max_output,
    }
