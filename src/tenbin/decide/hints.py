"""4. What a request's headers say of it besides its body: Claude Code labels its own requests, any client may."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from tenbin.core.sketch import Sketch
from tenbin.decide import affinity

MOST_CHARACTERS = 200
"""Of a header's value that is kept; a user agent or an id is never longer."""


class Hints(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Headers that tell what a request is for. Empty where a client says nothing."""

    request_class: str = ""
    """``x-claude-code-request-class``: main, subagent, workflow, compaction, auxiliary, side_reply."""
    first_party_class: str = ""
    """``x-claude-1p-request-class``: main, blocking-subagent, background-task, summary-extraction,
    followup-generation."""
    compaction: str = ""
    """``x-claude-code-compaction``: manual or auto, on requests that compact a conversation."""
    agent_id: str = ""
    """``x-claude-code-agent-id``: which sub-agent is asking."""
    agent_type: str = ""
    """``x-claude-code-agent-type``: Explore, Plan, general-purpose, custom ..."""
    session_id: str = ""
    """The conversation's id (SESSION_HEADERS, the first that is there)."""
    betas: str = ""
    """``anthropic-beta`` as it stands."""
    user_agent: str = ""

    @property
    def claude_code(self) -> bool:
        """Claude Code itself is asking (or its SDK)."""
        return self.user_agent.startswith("claude-cli/") or "claude-code-" in self.betas


SESSION_HEADERS = (b"x-tenbin-session", b"x-claude-code-session-id", b"x-session-id", b"session_id", b"session-id")
"""In which headers a conversation's id is looked for, in this order: Tenbin's own, Claude Code's, what OpenRouter's and
LiteLLM's clients send, and Codex's (with an underscore until 2026)."""


def session_named(headers: Mapping[bytes, bytes]) -> str:
    """The conversation's id that headers name; empty without one."""
    for name in SESSION_HEADERS:
        value = headers.get(name)
        if value:
            return value[:MOST_CHARACTERS].decode("latin-1")
    return ""


_FIELDS = {
    b"x-claude-code-request-class": "request_class",
    b"x-claude-1p-request-class": "first_party_class",
    b"x-claude-code-compaction": "compaction",
    b"x-claude-code-agent-id": "agent_id",
    b"x-claude-code-agent-type": "agent_type",
    b"anthropic-beta": "betas",
    b"user-agent": "user_agent",
}

NONE = Hints()
"""Of a client that says nothing."""


def hints(headers: Iterable[tuple[bytes, bytes]]) -> Hints:
    """Read the hints from headers whose names are in lower case. Values are cut to MOST_CHARACTERS (betas are not)."""
    found: dict[str, str] = {}
    sessions: dict[bytes, bytes] = {}
    for name, value in headers:
        field = _FIELDS.get(name)
        if field is not None:
            text = value.decode("latin-1")
            found[field] = text if field == "betas" else text[:MOST_CHARACTERS]
        elif name in SESSION_HEADERS and value:
            sessions[name] = value
    return Hints(session_id=session_named(sessions) if sessions else "", **found)


class Identity(NamedTuple):
    """What tells a conversation of a caller: the arguments of affinity.session_key after the key."""

    session: str | None
    agent: str
    origin: str


def identity(given: Hints, body_session: str | None, sketch: Sketch | None) -> Identity:
    """Which conversation a request belongs to, within its caller's key.

    A header's id comes first. An id in the body (``prompt_cache_key``, ``user`` ...: Head.session) may be one for
    several conversations, so that how the conversation began (Sketch.origin) stands beside it, or alone where there is
    none; Claude Code's own, in ``metadata.user_id``, is as good as the header's. A sub-agent shares its main
    conversation's id and is told apart by its agent id, or by how it began: its prefix, and so its cache, is its own.
    """
    origin = sketch.origin if sketch is not None else ""
    session = given.session_id or body_session or ""
    if session and not given.session_id and not given.claude_code and origin:
        session = f"{session} {origin}"
    agent = given.agent_id
    if not agent and (given.request_class in _AGENTS or (sketch is not None and sketch.sub_agent)):
        agent = origin
    return Identity(session or None, agent, origin)


def session_key(
    key_id: str, given: Hints, body_session: str | None, sketch: Sketch | None, *, aside: bool = False
) -> str:
    """The name under which the conversation is remembered; empty when nothing tells it. ``aside``: a request that the
    client makes beside its turns, with a prompt of its own (category ``background`` or ``web_search``).
    """
    return affinity.session_key(key_id, *identity(given, body_session, sketch), aside=aside)


_AGENTS = frozenset({"subagent", "workflow"})
