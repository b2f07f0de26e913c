"""LiteLLM's providers, by the beginning of a model's name: where each is, what it speaks, and where its key stands.

Addresses and variables are those of LiteLLM's documentation of each provider, as of November 2026.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from tenbin.config.importing.endpoint import Endpoint, azure_base, endpoint
from tenbin.config.quirks import PROFILES


class Origin(NamedTuple):
    """A provider that Tenbin can reach."""

    profile: str | None = None
    """None: the plain Chat Completions dialect."""
    base_url: str | None = None
    """Where it is without `api_base`; None: at the profile's own address, or ``base_variable`` says it."""
    key: str | None = None
    """Variable of its API key."""
    base_variable: str | None = None
    """Variable of its address, for a server that could be anywhere."""
    free: bool = False


def _hosted(base_url: str, key: str) -> Origin:
    return Origin(base_url=base_url, key=key)


ORIGINS: Mapping[str, Origin] = MappingProxyType(
    {
        **{name: Origin(profile=name, key=PROFILES[name].env[0]) for name in ("openai", "anthropic", "deepseek")},
        **{name: Origin(profile=name, key=PROFILES[name].env[0]) for name in ("openrouter", "gemini")},
        "azure": Origin(profile="openai", key="AZURE_API_KEY", base_variable="AZURE_API_BASE"),
        "azure_ai": Origin(key="AZURE_AI_API_KEY", base_variable="AZURE_AI_API_BASE"),
        "ollama": Origin(profile="ollama", free=True),
        "ollama_chat": Origin(profile="ollama", free=True),
        "litellm_proxy": Origin(profile="litellm", key="LITELLM_PROXY_API_KEY", base_variable="LITELLM_PROXY_API_BASE"),
        "hosted_vllm": Origin(profile="vllm", base_variable="HOSTED_VLLM_API_BASE", free=True),
        "llamafile": Origin(profile="llamacpp", base_url="http://127.0.0.1:8080/v1", free=True),
        "lm_studio": Origin(base_variable="LM_STUDIO_API_BASE", free=True),
        "xinference": Origin(base_variable="XINFERENCE_API_BASE", free=True),
        "openai_like": Origin(base_variable="OPENAI_LIKE_API_BASE", key="OPENAI_LIKE_API_KEY"),
        "custom_openai": Origin(base_variable="OPENAI_LIKE_API_BASE", key="OPENAI_LIKE_API_KEY"),
        "cerebras": _hosted("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
        "dashscope": _hosted("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY"),
        "deepinfra": _hosted("https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
        "featherless_ai": _hosted("https://api.featherless.ai/v1", "FEATHERLESS_AI_API_KEY"),
        "fireworks_ai": _hosted("https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
        "groq": _hosted("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
        "hyperbolic": _hosted("https://api.hyperbolic.xyz/v1", "HYPERBOLIC_API_KEY"),
        "lambda_ai": _hosted("https://api.lambda.ai/v1", "LAMBDA_API_KEY"),
        "meta_llama": _hosted("https://api.llama.com/compat/v1", "LLAMA_API_KEY"),
        "mistral": _hosted("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
        "moonshot": _hosted("https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
        "nebius": _hosted("https://api.studio.nebius.ai/v1", "NEBIUS_API_KEY"),
        "novita": _hosted("https://api.novita.ai/v3/openai", "NOVITA_API_KEY"),
        "nvidia_nim": _hosted("https://integrate.api.nvidia.com/v1", "NVIDIA_NIM_API_KEY"),
        "perplexity": _hosted("https://api.perplexity.ai", "PERPLEXITYAI_API_KEY"),
        "sambanova": _hosted("https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
        "together_ai": _hosted("https://api.together.xyz/v1", "TOGETHERAI_API_KEY"),
        "volcengine": _hosted("https://ark.cn-beijing.volces.com/api/v3", "VOLCENGINE_API_KEY"),
        "xai": _hosted("https://api.x.ai/v1", "XAI_API_KEY"),
        "zai": _hosted("https://api.z.ai/api/paas/v4", "ZAI_API_KEY"),
    }
)
"""Those whose dialect Tenbin speaks."""

_BARE = ("anthropic", "openai", "deepseek")
"""Whose models may be named without a beginning."""


def split_model(model: str, provider: str | None) -> tuple[str, str] | None:
    """Provider and model of LiteLLM's ``model``; None when it does not say the provider.

    ``provider`` is ``custom_llm_provider``, which says it apart.
    """
    if provider is not None:
        return provider, model.removeprefix(f"{provider}/")
    before, found, rest = model.partition("/")
    if before == "azure_ai" and not rest.startswith("claude"):
        return "azure_ai (but for Claude)", rest
    if found and rest:
        return before, rest
    for name in _BARE:
        if model.startswith(PROFILES[name].prefixes):
            return name, model
    return None


def reached(provider: str, api_base: str | None) -> Endpoint:
    """How a deployment's provider, one of ORIGINS, is reached; ``api_base`` is in tenbin.yaml's words."""
    origin = ORIGINS[provider]
    if api_base is None:
        if origin.base_variable is None:
            return Endpoint(origin.profile, origin.base_url, None if origin.profile else "openai_chat", origin.free)
        api_base = f"${{{origin.base_variable}}}"
    if provider == "azure":
        return _azure(api_base)
    if provider == "azure_ai":
        base = api_base.rstrip("/").removesuffix("/v1/messages")
        return Endpoint(None, base if base.endswith("/anthropic") else f"{base}/anthropic", "anthropic")
    if origin.profile == "ollama":
        return Endpoint("ollama", api_base.rstrip("/").removesuffix("/v1"), None, free="ollama.com" not in api_base)
    found = endpoint(api_base, "anthropic" if origin.profile == "anthropic" else None)
    if found.profile is None and origin.profile in ("vllm", "litellm", "llamacpp"):
        return Endpoint(origin.profile, found.base_url, None, origin.free)
    return Endpoint(found.profile, found.base_url, found.dialect, found.free or origin.free)


def _azure(api_base: str) -> Endpoint:
    if api_base.startswith("${"):
        return Endpoint("openai", azure_base(api_base), None)
    found = endpoint(api_base)
    if found.profile == "openai" and found.base_url is not None:
        return found
    return Endpoint("openai", azure_base(api_base.partition("/openai")[0]), None)


def plain_name(provider: str, found: Endpoint) -> str:
    """A name for the row in tenbin.yaml that says who it is, and is no profile's unless it has it."""
    if provider in ("ollama_chat", "hosted_vllm"):
        return {"ollama_chat": "ollama", "hosted_vllm": "vllm"}[provider]
    if provider in PROFILES and (found.profile != provider or found.base_url is not None):
        return provider if found.profile == provider else f"{provider}-compatible"
    return provider
