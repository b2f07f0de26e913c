"""4. What a request asks, apart from how it was written: two that must get the same answer read the same here.

Everything that is not known to leave the answer alone counts, also fields that nobody has heard of. The two great
dialects meet in one form as far as they say the same thing; what only one can say stays under its name.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from tenbin.core.target import DialectName

Drawing: TypeAlias = Literal["fixed", "unset", "drawn"]
"""How the answer's words are drawn: always the likeliest (temperature 0), as the model has it, by chance on demand."""

IDLE_FIELDS = frozenset(
    {
        "cache_control",
        "metadata",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "session_id",
        "store",
        "stream",
        "stream_options",
        "user",
    }
)
"""Top-level fields that leave the answer's content alone: how it is sent, billed, labelled or kept."""

STATEFUL_FIELDS = ("previous_response_id", "conversation", "background", "container", "prompt")
"""Fields by which a request goes on with something that only the provider knows."""

LIVE_FIELDS = ("web_search_options", "search_parameters", "plugins", "mcp_servers")
"""Fields by which a provider looks at the world before it answers."""
_LIVE_TOOLS = ("web_", "mcp", "x_search", "file_search", "google_search", "url_context")
_FETCHED = frozenset({"image", "image_url", "document", "file", "input_image", "input_file", "video_url", "url"})
"""Types of content that may stand at an address."""

SPEAKING_HEADERS = frozenset({b"anthropic-beta", b"anthropic-version", b"openai-beta"})
"""Headers that may change the answer. Betas are a set: their order does not count."""

USUAL_WORDS = frozenset({"", "2023-06-01", "2026-10-21"})
"""Versions of Anthropic's API: they differ in how a key is shown, and answers say the same in the same form. Every
client sends one, and one of another dialect has no word for it."""

STEERING_HEADERS = frozenset(
    {b"x-tenbin-model", b"x-tenbin-category", b"x-tenbin-floor", b"x-tenbin-mode", b"x-tenbin-speed"}
)
"""Headers that change who answers."""

AGENT, CLASS = b"x-claude-code-agent-id", b"x-claude-code-request-class"
"""Headers of a sub-agent, in whose prompt a model tag counts. Which one it is leaves a request the same."""

COUNTED_HEADERS = SPEAKING_HEADERS | STEERING_HEADERS | {AGENT, CLASS}
"""Headers that are looked at here; all others leave a request the same."""

_BILLING = "x-anthropic-billing-header:"
"""Begins Claude Code's pseudo-header, another one in each turn, which is no part of its prompt."""

_decoder = msgspec.json.Decoder()
_encode = msgspec.json.Encoder(order="sorted").encode


class Canonical(msgspec.Struct, frozen=True, kw_only=True):
    """A request in canonical form."""

    dialect: DialectName
    fields: dict[str, Any]
    """All that changes the answer but the conversation itself; JSON values."""
    system: list[Any]
    turns: list[Any]
    """``[role, parts, more]`` each; a part of words is ``["text", words]``, any other as it came."""
    drawing: Drawing
    answers: int
    """How many answers are asked for."""
    stateful: str
    """The field by which it depends on what only the provider knows; empty without one."""
    tools: bool
    """Tools are offered, or have been called."""
    live: str = ""
    """What of it the provider fetches anew each time: a field, a tool, or content at an address; empty where nothing.
    """

    @property
    def last_words(self) -> str:
        """The last words of the user; empty where no turn of theirs has any."""
        for role, parts, _ in reversed(self.turns):
            if role == "user":
                return "\n".join(part[1] for part in parts if is_words(part))
        return ""

    def material(self) -> bytes:
        """What is hashed: the same bytes for the same request, whatever the order of its keys."""
        return _encode([1, self.fields, self.system, self.turns])


