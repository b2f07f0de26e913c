"""What is known of each kind of provider: where it is, what it speaks, and how it differs from the plain dialect.

A row here saves a user from writing one; ``quirks`` in tenbin.yaml overrides any field, for a provider or a model.
Sources: the providers' own API references and the behaviour of their servers, as of November 2026.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from tenbin.core.target import DialectName, Quirks


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A known kind of provider."""

    base_url: str | None
    """Where it is, without a slash at the end; local servers: their usual port."""
    dialects: tuple[DialectName, ...]
    """What it speaks, the preferred one for translation first."""
    quirks: Quirks = Quirks()
    env: tuple[str, ...] = ()
    """Environment variables in which its API key usually stands, the most usual first; none: it wants no key."""
    prefixes: tuple[str, ...] = ()
    """Model names that begin so are its own."""


_ANTHROPIC = Quirks(
    stream_usage="always",
    parallel_tool_calls_field=True,
    tool_id_limit=64,
    tool_result_images=True,
    documents=True,
    reasoning_request="thinking",
    # What the newest models take; older ones are listed below.
    thinking_budget=False,
    thinking_off_effort=False,
    efforts=("low", "medium", "high", "xhigh", "max"),
    deferred_tools=True,
    prefill=False,
    most_output=128_000,
    sampling=False,
    sampling_pair=False,
    strict_schemas=True,
    stop_limit=0,
    cache_control=True,
    logprobs=False,
    token_count=True,
    safeguards=True,
)

_OPENAI = Quirks(
    max_tokens_field="max_completion_tokens",
    documents=True,
    unknown_fields=False,
    developer_role=True,
    reasoning_request="reasoning_effort",
    # Reasoning models refuse them; the older ones are listed below.
    sampling=False,
    strict_schemas=True,
    prompt_cache_key=True,
)

_DEEPSEEK = Quirks(
    images=False,
    reasoning_request="thinking",
    reasoning_back=True,
    json_schema=False,
    parallel_tool_calls_field=False,
    tool_id_limit=0,
    stop_limit=16,
)

_OPENROUTER = Quirks(
    stream_usage="always",
    developer_role=True,
    documents=True,
    reasoning_request="reasoning",
    reasoning_answer=("reasoning", "reasoning_content"),
    cache_control=True,
    top_k=True,
)

_GEMINI = Quirks(
    middle_system=False,
    parallel_tool_calls_field=False,
    tool_id_limit=0,
    reasoning_request="reasoning_effort",
    stop_limit=5,
    logprobs=False,
)

_VLLM = Quirks(
    # Many chat templates raise an error at a system message that is not the first.
    middle_system=False,
    tool_id_limit=0,
    reasoning_request="chat_template",
    stop_limit=0,
    top_k=True,
)

_LLAMACPP = Quirks(
    middle_system=False,
    # `required` and a named tool are accepted, but plain text comes back.
    forced_tool_choice=False,
    tool_id_limit=0,
    reasoning_request="chat_template",
    stop_limit=0,
    token_count=True,
    top_k=True,
)

_LITELLM = Quirks(
    developer_role=True, documents=True, reasoning_request="reasoning_effort", cache_control=True, top_k=True
)

