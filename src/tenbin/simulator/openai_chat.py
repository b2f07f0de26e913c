"""OpenAI's Chat Completions, as OpenAI and as the providers that copy it speak it; and the list of models."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from tenbin.simulator import openai_checks, openai_prompt
from tenbin.simulator.answers import Answer, Part, compose
from tenbin.simulator.exchange import Exchange, Pause, encode
from tenbin.simulator.models import Model
from tenbin.simulator.openai_habits import HABITS, Habits, error_body
from tenbin.simulator.prefix_cache import Plan
from tenbin.simulator.prompt import ApiError, Prompt
from tenbin.simulator.scripts import Script
from tenbin.simulator.tokens import pieces

_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
    "pause_turn": "stop",
}
_LATE_MS = 300.0


def habits_of(exchange: Exchange, model: str = "") -> Habits:
    """Return the habits of the profile in the path, else of the one before the model's name, else "
    "OpenAI's."""
    named = exchange.profile or model.partition("/")[0]
    return HABITS.get(named, HABITS["openai"])


def refuse(exchange: Exchange, error: ApiError) -> tuple[int, bytes]:
    """Return status and body of a refusal, and set its headers."""
    identify(exchange)
    model = exchange.entry.model or ""
    return error.status, encode(error_body(habits_of(exchange, model), error))


def identify(exchange: Exchange) -> None:
    """Give the response its request id."""
    if exchange.entry.request_id is None:
        exchange.entry.request_id = exchange.simulator.identifier("req_", 32)
        if not exchange.script.no_request_id:
            exchange.extra_headers.append(("x-request-id", exchange.entry.request_id))


def admit(exchange: Exchange) -> tuple[dict[str, Any], Model, Habits]:
    """Check the key and find the model; return body, model and habits. Raises ApiError."""
    if not exchange.credential and habits_of(exchange).needs_key:
        message = "You didn't provide an API key. You need to provide your API key in an Authorization header."
        raise ApiError(401, message)
    if exchange.credential.startswith("invalid"):
        raise ApiError(401, "Incorrect API key provided: invalid.", code="invalid_api_key")
    body = exchange.json()
    if not isinstance(body.get("model"), str):
        raise ApiError(400, "you must provide a model parameter", "invalid_request_error", param="model")
    exchange.entry.model = body["model"]
    model = exchange.simulator.models.find(body["model"])
    if model is None:
        message = f"The model `{body['model']}` does not exist or you do not have access to it."
        raise ApiError(404, message, "invalid_request_error", "model_not_found", "model")
    return body, model, habits_of(exchange, body["model"])


def too_long(prompt: Prompt, habits: Habits) -> ApiError:
    """Return the refusal of a prompt that does not fit, in the provider's words."""
    size, limit = prompt.tokens, prompt.model.context
    if habits.name == "llamacpp":
        return ApiError(
            400,
            "the request exceeds the available context size, try increasing it",
            "exceed_context_size_error",
            extra={"n_prompt_tokens": size, "n_ctx": limit},
        )
    if habits.name == "gemini":
        message = f"The input token count ({size}) exceeds the maximum number of tokens allowed ({limit})."
        return ApiError(400, message)
    return ApiError(
        400,
        f"This model's maximum context length is {limit} tokens. However, your messages resulted in {size} "
        "tokens. Please "
        "reduce the length of the messages.",
        "invalid_request_error",
        "context_length_exceeded",
        "messages",
    )


def choices_of(body: dict[str, Any]) -> int:
    """Return how many answers are asked for."""
    return max(1, int(body.get("n") or 1))


