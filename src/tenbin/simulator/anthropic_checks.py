"""What the Messages API refuses, in its own words. Unknown fields are let through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tenbin.simulator import anthropic_model_checks
from tenbin.simulator.anthropic_model_checks import bad
from tenbin.simulator.anthropic_prompt import blocks_of
from tenbin.simulator.models import Model

VERSIONS = ("2023-01-01", "2023-06-01", "2026-10-21")
_SAMPLING = ("temperature", "top_p", "top_k")
_ROLES = ("user", "assistant", "system")
_KIND_NAMES = (
    "text image document thinking redacted_thinking tool_use tool_result tool_reference server_tool_use "
    "web_search_tool_result web_fetch_tool_result code_execution_tool_result bash_code_execution_tool_result "
    "text_editor_code_execution_tool_result tool_search_tool_result search_result container_upload "
    "mcp_tool_use "
    "mcp_tool_result compaction fallback"
)
_KINDS = _KIND_NAMES.split()


def check(body: dict[str, Any], model: Model, version: str) -> None:
    """Raise ApiError 400 if the API would refuse the body."""
    for problem in _CHECKS:
        problem(body, model, version)
    anthropic_model_checks.check(body, model)


def _shape(body: dict[str, Any], model: Model, version: str) -> None:
    if "max_tokens" not in body:
        raise bad("max_tokens: Field required")
    limit = body["max_tokens"]
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise bad("max_tokens: Input should be a valid integer")
    if limit < 0 or (limit == 0 and body.get("stream")):
        raise bad("max_tokens: Input should be greater than or equal to 1")
    if limit > model.max_output:
        raise bad(
            f"max_tokens: {limit} > {model.max_output}, which is the maximum allowed number of output "
            "tokens for "
            f"{model.name}"
        )
    if not isinstance(body.get("messages"), list):
        raise bad("messages: Field required" if "messages" not in body else "messages: Input should be a valid list")
    if not body["messages"]:
        raise bad("messages: at least one message is required")
    if not isinstance(body.get("system", ""), (str, list)):
        raise bad("system: Input should be a valid string or list")
    for name, block in _system(body):
        if not isinstance(block, dict) or block.get("type") != "text" or not isinstance(block.get("text"), str):
            raise bad(f"{name}: Input should be a text block")


def _messages(body: dict[str, Any], model: Model, version: str) -> None:
    for index, message in enumerate(body["messages"]):
        where = f"messages.{index}"
        if not isinstance(message, dict):
            raise bad(f"{where}: Input should be an object")
        if message.get("role") not in _ROLES:
            raise bad(f"{where}.role: Input should be 'user', 'assistant' or 'system'")
        content = message.get("content")
        if not isinstance(content, (str, list)):
            raise bad(
                f"{where}.content: Field required" if content is None else f"{where}.content: Input should be a list"
            )
        sets_effort = message["role"] == "system" and message.get("output_config") is not None
        last = message["role"] == "assistant" and index == len(body["messages"]) - 1
        if not content and not last and not sets_effort:
            raise bad(
                f"{where}: all messages must have non-empty content except for the optional final assistant message"
            )
        for position, block in enumerate(blocks_of(content)):
            _block(f"{where}.content.{position}", message["role"], block, version)


def _block(where: str, role: str, block: Any, version: str) -> None:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind not in _KINDS:
        raise bad(f"{where}: Input tag '{kind}' found using 'type' does not match any of the expected tags: {_KINDS}")
    if kind == "text":
        if not isinstance(block.get("text"), str):
            raise bad(f"{where}.text.text: Field required")
        if not block["text"]:
            raise bad("messages: text content blocks must be non-empty")
    if kind in ("tool_use", "thinking") and role != "assistant":
        raise bad(f"{where}: `{kind}` blocks can only be in `assistant` messages")
    if kind == "tool_result" and role != "user":
        raise bad(f"{where}: `tool_result` blocks can only be in `user` messages")
    if kind == "tool_use":
        for field in ("id", "name", "input"):
            if field not in block:
                raise bad(f"{where}.tool_use.{field}: Field required")
        if not isinstance(block["input"], dict):
            raise bad(f"{where}.tool_use.input: Input should be a valid dictionary")
    if kind == "tool_result" and not isinstance(block.get("tool_use_id"), str):
        raise bad(f"{where}.tool_result.tool_use_id: Field required")
    if kind == "document" and role == "assistant" and version == "2026-10-21":
        raise bad(f"{where}: `document` blocks are not supported in `assistant` messages")
    if kind in ("image", "document") and not isinstance(block.get("source"), dict):
        raise bad(f"{where}.{kind}.source: Field required")


def _tools(body: dict[str, Any], model: Model, version: str) -> None:
    names: set[str] = set()
    for index, tool in enumerate(body.get("tools") or []):
        where = f"tools.{index}"
        if not isinstance(tool, dict) or not isinstance(tool.get("name", "" if "type" in tool else None), str):
            raise bad(f"{where}.custom.name: Field required")
        if tool.get("type", "custom") == "custom" and not isinstance(tool.get("input_schema"), dict):
            raise bad(f"{where}.custom.input_schema: Field required")
        if tool.get("name") in names:
            raise bad("tools: Tool names must be unique.")
        names.add(tool.get("name", ""))
    choice = body.get("tool_choice")
    if choice is None:
        return
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind not in ("auto", "any", "tool", "none"):
        raise bad(
            f"tool_choice: Input tag '{kind}' does not match any of the expected tags: 'auto', 'any', 'tool', 'none'"
        )
    if kind in ("any", "tool"):
        if not model.forced_tools:
            raise bad(f'tool_choice: "{kind}" is not supported on {model.name}. Use "auto" or "none".')
        if (body.get("thinking") or {}).get("type") == "enabled":
            raise bad("Thinking may not be enabled when tool_choice forces tool use.")
        if not names:
            raise bad(f"tool_choice.{kind}: tool_choice may only be specified while providing tools")
    if kind == "tool" and choice.get("name") not in names:
        raise bad(f"tool_choice.tool.name: Tool '{choice.get('name')}' not found in provided tools")


def _tool_results(body: dict[str, Any], model: Model, version: str) -> None:
    """Each tool_use is answered at the beginning of the next message, and nothing else is."""
    merged: list[tuple[int, str, list[dict[str, Any]]]] = []
    for index, message in enumerate(body["messages"]):
        if message["role"] == "system":
            continue
        if merged and merged[-1][1] == message["role"]:
            merged[-1][2].extend(blocks_of(message["content"]))
        else:
            merged.append((index, message["role"], blocks_of(message["content"])))
    called: list[str] = []
    called_at = 0
    for index, _, blocks in [*merged, (len(body["messages"]), "end", [])]:
        leading = []
        for block in blocks:
            if block["type"] != "tool_result":
                break
            leading.append(block["tool_use_id"])
        unanswered = [name for name in called if name not in leading]
        if unanswered:
            raise bad(
                f"messages.{called_at}: `tool_use` ids were found without `tool_result` blocks immediately "
                "after: "
                f"{', '.join(unanswered)}. Each `tool_use` block must have a corresponding `tool_result` "
                "block in the "
                "next message."
            )
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        for position, name in enumerate(results):
            if name not in called:
                raise bad(
                    f"messages.{index}.content.{position}: unexpected `tool_use_id` found in `tool_result` "
                    "blocks: "
                    f"{name}. Each `tool_result` block must have a corresponding `tool_use` block in the "
                    "previous message."
                )
            if name in results[:position]:
                raise bad(
                    f"messages.{index}.content.{position}: each tool_use must have a single result. Found "
                    f"multiple: {name}"
                )
        called, called_at = [block["id"] for block in blocks if block["type"] == "tool_use"], index
        if len(set(called)) != len(called):
            raise bad(f"messages.{index}: `tool_use` ids must be unique")


def _sampling(body: dict[str, Any], model: Model, version: str) -> None:
    given = [name for name in _SAMPLING if body.get(name) is not None]
    if given and version == "2026-10-21":
        raise bad(f"{given[0]}: Extra inputs are not permitted")
    away = [name for name in given if name == "top_k" or body[name] != 1]
    if away and not model.sampling:
        raise bad(f"`{away[0]}` is not supported on {model.name}.")
    temperature = body.get("temperature", 1)
    if temperature is not None and not 0 <= temperature <= 1:
        raise bad("temperature: range: 0..1")


def _prefill(body: dict[str, Any], model: Model, version: str) -> None:
    spoken = [message for message in body["messages"] if message["role"] != "system"]
    if not spoken or spoken[-1]["role"] != "assistant":
        return
    if not model.prefill:
        raise bad(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    text = "".join(block.get("text", "") for block in blocks_of(spoken[-1]["content"]))
    if text != text.rstrip():
        raise bad("messages: final assistant content cannot end with trailing whitespace")


def _cache_marks(body: dict[str, Any], model: Model, version: str) -> None:
    marks = [(where, block["cache_control"], block) for where, block in _markable(body) if block.get("cache_control")]
    if body.get("cache_control"):
        marks.append(("", body["cache_control"], {}))
    if len(marks) > 4:
        raise bad(f"A maximum of 4 blocks with cache_control may be provided. Found {len(marks)}.")
    short = False
    for where, mark, block in marks:
        ttl = mark.get("ttl", "5m") or "5m" if isinstance(mark, dict) else None
        if ttl not in ("5m", "1h") or mark.get("type") != "ephemeral":
            raise bad(f"{where}.cache_control: Input should be {{type: ephemeral, ttl: '5m' or '1h'}}")
        if block.get("type") in ("thinking", "redacted_thinking"):
            raise bad(f"{where}.cache_control: cache_control cannot be set on thinking blocks")
        if short and ttl == "1h":
            raise bad(
                f"{where}.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' "
                "cache_control "
                "block. Note that blocks are processed in the following order: `tools`, `system`, `messages`."
            )
        short = short or ttl == "5m"


def _system(body: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    system = body.get("system") or []
    if isinstance(system, list):
        yield from ((f"system.{index}", block) for index, block in enumerate(system))


def _markable(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from ((f"tools.{index}", tool) for index, tool in enumerate(body.get("tools") or []))
    yield from _system(body)
    for index, message in enumerate(body["messages"]):
        for position, block in enumerate(blocks_of(message["content"])):
            yield f"messages.{index}.content.{position}", block


_CHECKS: list[Callable[[dict[str, Any], Model, str], None]] = [
    _shape,
    _messages,
    _tools,
    _tool_results,
    _sampling,
    _prefill,
    _cache_marks,
]
