"""Where an ask can be sent: a model at a provider, how it is reached, and what is peculiar about it."""

from typing import Literal, TypeAlias

import msgspec

DialectName: TypeAlias = Literal["anthropic", "openai_chat", "openai_responses", "ollama_chat"]


class Quirks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a provider differs from the plain dialect it speaks. Defaults: a current OpenAI-compatible service."""

    stream_usage: Literal["option", "always", "never"] = "option"
    """How usage comes in a stream: asked for by ``stream_options.include_usage``, sent anyway, or not at all."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    system_role: Literal["system", "developer"] = "system"
    middle_system: bool = True
    """Takes system messages in the middle of a conversation; else they are folded into the user turn."""
    forced_tool_choice: bool = True
    """Honours tool_choice ``required`` or a named tool."""
    tools: bool = True
    parallel_tool_calls_field: bool = True
    tool_id_limit: int = 40
    """Longest tool call id that it accepts, in characters; 0 for no limit."""
    tool_result_images: bool = False
    """Takes images inside a tool result; else they move to a user message after it."""
    images: bool = True
    documents: bool = False
    """Takes PDF documents (as ``file`` parts or ``document`` blocks)."""
    reasoning_request: Literal["reasoning_effort", "reasoning", "thinking", "chat_template", "none"] = "none"
    """How thinking is asked for: ``reasoning_effort: x``, ``reasoning: {effort}`` (OpenRouter), ``thinking: {type}``
    (DeepSeek, Anthropic), ``chat_template_kwargs: {enable_thinking}`` (vLLM, llama.cpp), or not at all."""
    adaptive_thinking: bool = True
    """Takes ``thinking: {type: adaptive}`` and an effort (Anthropic); else thinking is asked for by a budget."""
    thinking_budget: bool = True
    """Takes ``thinking: {type: enabled, budget_tokens}`` (Anthropic, up to 4.6)."""
    thinking_off: bool = True
    """Takes ``thinking: {type: disabled}``; some models always think and refuse it."""
    thinking_off_effort: bool = True
    """Takes ``thinking: {type: disabled}`` at the efforts ``xhigh`` and ``max`` as well (Anthropic)."""
    thinking_between_tools: bool = False
    """Takes ``thinking: {type: between_tools}``, its least thinking, in place of ``disabled`` (Anthropic)."""
    efforts: tuple[str, ...] | None = None
    """The efforts that it takes; an empty list: none at all; unset: whatever is asked for."""
    turn_effort: bool = True
    """Takes an effort for single turns, by ``output_config`` of a system message (Anthropic)."""
    reasoning_answer: tuple[str, ...] = ("reasoning_content", "reasoning")
    """Fields of a message or delta in which thinking comes back; the first present one is read."""
    reasoning_back: bool = False
    """Wants its own reasoning sent back in later turns (DeepSeek inside a tool loop)."""
    json_schema: bool = True
    """Honours ``response_format: {type: json_schema}``; else the schema is put into words."""
    sampling: bool = True
    """Takes temperature and top_p."""
    unknown_fields: bool = True
    """Passes over fields that it does not know; else it refuses them."""
    developer_role: bool = False
    """Takes messages of role ``developer``; else they are passed on as ``system``."""
    prefill: bool = True
    """Goes on with an answer that the request has begun (Anthropic: a last message of the assistant's)."""
    deferred_tools: bool = False
    """Takes tools that are loaded later: ``defer_loading`` and ``tool_reference`` (Anthropic)."""
    most_output: int = 0
    """Most tokens that a request may ask for; more is refused. 0: not known. ``max_output`` goes before it."""
    sampling_pair: bool = True
    """Takes temperature and top_p together; else only the temperature is sent."""
    top_k: bool = False
    """Takes top_k in OpenAI's dialects, which don't define it."""
    strict_schemas: bool = False
    """Takes ``strict: true`` on tools."""
    stop_limit: int = 4
    """Most stop sequences it takes; 0 for no limit."""
    cache_control: bool = False
    """Takes Anthropic's ``cache_control`` marks inside its own dialect (OpenRouter, LiteLLM)."""
    prompt_cache_key: bool = False
    logprobs: bool = True
    token_count: bool = False
    """Has an endpoint that counts a prompt's tokens."""
    safeguards: bool = False
    """Is Anthropic itself: takes ``safeguards``, the billing pseudo-header, betas; never sent to anybody else."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One model at one provider, in the dialect that it will be spoken to in."""

    provider: str
    """The provider's name in the configuration."""
    model: str
    """The model's name as the provider knows it."""
    dialects: tuple[DialectName, ...]
    """What the provider speaks, the preferred one for translation first."""
    quirks: Quirks = Quirks()
    context: int | None = None
    """Context window in tokens, where known."""
    max_output: int | None = None
    """Most output tokens that the model gives, where known."""
    stand_in: bool = False
    """It is not the first of its chain: the conversation so far was most likely another model's."""

    name: str = ""
    """``provider/model``: how people, headers and the ledger name a target. Always follows from the two."""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "name", f"{self.provider}/{self.model}")

    def dialect_for(self, client: str) -> DialectName:
        """The client's own dialect when the provider speaks it (nothing is translated), else its preferred one."""
        for dialect in self.dialects:
            if dialect == client:
                return dialect
        return self.dialects[0]