_OLLAMA = Quirks(
    stream_usage="always",
    forced_tool_choice=False,
    parallel_tool_calls_field=False,
    tool_id_limit=0,
    stop_limit=0,
)

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "anthropic": Profile(
            base_url="https://api.anthropic.com",
            dialects=("anthropic",),
            quirks=_ANTHROPIC,
            env=("ANTHROPIC_API_KEY",),
            prefixes=("claude-",),
        ),
        "openai": Profile(
            base_url="https://api.openai.com/v1",
            dialects=("openai_chat", "openai_responses"),
            quirks=_OPENAI,
            env=("OPENAI_API_KEY",),
            prefixes=("gpt-", "chatgpt-", "codex-", "o1", "o3", "o4", "text-embedding-"),
        ),
        "deepseek": Profile(
            base_url="https://api.deepseek.com",
            dialects=("openai_chat",),
            quirks=_DEEPSEEK,
            env=("DEEPSEEK_API_KEY",),
            prefixes=("deepseek-",),
        ),
        "openrouter": Profile(
            base_url="https://openrouter.ai/api/v1",
            dialects=("openai_chat", "anthropic"),
            quirks=_OPENROUTER,
            env=("OPENROUTER_API_KEY",),
        ),
        "gemini": Profile(
            base_url="https://generativelanguage.googleapis.com/v1beta/openai",
            dialects=("openai_chat",),
            quirks=_GEMINI,
            env=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
            prefixes=("gemini-",),
        ),
        "vllm": Profile(
            base_url="http://127.0.0.1:8000/v1", dialects=("openai_chat", "anthropic", "openai_responses"), quirks=_VLLM
        ),
        # Its Responses events lack fields that the official client needs: that dialect is translated instead.
        "llamacpp": Profile(
            base_url="http://127.0.0.1:8080/v1", dialects=("openai_chat", "anthropic"), quirks=_LLAMACPP
        ),
        "litellm": Profile(
            base_url="http://127.0.0.1:4000/v1",
            dialects=("openai_chat", "anthropic", "openai_responses"),
            quirks=_LITELLM,
            env=("LITELLM_API_KEY", "LITELLM_MASTER_KEY"),
        ),
        # Its OpenAI- and Anthropic-shaped endpoints take no num_ctx, and cut a long prompt without a word.
        "ollama": Profile(base_url="http://127.0.0.1:11434", dialects=("ollama_chat",), quirks=_OLLAMA),
    }
)
"""By the name that ``profile`` in tenbin.yaml has."""

_OLD_CLAUDE: dict[str, Any] = {"middle_system": False, "turn_effort": False, "thinking_off_effort": True}
_BEFORE_ADAPTIVE: dict[str, Any] = _OLD_CLAUDE | {
    "sampling": True,
    "adaptive_thinking": False,
    "thinking_budget": True,
    "efforts": (),
    "prefill": True,
    "most_output": 64_000,
}
_BEFORE_THINKING: dict[str, Any] = _BEFORE_ADAPTIVE | {
    "reasoning_request": "none",
    "thinking_budget": False,
    "json_schema": False,
    "deferred_tools": False,
    "most_output": 4_096,
}
_EITHER_THINKING: dict[str, Any] = _OLD_CLAUDE | {
    "sampling": True,
    "thinking_budget": True,
    "efforts": ("low", "medium", "high", "max"),
}
_ALWAYS_THINKS: dict[str, Any] = {"thinking_off": False}
_REFUSES_FORCING: dict[str, Any] = {"thinking_off": False, "forced_tool_choice": False}

_PLAIN_OPENAI: dict[str, Any] = {
    "sampling": True,
    "reasoning_request": "none",
    "efforts": (),
    "max_tokens_field": "max_tokens",
}
_O_SERIES: dict[str, Any] = {
    "efforts": ("low", "medium", "high"),
    "parallel_tool_calls_field": False,
    "most_output": 100_000,
}