def enter(
    exchange: Exchange, prompt: Prompt, habits: Habits, dialect: str, choices: int = 1
) -> tuple[Script, Answer, Plan]:
    """Admit a request: choose its script, compose the answer, settle the cache and the usage. Raises "
    "ApiError."""
    if prompt.tokens > prompt.model.context:
        raise too_long(prompt, habits)
    limits, before = exchange.simulator.limits, list(exchange.extra_headers)
    if habits.needs_key:
        exchange.extra_headers += limits.openai_headers(exchange.credential)
    script = exchange.admit(prompt)
    if habits.needs_key:
        exchange.extra_headers = before + limits.openai_headers(exchange.credential)  # again: the request counts
    scope = f"{dialect}|{exchange.credential}|{prompt.model_name}"
    plan = exchange.simulator.cache.plan_automatic(prompt, scope, prompt.model.cache_write_fee)
    answer = compose(prompt, script)
    if not script.fails:
        plan.commit()
        truth = {"input": plan.input, "cache_read": plan.read, "cache_write": plan.write_5m}
        output, thinking = answer.output_tokens * choices, answer.thinking_tokens * choices
        exchange.settle({**truth, "output": output, "thinking": thinking})
    identify(exchange)
    exchange.extra_headers += [("openai-processing-ms", "12"), ("openai-version", "2020-10-01")]
    return script, answer, plan


async def completions(exchange: Exchange) -> None:
    """POST /v1/chat/completions. Raises ApiError."""
    body, model, habits = admit(exchange)
    openai_checks.check(body, model, habits)
    prompt = openai_prompt.read(body, model, exchange.headers)
    script, answer, plan = enter(exchange, prompt, habits, "openai", choices_of(body))
    if habits.name == "litellm":
        exchange.extra_headers += [("x-litellm-version", "1.109.1"), ("x-litellm-model-id", "simulated")]
    reply = _CompletionReply(exchange, body, prompt, answer, plan, script, habits)
    await exchange.reply(prompt, reply)


