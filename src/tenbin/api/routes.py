"""1. Which path speaks which dialect and asks for what."""

from typing import NamedTuple

from tenbin.core.ask import Operation
from tenbin.core.target import DialectName


class Route(NamedTuple):
    """What a path asks for."""

    dialect: DialectName
    operation: Operation


MESSAGES = Route("anthropic", "generate")
COUNT_TOKENS = Route("anthropic", "count_tokens")
CHAT = Route("openai_chat", "generate")
RESPONSES = Route("openai_responses", "generate")
EMBEDDINGS = Route("openai_chat", "embed")

ASKS: dict[str, Route] = {
    "/v1/messages": MESSAGES,
    "/v1/messages/count_tokens": COUNT_TOKENS,
    "/v1/chat/completions": CHAT,
    "/v1/responses": RESPONSES,
    "/v1/embeddings": EMBEDDINGS,
    # The same for clients whose base URL lacks the /v1.
    "/messages": MESSAGES,
    "/messages/count_tokens": COUNT_TOKENS,
    "/chat/completions": CHAT,
    "/responses": RESPONSES,
    "/embeddings": EMBEDDINGS,
}
"""POST, by path; a query string such as ``?beta=true`` is not a part of it."""

PROBES = frozenset({"/", "/api/hello"})
"""Paths that clients probe with HEAD or GET to see whether somebody is there."""

IGNORED = frozenset({"/v1/metrics", "/v1/logs", "/v1/traces"})
"""Telemetry that Claude Code may post to its gateway: accepted and dropped (its gateway contract asks for a 200)."""


def dialect_of(path: str, header_names: frozenset[bytes]) -> DialectName:
    """The dialect in which to say a problem about a path that is not known."""
    if "messages" in path or b"anthropic-version" in header_names or b"x-api-key" in header_names:
        return "anthropic"
    return "openai_chat"
