"""Which URL, headers and credential a target wants: everything of a request but its body."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from tenbin.core.ask import Ask, Operation
from tenbin.core.target import DialectName

ANTHROPIC_VERSION = b"2023-06-01"
"""Sent when the client named none: the version under which every field that Tenbin writes is accepted."""

BEARER_VERSION = b"2026-10-21"
"""From this API version on Anthropic's own clients send the key as a Bearer token; before, as ``x-api-key``."""

SHORTEST_SECRET = 8
"""Bytes: a shorter key is a placeholder (``ollama``, ``none``), and may be an ordinary word of an error."""

PATHS: Mapping[tuple[str, str], str] = {
    ("anthropic", "generate"): "/v1/messages",
    ("anthropic", "count_tokens"): "/v1/messages/count_tokens",
    ("openai_chat", "generate"): "/chat/completions",
    ("openai_chat", "embed"): "/embeddings",
    ("openai_responses", "generate"): "/responses",
    ("openai_responses", "embed"): "/embeddings",
    ("ollama_chat", "generate"): "/api/chat",
    ("ollama_chat", "embed"): "/v1/embeddings",
}
"""By dialect and operation, after the provider's base URL."""

NOT_FORWARDED = frozenset(
    {
        # hop-by-hop (RFC 9110, 7.6.1)
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        # written anew for this hop
        b"host",
        b"content-length",
        b"content-type",
        b"accept-encoding",
        b"content-encoding",
        b"expect",
        # would have another method or path served than the one that was judged
        b"x-http-method",
        b"x-http-method-override",
        b"x-method-override",
        b"x-original-url",
        b"x-rewrite-url",
        # of the network before Tenbin, which is nobody's business behind it
        b"forwarded",
        b"via",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-proto",
        b"x-forwarded-server",
        b"x-real-ip",
        b"true-client-ip",
        b"cf-connecting-ip",
        # the client's credentials are for Tenbin, and whose account is billed goes with a credential
        b"authorization",
        b"x-api-key",
        b"api-key",
        b"x-goog-api-key",
        b"x-goog-user-project",
        b"openai-organization",
        b"openai-project",
        b"cookie",
    }
)
"""Client headers that never cross, in lower case; nor does any that begins with ``x-tenbin-``."""


class Origin(NamedTuple):
    """Where to connect."""

    key: str
    """``https://host:port``."""
    host: str
    port: int
    secure: bool
    local: bool
    plain_http: bool = False
    """May be spoken to unencrypted through the internet."""


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """How a provider is reached."""

    origin: Origin
    base_path: str
    """Path of the base URL, without a slash at the end."""
    api_key: str | None = None
    both_credentials: bool = False
    """In Anthropic's dialect the key is sent as ``x-api-key`` and as a Bearer token: of those who copy the dialect,
    some look at the one, some at the other (vLLM and OpenRouter know Bearer only)."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Names in lower case; a client's header of the same name gives way."""
    direct: "Reach | None" = None
    """The provider itself, where this is a middle proxy before it."""

    def hide_key(self, words: bytes) -> bytes:
        """What a provider says without the key that it was sent: some repeat a key that they refuse, and an error goes
        to the client and into the ledger.
        """
        if self.direct is not None:
            words = self.direct.hide_key(words)
        key = (self.api_key or "").encode()
        return words.replace(key, b"(key)") if len(key) >= SHORTEST_SECRET else words


