"""Clients of each dialect that share no code with the gateway: they write plain JSON and read plain answers."""

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

ClientName = Literal["anthropic", "openai_chat", "openai_responses"]
CLIENTS: tuple[ClientName, ...] = ("anthropic", "openai_chat", "openai_responses")


class Unsayable(Exception):
    """The client's own dialect has no words for what is wished."""


@dataclass(frozen=True)
class Wish:
    """A request in no dialect. Turns are (role, parts); a part is a tuple that begins with its kind:

    ``("text", words)``, ``("image", base64)``, ``("image_url", url)``, ``("pdf", base64)``,
    ``("call", id, name, arguments)``, ``("result", call id, parts, is_error)``.
    """

    turns: list[tuple[str, list[tuple]]]
    system: str | None = None
    tools: list[tuple[str, dict]] = field(default_factory=list)
    choice: str | None = None
    """``auto``, ``none``, ``any``, or the name of a tool."""
    max_tokens: int = 1000
    stop: list[str] = field(default_factory=list)
    thinking: bool = False
    schema: dict | None = None
    temperature: float | None = None


@dataclass
class Reply:
    """An answer, or a refusal, in no dialect."""

    status: int
    headers: dict[str, str]
    text: str = ""
    thinking: str = ""
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    stop: str = ""
    """``end``, ``max_tokens``, ``stop_sequence``, ``tool_use``, ``refusal``."""
    prompt: int = 0
    """All prompt tokens, cached or not."""
    cached: int = 0
    output: int = 0
    error: str | None = None
    """What an error says, whether it came as a status or in the middle of a stream."""
    error_kind: str | None = None


def ask(client: ClientName, url: str, model: str, wish: Wish, *, stream: bool) -> Reply:
    """Send a wish to a gateway. Raises Unsayable."""
    path, write, read = _SPEECH[client]
    body = json.dumps({"model": model, "stream": stream, **write(wish, stream)}).encode()
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    try:
        headers = {"content-type": "application/json", "authorization": "Bearer any", "anthropic-version": "2023-06-01"}
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        data = response.read()
    finally:
        connection.close()
    reply = Reply(response.status, {name.lower(): value for name, value in response.getheaders()})
    if response.status != 200:
        _read_error(json.loads(data), reply)
    elif stream:
        assert reply.headers["content-type"].startswith("text/event-stream")
        read(_events(data), reply)
    else:
        read(json.loads(data), reply)
    return reply


def _events(data: bytes) -> list[dict]:
    events = []
    for block in data.decode().replace("\r\n", "\n").split("\n\n"):
        lines = [line.removeprefix("data:").strip() for line in block.split("\n") if line.startswith("data:")]
        if lines and lines != ["[DONE]"]:
            events.append(json.loads("\n".join(lines)))
    return events


def _read_error(body: dict, reply: Reply) -> None:
    error = body["error"]
    reply.error, reply.error_kind = error["message"], error.get("type")


# Anthropic


def _anthropic_part(part: tuple) -> dict:
    match part:
        case ("text", words):
            return {"type": "text", "text": words}
        case ("image", data):
            return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
        case ("image_url", url):
            return {"type": "image", "source": {"type": "url", "url": url}}
        case ("pdf", data):
            return {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": data}}
        case ("call", call_id, name, arguments):
            return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}
        case ("result", call_id, parts, is_error):
            content = [_anthropic_part(inner) for inner in parts]
            return {"type": "tool_result", "tool_use_id": call_id, "content": content, "is_error": is_error}
        case _:
            raise AssertionError(part)


def _write_anthropic(wish: Wish, stream: bool) -> dict:
    body: dict[str, Any] = {
        "max_tokens": wish.max_tokens,
        "messages": [
            {"role": role, "content": [_anthropic_part(part) for part in parts]} for role, parts in wish.turns
        ],
    }
    if wish.system:
        body["system"] = wish.system
    if wish.tools:
        body["tools"] = [{"name": name, "description": name, "input_schema": schema} for name, schema in wish.tools]
    if wish.choice:
        plain = wish.choice in ("auto", "none", "any")
        body["tool_choice"] = {"type": wish.choice} if plain else {"type": "tool", "name": wish.choice}
    if wish.stop:
        body["stop_sequences"] = wish.stop
    if wish.thinking:
        body["thinking"] = {"type": "adaptive"}
        body["output_config"] = {"effort": "medium"}
    if wish.schema:
        body["output_config"] = {"format": {"type": "json_schema", "schema": wish.schema}}
    if wish.temperature is not None:
        body["temperature"] = wish.temperature
    return body


_ANTHROPIC_STOPS = {"end_turn": "end"}


