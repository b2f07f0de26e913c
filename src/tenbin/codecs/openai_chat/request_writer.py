"""Stage 2, a conversation is written as a Chat Completions request, as this target's quirks want it."""

from typing import Any

import msgspec

from tenbin.codecs.openai_chat import message_writer
from tenbin.codecs.tool_names import fitted
from tenbin.core.conversation import (
    Conversation,
    OutputFormat,
    ServerTool,
    Thought,
    Tool,
    ToolCall,
    ToolReference,
    ToolResult,
)
from tenbin.core.problems import Inexpressible
from tenbin.core.target import Quirks, Target

DIALECT = "openai_chat"

PLACEHOLDER = "DeferredToolPlaceholder"
"""A tool that Claude Code declares but that is never to be called."""

EFFORTS = frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"})
"""What ``reasoning_effort`` can be (OpenAI's API reference)."""

_TIERS = frozenset({"default", "flex", "priority", "scale", "fast"})
_LONGEST_CACHE_KEY = 64
_LONGEST_USER = 64


def write(conversation: Conversation, target: Target) -> bytes:
    """The request's body. Raises Inexpressible when the target lacks what the conversation can't do without."""
    quirks = target.quirks
    body: dict[str, Any] = {"model": target.model}
    instructions = _format_in_words(conversation.output_format, quirks)
    body["messages"] = message_writer.messages(conversation, target, instructions)
    _add_tools(body, conversation, target)
    limit = _most_output(conversation, target)
    if limit is not None:
        body[quirks.max_tokens_field] = limit
    if conversation.stop:
        if 0 < quirks.stop_limit < len(conversation.stop):
            raise Inexpressible("stop", f"{target.name} takes at most {quirks.stop_limit} stop sequences.")
        body["stop"] = list(conversation.stop)
    _add_sampling(body, conversation, quirks)
    _add_thought(body, conversation, quirks)
    _add_format(body, conversation.output_format, quirks)
    if conversation.stream:
        body["stream"] = True
        if quirks.stream_usage == "option":
            body["stream_options"] = {"include_usage": True}
    if conversation.session and quirks.prompt_cache_key:
        body["prompt_cache_key"] = conversation.session[:_LONGEST_CACHE_KEY]
    if conversation.service_tier in _TIERS:
        body["service_tier"] = conversation.service_tier
    user = conversation.user
    # An id that is a JSON object (Claude Code's) tells the device and the account: not for other providers.
    if user and len(user) <= _LONGEST_USER and not user.startswith("{"):
        body["user"] = user
    return msgspec.json.encode(body)


def _most_output(conversation: Conversation, target: Target) -> int | None:
    if conversation.max_tokens is None or target.max_output is None:
        return conversation.max_tokens
    return min(conversation.max_tokens, target.max_output)


def _add_tools(body: dict[str, Any], conversation: Conversation, target: Target) -> None:
    quirks = target.quirks
    tools: list[Any] = [_tool(tool, quirks) for tool in offered(conversation)]
    for server_tool in conversation.server_tools:
        _add_server_tool(body, tools, server_tool, target)
    if not tools:
        return
    choice = conversation.tool_choice
    if not quirks.tools:
        raise Inexpressible("tools", f"{target.name} takes no tools.")
    body["tools"] = tools
    if conversation.parallel_tool_calls is not None and quirks.parallel_tool_calls_field:
        body["parallel_tool_calls"] = conversation.parallel_tool_calls
    if choice is None:
        return
    if choice.mode in ("any", "tool"):
        if not quirks.forced_tool_choice:
            raise Inexpressible("forced_tool_choice", f"{target.name} can't be made to call a tool.")
        named = {"type": "function", "function": {"name": fitted(choice.name or "")}}
        body["tool_choice"] = "required" if choice.mode == "any" else named
    else:
        body["tool_choice"] = choice.mode


def offered(conversation: Conversation) -> list[Tool]:
    """The tools to show to a model that knows no deferred tools.

    A deferred tool is shown once a tool search has found it or a call has used it. Where the client has no search tool
    of its own, nothing could ever find one, so all are shown.
    """
    tools = [tool for tool in conversation.tools if tool.name != PLACEHOLDER]
    if not any(tool.deferred for tool in tools):
        return tools
    if not any(tool.name.lower().replace("_", "").startswith("toolsearch") for tool in tools):
        return tools
    found: set[str] = set()
    for turn in conversation.turns:
        for part in turn.parts:
            if isinstance(part, ToolCall):
                found.add(part.name)
            elif isinstance(part, ToolReference):
                found.add(part.tool_name)
            elif isinstance(part, ToolResult):
                found.update(inner.tool_name for inner in part.content if isinstance(inner, ToolReference))
    return [tool for tool in tools if not tool.deferred or tool.name in found]


