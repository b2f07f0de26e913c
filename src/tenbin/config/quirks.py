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
    # Taken from Opus 4.8 on only with some API versions and betas; folding works for every model.
    middle_system=False,
    parallel_tool_calls_field=True,
    tool_id_limit=64,
    tool_result_images=True,
    documents=True,
    reasoning_request="thinking",
    # Refused by every model from Opus 4.7 on; older ones are listed below.
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

_LITELLM = Quirks(documents=True, reasoning_request="reasoning_effort", cache_control=True, top_k=True)

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

_BEFORE_ADAPTIVE: dict[str, Any] = {"sampling": True, "adaptive_thinking": False}
_BEFORE_THINKING: dict[str, Any] = {"sampling": True, "reasoning_request": "none", "json_schema": False}
_PLAIN_OPENAI: dict[str, Any] = {"sampling": True, "reasoning_request": "none", "max_tokens_field": "max_tokens"}
_REFUSES_FORCING: dict[str, Any] = {"forced_tool_choice": False}

MODEL_QUIRKS: Mapping[str, Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "anthropic": {
            "claude-2": _BEFORE_THINKING,
            "claude-3": _BEFORE_THINKING,
            "claude-3-7-sonnet": _BEFORE_ADAPTIVE | {"json_schema": False},
            "claude-opus-4": _BEFORE_ADAPTIVE,
            "claude-opus-4-6": {"sampling": True},
            "claude-opus-4-7": {},
            "claude-opus-4-8": {},
            "claude-sonnet-4": _BEFORE_ADAPTIVE,
            "claude-sonnet-4-6": {"sampling": True},
            "claude-haiku-4": _BEFORE_ADAPTIVE,
            "claude-opus-5-5": _REFUSES_FORCING | {"thinking_off": False},
            "claude-sonnet-5-5": _REFUSES_FORCING,
            "claude-fable": {"thinking_off": False},
            "claude-fable-5-1": _REFUSES_FORCING | {"thinking_off": False},
        },
        "openai": {"gpt-3": _PLAIN_OPENAI, "gpt-4": _PLAIN_OPENAI, "chatgpt-4": _PLAIN_OPENAI},
    }
)
"""By profile and beginning of the model's name (the longest one counts): what differs from the profile's quirks.
Anthropic: sampling ends with Opus 4.7, adaptive thinking begins with 4.6, forced tool use is refused by the 5.5
models (not Haiku) and Fable 5.1. A name that is not listed is taken for a newer model."""


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
