"""Stage 2, the messages of a Chat Completions request become turns."""

from typing import Any, Literal, TypeAlias

import msgspec

from tenbin.codecs.openai_fields import document, fault, get, image, objects, optional
from tenbin.core.conversation import (
    Document,
    Image,
    Opaque,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolReference,
    ToolResult,
    Turn,
)

DIALECT = "openai_chat"

CacheLife: TypeAlias = Literal["5m", "1h"] | None


def read(messages: list[dict[str, Any]]) -> tuple[tuple[Part, ...], tuple[Turn, ...]]:
    """System parts from the head, and the turns. Tool messages that follow each other are one user turn.

    System messages further down stay where they are. Raises Unreadable.
    """
    system: list[Part] = []
    turns: list[Turn] = []
    results: list[Part] = []
    legacy_calls: dict[str, str] = {}
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        role = get(message, "role", str, where)
        if role in ("tool", "function"):
            results.append(_tool_result(message, role, legacy_calls, where))
            continue
        if results:
            turns.append(Turn(role="user", parts=tuple(results)))
            results = []
        if role in ("system", "developer"):
            parts = _content(message, where)
            if turns:
                turns.append(Turn(role="system", parts=parts))
            else:
                system += parts
        elif role == "user":
            turns.append(Turn(role="user", parts=_content(message, where)))
        elif role == "assistant":
            turns.append(Turn(role="assistant", parts=_assistant(message, index, legacy_calls, where)))
        else:
            raise fault(f"{where}.role", "must be system, developer, user, assistant or tool.")
    if results:
        turns.append(Turn(role="user", parts=tuple(results)))
    return tuple(system), tuple(turns)


def cache_life(part: dict[str, Any]) -> CacheLife:
    """The prompt-cache mark of a part: Anthropic's ``cache_control``, as OpenRouter and LiteLLM take it, or OpenAI's
    ``prompt_cache_breakpoint``, whose longer life is 12 hours.
    """
    mark = part.get("cache_control")
    if isinstance(mark, dict):
        return "1h" if mark.get("ttl") == "1h" else "5m"
    mark = part.get("prompt_cache_breakpoint")
    if isinstance(mark, dict):
        return "1h" if mark.get("ttl") == "12h" else "5m"
    return None


def _content(message: dict[str, Any], where: str) -> tuple[Part, ...]:
    content = message.get("content")
    where = f"{where}.content"
    if content is None:
        return ()
    if isinstance(content, str):
        return (Text(text=content, cache=cache_life(message)),)
    if not isinstance(content, list):
        raise fault(where, "must be a string or a list of parts.")
    return tuple(_part(part, f"{where}[{index}]") for index, part in enumerate(objects(content, where)))


def _part(part: dict[str, Any], where: str) -> Text | Image | Document | Opaque:
    kind = get(part, "type", str, where)
    cache = cache_life(part)
    if kind == "text":
        return Text(text=get(part, "text", str, where), cache=cache)
    if kind == "refusal":
        return Text(text=get(part, "refusal", str, where), cache=cache)
    if kind == "image_url":
        address = part.get("image_url")
        if isinstance(address, str):
            address = {"url": address}
        if not isinstance(address, dict):
            raise fault(f"{where}.image_url", "must be an object with a url.")
        url = get(address, "url", str, f"{where}.image_url")
        detail = optional(address, "detail", str, f"{where}.image_url")
        found = image(url, detail, f"{where}.image_url.url")
        return msgspec.structs.replace(found, cache=cache) if cache else found
    if kind == "file":
        file = get(part, "file", dict, where)
        data = optional(file, "file_data", str, f"{where}.file")
        if data is None:
            raise fault(
                f"{where}.file.file_data",
                "is missing. Files that lie at a provider (file_id) can't be sent to another; give the content as a "
                "data URI in file_data.",
            )
        title = optional(file, "filename", str, f"{where}.file")
        read_document = document(data, title, f"{where}.file.file_data")
        return msgspec.structs.replace(read_document, cache=cache) if cache else read_document
    return Opaque(dialect=DIALECT, kind=kind, value=part, cache=cache)


def _assistant(message: dict[str, Any], index: int, legacy_calls: dict[str, str], where: str) -> tuple[Part, ...]:
    parts: list[Part] = []
    for field in ("reasoning_content", "reasoning"):
        thought = message.get(field)
        if isinstance(thought, str) and thought:
            parts.append(Thinking(text=thought))
            break
    parts += [part for part in _content(message, where) if not (isinstance(part, Text) and not part.text)]
    refusal = optional(message, "refusal", str, where)
    if refusal:
        parts.append(Text(text=refusal))
    calls = optional(message, "tool_calls", list, where) or []
    for position, call in enumerate(objects(calls, f"{where}.tool_calls")):
        parts.append(_tool_call(call, f"{where}.tool_calls[{position}]"))
    legacy = optional(message, "function_call", dict, where)
    if legacy is not None and not calls:
        name = get(legacy, "name", str, f"{where}.function_call")
        call_id = f"call_{index}"
        legacy_calls[name] = call_id
        arguments = optional(legacy, "arguments", str, f"{where}.function_call") or "{}"
        parts.append(ToolCall(id=call_id, name=name, arguments=arguments))
    return tuple(parts)


def _tool_call(call: dict[str, Any], where: str) -> Part:
    if call.get("type", "function") not in ("function", None):
        return Opaque(dialect=DIALECT, kind=str(call.get("type")), value=call)
    function = get(call, "function", dict, where)
    arguments = function.get("arguments")
    if isinstance(arguments, dict):
        arguments = msgspec.json.encode(arguments).decode()
    elif not isinstance(arguments, str | None):
        raise fault(f"{where}.function.arguments", "must be a string of JSON.")
    return ToolCall(
        id=get(call, "id", str, where),
        name=get(function, "name", str, f"{where}.function"),
        arguments=arguments or "{}",
    )


def _tool_result(message: dict[str, Any], role: str, legacy_calls: dict[str, str], where: str) -> ToolResult:
    if role == "function":
        name = get(message, "name", str, where)
        call_id = legacy_calls.get(name)
        if call_id is None:
            raise fault(f"{where}.name", "names a function that no message before it has called.")
    else:
        call_id = get(message, "tool_call_id", str, where)
    content: list[Text | Image | Document | ToolReference | Opaque] = []
    for part in _content(message, where):
        if isinstance(part, Text | Image | Document | ToolReference | Opaque):
            content.append(part)
    return ToolResult(call_id=call_id, content=tuple(content))