def _read_anthropic(answer: Any, reply: Reply) -> None:
    message = _anthropic_message(answer, reply) if isinstance(answer, list) else answer
    for block in message.get("content", []):
        match block["type"]:
            case "text":
                reply.text += block["text"]
            case "thinking":
                reply.thinking += block["thinking"]
            case "tool_use":
                reply.calls.append((block["id"], block["name"], block["input"]))
    reason = message.get("stop_reason") or ""
    reply.stop = _ANTHROPIC_STOPS.get(reason, reason)
    usage = message.get("usage", {})
    reply.cached = usage.get("cache_read_input_tokens") or 0
    reply.prompt = usage.get("input_tokens", 0) + reply.cached + (usage.get("cache_creation_input_tokens") or 0)
    reply.output = usage.get("output_tokens", 0)


def _anthropic_message(events: list[dict], reply: Reply) -> dict:
    """The message that the events build up."""
    message: dict[str, Any] = {}
    arguments: dict[int, str] = {}
    for event in events:
        match event["type"]:
            case "message_start":
                message = event["message"]
            case "content_block_start":
                assert event["index"] == len(message["content"])
                message["content"].append(event["content_block"])
            case "content_block_delta":
                block, delta = message["content"][event["index"]], event["delta"]
                if delta["type"] == "input_json_delta":
                    arguments[event["index"]] = arguments.get(event["index"], "") + delta["partial_json"]
                elif delta["type"] in ("text_delta", "thinking_delta"):
                    key = delta["type"].removesuffix("_delta")
                    block[key] += delta[key]
            case "message_delta":
                message.update(event["delta"])
                message.setdefault("usage", {}).update(event.get("usage") or {})
            case "error":
                _read_error(event, reply)
    for index, text in arguments.items():
        message["content"][index]["input"] = json.loads(text or "{}")
    return message


# OpenAI Chat Completions


def _chat_part(part: tuple) -> dict:
    match part:
        case ("text", words):
            return {"type": "text", "text": words}
        case ("image", data):
            return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
        case ("image_url", url):
            return {"type": "image_url", "image_url": {"url": url}}
        case ("pdf", data):
            file = {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{data}"}
            return {"type": "file", "file": file}
        case _:
            raise AssertionError(part)


def _chat_messages(role: str, parts: list[tuple]) -> list[dict]:
    calls = [
        {"id": part[1], "type": "function", "function": {"name": part[2], "arguments": json.dumps(part[3])}}
        for part in parts
        if part[0] == "call"
    ]
    messages: list[dict] = []
    for part in parts:
        if part[0] == "result":
            if any(inner[0] != "text" for inner in part[2]):
                raise Unsayable("tool messages hold text only")
            if part[3]:
                raise Unsayable("tool messages have no mark for an error")
            words = "".join(inner[1] for inner in part[2])
            messages.append({"role": "tool", "tool_call_id": part[1], "content": words})
    plain = [_chat_part(part) for part in parts if part[0] not in ("call", "result")]
    if plain or calls:
        alone = len(plain) == 1 and plain[0]["type"] == "text"
        content: Any = plain[0]["text"] if alone else plain or None
        messages.append({"role": role, "content": content, **({"tool_calls": calls} if calls else {})})
    return messages


def _function(name: str, schema: dict) -> dict:
    return {"name": name, "description": name, "parameters": schema}


def _write_chat(wish: Wish, stream: bool) -> dict:
    system = [{"role": "system", "content": wish.system}] if wish.system else []
    turns = [message for role, parts in wish.turns for message in _chat_messages(role, parts)]
    body: dict[str, Any] = {"max_tokens": wish.max_tokens, "messages": [*system, *turns]}
    if stream:
        body["stream_options"] = {"include_usage": True}
    if wish.tools:
        body["tools"] = [{"type": "function", "function": _function(name, schema)} for name, schema in wish.tools]
    if wish.choice:
        named = {"type": "function", "function": {"name": wish.choice}}
        body["tool_choice"] = {"auto": "auto", "none": "none", "any": "required"}.get(wish.choice, named)
    if wish.stop:
        body["stop"] = wish.stop
    if wish.thinking:
        body["reasoning_effort"] = "medium"
    if wish.schema:
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "wished", "schema": wish.schema}}
    if wish.temperature is not None:
        body["temperature"] = wish.temperature
    return body


_CHAT_STOPS = {"stop": "end", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}


def _read_chat(answer: Any, reply: Reply) -> None:
    chunks = answer if isinstance(answer, list) else [answer]
    calls: dict[int, list[str]] = {}
    for chunk in chunks:
        if "error" in chunk:
            _read_error(chunk, reply)
            return
        for choice in chunk.get("choices") or []:
            said = choice.get("delta") or choice.get("message") or {}
            reply.text += said.get("content") or ""
            reply.thinking += said.get("reasoning_content") or said.get("reasoning") or ""
            for place, call in enumerate(said.get("tool_calls") or []):
                function = call["function"]
                known = calls.setdefault(call.get("index", place), [call.get("id") or "", "", ""])
                known[1] = known[1] or function.get("name") or ""
                known[2] += function.get("arguments") or ""
            if choice.get("finish_reason"):
                reply.stop = _CHAT_STOPS[choice["finish_reason"]]
        if usage := chunk.get("usage"):
            reply.prompt, reply.output = usage["prompt_tokens"], usage["completion_tokens"]
            reply.cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    reply.calls = [(call_id, name, json.loads(text or "{}")) for call_id, name, text in calls.values()]


