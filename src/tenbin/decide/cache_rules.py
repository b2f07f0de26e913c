"""4. How each provider's prompt cache behaves: what is cached, from which length on, for how long, and what spoils it.

What reading and writing costs stands in the price; here is only when either happens. A dated table, November 2026.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

import msgspec

from tenbin.core.price import Rates

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS

Writes: TypeAlias = Literal["marked", "automatic", "never"]
"""What brings a prefix into the cache: the client's ``cache_control`` marks, every long enough request, or nothing."""


class CacheRules(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How one model's prompt cache behaves."""

    writes: Writes
    minimum: int = 0
    """Shortest prefix that is cached, tokens; below it nothing is, silently."""
    step: int = 1
    """A cached prefix is a multiple of so many tokens long."""
    life_ms: int = 5 * MINUTE_MS
    """How long an entry of the short kind lives after it was last read or written."""
    long_life_ms: int = 0
    """The same for the long kind (Anthropic's ``ttl: 1h``); 0 where there is none."""
    counts_writes: bool = False
    """What is written counts as a bucket of its own, at its own price; else it counts as plain input."""
    effort_breaks: bool = False
    """Another effort misses what was cached."""
    tells_reads: bool = True
    """The answer's usage says what was read from the cache."""
    source: str = ""
    """Where this is from."""

    def long(self, asked: bool) -> bool:
        """Whether an entry gets the long life where the client's ``cache_control`` marks ask for an hour. They are
        Anthropic's: a provider that caches by itself is not sent them, and goes on with its short life.
        """
        return asked and self.writes == "marked" and self.long_life_ms > 0


_ANTHROPIC = CacheRules(
    writes="marked",
    minimum=1_024,
    long_life_ms=HOUR_MS,
    counts_writes=True,
    effort_breaks=True,
    source="Anthropic, prompt caching, 2026-11",
)

ANTHROPIC_MINIMUM: Mapping[str, int] = MappingProxyType(
    {
        "claude-fable": 512,
        "claude-mythos": 512,
        "claude-opus-5": 512,
        "claude-sonnet-5-5": 512,
        "claude-haiku-5": 512,
        "claude-sonnet-5": 1_024,
        "claude-sonnet-4": 1_024,
        "claude-opus-4": 1_024,
        "claude-opus-4-8": 1_024,
        "claude-opus-4-7": 2_048,
        "claude-opus-4-6": 4_096,
        "claude-opus-4-5": 4_096,
        "claude-haiku-4-5": 4_096,
        "claude-3-5-haiku": 2_048,
        "claude-3-haiku": 2_048,
    }
)
"""Tokens, by the beginning of the model's name (the longest one counts); others: 1,024."""

_OPENAI = CacheRules(
    writes="automatic", minimum=1_024, step=128, source="OpenAI, prompt caching before GPT-5.6: 5 to 10 minutes idle"
)
_OPENAI_5_6 = CacheRules(
    writes="automatic",
    minimum=1_024,
    step=128,
    life_ms=30 * MINUTE_MS,
    long_life_ms=12 * HOUR_MS,
    counts_writes=True,
    source="OpenAI, prompt caching from GPT-5.6 on, 2026-11",
)
# Google states no life for implicit hits and guarantees none: the shortest of the others' is taken.
_GEMINI = CacheRules(writes="automatic", minimum=4_096, source="Google, context caching, 2026-10-13")
_GEMINI_2_5 = CacheRules(writes="automatic", minimum=2_048, source="Google, context caching, 2026-10-13")
# "Hours to days" by its documentation; the least of that.
_DEEPSEEK = CacheRules(
    writes="automatic", minimum=64, step=64, life_ms=HOUR_MS, source="DeepSeek, context caching on disk: hours to days"
)
_AUTOMATIC = CacheRules(writes="automatic", minimum=1_024, source="assumed like OpenAI's: not documented in figures")
_LOCAL = CacheRules(
    writes="automatic", tells_reads=False, source="key-value cache of the loaded model; Ollama keeps it 5 minutes"
)

NEVER = CacheRules(writes="never", life_ms=0, source="no prompt cache is known of")
"""Of a model about which nothing is known: counting on a cache that is not there would be a mistake in money."""

_LOCAL_PROVIDERS = frozenset({"ollama", "llamacpp", "vllm", "local"})

_FAMILIES: tuple[tuple[str, CacheRules], ...] = (
    ("gemini-2-5", _GEMINI_2_5),
    ("gemini-", _GEMINI),
    ("deepseek", _DEEPSEEK),
    ("chatgpt-", _OPENAI),
    ("codex-", _OPENAI),
    ("o1", _OPENAI),
    ("o3", _OPENAI),
    ("o4", _OPENAI),
    ("kimi-", _AUTOMATIC),
    ("moonshot-", _AUTOMATIC),
    ("glm-", _AUTOMATIC),
    ("qwen", _AUTOMATIC),
    ("grok-", _AUTOMATIC),
)

# A second number of three or more digits is a date, not a version.
_GPT = re.compile(r"gpt-(\d{1,2})(?:-(\d{1,2}))?(?!\d)")

CacheTable: TypeAlias = Mapping[str, CacheRules]
"""Rules of one's own, by ``provider/model`` or by provider."""

NO_RULES: CacheTable = MappingProxyType({})


def find(provider: str, model: str, profile: str | None = None, own: CacheTable = NO_RULES) -> CacheRules:
    """The rules of a model at a provider (its name in the configuration; ``profile`` where that says more).

    Told by the model's name wherever it is served (``openrouter/anthropic/claude-opus-5.5`` too), except on a server
    of one's own, where every model has the same.
    """
    known = own.get(f"{provider}/{model}") or own.get(provider)
    if known is not None:
        return known
    if (profile or provider) in _LOCAL_PROVIDERS:
        return _LOCAL
    name = family_name(model)
    if name.startswith("claude-"):
        return _of_claude(name)
    version = _GPT.match(name)
    if version is not None:
        return _OPENAI_5_6 if (int(version[1]), int(version[2] or 0)) >= (5, 6) else _OPENAI
    return next((rules for beginning, rules in _FAMILIES if name.startswith(beginning)), NEVER)


def family_name(model: str) -> str:
    """A model's name without where it is served: ``anthropic/claude-opus-5.5:beta`` is ``claude-opus-5-5``."""
    name = model.lower().rpartition("/")[2].partition(":")[0].replace(".", "-")
    start = name.find("claude-")  # Bedrock: us.anthropic.claude-...
    return name[start:] if start > 0 else name


def _of_claude(name: str) -> CacheRules:
    known = max((prefix for prefix in ANTHROPIC_MINIMUM if name.startswith(prefix)), key=len, default=None)
    minimum = ANTHROPIC_MINIMUM[known] if known is not None else _ANTHROPIC.minimum
    rules = _CLAUDE.get(minimum)
    assert rules is not None, minimum
    return rules


_CLAUDE = {
    minimum: msgspec.structs.replace(_ANTHROPIC, minimum=minimum)
    for minimum in {*ANTHROPIC_MINIMUM.values(), _ANTHROPIC.minimum}
}


def uses_until_it_pays(rates: Rates, *, long: bool = False) -> int | None:
    """Sending the same prefix so many times within its life, the cache is cheaper than none: the least n with
    n > (w - r) / (1 - r), w and r the prices of a write and a read as shares of plain input's.

    Anthropic's multipliers give 2 for five minutes, 3 for one hour. None when it never pays or a price is unknown.
    """
    write = rates.cache_write_1h if long else rates.cache_write_5m
    if rates.input is None or rates.cache_read is None or write is None or rates.cache_read >= rates.input:
        return None
    return max((write - rates.cache_read) // (rates.input - rates.cache_read) + 1, 1)


def keep_alive_reads(rates: Rates) -> int | None:
    """So many reads only to keep an entry alive cost no more than writing it anew: w / r, rounded down.

    Anthropic's five minutes: 12 at a tenth of input's price, 25 at a twentieth, 50 at a fortieth. None when a price is
    unknown or a read costs nothing.
    """
    if rates.cache_write_5m is None or not rates.cache_read:
        return None
    return rates.cache_write_5m // rates.cache_read
