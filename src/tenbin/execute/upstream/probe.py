"""Looks for model servers on this machine before the first request, and asks them what they offer.

Plain blocking calls in a few threads: at most ``DEADLINE_SECONDS`` are spent, whatever is out there, and nothing of
this is on the path of a request.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from tenbin.config.findings import Findings, FoundModel, FoundServer, found_keys
from tenbin.config.quirks import PROFILES

DEADLINE_SECONDS = 0.3
"""For everything together. A server on this machine answers in a few milliseconds, or is busy with something else."""
MOST_BYTES = 1_000_000
MOST_MODELS = 100
"""Of a server's models, those about which details are asked."""


def discover(environ: Mapping[str, str], *, embedded: bool, own_port: int | None = None) -> Findings:
    """API keys in the environment, and the servers at their usual places on this machine.

    ``embedded``: the embedded model is installed. ``own_port`` is where Tenbin itself will listen: it is not asked.
    Takes at most DEADLINE_SECONDS; what has not answered by then counts as silent.
    """
    keys, missing_keys = found_keys(environ)
    places = [place for place in usual_places(environ) if urlsplit(place[1]).port != own_port]
    answers = _ask_all(places)
    return Findings(
        keys=keys,
        missing_keys=missing_keys,
        servers=tuple(server for place in places if (server := answers.get(place[0])) is not None),
        silent=tuple(place for place in places if place[0] not in answers),
        embedded=embedded,
    )


def usual_places(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """(provider, base URL) where a server usually is: Ollama at ``OLLAMA_HOST`` or port 11434, llama.cpp at 8080."""
    places = []
    for provider in ("ollama", "llamacpp"):
        base_url = PROFILES[provider].base_url
        if provider == "ollama" and environ.get("OLLAMA_HOST", "").strip():
            base_url = ollama_url(environ["OLLAMA_HOST"].strip())
        if base_url is not None:
            places.append((provider, base_url))
    return places


def ollama_url(host: str) -> str:
    """``OLLAMA_HOST`` as Ollama itself reads it: scheme and port may be missing; 0.0.0.0 means this machine."""
    scheme, separator, rest = host.partition("://")
    if not separator:
        scheme, rest = "http", host
    rest = rest.rstrip("/")
    parts = urlsplit(f"//{rest}")
    name = parts.hostname or "127.0.0.1"
    if name in ("0.0.0.0", "::"):
        name = "127.0.0.1"
    try:
        port = parts.port
    except ValueError:
        port = None
    shown = f"[{name}]" if ":" in name else name
    return f"{scheme}://{shown}:{port or (443 if scheme == 'https' else 80 if separator else 11434)}{parts.path}"


def _ask_all(places: list[tuple[str, str]]) -> dict[str, FoundServer]:
    answers: dict[str, FoundServer] = {}
    finished: list[str] = []
    changed = threading.Condition()

    def ask(provider: str, base_url: str) -> None:
        try:
            for models in _ASK[provider](base_url):
                answers[provider] = FoundServer(provider, base_url, models)
        except (OSError, HTTPException, ValueError, KeyError, TypeError, AttributeError):
            pass  # nobody there, or somebody else: a server of another kind answers in another shape
        with changed:
            finished.append(provider)
            changed.notify()

    for place in places:
        threading.Thread(target=ask, args=place, daemon=True).start()
    with changed:
        changed.wait_for(lambda: len(finished) == len(places), DEADLINE_SECONDS)
    return dict(answers)


def _ask_ollama(base_url: str) -> Iterator[tuple[FoundModel, ...]]:
    """First the names, then with each further call what can be known of one of them."""
    names = [str(entry["name"]) for entry in _fetch(base_url, "/api/tags")["models"]]
    models = [FoundModel(name.removesuffix(":latest"), None, "embed" not in name.lower()) for name in names]
    yield tuple(models)
    for number, name in enumerate(names[:MOST_MODELS]):
        details = _fetch(base_url, "/api/show", {"model": name})
        abilities = details.get("capabilities")
        chat = "completion" in abilities if abilities else models[number].chat
        models[number] = FoundModel(models[number].name, ollama_context(details), chat)
        yield tuple(models)


def ollama_context(details: dict[str, Any]) -> int | None:
    """Tokens that a model is to hold, from ``/api/show``: what its Modelfile sets, else what it was trained for."""
    for line in str(details.get("parameters") or "").splitlines():
        name, _, value = line.partition(" ")
        if name == "num_ctx" and value.strip().isdigit():
            return int(value)
    return ollama_trained(details)


def ollama_trained(details: dict[str, Any]) -> int | None:
    """Tokens that a model was trained for, from ``/api/show``."""
    for name, value in (details.get("model_info") or {}).items():
        if name.endswith(".context_length") and isinstance(value, int):
            return value
    return None


def _ask_llamacpp(base_url: str) -> Iterator[tuple[FoundModel, ...]]:
    names = [str(entry["id"]) for entry in _fetch(base_url, "/models")["data"]]
    properties = _fetch(base_url.removesuffix("/v1"), "/props")
    context = properties["default_generation_settings"]["n_ctx"]
    yield tuple(FoundModel(name, context or None) for name in names)


def _fetch(base_url: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """One call; raises OSError, HTTPException or ValueError when no JSON comes back."""
    parts = urlsplit(base_url)
    if parts.scheme != "http":
        raise ValueError("only servers of this machine or network, which speak plain HTTP, are looked for")
    connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=DEADLINE_SECONDS)
    try:
        data = None if body is None else json.dumps(body)
        connection.request("GET" if body is None else "POST", parts.path + path, data)
        answer = connection.getresponse()
        content = answer.read(MOST_BYTES + 1)
        if answer.status != 200 or len(content) > MOST_BYTES:
            raise ValueError(f"{base_url}{path} answered {answer.status}")
        return json.loads(content)
    finally:
        connection.close()


_ASK: Mapping[str, Callable[[str], Iterator[tuple[FoundModel, ...]]]] = {
    "ollama": _ask_ollama,
    "llamacpp": _ask_llamacpp,
}