# OpenAI Responses


def _responses_part(part: tuple, role: str) -> dict:
    match part:
        case ("text", words):
            return {"type": "output_text" if role == "assistant" else "input_text", "text": words}
        case ("image", data):
            return {"type": "input_image", "image_url": f"data:image/png;base64,{data}"}
        case ("image_url", url):
            return {"type": "input_image", "image_url": url}
        case ("pdf", data):
            return {"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{data}"}
        case _:
            raise AssertionError(part)


def _responses_items(role: str, parts: list[tuple]) -> list[dict]:
    items: list[dict] = []
    for part in parts:
        match part:
            case ("call", call_id, name, arguments):
                call = {"call_id": call_id, "name": name, "arguments": json.dumps(arguments)}
                items.append({"type": "function_call", **call})
            case ("result", call_id, inner, is_error):
                if is_error:
                    raise Unsayable("function_call_output has no mark for an error")
                output = [_responses_part(one, "user") for one in inner]
                items.append({"type": "function_call_output", "call_id": call_id, "output": output})
            case _:
                items.append({"type": "message", "role": role, "content": [_responses_part(part, role)]})
    return items


def _write_responses(wish: Wish, stream: bool) -> dict:
    body: dict[str, Any] = {
        "max_output_tokens": wish.max_tokens,
        "input": [item for role, parts in wish.turns for item in _responses_items(role, parts)],
        "store": False,
    }
    if wish.system:
        body["instructions"] = wish.system
    if wish.tools:
        body["tools"] = [{"type": "function", **_function(name, schema)} for name, schema in wish.tools]
    if wish.choice:
        named = {"type": "function", "name": wish.choice}
        body["tool_choice"] = {"auto": "auto", "none": "none", "any": "required"}.get(wish.choice, named)
    if wish.stop:
        raise Unsayable("there is no field for stop sequences")
    if wish.thinking:
        body["reasoning"] = {"effort": "medium", "summary": "auto"}
    if wish.schema:
        body["text"] = {"format": {"type": "json_schema", "name": "wished", "schema": wish.schema}}
    if wish.temperature is not None:
        body["temperature"] = wish.temperature
    return body


def _read_responses(answer: Any, reply: Reply) -> None:
    response = answer if isinstance(answer, dict) else _last_response(answer, reply)
    for item in response.get("output", []):
        match item["type"]:
            case "message":
                reply.text += "".join(part.get("text", "") for part in item["content"])
            case "reasoning":
                inner = [*item.get("summary", []), *(item.get("content") or [])]
                reply.thinking += "".join(part["text"] for part in inner)
            case "function_call":
                reply.calls.append((item["call_id"], item["name"], json.loads(item["arguments"] or "{}")))
    if response.get("error"):
        reply.error, reply.error_kind = response["error"]["message"], response["error"].get("code")
    reason = (response.get("incomplete_details") or {}).get("reason")
    reasons = {"max_output_tokens": "max_tokens", "content_filter": "refusal"}
    reply.stop = reasons[reason] if reason else "tool_use" if reply.calls else "end"
    if usage := response.get("usage"):
        reply.prompt, reply.output = usage["input_tokens"], usage["output_tokens"]
        reply.cached = usage["input_tokens_details"]["cached_tokens"]


def _last_response(events: list[dict], reply: Reply) -> dict:
    """The response that the last event holds, once it is sure that the deltas said the same."""
    texts = {"response.output_text.delta": "", "response.function_call_arguments.delta": ""}
    last: dict = {}
    for event in events:
        if event["type"] in texts:
            texts[event["type"]] += event["delta"]
        elif event["type"] in ("response.completed", "response.incomplete", "response.failed"):
            last = event["response"]
        elif event["type"] == "error":
            reply.error, reply.error_kind = event["message"], event.get("code")
    if last.get("status") in ("completed", "incomplete"):
        said, called = texts.values()
        items = last["output"]
        whole = "".join(part.get("text", "") for item in items if item["type"] == "message" for part in item["content"])
        assert said == whole
        assert called == "".join(item["arguments"] for item in items if item["type"] == "function_call")
    elif not last:
        reply.text = texts["response.output_text.delta"]
    return last


_SPEECH: dict[ClientName, tuple[str, Callable[[Wish, bool], dict], Callable[[Any, Reply], None]]] = {
    "anthropic": ("/v1/messages", _write_anthropic, _read_anthropic),
    "openai_chat": ("/v1/chat/completions", _write_chat, _read_chat),
    "openai_responses": ("/v1/responses", _write_responses, _read_responses),
}