def _tool(tool: Tool, quirks: Quirks) -> dict[str, Any]:
    function: dict[str, Any] = {"name": fitted(tool.name)}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = tool.schema
    if tool.strict is not None and quirks.strict_schemas:
        function["strict"] = tool.strict
    written: dict[str, Any] = {"type": "function", "function": function}
    if tool.cache is not None and quirks.cache_control:
        written["cache_control"] = message_writer.cache_control(tool.cache)
    return written


def _add_server_tool(body: dict[str, Any], tools: list[Any], tool: ServerTool, target: Target) -> None:
    if tool.dialect == DIALECT:
        if tool.kind == "web_search" and "type" not in tool.value:
            body["web_search_options"] = tool.value
        else:
            tools.append(tool.value)
    elif not tool.kind.startswith("tool_search_tool"):
        # A provider's own tool search is done without: its deferred tools are all shown.
        raise Inexpressible(tool.kind, f"{target.name} doesn't run the tool {tool.kind}.")


def _add_sampling(body: dict[str, Any], conversation: Conversation, quirks: Quirks) -> None:
    sampling = conversation.sampling
    if quirks.sampling:
        names = ["temperature", "top_p", "presence_penalty", "frequency_penalty", *(["top_k"] if quirks.top_k else [])]
        for name in names:
            if (value := getattr(sampling, name)) is not None:
                body[name] = value
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    if sampling.logprobs and quirks.logprobs:
        body["logprobs"] = True
        if sampling.top_logprobs is not None:
            body["top_logprobs"] = sampling.top_logprobs


def effort_of(conversation: Conversation) -> tuple[Thought | None, str | None]:
    """What is asked of thinking, and the effort in force: the one that the last turn to name one asks for."""
    thought = conversation.thought
    effort = thought.effort if thought is not None else None
    for turn in conversation.turns:
        effort = turn.effort or effort
    return thought, effort


def effort_for_budget(budget: int) -> str:
    """The effort that stands for a budget of thinking tokens: OpenRouter's shares (20, 50 and 80 %) of 32 000."""
    return "low" if budget <= 6_400 else "medium" if budget <= 16_000 else "high"


def _add_thought(body: dict[str, Any], conversation: Conversation, quirks: Quirks) -> None:
    thought, effort = effort_of(conversation)
    if (thought is None and effort is None) or quirks.reasoning_request == "none":
        return
    off = thought is not None and thought.mode == "off"
    budget = thought.budget if thought is not None else None
    match quirks.reasoning_request:
        case "reasoning_effort":
            if effort is None and budget is not None:
                effort = effort_for_budget(budget)
            if off:
                effort = "none"
            if effort in EFFORTS:
                body["reasoning_effort"] = effort
        case "reasoning":
            body["reasoning"] = _reasoning(off, budget, effort, thought is not None and not thought.show)
        case "thinking" if thought is not None:
            body["thinking"] = {"type": "disabled" if off else "enabled"}
        case "chat_template" if thought is not None:
            body["chat_template_kwargs"] = {"enable_thinking": not off}


def _reasoning(off: bool, budget: int | None, effort: str | None, hidden: bool) -> dict[str, Any]:
    """OpenRouter's ``reasoning``: a budget or an effort, never both."""
    if off:
        return {"enabled": False}
    asked: dict[str, Any] = {"enabled": True}
    if budget is not None:
        asked = {"max_tokens": budget}
    elif effort in EFFORTS:
        asked = {"effort": effort}
    return asked | ({"exclude": True} if hidden else {})


def _add_format(body: dict[str, Any], output: OutputFormat | None, quirks: Quirks) -> None:
    if output is None:
        return
    if output.mode == "json_object":
        body["response_format"] = {"type": "json_object"}
    elif quirks.json_schema and output.schema is not None:
        schema: dict[str, Any] = {"name": fitted(output.name), "schema": output.schema}
        if output.strict is not None:
            schema["strict"] = output.strict
        body["response_format"] = {"type": "json_schema", "json_schema": schema}


def _format_in_words(output: OutputFormat | None, quirks: Quirks) -> str | None:
    """The schema as an instruction, for a target that can't be held to one."""
    if output is None or output.mode != "json_schema" or output.schema is None or quirks.json_schema:
        return None
    schema = bytes(output.schema).decode()
    return f"Answer with one JSON object that fits this JSON Schema, and with nothing else:\n{schema}"
