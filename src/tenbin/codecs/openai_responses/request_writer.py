"""Stage 2, a conversation is written as a Responses request, as this target's quirks want it. Nothing is stored at the
provider: every request carries the whole conversation.
"""

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
    system_words,
)
from tenbin.codecs.openai_responses import item_writer
from tenbin.codecs.tool_names import fitted
from tenbin.core.conversation import Conversation, OutputFormat, ServerTool, Tool
from tenbin.core.problems import Inexpressible
from tenbin.core.target import Quirks, Target

DIALECT = "openai_responses"

LEAST_OUTPUT = 16
"""The API takes no smaller ``max_output_tokens`` (OpenAI's API reference)."""

_LONGEST_CACHE_KEY = 64


def write(conversation: Conversation, target: Target) -> bytes:
    """The request's body. Raises Inexpressible when the target lacks what the conversation can't do without."""
    quirks = target.quirks
    if conversation.stop:
        raise Inexpressible("stop", f"{target.name} takes no stop sequences in the Responses API.")
    words = format_in_words(conversation.output_format, quirks)
    instructions = "\n\n".join(filter(None, (system_words(conversation.system, target), words)))
    body: dict[str, Any] = {"model": target.model}
    if instructions:
        body["instructions"] = instructions
    body["input"] = item_writer.items(conversation, target)
    body["store"] = False
    _add_tools(body, conversation, target)
    limit = most_output(conversation, target)
    if limit is not None:
        body["max_output_tokens"] = max(limit, LEAST_OUTPUT)
    include: list[str] = []
    sampling = conversation.sampling
    if quirks.sampling:
        body |= {name: value for name in ("temperature", "top_p") if (value := getattr(sampling, name)) is not None}
    if sampling.logprobs and quirks.logprobs:
        include.append("message.output_text.logprobs")
        if sampling.top_logprobs is not None:
            body["top_logprobs"] = sampling.top_logprobs
    if quirks.reasoning_request != "none":
        include.append("reasoning.encrypted_content")
        _add_thought(body, conversation, quirks)
    if include:
        body["include"] = include
    _add_format(body, conversation.output_format, quirks)
    if conversation.stream:
        body["stream"] = True
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
    tools += [tool.value for tool in conversation.server_tools if _runs(tool, target)]
    if not tools:
        return
    if not quirks.tools:
        raise Inexpressible("tools", f"{target.name} takes no tools.")
    body["tools"] = tools
    if conversation.parallel_tool_calls is not None and quirks.parallel_tool_calls_field:
        body["parallel_tool_calls"] = conversation.parallel_tool_calls
    choice = conversation.tool_choice
    if choice is None:
        return
    if choice.mode in ("any", "tool"):
        if not quirks.forced_tool_choice:
            raise Inexpressible("forced_tool_choice", f"{target.name} can't be made to call a tool.")
        named = {"type": "function", "name": fitted(choice.name or "")}
        body["tool_choice"] = "required" if choice.mode == "any" else named
    else:
        body["tool_choice"] = choice.mode


def _runs(tool: ServerTool, target: Target) -> bool:
    """Whether the provider's own tool goes along; a tool search is done without, as its tools are all shown."""
    if tool.dialect == DIALECT:
        return True
    if tool.kind.startswith("tool_search_tool"):
        return False
    raise Inexpressible(tool.kind, f"{target.name} doesn't run the tool {tool.kind}.")


def _tool(tool: Tool, quirks: Quirks) -> dict[str, Any]:
    """A function. ``strict`` is always said, since it is on here when left out."""
    written: dict[str, Any] = {"type": "function", "name": fitted(tool.name)}
    if tool.description:
        written["description"] = tool.description
    written["parameters"] = tool.schema
    written["strict"] = bool(tool.strict) and quirks.strict_schemas
    return written


def _add_thought(body: dict[str, Any], conversation: Conversation, quirks: Quirks) -> None:
    thought, effort = effort_of(conversation)
    if thought is None and effort is None:
        return
    asked: dict[str, Any] = {}
    if thought is not None and thought.mode == "off":
        effort = "none"
    else:
        if effort is None and thought is not None and thought.budget is not None:
            effort = effort_for_budget(thought.budget)
        if thought is not None and thought.show:
            asked["summary"] = "auto"
    if effort in EFFORTS and (nearest := nearest_effort(effort, quirks)) is not None:
        asked = {"effort": nearest, **asked}
    if asked:
        body["reasoning"] = asked


def _add_format(body: dict[str, Any], output: OutputFormat | None, quirks: Quirks) -> None:
    if output is None:
        return
    if output.mode == "json_object":
        body["text"] = {"format": {"type": "json_object"}}
    elif quirks.json_schema and output.schema is not None:
        schema: dict[str, Any] = {"type": "json_schema", "name": fitted(output.name), "schema": output.schema}
        if output.strict is not None:
            schema["strict"] = output.strict
        body["text"] = {"format": schema}
