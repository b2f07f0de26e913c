"""Stage 2, a conversation is written as a Messages request, for a client that speaks another dialect.

Left out where a target does not take it, as the answer stays right: sampling, seeds, log-probabilities, cache marks,
thinking of another model. What would change the answer's meaning is refused (Inexpressible).
"""

from typing import Any

import msgspec

from tenbin.codecs.anthropic_messages.content_writer import cache_control, written_part
from tenbin.codecs.anthropic_messages.messages_writer import arranged
from tenbin.codecs.lowering import nearest_effort
from tenbin.core.conversation import Conversation, Thinking, Thought, Tool, ToolReference, ToolResult
from tenbin.core.problems import Inexpressible
from tenbin.core.target import Quirks, Target

DEFAULT_MAX_TOKENS = 32_000
"""Longest answer where neither client nor configuration says: every Claude from 4 on gives as much."""
DEFAULT_MAX_TOKENS_ELSEWHERE = 16_384
"""The same at anybody else who speaks Anthropic's dialect: a proxy in front of other models, which refuse a limit
beyond their own (gpt-4o: 16,384)."""

BUDGETS = {"none": 0, "minimal": 1_024, "low": 2_048, "medium": 8_192, "high": 16_384, "xhigh": 31_999, "max": 31_999}
"""Thinking tokens for an effort, for models that know no effort. 1,024 is the least that is taken, 31,999 what Claude
Code asks at most; those between double twice."""

LEAST_BUDGET = 1_024
_EFFORTS = {"minimal": "low"}
"""Efforts that Anthropic does not know, by the nearest that it does."""

_NO_THINKING = {"type": "disabled"}
_SERVICE_TIERS = frozenset({"auto", "standard_only"})


def write(conversation: Conversation, target: Target) -> bytes:
    """The request. Raises Inexpressible, naming what the target cannot be told."""
    quirks = target.quirks
    _check(conversation, target)
    system, messages = arranged(conversation, target)
    body: dict[str, Any] = {"model": target.model, "max_tokens": _max_tokens(conversation, target)}
    instruction = _format_instruction(conversation, quirks)
    if instruction:
        system = [*system, {"type": "text", "text": instruction}]
    if system:
        body["system"] = system
    body["messages"] = messages
    tools = _tools(conversation, target)
    if tools:
        body["tools"] = tools
        choice = _tool_choice(conversation)
        if choice is not None:
            body["tool_choice"] = choice
    body.update(_thinking(conversation, target, body["max_tokens"]))
    _add_output_format(body, conversation, quirks)
    # At Anthropic, thinking goes with no sampling parameter.
    if quirks.sampling and not (quirks.safeguards and body.get("thinking", _NO_THINKING) != _NO_THINKING):
        body.update(_sampling(conversation, quirks))
    if conversation.stop:
        body["stop_sequences"] = list(conversation.stop)
    if conversation.user is not None:
        body["metadata"] = {"user_id": conversation.user}
    if conversation.service_tier in _SERVICE_TIERS and quirks.safeguards:
        body["service_tier"] = conversation.service_tier
    if conversation.stream:
        body["stream"] = True
    return msgspec.json.encode(body)


def _check(conversation: Conversation, target: Target) -> None:
    quirks = target.quirks
    if conversation.tools and not quirks.tools:
        raise Inexpressible("tools", f"{target.name} takes no tools.")
    choice = conversation.tool_choice
    if choice is not None and choice.mode in ("any", "tool") and conversation.tools and not quirks.forced_tool_choice:
        raise Inexpressible("forced_tool_choice", f"{target.name} does not honour a forced tool choice.")
    if quirks.stop_limit and len(conversation.stop) > quirks.stop_limit:
        raise Inexpressible("stop", f"{target.name} takes at most {quirks.stop_limit} stop sequences.")
    if any(not stop.strip() for stop in conversation.stop):
        raise Inexpressible("stop", f"{target.name} takes no stop sequence that is only white space.")


def _max_tokens(conversation: Conversation, target: Target) -> int:
    most = target.max_output or target.quirks.most_output
    if conversation.max_tokens is None:
        usual = DEFAULT_MAX_TOKENS if target.quirks.safeguards else DEFAULT_MAX_TOKENS_ELSEWHERE
        return target.max_output or min(usual, most or usual)
    return min(conversation.max_tokens, most or conversation.max_tokens)


def _tools(conversation: Conversation, target: Target) -> list[dict[str, Any]]:
    own = target.quirks.safeguards
    found = {
        part.tool_name
        for turn in conversation.turns
        for result in turn.parts
        if isinstance(result, ToolResult)
        for part in result.content
        if isinstance(part, ToolReference)
    }
    # A deferred tool is not to be shown until it was found; only Anthropic itself keeps it hidden.
    hides = target.quirks.deferred_tools
    tools = [
        _tool(tool, target.quirks) for tool in conversation.tools if hides or not tool.deferred or tool.name in found
    ]
    for server_tool in conversation.server_tools:
        if server_tool.dialect == "anthropic" and own:
            tools.append(server_tool.value)
        elif server_tool.kind.startswith("web_search") and own:
            tools.append({"type": "web_search_20250305", "name": "web_search"})
        else:
            raise Inexpressible(server_tool.kind, f"{target.name} does not run the tool {server_tool.kind}.")
    return tools