def canonical(dialect: DialectName, body: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> Canonical | None:
    """The canonical form of a request's body; None for what is no JSON object, or nested too deeply to be compared."""
    try:
        value = _decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    if not isinstance(value, dict):
        return None
    try:
        return _read(dialect, value, headers)
    except RecursionError:
        return None


def _read(dialect: DialectName, value: dict[str, Any], headers: Iterable[tuple[bytes, bytes]]) -> Canonical:
    rest = {key: item for key, item in value.items() if item is not None and key not in IDLE_FIELDS}
    stateful = next((name for name in STATEFUL_FIELDS if rest.get(name)), "")
    fields: dict[str, Any] = {"model": rest.pop("model", None)}
    system: list[Any] = []
    turns: list[Any] = []
    if dialect == "anthropic":
        _anthropic(rest, fields, system, turns)
    elif dialect == "openai_chat":
        _openai_chat(rest, fields, system, turns)
    else:
        turns = [["user", [rest.pop("input", None)], {}]]
        fields["dialect"] = dialect
    for name in ("temperature", "top_p"):
        number = rest.pop(name, None)
        if number is not None:
            fields[name] = float(number) if _is_number(number) else number
    live = _live(value)
    answers = rest.get("n", 1)
    if answers == 1:
        rest.pop("n", None)
    drawing: Drawing = "unset"
    if "temperature" in fields:
        drawing = "fixed" if fields["temperature"] == 0.0 else "drawn"
    said = _headers(headers)
    if said:
        fields["headers"] = said
    if rest:
        fields[f"{dialect} only"] = _without_marks(rest)
    tools = bool(fields.get("tools") or rest.get("functions")) or any(_uses_tools(turn) for turn in turns)
    return Canonical(
        dialect=dialect,
        fields=fields,
        system=system,
        turns=turns,
        drawing=drawing,
        answers=answers if isinstance(answers, int) else 2,
        stateful=stateful,
        tools=tools,
        live=live,
    )


def _live(value: dict[str, Any]) -> str:
    field = next((name for name in LIVE_FIELDS if value.get(name) not in (None, [], False)), "")
    if field:
        return field
    for tool in _listed(value.get("tools")):
        kind = tool.get("type") if isinstance(tool, dict) else None
        if isinstance(kind, str) and kind.startswith(_LIVE_TOOLS):
            return kind
    return "content at an address" if _elsewhere([value.get("messages"), value.get("input")]) else ""


def _elsewhere(value: Any) -> bool:
    """Whether any content stands at an address, where it may be another one tomorrow."""
    if isinstance(value, list):
        return any(_elsewhere(item) for item in value if isinstance(item, list | dict))
    if value is None or not isinstance(value, dict):
        return False
    if value.get("type") in _FETCHED:
        for name in ("url", "image_url", "file_url", "video_url"):
            address = value.get(name)
            address = address.get("url") if isinstance(address, dict) else address
            if isinstance(address, str) and address[:4].lower() == "http":
                return True
    return any(_elsewhere(item) for item in value.values() if isinstance(item, list | dict))


def is_words(part: Any) -> bool:
    """Whether a part of a turn is words, and not anything else that a client sent."""
    return isinstance(part, list) and len(part) == 2 and part[0] == "text" and isinstance(part[1], str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name, value in headers:
        if name in SPEAKING_HEADERS:
            words = {word.strip() for word in value.decode("latin-1").split(",")} - USUAL_WORDS
            if words:
                said[name.decode()] = sorted({*said.get(name.decode(), ()), *words})
        elif name in STEERING_HEADERS:
            said[name.decode()] = value.decode("latin-1").strip()
        elif (name == AGENT and value) or (name == CLASS and value in (b"subagent", b"workflow")):
            said["sub-agent"] = True
    return said


def _anthropic(rest: dict[str, Any], fields: dict[str, Any], system: list[Any], turns: list[Any]) -> None:
    system.extend(_parts(rest.pop("system", None), pseudo_header=True))
    for message in _listed(rest.pop("messages", None)):
        turns.append(_turn(message))
    if "max_tokens" in rest:
        fields["max_tokens"] = rest.pop("max_tokens")
    if rest.get("stop_sequences"):
        fields["stop"] = rest.pop("stop_sequences")
    _tools(rest, fields, _anthropic_tool)
    choice = rest.get("tool_choice")
    if isinstance(choice, dict) and set(choice) <= {"type", "name"}:
        name = choice.get("name")
        fields["tool_choice"] = ["tool", name] if choice.get("type") == "tool" else choice.get("type")
        rest.pop("tool_choice")


def _openai_chat(rest: dict[str, Any], fields: dict[str, Any], system: list[Any], turns: list[Any]) -> None:
    for message in _listed(rest.pop("messages", None)):
        leading = not turns and isinstance(message, dict) and message.get("role") in ("system", "developer")
        if leading and set(message) <= {"role", "content"}:
            system.extend(_parts(message.get("content")))
        else:
            turns.append(_turn(message))
    for name in ("max_tokens", "max_completion_tokens"):
        if name in rest and "max_tokens" not in fields:  # both: the second stays under its own name
            fields["max_tokens"] = rest.pop(name)
    stop = rest.pop("stop", None)
    if stop:
        fields["stop"] = [stop] if isinstance(stop, str) else stop
    _tools(rest, fields, _openai_tool)
    choice = rest.get("tool_choice")
    if isinstance(choice, str):
        fields["tool_choice"] = "any" if choice == "required" else choice
        rest.pop("tool_choice")
    elif isinstance(choice, dict) and choice.get("type") == "function" and _names_one(choice):
        fields["tool_choice"] = ["tool", choice["function"]["name"]]
        rest.pop("tool_choice")


def _names_one(choice: dict[str, Any]) -> bool:
    """Whether OpenAI's object is nothing but a tool's name."""
    function = choice.get("function")
    return set(choice) == {"type", "function"} and isinstance(function, dict) and set(function) == {"name"}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _turn(message: Any) -> list[Any]:
    if not isinstance(message, dict):
        return ["", [message], {}]
    more = {key: item for key, item in message.items() if key not in ("role", "content") and item is not None}
    return [message.get("role"), _parts(message.get("content")), _without_marks(more)]


def _parts(content: Any, *, pseudo_header: bool = False) -> list[Any]:
    if content is None:
        return []
    parts: list[Any] = []
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, dict) and part.get("type") == "text" and set(part) <= {"type", "text", "cache_control"}:
            part = part.get("text")
        if not isinstance(part, str):
            parts.append(_without_marks(part))
            continue
        if pseudo_header and part.startswith(_BILLING):
            part = part.partition("\n")[2].strip("\n")
            if not part:
                continue
        parts.append(["text", part])
    return parts


def _tools(rest: dict[str, Any], fields: dict[str, Any], read: Any) -> None:
    tools = rest.pop("tools", None)
    if tools:
        fields["tools"] = [read(tool) for tool in _listed(tools)]


def _anthropic_tool(tool: Any) -> Any:
    if isinstance(tool, dict) and set(tool) <= {"name", "description", "input_schema", "cache_control"}:
        return ["tool", tool.get("name"), tool.get("description"), tool.get("input_schema")]
    return _without_marks(tool)


def _openai_tool(tool: Any) -> Any:
    if isinstance(tool, dict) and set(tool) == {"type", "function"} and isinstance(tool["function"], dict):
        function = tool["function"]
        if set(function) <= {"name", "description", "parameters"}:
            return ["tool", function.get("name"), function.get("description"), function.get("parameters")]
    return _without_marks(tool)


def _without_marks(value: Any) -> Any:
    """The value without prompt-cache marks on blocks of content and tools: they leave the answer alone. Only objects
    that say their ``type`` or ``name`` bear them: a schema may have a property of that name.
    """
    if isinstance(value, dict):
        marked = "cache_control" in value and ("type" in value or "name" in value)
        return {
            key: _without_marks(item)
            for key, item in value.items()
            if not (marked and key == "cache_control" and _is_mark(item))
        }
    if isinstance(value, list):
        return [_without_marks(item) for item in value]
    return value


def _is_mark(value: Any) -> bool:
    return value is None or (isinstance(value, Mapping) and value.get("type") == "ephemeral" and set(value) <= _MARK)


_MARK = frozenset({"type", "ttl", "scope"})


def _uses_tools(turn: list[Any]) -> bool:
    role, parts, more = turn
    if role in ("tool", "function") or "tool_calls" in more or "function_call" in more:
        return True
    return any(isinstance(part, dict) and "tool" in str(part.get("type", "")) for part in parts)
