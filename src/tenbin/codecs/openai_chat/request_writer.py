"""Stage 2, a conversation is written as a Chat Completions request, as this target's quirks want it."""

from typing import Any

import msgspec

from tenbin.codecs.lowering import (
    EFFORTS,
    TIERS,
    effort_for_budget,
    effort_of,
    format_in_words,
    most_output,
    nearest_effort,
    offered,
    public_user,
)
from tenbin.codecs.openai_chat import message_writer
from tenbin.codecs.tool_names import fitted
from tenbin.core.conversation import (
    Conversation,
    OutputFormat,
    ServerTool,
    Tool,
)
from tenbin.core.problems import Inexpressible
from tenbin.core.target import Quirks, Target

DIALECT = "openai_chat"

_LONGEST_CACHE_KEY = 64


def write(conversation: Conversation, target: Target) -> bytes:
    """The request's body. Raises Inexpressible when the target lacks what the conversation can't do without."""
    quirks = target.quirks
    body: dict[str, Any] = {"model": target.model}
    instructions = format_in_words(conversation.output_format, quirks)
    body["messages"] = message_writer.messages(conversation, target, instructions)
    _add_tools(body, conversation, target)
    limit = most_output(conversation, target)
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
    if conversation.service_tier in TIERS:
        body["service_tier"] = conversation.service_tier
    user = public_user(conversation)
    if user is not None:
        body["user"] = user
    return msgspec.json.encode(body)


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
            if effort in EFFORTS and (nearest := nearest_effort(effort, quirks)) is not None:
                body["reasoning_effort"] = nearest
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