def _tool(tool: Tool, quirks: Quirks) -> dict[str, Any]:
    written: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    written["input_schema"] = _schema(tool.schema)
    if tool.strict and quirks.strict_schemas:
        written["strict"] = True
    if tool.deferred and quirks.deferred_tools:
        written["defer_loading"] = True
    if tool.cache is not None and quirks.cache_control:
        written["cache_control"] = cache_control(tool.cache)
    return written


def _schema(schema: msgspec.Raw) -> Any:
    """The schema as it is, but with the ``type`` that Anthropic wants at its top."""
    decoded = msgspec.json.decode(schema)
    if isinstance(decoded, dict) and decoded.get("type") != "object":
        return {"type": "object", **{name: value for name, value in decoded.items() if name != "type"}}
    return schema


def _tool_choice(conversation: Conversation) -> dict[str, Any] | None:
    choice = conversation.tool_choice
    serial = conversation.parallel_tool_calls is False
    if choice is None:
        return {"type": "auto", "disable_parallel_tool_use": True} if serial else None
    written: dict[str, Any] = {"type": choice.mode}
    if choice.mode == "tool":
        written["name"] = choice.name
    if serial and choice.mode != "none":
        written["disable_parallel_tool_use"] = True
    return written


def _thinking(conversation: Conversation, target: Target, max_tokens: int) -> dict[str, Any]:
    """``thinking`` and ``output_config`` for what the client asked; nothing where the target can't be asked."""
    thought, quirks = conversation.thought, target.quirks
    if thought is None or quirks.reasoning_request != "thinking":
        return {}
    choice = conversation.tool_choice
    forced = choice is not None and choice.mode in ("any", "tool")
    effort = thought.effort
    off = thought.mode == "off" or effort == "none"
    if off or forced:  # thinking and a forced tool exclude each other
        written: dict[str, Any] = {}
        if off and quirks.thinking_between_tools:
            written["thinking"] = {"type": "between_tools"}
        elif off and quirks.thinking_off:
            written["thinking"] = _NO_THINKING
        if written and not quirks.thinking_off_effort and effort in ("xhigh", "max"):
            effort = "high"
        if effort is not None and effort != "none":
            written |= _effort(effort, quirks)
        return written
    display = {} if thought.show else {"display": "omitted"}
    if quirks.adaptive_thinking:
        written = {"thinking": {"type": "adaptive", **display}}
        if thought.budget is not None and thought.mode == "on":
            effort = effort or effort_of_budget(thought.budget)
        return written if effort is None else written | _effort(effort, quirks)
    budget = _budget(thought)
    if _in_tool_loop_without_thinking(conversation, target) or max_tokens <= LEAST_BUDGET:
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": min(budget, max_tokens - 1)}}


def _effort(effort: str, quirks: Quirks) -> dict[str, Any]:
    nearest = nearest_effort(_EFFORTS.get(effort, effort), quirks)
    return {} if nearest is None else {"output_config": {"effort": nearest}}


def _budget(thought: Thought) -> int:
    if thought.budget is not None:
        return max(thought.budget, LEAST_BUDGET)
    return BUDGETS.get(thought.effort or "medium", BUDGETS["medium"])


def effort_of_budget(budget: int) -> str:
    """The lowest effort that gives so many thinking tokens, for models that know no budget."""
    return next((effort for effort in ("low", "medium", "high") if budget <= BUDGETS[effort]), "high")


def _in_tool_loop_without_thinking(conversation: Conversation, target: Target) -> bool:
    """Results are being given to an assistant turn whose own thinking is not there: with a budget that is refused."""
    turns = conversation.turns
    if not turns or not any(isinstance(part, ToolResult) for part in turns[-1].parts):
        return False
    asked = next((turn for turn in reversed(turns) if turn.role == "assistant"), None)
    return asked is None or not any(
        isinstance(part, Thinking) and written_part(part, target) is not None for part in asked.parts
    )


def _add_output_format(body: dict[str, Any], conversation: Conversation, quirks: Quirks) -> None:
    format_ = conversation.output_format
    if format_ is not None and format_.schema is not None and quirks.json_schema:
        config = body.setdefault("output_config", {})
        config["format"] = {"type": "json_schema", "schema": format_.schema}


def _format_instruction(conversation: Conversation, quirks: Quirks) -> str | None:
    """Structured output in words, where it can't be asked for otherwise."""
    format_ = conversation.output_format
    if format_ is None or (format_.schema is not None and quirks.json_schema):
        return None
    words = "Answer with one JSON object and nothing else: no words around it, no code fence."
    if format_.schema is not None:
        words += f" It must fit this JSON Schema:\n{bytes(format_.schema).decode()}"
    return words


def _sampling(conversation: Conversation, quirks: Quirks) -> dict[str, Any]:
    """Temperature within Anthropic's 0 to 1 (OpenAI's goes to 2); with it no top_p, where only one is taken."""
    sampling = conversation.sampling
    written: dict[str, Any] = {}
    if sampling.temperature is not None:
        written["temperature"] = min(max(sampling.temperature, 0.0), 1.0)
    if sampling.top_p is not None and (quirks.sampling_pair or sampling.temperature is None):
        written["top_p"] = sampling.top_p
    if sampling.top_k is not None:
        written["top_k"] = sampling.top_k
    return written