class _CompletionReply:
    """An answer as a completion and as the stream of its chunks."""

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
        self._choices, self._meter = choices_of(body), exchange.meter
        self._rates = exchange.simulator.invoice.rates_of("openrouter", prompt.model_name)
        tier = body.get("service_tier") or "auto"
        head: dict[str, Any] = {
            "id": exchange.simulator.identifier("chatcmpl-", 29),
            "object": "chat.completion",
            "created": int(exchange.simulator.clock.now()),
            "model": prompt.model_name,
        }
        if habits.name in ("openai", "openrouter"):
            head["service_tier"] = "default" if tier == "auto" else tier
        if habits.name in ("openai", "deepseek", "llamacpp"):
            head["system_fingerprint"] = "fp_simulator"
        if habits.name == "openrouter":
            head["provider"] = "Simulated"
        self._head = head

    def _usage(self) -> dict[str, Any]:
        plan, answer, script = self._plan, self._answer, self._script
        prompt = plan.input + plan.read + plan.write_5m
        output = answer.output_tokens * self._choices
        usage: dict[str, Any] = {
            "prompt_tokens": prompt + script.wrong_usage,
            "completion_tokens": output + script.wrong_usage,
            "total_tokens": prompt + output,
        }
        details = {"cached_tokens": plan.read, "audio_tokens": 0}
        if self._prompt.model.cache_write_fee:
            details["cache_write_tokens"] = plan.write_5m
        if self._habits.name in ("openai", "openrouter", "deepseek", "litellm"):
            usage["prompt_tokens_details"] = details
            usage["completion_tokens_details"] = {"reasoning_tokens": answer.thinking_tokens * self._choices}
        if self._habits.name == "openai":
            zeros = {"audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}
            usage["completion_tokens_details"].update(zeros)
        if self._habits.name == "deepseek":
            usage["prompt_cache_hit_tokens"] = plan.read
            usage["prompt_cache_miss_tokens"] = prompt - plan.read
        if self._habits.name == "openrouter":
            rates = self._rates
            parts = (plan.input, "input"), (plan.read, "cache_read"), (plan.write_5m, "cache_write_5m")
            pico = sum(size * rates.get(name, 0) for size, name in (*parts, (output, "output")))
            nano = (pico + 500) // 1000
            usage |= {"cost": nano / 1e9, "is_byok": False, "cost_details": {"upstream_inference_cost": None}}
        return {**usage, **script.usage}

    def _states_usage(self) -> bool:
        return not self._script.no_usage and self._habits.usage != "never"

    def _extras(self) -> dict[str, Any]:
        """Fields that a provider adds to the end of an answer."""
        if self._habits.name != "llamacpp":
            return {}
        plan, output = self._plan, self._answer.output_tokens
        fresh = plan.input + plan.write_5m
        return {
            "timings": {
                "cache_n": plan.read,
                "prompt_n": fresh,
                "prompt_ms": fresh * 1.5,
                "prompt_per_second": 666.7,
                "predicted_n": output,
                "predicted_ms": output * 25.0,
                "predicted_per_second": 40.0,
            }
        }

    def _finish(self) -> str:
        return _FINISH.get(self._answer.stop_reason, self._answer.stop_reason)

    def whole(self) -> bytes:
        """Return the completion."""
        choices = [
            {
                "index": index,
                "message": self._message(),
                "logprobs": self._logprobs(self._answer.joined("text")),
                "finish_reason": self._finish(),
            }
            for index in range(self._choices)
        ]
        completion = {**self._head, "choices": choices, **self._extras()}
        if self._states_usage():
            completion["usage"] = self._usage()
        return encode(completion)

    def _message(self) -> dict[str, Any]:
        answer, habits = self._answer, self._habits
        text = answer.joined("text")
        message: dict[str, Any] = {"role": "assistant", "content": text or (None if answer.calls else "")}
        if habits.name == "openai":
            message |= {"refusal": None, "annotations": []}
        if answer.stop_reason == "refusal" and habits.name == "openai":
            message |= {"refusal": text or "I can't help with that.", "content": None}
        thinking = answer.joined("thinking")
        if habits.reasoning_field and thinking:
            message[habits.reasoning_field] = thinking
        if habits.name == "openrouter" and thinking:
            message["reasoning_details"] = [
                {"type": "reasoning.text", "text": thinking, "format": "unknown", "index": 0}
            ]
        if answer.calls:
            message["tool_calls"] = [self._call(part) for part in answer.calls]
        return message

    def _call(self, part: Part, arguments: str | None = None) -> dict[str, Any]:
        call: dict[str, Any] = {
            "id": self._call_id(part),
            "type": "function",
            "function": {"name": part.name, "arguments": part.text if arguments is None else arguments},
        }
        if self._habits.name == "gemini":
            call["extra_content"] = {"google": {"thought_signature": "c2ltdWxhdGVk"}}
        return call

    def _call_id(self, part: Part) -> str:
        return part.id if part.given else f"{self._habits.call_prefix}{part.id}{self._habits.call_suffix}"

    def _logprobs(self, text: str) -> dict[str, Any] | None:
        if not self._body.get("logprobs"):
            return None
        content = []
        for piece in pieces(text, 1):
            # The first token of a piece has a definite share of the probability, read off its text.
            row = {"token": piece, "logprob": -math.log1p(len(piece) / 8), "bytes": list(piece.encode())}
            content.append({**row, "top_logprobs": [row] * int(self._body.get("top_logprobs") or 0)})
        return {"content": content, "refusal": None}

    def events(self) -> Iterator[bytes | Pause]:
        """Yield the stream's chunks and the `[DONE]` line."""
        habits, script = self._habits, self._script
        if habits.comments:
            yield habits.comments
        for index in range(self._choices):
            yield self._chunk(index, {"role": "assistant", "content": "", **self._first_extras()})
            for part in self._answer.parts:
                yield from self._part(index, part)
            yield from self._last(index)
        asked = (self._body.get("stream_options") or {}).get("include_usage")
        if self._states_usage() and (asked or habits.usage == "always") and not habits.usage_in_last_choice:
            if script.late_usage:
                yield Pause(_LATE_MS)
            yield self._line({"choices": [], "usage": self._usage(), **self._extras()})
        yield b"data: [DONE]\n\n"

    def _first_extras(self) -> dict[str, Any]:
        return {"refusal": None} if self._habits.name == "openai" else {}

    def _last(self, index: int) -> Iterator[bytes]:
        habits = self._habits
        asked = (self._body.get("stream_options") or {}).get("include_usage")
        extras: dict[str, Any] = {}
        if habits.usage_in_last_choice and self._states_usage() and (asked or habits.usage == "always"):
            extras = {"usage": self._usage()}
        if not asked:
            extras |= self._extras()
        yield self._chunk(index, {}, self._finish(), extras)

    def _part(self, index: int, part: Part) -> Iterator[bytes]:
        habits = self._habits
        if part.kind == "thinking":
            if not habits.reasoning_field:
                self._meter.whole(part.text)
                return
            for piece in self._meter.pieces(part.text, self._script.chunk_tokens):
                yield self._chunk(index, {habits.reasoning_field: piece})
        elif part.kind == "text":
            for piece in self._meter.pieces(part.text, self._script.chunk_tokens):
                yield self._chunk(index, {"content": piece}, None, None, piece)
        else:
            yield from (self._chunk(index, {"tool_calls": [call]}) for call in self._call_deltas(part))

    def _call_deltas(self, part: Part) -> Iterator[dict[str, Any]]:
        style = self._habits.tool_deltas
        self._meter.whole(part.name)
        if style == "whole":
            self._meter.whole(part.text)
            yield self._call(part)
            return
        position = self._answer.calls.index(part)
        cut = self._meter.pieces(part.text, self._script.chunk_tokens)
        if style == "repeated":
            yield from ({"index": position, **self._call(part, piece)} for piece in cut)
            return
        yield {"index": position, **self._call(part, "")}
        yield from ({"index": position, "function": {"arguments": piece}} for piece in cut)

    def _chunk(
        self,
        index: int,
        delta: dict[str, Any],
        finish: str | None = None,
        extras: dict[str, Any] | None = None,
        text: str | None = None,
    ) -> bytes:
        if self._habits.nulls:
            delta = {"role": None, "content": None, "tool_calls": None, "function_call": None, **delta}
        logprobs = self._logprobs(text) if text is not None else None
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return self._line({"choices": [choice], **(extras or {})})

    def _line(self, fields: dict[str, Any]) -> bytes:
        chunk = {**self._head, "object": "chat.completion.chunk", **fields}
        if (
            "usage" not in fields
            and (self._body.get("stream_options") or {}).get("include_usage")
            and self._habits.strict
        ):
            chunk["usage"] = None
        return b"data: " + encode(chunk) + b"\n\n"

    def error_event(self, error: ApiError) -> bytes:
        """Return the chunk that reports an error."""
        return b"data: " + encode(error_body(self._habits, error)) + b"\n\n"


async def models(exchange: Exchange) -> None:
    """GET /v1/models and /v1/models/ID. Raises ApiError 404 for an unknown model."""
    identify(exchange)
    catalogue = exchange.simulator.models
    _, _, wanted = exchange.path.partition("/models/")
    if wanted:
        if catalogue.find(wanted) is None:
            raise ApiError(404, f"The model '{wanted}' does not exist", code="model_not_found", param="model")
        await exchange.respond(200, encode(_model(wanted, exchange)))
        return
    data = [_model(name, exchange) for name in catalogue.names()]
    await exchange.respond(200, encode({"object": "list", "data": data}))


def _model(name: str, exchange: Exchange) -> dict[str, Any]:
    row: dict[str, Any] = {"id": name, "object": "model", "created": 1_760_000_000, "owned_by": "simulator"}
    model = exchange.simulator.models.find(name)
    if model is None:
        return row
    if exchange.profile == "vllm":
        row |= {"max_model_len": model.context, "root": name, "parent": None}
    if exchange.profile == "llamacpp":
        row["meta"] = {"n_ctx_train": model.context, "n_ctx": model.context, "vocab_type": 2}
    if exchange.profile == "openrouter":
        told = exchange.simulator.invoice.rates_of("openrouter", name)
        rates = {key: f"{value / 1e12:.12f}" for key, value in told.items()}
        pricing = {
            "prompt": rates.get("input"),
            "completion": rates.get("output"),
            "input_cache_read": rates.get("cache_read"),
        }
        row |= {"context_length": model.context, "pricing": pricing}
    return row
