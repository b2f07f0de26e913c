"""Stage 2, names and ids of tools that a provider would refuse: shortened by a stable hash, so that calls, results and
later requests agree, and a provider's prompt cache keeps its prefix.
"""

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tenbin.core.conversation import Tool

_ALLOWED = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_FORBIDDEN = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST = 64
_HASH = 10


def fitted(name: str) -> str:
    """The name itself when it has 1 to 64 letters, digits, ``_`` or ``-`` (what OpenAI takes), else a stand-in."""
    if _ALLOWED.fullmatch(name):
        return name
    plain = _FORBIDDEN.sub("_", name)[: _LONGEST - _HASH - 1]
    return f"{plain}_{_digest(name)[:_HASH]}"


def originals(tools: "Iterable[Tool]") -> Mapping[str, str]:
    """Stand-in to name, for those of a request's tools that have one (most often none): an answer's calls are to be
    renamed by it.
    """
    return {fitted(tool.name): tool.name for tool in tools if not _ALLOWED.fullmatch(tool.name)}


def fitted_id(call_id: str, limit: int) -> str:
    """A tool call's id of at most ``limit`` characters (0: no limit). A stand-in is as long as ids usually are."""
    if limit <= 0 or len(call_id) <= limit:
        return call_id
    return ("call_" + _digest(call_id))[: min(limit, 40)]


def made_id(answer_id: str, position: int) -> str:
    """An id for a call that a provider gave none: unlike any other call's of the conversation."""
    return "call_" + _digest(f"{answer_id} {position}")[:24]


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
