"""What a URL says about who answers there: which profile of Tenbin's knows it, and which dialect is spoken."""

import re
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from tenbin.config.quirks import PROFILES
from tenbin.core.target import DialectName, Quirks


class Endpoint(NamedTuple):
    """How a provider's row of tenbin.yaml begins."""

    profile: str | None
    """None: the plain dialect."""
    base_url: str | None
    """None: the profile's own."""
    dialect: DialectName | None
    """None: the profile's own."""
    free: bool = False


_ENDINGS: tuple[tuple[str, DialectName], ...] = (
    ("/chat/completions", "openai_chat"),
    ("/responses", "openai_responses"),
    ("/v1/messages", "anthropic"),
    ("/messages", "anthropic"),
    ("/api/chat", "ollama_chat"),
)
"""By what a full URL ends in: the dialect; a base URL stands before it."""

_AZURE = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
_OLLAMA_PORT = 11434
_ONLY_NATIVE = frozenset({"gemini"})
"""Known under several paths, of which Tenbin speaks to the one of the profile."""


def endpoint(url: str, dialect: DialectName | None = None) -> Endpoint:
    """Read a provider's URL, full or base; ``dialect`` is what is known from elsewhere.

    A URL that is none comes back as it is, for ``config.check`` to say what is wrong with it.
    """
    base = url.strip().rstrip("/")
    for ending, spoken in _ENDINGS:
        if base.endswith(ending):
            base = base.removesuffix(ending)
            dialect = dialect or spoken
            break
    try:
        parts = urlsplit(base)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return Endpoint(None, base, dialect or "openai_chat")
    if port == _OLLAMA_PORT:
        return Endpoint("ollama", f"{parts.scheme}://{parts.netloc}", None, free=True)
    if host.endswith(_AZURE) and parts.path.startswith("/anthropic"):
        return Endpoint(None, base, "anthropic")
    if host.endswith(_AZURE):
        return Endpoint("openai", azure_base(f"{parts.scheme}://{parts.netloc}"), dialect)
    for name, profile in PROFILES.items():
        own = urlsplit(profile.base_url or "")
        if host != own.hostname or own.scheme != "https":
            continue
        same = _path(parts.path) == _path(own.path)
        if name in _ONLY_NATIVE or same:
            spoken_there = dialect if dialect in profile.dialects and dialect != profile.dialects[0] else None
            if dialect is None or dialect in profile.dialects or name in _ONLY_NATIVE:
                return Endpoint(name, None, spoken_there)
    return Endpoint(None, base, dialect or "openai_chat")


def azure_base(url: str) -> str:
    """Azure OpenAI's API without versions, which takes a resource's key as a Bearer token and a deployment's name as
    the model (learn.microsoft.com, "Azure OpenAI v1 API").
    """
    return f"{url.rstrip('/')}/openai/v1"


def _path(path: str) -> str:
    return path.rstrip("/").removesuffix("/v1")


def plain_quirks(profile: str) -> dict[str, Any]:
    """Overrides that undo a profile's quirks, for a provider that bears its name and is somebody else."""
    plain, known = msgspec.to_builtins(Quirks()), msgspec.to_builtins(PROFILES[profile].quirks)
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in plain.items()
        if known[name] != value
    }


def variable_of(name: str) -> str:
    """The environment variable in which a provider's key usually stands, by the provider's name: ``GROQ_API_KEY``."""
    profile = PROFILES.get(name)
    if profile is not None and profile.env:
        return profile.env[0]
    words = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").upper()
    words = words if words and not words[0].isdigit() else f"PROVIDER_{words}".rstrip("_")
    return words if words.endswith("_API_KEY") else f"{words}_API_KEY"
