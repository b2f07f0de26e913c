"""The application: which path and profile speak which dialect, what is remembered, and the control "
"endpoints."""

from __future__ import annotations

import os
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Any

from tenbin.simulator import anthropic_messages, control, embeddings, ollama, openai_chat, openai_responses
from tenbin.simulator.clock import Clock
from tenbin.simulator.exchange import Exchange, LogEntry
from tenbin.simulator.invoice import Invoice
from tenbin.simulator.limits import Limits
from tenbin.simulator.models import Catalogue
from tenbin.simulator.prefix_cache import PrefixCache
from tenbin.simulator.prompt import ApiError
from tenbin.simulator.scripts import ScriptBook
from tenbin.simulator.wire import Gone, Message

PROFILES = (
    "anthropic",
    "openai",
    "openrouter",
    "deepseek",
    "gemini",
    "vllm",
    "llamacpp",
    "litellm",
    "messy",
    "ollama",
)
"""First path segment (or `PROFILE/` before a model's name) -> the provider whose habits are copied."""

_BODY_LIMIT = 32 * 1024 * 1024
_LOG_BYTES = 64 * 1024 * 1024

Handler = Callable[[Exchange], Awaitable[None]]
Refuse = Callable[[Exchange, ApiError], tuple[int, bytes]]


