"""What can be configured of the response cache: whose answers may be given again, to whom, and for how long.

Nothing is cached unless the file says so: an answer given again is somebody's earlier answer, and whoever asks the
same twice without having been told of a cache wants it written anew.
"""

from typing import Annotated, Literal, TypeAlias

import msgspec

from tenbin.config.section import OneOrMore, Seconds, Section
from tenbin.core.cached import SemanticMode

Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""0 to 1."""

ExactMode: TypeAlias = Literal["off", "serve"]
CacheScope: TypeAlias = Literal["key", "team", "everyone"]
Profile: TypeAlias = Literal["strict", "balanced", "loose"]


class CacheLife(Section, frozen=True):
    """How long an answer may be given again, by what was asked. docs/caching.md says how that is told."""

    static_seconds: OneOrMore = 2_592_000
    """Knowledge that does not change (definitions, translations): 30 days."""
    semi_static_seconds: OneOrMore = 604_800
    """Knowledge that seldom changes (code, summaries): 7 days."""
    daily_seconds: OneOrMore = 86_400
    """Everything else: 1 day."""
    real_time_seconds: OneOrMore = 300
    """Questions about today, now, the latest: 5 minutes."""
    adaptive: bool = True
    """Follow how often an entry is asked for: from 10 hits an hour on it lives for 7 days, from 1 for 1 day, from 0.1
    for 1 hour, else for 5 minutes."""
    jitter: Share = 0.1
    """Each life is shortened by up to this share, so that what was stored together does not end together."""


class SemanticCache(Section, frozen=True):
    """Answers to the same question in other words. Needs an embedder: `pip install tenbin[semantic]`."""

    mode: SemanticMode = "off"
    """``shadow``: note what would have been served, ask the provider all the same, and compare. ``serve``: answer."""
    profile: Profile = "balanced"
    """How alike two questions must be. Measured errors of each: docs/caching.md."""
    least_similarity: Share = 0.0
    """Least cosine similarity; only raises what the profile demands."""
    error_budget: Share = 0.02
    """Share of wrong answers among those served that is put up with; past it a scope falls back to ``shadow``."""
    look_up_ms: OneOrMore = 50
    """A look by meaning that takes longer is given up: the provider is asked."""
    shadow_share: Share = 0.02
    """While serving, about this share of hits is put to the provider as well, to measure how many are wrong."""
    embedders: list[str] = []
    """Which embedder is asked: the first of these that reads the question's language. ``minilm`` (English),
    ``multilingual-e5``, one of another package, or a model at a provider (``ollama/nomic-embed-text``), whose calls are
    paid for. Nothing given: the first two, where they are installed."""
    index: str = ""
    """Where vectors are kept: ``memory``, ``redis://host:port/0`` (Redis from 8.0 on) or ``postgresql://host/database``
    (with pgvector). Nothing given: in ``store``, where that is a Redis, else in memory."""


class CacheRule(Section, frozen=True):
    """What holds for some requests. Of all rules that apply, the first that gives a value gives it."""

    keys: list[str] = []
    """Names of keys; ``local`` is a caller without one. Nothing given: all."""
    models: list[str] = []
    """Requested model names; ``*`` stands for any characters. Nothing given: all."""
    clients: list[str] = []
    """User-Agents; ``*`` stands for any characters. Nothing given: all."""
    exact: ExactMode | None = None
    """In place of ``exact``."""
    semantic: SemanticMode | None = None
    """In place of ``semantic.mode``."""
    scope: CacheScope | None = None
    """In place of ``scope``."""
    ttl_seconds: OneOrMore | None = None
    """A life for every answer, in place of ``life``."""


class CachingConfig(Section, frozen=True):
    """The response cache."""

    exact: ExactMode = "off"
    """``serve``: a request that is the same in all that changes the answer is answered from the cache."""
    semantic: SemanticCache = SemanticCache()
    """The same question in other words."""
    scope: CacheScope = "key"
    """Who shares answers: each key by itself, the keys of a team, or everyone."""
    teams: dict[str, list[str]] = {}
    """Teams by name, each with the names of its keys; a key stands in one at most."""
    sampled: Literal["never", "unset", "always"] = "unset"
    """Which answers that were drawn by chance may be given again: none (a temperature of 0 only), those of requests
    that say nothing of a temperature, or all."""
    store: str = "memory"
    """``memory``; ``sqlite`` also survives a restart (a file of its own beside the ledger); ``redis://host:port/0``
    (Redis or Valkey) is shared by several gateways."""
    memory_bytes: OneOrMore = 134_217_728
    """Most bytes in memory; what was not used for longest goes first."""
    disk_bytes: OneOrMore = 1_073_741_824
    """Most bytes in the file of ``sqlite``."""
    entry_bytes: OneOrMore = 1_048_576
    """Longer answers are not kept."""
    wait_seconds: Seconds = 60.0
    """How long a request waits for the same one of somebody who was first, before it goes by itself."""
    store_ms: OneOrMore = 100
    """A look into the file or the shared store that takes longer is given up: the provider is asked."""
    secret: str | None = None
    """Entries are named by it, so that their names tell nothing. Default: made at the first start and kept beside the
    ledger. Gateways that share a store must share it; at least 32 characters."""
    life: CacheLife = CacheLife()
    """How long answers live."""
    rules: list[CacheRule] = []
    """What holds for some requests only."""
