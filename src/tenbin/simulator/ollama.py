"""Ollama's native dialect: newline-delimited JSON, and a context that silently loses what does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from tenbin.simulator import tokens
from tenbin.simulator.answers import Answer, Part, compose
from tenbin.simulator.exchange import Exchange, Pause, encode
from tenbin.simulator.models import Model
from tenbin.simulator.prompt import ApiError, Block, Prompt, Turn
from tenbin.simulator.scripts import Script

DEFAULT_CONTEXT = 4096
"""Tokens of context unless `options.num_ctx` asks for more: what Ollama takes on a small graphics card."""
VERSION = "0.31.1"
_LOCAL = ("llama3.2", "qwen3:8b")
_NANOSECONDS_PER_TOKEN = 25_000_000


def refuse(exchange: Exchange, error: ApiError) -> tuple[int, bytes]:
    """Return status and body of a refusal."""
    return error.status, encode({"error": error.message})


def _find(exchange: Exchange, body: dict[str, Any]) -> Model:
    name = body.get("model") or body.get("name")
    if not isinstance(name, str) or not name:
        raise ApiError(400, "model is required")
    exchange.entry.model = name
    model = exchange.simulator.models.find(name)
    if model is None:
        raise ApiError(404, f"model '{name}' not found")
    return model


async def chat(exchange: Exchange) -> None:
    """POST /api/chat. Raises ApiError."""
    body = exchange.json()
    model = _find(exchange, body)
    messages = body.get("messages") or []
    _check(messages)
    options = body.get("options") or {}
    context = min(int(options.get("num_ctx") or DEFAULT_CONTEXT), model.context)
    kept = _trim(messages, _tool_blocks(body), context)
    prompt = _read(body, kept, model, exchange.headers)
    script = exchange.admit(prompt)
    plan = exchange.simulator.cache.plan_automatic(prompt, f"ollama|{model.name}|{context}", False)
    answer = compose(prompt, script)
    if not script.fails:
        plan.commit()
        exchange.settle({"input": prompt.tokens, "output": answer.output_tokens, "thinking": answer.thinking_tokens})
    if not messages:
        answer = Answer([], "end_turn")
    reply = _ChatReply(exchange, body, prompt, answer, script, loaded=not messages)
    await exchange.reply(prompt, reply)


def _check(messages: list[Any]) -> None:
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("content", ""), str):
            raise ApiError(
                400, "json: cannot unmarshal array into Go struct field ChatRequest.messages.content of type string"
            )
        if message.get("role") not in ("system", "user", "assistant", "tool"):
            raise ApiError(400, f"invalid role: {message.get('role')}")
        for call in message.get("tool_calls") or []:
            if not isinstance(call.get("function", {}).get("arguments"), dict):
                raise ApiError(
                    400, "json: cannot unmarshal string into Go struct field of type api.ToolCallFunctionArguments"
                )


def _tool_blocks(body: dict[str, Any]) -> list[Block]:
    blocks = []
    for tool in body.get("tools") or []:
        function = tool["function"]
        schema = encode(function.get("parameters") or {}).decode()
        words = (function["name"], function.get("description") or "", schema)
        blocks.append(Block("tools", encode(function).decode(), tokens.TOOL_OVERHEAD + sum(map(tokens.count, words))))
    return blocks


def _block(message: dict[str, Any]) -> Block:
    cost = (
        tokens.MESSAGE_OVERHEAD
        + tokens.count(message.get("content") or "")
        + tokens.count(message.get("thinking") or "")
    )
    cost += sum(tokens.image_tokens(image) for image in message.get("images") or [])
    for call in message.get("tool_calls") or []:
        function = call["function"]
        cost += tokens.count(function["name"]) + tokens.count(encode(function["arguments"]).decode())
    section = "system" if message["role"] == "system" else "messages"
    return Block(section, encode(message).decode(), cost)


def _trim(messages: list[dict[str, Any]], tools: list[Block], context: int) -> list[dict[str, Any]]:
    """Drop the oldest messages that are neither system nor last until the prompt fits; say nothing about "
    "it."""
    kept = list(messages)
    spent = tokens.REQUEST_OVERHEAD + sum(block.tokens for block in tools)
    costs = {id(message): _block(message).tokens for message in kept}
    while spent + sum(costs[id(message)] for message in kept) > context:
        oldest = next((i for i, message in enumerate(kept[:-1]) if message["role"] != "system"), None)
        if oldest is None:
            break
        del kept[oldest]
    over = spent + sum(costs[id(message)] for message in kept) - context
    if over > 0 and kept:
        # Even the last message is too long: its beginning is lost.
        last = kept[-1]
        ids = tokens.token_ids(last.get("content") or "")
        kept[-1] = {**last, "content": tokens.text_of(ids[over:])}
    return kept


def _read(body: dict[str, Any], messages: list[dict[str, Any]], model: Model, headers: dict[str, str]) -> Prompt:
    options = body.get("options") or {}
    stops = options.get("stop") or ()
    limit = options.get("num_predict")
    wanted = body.get("format")
    return Prompt(
        model=model,
        model_name=str(body["model"]),
        blocks=[*_tool_blocks(body), *map(_block, messages)],
        turns=[Turn(message["role"], message.get("content") or "") for message in messages],
        tools={tool["function"]["name"]: tool["function"].get("parameters") or {} for tool in body.get("tools") or []},
        schema=wanted if isinstance(wanted, dict) else None,
        json_mode=wanted == "json",
        max_tokens=limit if isinstance(limit, int) and limit >= 0 else None,
        stops=(stops,) if isinstance(stops, str) else tuple(stops),
        thinking=bool(body.get("think")),
        stream=body.get("stream", True) is not False,
        headers=headers,
    )


