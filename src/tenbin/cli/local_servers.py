"""What a local server says of the context that it really has, beside what Tenbin was told."""

from http.client import HTTPException
from typing import Any

from tenbin.cli.client import call
from tenbin.cli.examination import AGENT_CONTEXT, Check
from tenbin.codecs.ollama_chat.request_writer import SMALLEST_CONTEXT
from tenbin.config.provider import Provider
from tenbin.execute.upstream.probe import ollama_trained

NAME = "has room"


def context(provider: Provider, model: str) -> Check:
    """Compare the context that is configured with the one that the server has, where it tells."""
    configured = provider.target(model).context
    try:
        if provider.profile == "ollama":
            return _ollama(provider, model, configured)
        if provider.profile == "llamacpp":
            return _llamacpp(provider, configured)
    except (OSError, HTTPException, KeyError, TypeError, AttributeError) as error:
        return Check(NAME, "warning", f"{provider.base_url} does not say: {error}", "Look at its own settings.")
    if configured is None:
        return Check(NAME, "ok", "the provider's own limit counts")
    return _verdict(configured, f"{configured:,} tokens are configured")


def _ollama(provider: Provider, model: str, configured: int | None) -> Check:
    base_url = provider.base_url
    shown = call(base_url, "/api/show", body={"model": model}).json()
    trained = ollama_trained(shown)
    running = call(base_url, "/api/ps").json().get("models") or []
    loaded = next((_loaded(entry) for entry in running if _same(entry, model)), None)
    if configured is None:
        fix = f"Set providers.{provider.name}.models.{model}.context, so that no more is asked of Ollama than it holds."
        return Check(NAME, "warning", f"no context is configured; the model can hold {_tokens(trained)}", fix)
    if trained is not None and configured > trained:
        fix = f"Set providers.{provider.name}.models.{model}.context to {trained} at most."
        return Check(NAME, "failed", f"{configured:,} tokens are configured, the model can hold {trained:,}", fix)
    said = f"{configured:,} configured, {_tokens(loaded)} loaded, {_tokens(trained)} at most"
    if loaded is not None and loaded < min(SMALLEST_CONTEXT, configured):
        return Check(NAME, "failed", said, "The server did not load what it was asked for: it may lack memory.")
    return _verdict(configured, said)


def _llamacpp(provider: Provider, configured: int | None) -> Check:
    said = call(provider.base_url.removesuffix("/v1"), "/props", key=provider.api_key or "").json()
    real = int(said["default_generation_settings"]["n_ctx"])
    if configured is not None and configured > real:
        fix = f"Start the server with a larger --ctx-size (it is shared by its slots), or set context to {real}."
        return Check(NAME, "failed", f"{configured:,} tokens are configured, the server has {real:,}", fix)
    return _verdict(real, f"{real:,} tokens for each request")


def _verdict(tokens: int, said: str) -> Check:
    if tokens < AGENT_CONTEXT:
        fix = f"Enough for questions. Coding agents need about {AGENT_CONTEXT:,}, or their tool calls fail."
        return Check(NAME, "warning", said, fix)
    return Check(NAME, "ok", said)


def _loaded(entry: dict[str, Any]) -> int | None:
    value = entry.get("context_length")
    return value if isinstance(value, int) else None


def _same(entry: dict[str, Any], model: str) -> bool:
    names = {str(entry.get(field, "")).removesuffix(":latest") for field in ("name", "model")}
    return model.removesuffix(":latest") in names


def _tokens(number: int | None) -> str:
    return "an unknown number" if number is None else f"{number:,}"
