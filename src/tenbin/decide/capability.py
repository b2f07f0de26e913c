"""4. What a request needs, held against what a target can do: who may be weighed at all, and why the others may not.

Some lacks are final (no images, too small a context); others only make for a worse answer (a schema put into words,
thinking that cannot be asked for): those count unless nobody else is left.
"""

import sys
from collections.abc import Callable, Iterable
from typing import NamedTuple, get_args

from tenbin.core.ask import Head, Need
from tenbin.core.features import Features
from tenbin.core.target import DialectName, Target
from tenbin.decide.abilities import Row
from tenbin.decide.candidates import lack as lack_of_chain
from tenbin.decide.routing import Ample

AGENT_CONTEXT = 65_536
"""Tokens of context below which a local model loses the thread of a coding agent, and its tool calls fail (Ollama's
documentation advises as much for coding tools)."""

ANSWER_ROOM = 8_192
"""Tokens of an answer for which there must be room, where ``max_tokens`` allows more: beyond this it is a ceiling that
clients set high for everything (Claude Code: 32,000 or 128,000), not what they need. Nine in ten answers to a coding
agent have at most 1,180 tokens (decide.output_priors); whoever gives less than is allowed is asked for what it gives.
"""


class Lack(NamedTuple):
    """What a target does not have that a request needs."""

    reason: str
    """In words."""
    final: bool
    """The request cannot be served at all; else it can be, but worse."""


class Admission(NamedTuple):
    """Who may be weighed."""

    targets: tuple[Target, ...]
    rejected: tuple[tuple[str, str], ...]
    """(target, reason) of the others."""


def ample(target: Target, *, local: bool, known: Row | None) -> Ample:
    """What ``lack`` would find nothing to be wanting in, whatever else the request is."""
    context, most = _limits(target, known)
    if (local and context is not None and context < AGENT_CONTEXT) or (most is not None and most < ANSWER_ROOM):
        return Ample()
    met = frozenset(
        need
        for need in get_args(Need)
        if need != "web_search" and lack_of_chain(Head(model="", needs=frozenset((need,))), target) is None
    )
    return Ample(
        prompt=sys.maxsize if context is None else context - ANSWER_ROOM,
        needs=met if target.quirks.json_schema else met - {"json_schema"},
        thinks=_thinks(target),
    )


def admit(
    targets: Iterable[Target],
    head: Head,
    features: Features,
    *,
    client: DialectName,
    local: Callable[[Target], bool],
    known: Callable[[str], Row | None],
    ample: Callable[[Target], Ample] = lambda _: Ample(),
) -> Admission:
    """Those that have everything the request needs; where nobody has, those whose lack is not final.

    ``client`` is the dialect of the request, ``local`` tells the targets on one's own machine, ``known`` gives the
    table's row of a target (``Abilities.row``), ``ample`` what a target has in any case.
    """
    kept: list[Target] = []
    lacking: list[tuple[Target, Lack]] = []
    prompt, needs, thinks = features.prompt_tokens, head.needs, features.category == "think"
    for target in targets:
        plenty = ample(target)
        if prompt <= plenty.prompt and needs <= plenty.needs and (plenty.thinks or not thinks):
            kept.append(target)
            continue
        found = lack(head, features, target, client=client, local=local(target), known=known(target.name))
        if found is None:
            kept.append(target)
        else:
            lacking.append((target, found))
    if not kept:
        kept = [target for target, found in lacking if not found.final]
        lacking = [(target, found) for target, found in lacking if found.final]
    return Admission(tuple(kept), tuple((target.name, found.reason) for target, found in lacking))


def lack(
    head: Head,
    features: Features,
    target: Target,
    *,
    client: DialectName,
    local: bool = False,
    known: Row | None = None,
) -> Lack | None:
    """The first thing that a request needs and a target does not have; None when it has everything.

    What the configuration says of a model goes before what the table knows; what nobody knows stands in nobody's way.
    """
    missing = lack_of_chain(head, target)
    if missing is not None:
        return Lack(missing, final=True)
    if "web_search" in head.needs and not _searches(target, client, local):
        return Lack("it does not search the web for this client", final=True)
    context, most = _limits(target, known)
    missing = _too_long(head, features, context, most)
    if missing is not None:
        return Lack(missing, final=True)
    if local and features.agent and context is not None and context < AGENT_CONTEXT:
        return Lack(
            f"an agent needs {AGENT_CONTEXT:,} tokens of context on a local model, it has {context:,}", final=True
        )
    return _worse(head, features, target, most)


def _limits(target: Target, known: Row | None) -> tuple[int | None, int | None]:
    """Tokens of its context and of its longest answer, where anybody says."""
    table = known if known is not None and not known.family else None
    context = target.context or (table.context if table else None)
    return context, target.max_output or (table.max_output if table else None)


def _thinks(target: Target) -> bool:
    return target.quirks.reasoning_request != "none" or "ollama_chat" in target.dialects


def _searches(target: Target, client: DialectName, local: bool) -> bool:
    """A provider searches for clients of its own dialect; Anthropic is given the search of any dialect."""
    return target.quirks.safeguards or (client in target.dialects and not local)


def _too_long(head: Head, features: Features, context: int | None, most: int | None) -> str | None:
    if context is None:
        return None
    if features.prompt_tokens >= context:
        return f"its context holds {context:,} tokens, the prompt has about {features.prompt_tokens:,}"
    room = min(head.max_tokens or 0, ANSWER_ROOM, most or context)
    if features.prompt_tokens + room > context:
        return (
            f"its context holds {context:,} tokens, the prompt and its answer may take "
            f"{features.prompt_tokens + room:,}"
        )
    return None


def _worse(head: Head, features: Features, target: Target, most: int | None) -> Lack | None:
    quirks = target.quirks
    if "json_schema" in head.needs and not quirks.json_schema:
        return Lack("it does not hold itself to a JSON schema", final=False)
    if features.category == "think" and not _thinks(target):
        return Lack("it cannot be asked to think", final=False)
    # What a client makes by itself (titles, probes) is short, whatever limit it sends along.
    if (
        most is not None
        and head.max_tokens is not None
        and min(head.max_tokens, ANSWER_ROOM) > most
        and features.category != "background"
    ):
        return Lack(f"it gives at most {most:,} of the {head.max_tokens:,} tokens allowed for the answer", final=False)
    return None
