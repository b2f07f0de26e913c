"""The official SDKs as a client uses them; one script for every version of theirs, run in a process of its own.

Reads ``{"scenario", "url", "model", ...}`` from standard input, one JSON object a line, and answers each with what the
client was given: ``{"seen": {...}}``, or ``{"error": {...}}`` for an exception that a client would meet. Imports
nothing of Tenbin, nor of its tests: with PYTHONPATH the SDKs may be older ones.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

import anthropic
import openai

TOOL: Any = {
    "name": "weigh",
    "description": "Weighs a thing.",
    "input_schema": {"type": "object", "properties": {"thing": {"type": "string"}}, "required": ["thing"]},
}
FUNCTION: Any = {
    "type": "function",
    "function": {"name": TOOL["name"], "description": TOOL["description"], "parameters": TOOL["input_schema"]},
}
FLAT_FUNCTION: Any = {"type": "function", "strict": False, **FUNCTION["function"]}

Asked = dict[str, Any]


def _claude(asked: Asked, kind: Any = anthropic.Anthropic) -> Any:
    """``auth`` is ``api_key`` (``x-api-key`` in older versions, Bearer in newer ones) or ``auth_token`` (Bearer)."""
    return kind(
        base_url=asked["url"], max_retries=asked.get("retries", 0), **{asked.get("auth", "api_key"): asked["key"]}
    )


def _gpt(asked: Asked, kind: Any = openai.OpenAI) -> Any:
    return kind(base_url=f"{asked['url']}/v1", max_retries=asked.get("retries", 0), api_key=asked["key"])


# Anthropic


def _body(asked: Asked, **more: Any) -> Any:
    messages = [{"role": "user", "content": asked["prompt"]}]
    return {"model": asked["model"], "max_tokens": 1000, "messages": messages, **more}


def _message(message: Any) -> dict[str, Any]:
    usage = message.usage
    cached = usage.cache_read_input_tokens or 0
    return {
        "text": "".join(block.text for block in message.content if block.type == "text"),
        "calls": [[block.name, block.input] for block in message.content if block.type == "tool_use"],
        "blocks": [block.type for block in message.content],
        "stop": message.stop_reason,
        "usage": [usage.input_tokens + cached + (usage.cache_creation_input_tokens or 0), cached, usage.output_tokens],
        "request_id": getattr(message, "_request_id", None),
    }


def messages_create(asked: Asked) -> Any:
    return _message(_claude(asked).messages.create(**_body(asked)))


def messages_beta(asked: Asked) -> Any:
    return _message(_claude(asked).beta.messages.create(**_body(asked, betas=["effort-2025-11-24"])))


def messages_raw_stream(asked: Asked) -> Any:
    """Puts the events together by hand."""
    kinds, text, usage, stop = [], "", {}, None
    with _claude(asked).messages.create(**_body(asked, stream=True)) as stream:
        for event in stream:
            kinds.append(event.type)
            if event.type == "message_start":
                usage = event.message.usage.model_dump()
            elif event.type == "content_block_delta" and event.delta.type == "text_delta":
                text += event.delta.text
            elif event.type == "message_delta":
                usage.update({name: value for name, value in event.usage.model_dump().items() if value is not None})
                stop = event.delta.stop_reason
    cached = usage["cache_read_input_tokens"] or 0
    prompt = usage["input_tokens"] + cached + (usage["cache_creation_input_tokens"] or 0)
    return {"kinds": kinds, "text": text, "usage": [prompt, cached, usage["output_tokens"]], "stop": stop}


def messages_stream(asked: Asked) -> Any:
    with _claude(asked).messages.stream(**_body(asked)) as stream:
        pieces = list(stream.text_stream)
        message = stream.get_final_message()
        headers = stream.response.headers
    return {**_message(message), "pieces": pieces, "request_id": headers["request-id"]}


def messages_async(asked: Asked) -> Any:
    """Five at once, half of them streamed."""

    async def one(client: Any, number: int) -> Any:
        if number % 2:
            async with client.messages.stream(**_body(asked)) as stream:
                return _message(await stream.get_final_message())
        return _message(await client.messages.create(**_body(asked)))

    async def five() -> Any:
        async with _claude(asked, anthropic.AsyncAnthropic) as client:
            return await asyncio.gather(*[one(client, number) for number in range(5)])

    return asyncio.run(five())


def messages_tools(asked: Asked) -> Any:
    """Parallel calls and their results, one of them an error, until the model has no more calls."""
    client = _claude(asked)
    body = _body(asked, tools=[TOOL])
    turns = []
    while True:
        if asked.get("stream"):
            with client.messages.stream(**body) as stream:
                message = stream.get_final_message()
        else:
            message = client.messages.create(**body)
        turns.append(_message(message))
        calls = [block for block in message.content if block.type == "tool_use"]
        if not calls:
            return turns
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": f"{number} g", "is_error": number == 1}
            for number, call in enumerate(calls)
        ]
        content = [block.model_dump(exclude_none=True) for block in message.content]
        body["messages"] = [
            *body["messages"],
            {"role": "assistant", "content": content},
            {"role": "user", "content": results[::-1]},
        ]


def messages_thinking(asked: Asked) -> Any:
    """Thinks, calls a tool, and is given its own thinking back."""
    client = _claude(asked)
    body = _body(asked, tools=[TOOL], thinking={"type": "adaptive"})
    with client.messages.stream(**body) as stream:
        first = stream.get_final_message()
    call = next(block for block in first.content if block.type == "tool_use")
    content = [block.model_dump(exclude_none=True) for block in first.content]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "1 g"}
    body["messages"] += [{"role": "assistant", "content": content}, {"role": "user", "content": [result]}]
    with client.messages.stream(**body) as stream:
        return [_message(first), _message(stream.get_final_message())]


def messages_count(asked: Asked) -> Any:
    body = {name: value for name, value in _body(asked, tools=[TOOL]).items() if name != "max_tokens"}
    answer = _claude(asked).messages.with_raw_response.count_tokens(**body)
    return {"tokens": answer.parse().input_tokens, "estimated": "x-tenbin-estimated" in answer.headers}


def messages_models(asked: Asked) -> Any:
    client = _claude(asked)
    listed = [model.id for model in client.models.list(limit=1000)]
    return {"models": listed, "first": client.models.retrieve(asked["model"]).id}


# OpenAI, Chat Completions


def _chat_body(asked: Asked, **more: Any) -> Any:
    return {"model": asked["model"], "messages": [{"role": "user", "content": asked["prompt"]}], **more}


def _chat_usage(usage: Any) -> list[int]:
    if usage is None:
        return [0, 0, 0]
    cached = (usage.prompt_tokens_details.cached_tokens or 0) if usage.prompt_tokens_details else 0
    return [usage.prompt_tokens, cached, usage.completion_tokens]


def _completion(completion: Any) -> dict[str, Any]:
    [choice] = completion.choices
    calls = choice.message.tool_calls or []
    return {
        "text": choice.message.content or "",
        "calls": [[call.function.name, json.loads(call.function.arguments)] for call in calls],
        "stop": choice.finish_reason,
        "usage": _chat_usage(completion.usage),
        "request_id": getattr(completion, "_request_id", None),
    }


USAGE: Any = {"include_usage": True}


def chat_create(asked: Asked) -> Any:
    return _completion(_gpt(asked).chat.completions.create(**_chat_body(asked)))


def chat_raw_stream(asked: Asked) -> Any:
    chunks = list(_gpt(asked).chat.completions.create(**_chat_body(asked, stream=True, stream_options=USAGE)))
    stops = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    last = chunks[-1]
    return {
        "text": "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices),
        "pieces": len(chunks),
        "stop": stops[0] if len(stops) == 1 else stops,
        "usage": _chat_usage(last.usage),
        "ids": len({chunk.id for chunk in chunks}),
    }


def chat_stream(asked: Asked) -> Any:
    with _gpt(asked).chat.completions.stream(**_chat_body(asked, stream_options=USAGE)) as stream:
        pieces = [event.delta for event in stream if event.type == "content.delta"]
        return {**_completion(stream.get_final_completion()), "pieces": pieces}


def chat_async(asked: Asked) -> Any:
    """Five at once, half of them streamed."""

    async def one(client: Any, number: int) -> Any:
        if number % 2:
            async with client.chat.completions.stream(**_chat_body(asked, stream_options=USAGE)) as stream:
                return _completion(await stream.get_final_completion())
        return _completion(await client.chat.completions.create(**_chat_body(asked)))

    async def five() -> Any:
        async with _gpt(asked, openai.AsyncOpenAI) as client:
            return await asyncio.gather(*[one(client, number) for number in range(5)])

    return asyncio.run(five())


def chat_tools(asked: Asked) -> Any:
    """Parallel calls and their results, until the model has no more calls."""
    client = _gpt(asked)
    body = _chat_body(asked, tools=[FUNCTION])
    turns = []
    while True:
        if asked.get("stream"):
            with client.chat.completions.stream(**body, stream_options=USAGE) as stream:
                completion = stream.get_final_completion()
        else:
            completion = client.chat.completions.create(**body)
        turns.append(_completion(completion))
        message = completion.choices[0].message
        if not message.tool_calls:
            return turns
        calls = [
            {"id": c.id, "type": "function", "function": {"name": c.function.name, "arguments": c.function.arguments}}
            for c in message.tool_calls
        ]
        results = [
            {"role": "tool", "tool_call_id": call["id"], "content": f"{number} g"} for number, call in enumerate(calls)
        ]
        said = {"role": "assistant", "content": message.content, "tool_calls": calls}
        body["messages"] = [*body["messages"], said, *results]


def chat_parse(asked: Asked) -> Any:
    """A typed answer."""
    from pydantic import BaseModel

    class Weight(BaseModel):
        grams: int
        thing: str

    parsed = _gpt(asked).chat.completions.parse(**_chat_body(asked, response_format=Weight))
    found = parsed.choices[0].message.parsed
    return {"grams": found.grams, "thing": found.thing, "usage": _chat_usage(parsed.usage)}


def openai_models(asked: Asked) -> Any:
    client = _gpt(asked)
    return {"models": [model.id for model in client.models.list()], "first": client.models.retrieve(asked["model"]).id}


def embeddings(asked: Asked) -> Any:
    made = _gpt(asked).embeddings.create(model=asked["model"], input=["a cat", "a dog"], dimensions=16)
    return {"lengths": [len(one.embedding) for one in made.data], "tokens": made.usage.prompt_tokens}


# OpenAI, Responses


def _response(response: Any) -> dict[str, Any]:
    calls = [item for item in response.output if item.type == "function_call"]
    usage = response.usage
    return {
        "text": response.output_text,
        "calls": [[call.name, json.loads(call.arguments)] for call in calls],
        "stop": response.status,
        "usage": [usage.input_tokens, usage.input_tokens_details.cached_tokens, usage.output_tokens],
        "request_id": getattr(response, "_request_id", None),
    }


def responses_create(asked: Asked) -> Any:
    return _response(_gpt(asked).responses.create(model=asked["model"], input=asked["prompt"]))


def responses_stream(asked: Asked) -> Any:
    with _gpt(asked).responses.stream(model=asked["model"], input=asked["prompt"]) as stream:
        events = list(stream)
        final = stream.get_final_response()
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    numbers = [event.sequence_number for event in events]
    return {**_response(final), "pieces": deltas, "kinds": [event.type for event in events], "numbers": numbers}


def responses_tools(asked: Asked) -> Any:
    """Parallel calls and their results, the conversation being kept by the client."""
    client = _gpt(asked)
    items: list[Any] = [{"role": "user", "content": asked["prompt"]}]
    turns = []
    while True:
        with client.responses.stream(model=asked["model"], input=items, tools=[FLAT_FUNCTION], store=False) as stream:
            response = stream.get_final_response()
        turns.append(_response(response))
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            return turns
        for item in response.output:
            if item.type == "function_call":
                said = {"name": item.name, "arguments": item.arguments, "call_id": item.call_id}
                items.append({"type": "function_call", **said})
        items += [
            {"type": "function_call_output", "call_id": call.call_id, "output": f"{number} g"}
            for number, call in enumerate(calls)
        ]


def limited(asked: Asked) -> Any:
    """One request with the client's own retries; what the answer's headers say of limits."""
    if asked["kind"] == "anthropic":
        raw = _claude(asked).messages.with_raw_response.create(**_body(asked))
    else:
        messages: Any = [{"role": "user", "content": asked["prompt"]}]
        raw = _gpt(asked).chat.completions.with_raw_response.create(model=asked["model"], messages=messages)
    return {"headers": {name: value for name, value in raw.headers.items() if "ratelimit" in name}}


def versions(asked: Asked) -> Any:
    return {"anthropic": anthropic.__version__, "openai": openai.__version__}


def _told(error: Exception) -> dict[str, Any]:
    return {
        "class": type(error).__name__,
        "status": getattr(error, "status_code", None),
        "message": str(error),
        "body": getattr(error, "body", None),
        "request_id": getattr(error, "request_id", None),
        "code": getattr(error, "code", None),
    }


def answer(asked: Asked) -> dict[str, Any]:
    """Play one scenario."""
    scenario: Callable[[Asked], Any] = globals()[asked["scenario"]]
    try:
        return {"seen": scenario(asked)}
    except Exception as error:  # noqa: BLE001 - whatever a client would meet is what is asked for
        return {"error": _told(error)}


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()
