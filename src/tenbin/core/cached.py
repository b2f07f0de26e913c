"""What the response cache did for a request, for good: it stands on the receipt of every request that looked there."""

from typing import Literal, TypeAlias

import msgspec

from tenbin.core.money import NanoUSD

CacheTier: TypeAlias = Literal["", "exact", "semantic"]
"""Which cache answered: ``exact`` (the same request), ``semantic`` (the same question in other words); "" neither."""

CacheResult: TypeAlias = Literal["hit", "miss", "bypass"]
"""``bypass``: the cache was neither looked into nor, as a rule, added to; ``why`` tells the reason."""

SemanticMode: TypeAlias = Literal["off", "shadow", "serve"]
"""``shadow``: what would have been served is noted, and the provider is asked all the same."""


class Cached(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One look into the response cache and what came of it."""

    result: CacheResult
    tier: CacheTier = ""
    entry: str = ""
    """The entry that answered, or that would have (shadow, or refused by meaning), else the one that the request's own
    answer becomes, should it be kept. An id tells nothing of the words."""
    why: str = ""
    """Why it was no hit, or why the entry found by meaning was or was not served."""
    age_ms: int = 0
    """Of the entry when it answered."""
    similarity: float | None = None
    """Cosine of the question and the one that was cached, -1..1, where one was looked for by meaning."""
    saved_nano: NanoUSD | None = None
    """What the entry's own request cost: what this one would have cost again. None where that was not known."""
    saved_ms: int = 0
    """By how much the answer came sooner than the entry's own did."""
    scope: str = ""
    """Who shares the entry: ``key:NAME``, ``team:NAME`` or ``everyone``."""
    task: str = ""
    """The task type, where it was told; of a hit, the one that its entry was made for."""
    shadow: bool = False
    """An entry was found by meaning and would have been served, had the mode been ``serve``."""
    shared: bool = False
    """It waited for the same request of somebody who was first, and was given that answer."""
