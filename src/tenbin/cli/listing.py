"""What a provider itself says that it offers: `doctor` asks when no model of it is configured."""

from http.client import HTTPException
from typing import Any

from tenbin.cli.client import NO_KEY, call
from tenbin.cli.examination import Check
from tenbin.config.provider import Provider

SECONDS = 10.0

NO_CHAT = ("embed", "whisper", "tts", "image", "dall-e", "moderation", "audio", "realtime", "transcribe", "rerank")
"""Parts of the names of models that answer no questions."""


def offered(provider: Provider) -> tuple[Check, str]:
    """What asking for the list of models proves, and a model of it to go on with; no name when there is none."""
    path, headers = _request(provider)
    try:
        reply = call(provider.base_url, path, key=provider.api_key or NO_KEY, headers=headers, seconds=SECONDS)
    except (OSError, HTTPException) as error:
        fix = "Check base_url, the network, a proxy, and that the server is started."
        return Check("is reachable", "failed", f"{provider.base_url} cannot be reached: {error}", fix), ""
    if reply.status in (401, 403):
        fix = f"Check providers.{provider.name}.api_key."
        return Check("takes the key", "failed", f"{reply.status}: the key is not accepted", fix), ""
    names = _names(reply.json()) if reply.status == 200 else []
    fix = f"Name one: tenbin doctor --model {provider.name}/MODEL, or put one into a chain of tenbin.yaml."
    if not names:
        said = f"{provider.base_url}{path} answers {reply.status} and lists no models, so none was asked"
        return Check("lists models", "warning", said, fix), ""
    model = next((name for name in names if not any(part in name.lower() for part in NO_CHAT)), "")
    if not model:
        return Check("lists models", "warning", f"{len(names)}, but none that seems to answer questions", fix), ""
    return Check("lists models", "ok", f"{len(names)}; {model} is asked"), model


def _request(provider: Provider) -> tuple[str, dict[str, str]]:
    dialect = provider.dialects[0]
    if dialect == "ollama_chat":
        return "/api/tags", provider.headers
    if dialect != "anthropic":
        return "/models", provider.headers
    path = "/models" if provider.base_url.endswith("/v1") else "/v1/models"
    known = {"anthropic-version": "2023-06-01", "x-api-key": provider.api_key or NO_KEY}
    return path, {**known, **provider.headers}


def _names(listed: Any) -> list[str]:
    """The names in an answer of OpenAI's or Anthropic's form, or of Ollama's."""
    if not isinstance(listed, dict):
        return []
    rows = listed.get("data") or listed.get("models")
    if not isinstance(rows, list):
        return []
    names = [row.get("id") or row.get("name") for row in rows if isinstance(row, dict)]
    return [name for name in names if isinstance(name, str) and name]