def reach(
    base_url: str,
    *,
    api_key: str | None = None,
    both_credentials: bool = False,
    headers: Mapping[str, str] | None = None,
    direct: Reach | None = None,
    plain_http: bool = False,
) -> Reach:
    """Read a base URL. Raises ValueError when it is not an http(s) URL."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{base_url!r} is not an http:// or https:// URL")
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    host = parts.hostname
    local = host == "localhost" or host.startswith("127.") or host == "::1"
    shown = f"[{host}]" if ":" in host else host
    origin = Origin(f"{parts.scheme}://{shown}:{port}", host, port, secure, local, plain_http)
    more = tuple((name.lower().encode("latin-1"), value.encode("utf-8")) for name, value in (headers or {}).items())
    base_path = parts.path.rstrip("/")
    return Reach(
        origin=origin,
        base_path=base_path,
        api_key=api_key,
        both_credentials=both_credentials,
        headers=more,
        direct=direct,
    )


def request_path(base_path: str, dialect: DialectName, operation: Operation) -> str:
    """Path of an operation at a provider; a base URL may end in ``/v1`` or not, for any dialect."""
    path = PATHS[(dialect, operation)]
    if path.startswith("/v1/") and base_path.endswith("/v1"):
        path = path[3:]
    return base_path + path


@lru_cache(maxsize=256)
def _first_lines(base_path: str, origin_key: str, dialect: DialectName, operation: Operation) -> tuple[bytes, bytes]:
    """How every request of a kind to a provider begins, before its query and behind it."""
    path = request_path(base_path, dialect, operation)
    host = origin_key.split("://", 1)[1]
    return f"POST {path}".encode(), f" HTTP/1.1\r\nhost: {host}\r\n".encode()


def request_head(
    to: Reach,
    ask: Ask,
    dialect: DialectName,
    body_length: int,
    *,
    passed_through: bool,
    headers: Sequence[tuple[bytes, bytes]] | None = None,
) -> bytes:
    """The head of the request to a provider, ready to be sent before ``body_length`` bytes of body; ``headers``: the
    client's as this target is given them, where they are not all its own.
    """
    before, behind = _first_lines(to.base_path, to.origin.key, dialect, ask.operation)
    parts = [before, b"?", ask.query, behind] if passed_through and ask.query else [before, behind]
    own = dict(to.headers)
    version = own.get(b"anthropic-version")
    if passed_through:
        headers = ask.headers if headers is None else headers
        dropped = _named_hops(headers)
        for name, value in headers:
            if name in NOT_FORWARDED or name.startswith(b"x-tenbin-") or name in own or name in dropped:
                continue
            if name == b"anthropic-version":
                version = value
            parts += (name, b": ", value, b"\r\n")
    else:
        parts.append(b"accept: */*\r\n" if b"user-agent" in own else b"user-agent: tenbin\r\naccept: */*\r\n")
    if dialect == "anthropic" and version is None:
        version = ANTHROPIC_VERSION
        parts.append(b"anthropic-version: " + version + b"\r\n")
    if to.api_key:
        key = to.api_key.encode()
        both = to.both_credentials
        if dialect == "anthropic" and (both or version != BEARER_VERSION) and b"x-api-key" not in own:
            parts += (b"x-api-key: ", key, b"\r\n")
        if (dialect != "anthropic" or both or version == BEARER_VERSION) and b"authorization" not in own:
            parts += (b"authorization: Bearer ", key, b"\r\n")
    for name, value in to.headers:
        parts += (name, b": ", value, b"\r\n")
    parts += (
        b"accept-encoding: identity\r\ncontent-type: application/json\r\ncontent-length: ",
        str(body_length).encode(),
        b"\r\n\r\n",
    )
    return b"".join(parts)


def _named_hops(headers: Sequence[tuple[bytes, bytes]]) -> frozenset[bytes]:
    """Headers that a client's ``connection`` header names as meant for the next hop alone (RFC 9110, 7.6.1)."""
    for name, value in headers:
        if name == b"connection" and value.lower() not in _PLAIN_CONNECTIONS:
            lists = [value for name, value in headers if name == b"connection"]
            return frozenset(word.strip().lower() for word in b",".join(lists).split(b","))
    return _NOTHING


_PLAIN_CONNECTIONS = frozenset({b"keep-alive", b"close"})
_NOTHING: frozenset[bytes] = frozenset()


def forwarded_answer_headers(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The provider's answer headers that a client of the same dialect is given."""
    return [
        (name, value)
        for name, value in headers
        if name not in ANSWER_HEADERS_KEPT_BACK and not name.startswith(_ABOUT_OTHERS)
    ]


ANSWER_HEADERS_KEPT_BACK = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"content-length",
        b"content-encoding",
        b"set-cookie",
        b"set-cookie2",
        b"clear-site-data",
        b"location",
        b"refresh",
        b"proxy-authorization",
        b"proxy-connection",
        b"www-authenticate",
        b"server",
        b"alt-svc",
        b"strict-transport-security",
    }
)
"""Hop-by-hop, written anew, or about the provider's own host."""

_ABOUT_OTHERS = (b"x-tenbin-", b"access-control-", b"anthropic-ratelimit-unified-")
"""Beginnings of more of them: ours to say, what the provider's host allows to browsers, and how much is left of the
gateway's own subscription, of which Claude Code would warn its user (its gateway contract asks to strip them)."""