class _ChatReply:
    """An answer as one object and as lines."""

    stream_type = "application/x-ndjson"

    def __init__(
        self, exchange: Exchange, body: dict[str, Any], prompt: Prompt, answer: Answer, script: Script, loaded: bool
    ) -> None:
        self._prompt, self._answer, self._script, self._loaded = prompt, answer, script, loaded
        self._meter = exchange.meter
        self._head = {"model": body["model"], "created_at": exchange.simulator.clock.rfc3339()}

    def _final(self) -> dict[str, Any]:
        if self._loaded:
            return {"done": True, "done_reason": "load"}
        answer, script = self._answer, self._script
        output, prompt = answer.output_tokens, self._prompt.tokens
        final: dict[str, Any] = {
            "done": True,
            "done_reason": "length" if answer.stop_reason == "max_tokens" else "stop",
            "total_duration": (prompt + output) * _NANOSECONDS_PER_TOKEN,
            "load_duration": 40_000_000,
        }
        if not script.no_usage:
            final |= {
                "prompt_eval_count": prompt + script.wrong_usage,
                "prompt_eval_duration": prompt * _NANOSECONDS_PER_TOKEN // 10,
                "eval_count": output + script.wrong_usage,
                "eval_duration": output * _NANOSECONDS_PER_TOKEN,
                **script.usage,
            }
        return final

    def whole(self) -> bytes:
        """Return the answer as one object."""
        answer = self._answer
        message: dict[str, Any] = {"role": "assistant", "content": answer.joined("text")}
        if answer.thinking_tokens:
            message["thinking"] = answer.joined("thinking")
        if answer.calls:
            message["tool_calls"] = [_call(part, index) for index, part in enumerate(answer.calls)]
        return encode({**self._head, "message": message, **self._final()})

    def events(self) -> Iterator[bytes | Pause]:
        """Yield the lines."""
        for part in self._answer.parts:
            if part.kind == "tool":
                index = self._answer.calls.index(part)
                self._meter.whole(part.name)
                self._meter.whole(part.text)
                yield self._line({"content": "", "tool_calls": [_call(part, index)]})
                continue
            for piece in self._meter.pieces(part.text, self._script.chunk_tokens):
                yield self._line({"content": piece} if part.kind == "text" else {"content": "", "thinking": piece})
        last = {"message": {"role": "assistant", "content": ""}, **self._final()}
        yield encode({**self._head, **last}) + b"\n"

    def _line(self, message: dict[str, Any]) -> bytes:
        return encode({**self._head, "message": {"role": "assistant", **message}, "done": False}) + b"\n"

    def error_event(self, error: ApiError) -> bytes:
        """Return the line that reports an error."""
        return encode({"error": error.message}) + b"\n"


def _call(part: Part, index: int) -> dict[str, Any]:
    try:
        arguments = msgspec.json.decode(part.text)
    except msgspec.DecodeError:
        arguments = {}
    identifier = part.id if part.given else f"call_{part.id[:8]}"
    return {"id": identifier, "function": {"index": index, "name": part.name, "arguments": arguments}}


async def tags(exchange: Exchange) -> None:
    """GET /api/tags."""
    rows = [{**_details(name), "modified_at": "2026-11-01T00:00:00Z"} for name in _names(exchange)]
    await exchange.respond(200, encode({"models": rows}))


async def loaded(exchange: Exchange) -> None:
    """GET /api/ps: every model counts as loaded, at the default context."""
    rows = []
    for name in _names(exchange):
        until = exchange.simulator.clock.rfc3339(300)
        more = {"expires_at": until, "size_vram": 2_000_000_000, "context_length": DEFAULT_CONTEXT}
        rows.append({**_details(name), **more})
    await exchange.respond(200, encode({"models": rows}))


async def show(exchange: Exchange) -> None:
    """POST /api/show. Raises ApiError 404 for an unknown model."""
    model = _find(exchange, exchange.json())
    family = _details(model.name)["details"]["family"]
    shown = {
        "modelfile": f"FROM {model.name}",
        "parameters": "",
        "template": "{{ .Prompt }}",
        "details": _details(model.name)["details"],
        "model_info": {"general.architecture": family, f"{family}.context_length": model.context},
        "capabilities": ["completion", "tools", "thinking"],
    }
    await exchange.respond(200, encode(shown))


async def version(exchange: Exchange) -> None:
    """GET /api/version."""
    await exchange.respond(200, encode({"version": VERSION}))


def _names(exchange: Exchange) -> list[str]:
    stated = [name for name in exchange.simulator.models.names() if ":" in name and name not in _LOCAL]
    return [*_LOCAL, *stated]


def _details(name: str) -> dict[str, Any]:
    family = "".join(letter for letter in name.partition(":")[0] if letter.isalnum())
    details = {
        "format": "gguf",
        "family": family,
        "families": [family],
        "parameter_size": "8.0B",
        "quantization_level": "Q4_K_M",
    }
    full = name if ":" in name else f"{name}:latest"
    return {"name": full, "model": full, "size": 5_000_000_000, "digest": "0" * 64, "details": details}