MODEL_QUIRKS: Mapping[str, Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "anthropic": {
            "claude-2": _BEFORE_THINKING,
            "claude-3": _BEFORE_THINKING,
            "claude-3-5": _BEFORE_THINKING | {"most_output": 8_192},
            "claude-3-7-sonnet": _BEFORE_ADAPTIVE | {"json_schema": False, "deferred_tools": False},
            "claude-opus-4": _BEFORE_ADAPTIVE | {"json_schema": False, "most_output": 32_000},
            "claude-opus-4-1": _BEFORE_ADAPTIVE | {"most_output": 32_000},
            "claude-opus-4-5": _BEFORE_ADAPTIVE | {"efforts": ("low", "medium", "high")},
            "claude-opus-4-6": _EITHER_THINKING,
            "claude-opus-4-7": _OLD_CLAUDE,
            "claude-opus-4-8": {"turn_effort": False, "thinking_off_effort": True},
            "claude-sonnet-4": _BEFORE_ADAPTIVE | {"json_schema": False},
            "claude-sonnet-4-5": _BEFORE_ADAPTIVE,
            "claude-sonnet-4-6": _EITHER_THINKING,
            "claude-haiku-4": _BEFORE_ADAPTIVE | {"deferred_tools": False},
            "claude-opus-5": {},
            "claude-sonnet-5": {"turn_effort": False, "thinking_off_effort": True},
            "claude-opus-5-5": _REFUSES_FORCING,
            "claude-sonnet-5-5": _REFUSES_FORCING | {"thinking_between_tools": True},
            "claude-haiku-5-5": {},
            "claude-fable": _REFUSES_FORCING,
            "claude-fable-5": _ALWAYS_THINKS | {"turn_effort": False},
            "claude-fable-5-1": _REFUSES_FORCING,
            "claude-fable-5-2": _REFUSES_FORCING,
            "claude-mythos": _REFUSES_FORCING,
            "claude-mythos-5": _ALWAYS_THINKS | {"turn_effort": False},
            "claude-mythos-5-1": _REFUSES_FORCING,
            "claude-mythos-5-2": _REFUSES_FORCING,
            "claude-mythos-preview": _ALWAYS_THINKS | _OLD_CLAUDE | {"thinking_budget": True},
        },
        "openai": {
            "gpt-3": _PLAIN_OPENAI | {"most_output": 4_096},
            "gpt-4": _PLAIN_OPENAI | {"most_output": 8_192},
            "gpt-4-": _PLAIN_OPENAI | {"most_output": 4_096},
            "gpt-4.": _PLAIN_OPENAI | {"most_output": 32_768},
            "gpt-4o": _PLAIN_OPENAI | {"most_output": 16_384},
            "chatgpt-4": _PLAIN_OPENAI | {"most_output": 16_384},
            "o1": _O_SERIES,
            "o3": _O_SERIES,
            "o4": _O_SERIES,
            "gpt-5": {"efforts": ("minimal", "low", "medium", "high"), "most_output": 128_000},
            "gpt-5-chat": {"sampling": True, "reasoning_request": "none", "efforts": (), "most_output": 16_384},
            "gpt-5-pro": {"efforts": ("high",), "most_output": 272_000},
            "gpt-5.": {"efforts": ("none", "low", "medium", "high", "xhigh"), "most_output": 128_000},
            "gpt-5.1": {"efforts": ("none", "low", "medium", "high"), "most_output": 128_000},
            "gpt-5.6": {"most_output": 128_000},
            "gpt-6": {"most_output": 128_000},
        },
    }
)
"""By profile and beginning of the model's name (the longest one counts): what differs from the profile's quirks, as of
November 2026. A name that is not listed is taken for a newer model.

Sources for Anthropic (platform.claude.com/docs): thinking modes from build-with-claude/thinking-troubleshooting
(budgets end with 4.6, adaptive thinking begins there), efforts from build-with-claude/effort and effort-per-message,
system messages from build-with-claude/mid-conversation-system-messages (Opus 4.8 on), forced tools, ``between_tools``
and ``disabled`` from the pages "What's new" of Opus 5.5, Sonnet 5.5 and Fable 5.1; sampling (until 4.6), prefill
(until 4.5) and longest answers from LiteLLM's model map 1.109.1; tool references (no Haiku before 5.5) from Claude
Code's documentation of tool search. For OpenAI: the API reference of ``reasoning_effort`` and the models' pages."""


def model_quirks(profile: str | None, model: str) -> Mapping[str, Any]:
    """What is peculiar about a model beside its profile's quirks: fields of Quirks, ready as overrides."""
    table = MODEL_QUIRKS.get(profile or "", {})
    known = max((prefix for prefix in table if model.startswith(prefix)), key=len, default=None)
    return table[known] if known is not None else {}


def resolve(profile: str | None, overrides: Mapping[str, Any], model: str = "") -> Quirks:
    """The quirks in force: the profile's, then the model's, then the overrides.

    None stands for the plain dialect. Raises ValueError, naming what is wrong, for a profile or quirk that does not
    exist, or a value of the wrong type.
    """
    if profile is not None and profile not in PROFILES:
        raise ValueError(f"{profile!r} is not a profile; there are {', '.join(PROFILES)}")
    quirks = PROFILES[profile].quirks if profile is not None else Quirks()
    unknown = [name for name in overrides if name not in Quirks.__struct_fields__]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not a quirk; there are {', '.join(Quirks.__struct_fields__)}")
    try:
        return msgspec.convert({**msgspec.to_builtins(quirks), **model_quirks(profile, model), **overrides}, Quirks)
    except msgspec.ValidationError as error:
        raise ValueError(f"quirks: {error}") from error
