"""Stage 2, the header anthropic-beta of a request that goes to another model than the one it was made for.

It is passed on as it is, but for betas of what the repairs take out of the body, and the one for a context of a million
tokens: models that have it need no beta, others refuse it.
"""

from functools import lru_cache

from tenbin.core.target import Target

NAME = b"anthropic-beta"

_LONG_CONTEXT = "context-1m-"
_SYSTEM_MESSAGES = "mid-conversation-system-"
_TURN_EFFORTS = ("mid-conversation-output-config-", "per-turn-control-")
_EFFORT = "effort-"
_LATER_TOOLS = ("advanced-tool-use-", "tool-search-tool-", "mid-conversation-tool-changes-")


@lru_cache(maxsize=1024)
def fitting(betas: bytes, target: Target) -> bytes:
    """The header's value for this model; empty when no beta is left."""
    quirks = target.quirks
    if not quirks.safeguards:
        return betas
    gone: list[str] = [_LONG_CONTEXT]
    if not quirks.middle_system:
        gone.append(_SYSTEM_MESSAGES)
    if not quirks.turn_effort:
        gone += _TURN_EFFORTS
    if quirks.efforts == ():
        gone.append(_EFFORT)
    if not quirks.deferred_tools:
        gone += _LATER_TOOLS
    listed = betas.decode("latin-1").split(",")
    kept = [beta for beta in listed if not beta.strip().startswith(tuple(gone))]
    return betas if len(kept) == len(listed) else ",".join(kept).strip().encode("latin-1")