class Simulator:
    """The simulator's ASGI application and everything it remembers.

    `log_size`: how many requests are remembered, bodies included.
    """

    def __init__(self, clock: Clock | None = None, log_size: int = 1000) -> None:
        self.clock = clock or Clock()
        self._log_size = log_size
        self._salt = os.urandom(6).hex()
        self._count = 0
        self._number = 0
        self.open = 0
        """Calls under way, control endpoints left out."""
        self.reset()

    def reset(self) -> None:
        """Forget everything but the clock."""
        self.scripts = ScriptBook()
        self.models = Catalogue()
        self.limits = Limits(self.clock)
        self.cache = PrefixCache(self.clock)
        self.invoice = Invoice()
        self.log: deque[LogEntry] = deque()
        self._log_bytes = 0
        self.stored: dict[str, Any] = {}

    def identifier(self, prefix: str, length: int = 24) -> str:
        """Return a new identifier that no other request has."""
        self._count += 1
        return prefix + sha256(f"{self._salt}{self._count}".encode()).hexdigest()[:length]

    def new_entry(self, exchange: Exchange) -> LogEntry:
        """Return the log entry of a new request; only those to a dialect are kept."""
        scope = exchange.scope
        query = scope["query_string"].decode("latin-1")
        self._number += 1
        entry = LogEntry(self._number, self.clock.now(), scope["method"], scope["path"], query, exchange.header_list)
        if not scope["path"].startswith(control.PREFIX):
            self.log.append(entry)
            self._evict()
        return entry

    def _remember(self, exchange: Exchange) -> None:
        """Keep the body for the log, and let go of the oldest requests when all bodies together grow too large."""
        exchange.entry.body = exchange.body
        if self.log and self.log[0].number <= exchange.entry.number:
            self._log_bytes += len(exchange.body)
            self._evict()

    def _evict(self) -> None:
        while len(self.log) > self._log_size or (self._log_bytes > _LOG_BYTES and len(self.log) > 1):
            self._log_bytes -= len(self.log.popleft().body)

    def forget(self) -> None:
        """Forget the requests received so far."""
        self.log.clear()
        self._log_bytes = 0

    async def __call__(
        self,
        scope: Mapping[str, Any],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Serve one request (ASGI). Never raises."""
        if scope["type"] != "http":
            return
        profile, path = _profile(scope["path"])
        exchange = Exchange(self, scope, receive, send, profile, path)
        handler, refuse = _route(exchange)
        counted = not exchange.path.startswith(control.PREFIX)
        self.open += counted
        try:
            try:
                await exchange.read(_BODY_LIMIT)
                self._remember(exchange)
                await handler(exchange)
            except ApiError as error:
                status, body = refuse(exchange, error)
                exchange.extra_headers += list(error.headers.items())
                await exchange.respond(status, body)
        except Gone:
            exchange.entry.outcome = "client_gone"
        except Exception as error:  # noqa: BLE001 - whatever breaks must be seen by the test that caused it
            await _broken(exchange, refuse, error)
        finally:
            exchange.close()
            self.open -= counted


def _profile(path: str) -> tuple[str, str]:
    """Return (profile, rest of the path); the profile is empty where the path begins with none."""
    first, _, rest = path[1:].partition("/")
    return (first, "/" + rest) if first in PROFILES else ("", path)


def _route(exchange: Exchange) -> tuple[Handler, Refuse]:
    """Return the handler of a path and the dialect that its refusals are said in."""
    path = exchange.path.rstrip("/")
    if path.startswith(control.PREFIX):
        return control.handle, openai_chat.refuse
    ollama_handler = _OLLAMA.get(path[path.rfind("/api/") :] if "/api/" in path else "")
    if ollama_handler:
        return _only(exchange, ollama_handler[0], ollama_handler[1]), ollama.refuse
    anthropic = "anthropic-version" in exchange.headers or exchange.profile == "anthropic"
    for ending, method, handler in _ANTHROPIC:
        if path.endswith(ending):
            refuse = openai_chat.refuse if exchange.profile == "llamacpp" else anthropic_messages.refuse
            return _only(exchange, method, handler), refuse
    for ending, method, handler in _OPENAI:
        if path.endswith(ending):
            return _only(exchange, method, handler), openai_chat.refuse
    if "/responses/" in path:
        return _only(exchange, "GET", openai_responses.retrieve), openai_chat.refuse
    if path.endswith("/models") or "/models/" in path:
        module = anthropic_messages if anthropic else openai_chat
        return _only(exchange, "GET", module.models), module.refuse
    if exchange.method in ("HEAD", "GET") and path in ("", "/api/hello", "/health"):
        return _hello, openai_chat.refuse
    return _unknown, anthropic_messages.refuse if anthropic else openai_chat.refuse


_ANTHROPIC: list[tuple[str, str, Handler]] = [
    ("/messages", "POST", anthropic_messages.messages),
    ("/messages/count_tokens", "POST", anthropic_messages.count_tokens),
]
_OPENAI: list[tuple[str, str, Handler]] = [
    ("/chat/completions", "POST", openai_chat.completions),
    ("/responses", "POST", openai_responses.create),
    ("/embeddings", "POST", embeddings.create),
]
_OLLAMA: dict[str, tuple[str, Handler]] = {
    "/api/chat": ("POST", ollama.chat),
    "/api/embed": ("POST", embeddings.embed),
    "/api/show": ("POST", ollama.show),
    "/api/tags": ("GET", ollama.tags),
    "/api/ps": ("GET", ollama.loaded),
    "/api/version": ("GET", ollama.version),
}


async def _broken(exchange: Exchange, refuse: Refuse, error: Exception) -> None:
    """Report what no check foresaw: 400 if the request could not be read, else a cut connection; with the place."""
    if not isinstance(error, (TypeError, AttributeError, LookupError, ValueError)):  # what an odd request causes
        traceback.print_exception(error)
    if exchange.entry.status is not None:
        exchange.scope["transport"].abort()
        return
    place = traceback.extract_tb(error.__traceback__)[-1]
    message = f"simulator: the request cannot be read: {error!r} at {place.name}, line {place.lineno}"
    status, body = refuse(exchange, ApiError(400, message))
    await exchange.respond(status, body)


def _only(exchange: Exchange, method: str, handler: Handler) -> Handler:
    return handler if exchange.method in (method, "HEAD" if method == "GET" else method) else _wrong_method


async def _hello(exchange: Exchange) -> None:
    await exchange.respond(200, b"")


async def _unknown(exchange: Exchange) -> None:
    raise ApiError(404, f"Not found: {exchange.method} {exchange.scope['path']}", "not_found_error")


async def _wrong_method(exchange: Exchange) -> None:
    raise ApiError(405, f"Method Not Allowed: {exchange.method} {exchange.scope['path']}", "invalid_request_error")
