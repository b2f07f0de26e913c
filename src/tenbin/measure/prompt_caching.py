"""8. What prompt caches brought and what was lost: by model from the ledger, by cause from the flight recorder."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable

import msgspec

from tenbin.core.facts import PriceOf
from tenbin.core.money import NanoUSD, nano_from_pico
from tenbin.core.usage import Usage
from tenbin.decide.prompt_caching.flight import Cause, Diagnosis

DAY_MS = 86_400_000


class ModelUse(msgspec.Struct, frozen=True, kw_only=True):
    """One model's prompts in the time that is looked at."""

    target: str
    """``provider/model``."""
    calls: int
    prompt: int
    """Tokens, all buckets."""
    read: int
    written: int
    saved_nano: NanoUSD | None
    """What reads saved less what writes cost more than plain input, at each day's price for a prompt of that day's mean
    length; None where a price is unknown."""

    @property
    def share(self) -> float:
        """Of the prompts' tokens, those that were read from a cache, 0..1."""
        return self.read / self.prompt if self.prompt else 0.0


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """What broke prefixes, of one kind."""

    cause: Cause
    block: str
    """Which block, without its place in a conversation: ``system 1``, ``tool 3 (Bash)``, ``turn (user)``."""
    times: int
    tokens: int
    """That could have been read and were not."""
    lost_nano: NanoUSD | None
    """None where no price is known."""
    example: str
    """The latest such request's id."""


_BY_DAY = f"""
SELECT provider, model, started_at_ms / {DAY_MS} AS day, count(*),
       sum(input), sum(cache_read), sum(cache_write_5m), sum(cache_write_1h)
FROM attempts
WHERE started_at_ms >= ? AND input + cache_read + cache_write_5m + cache_write_1h > 0
GROUP BY provider, model, day
"""


def uses(ledger: sqlite3.Connection, since_ms: int, price: PriceOf) -> list[ModelUse]:
    """By model, the one with the longest prompts first. Raises sqlite3.Error."""
    found: dict[str, list[tuple[int, Usage, NanoUSD | None]]] = defaultdict(list)
    for provider, model, day, calls, plain, read, short, long in ledger.execute(_BY_DAY, (since_ms,)):
        usage = Usage(input=plain, cache_read=read, cache_write_5m=short, cache_write_1h=long)
        saved = _saved(usage, calls, price, provider, model, day * DAY_MS)
        found[f"{provider}/{model}"].append((calls, usage, saved))
    rows = [
        ModelUse(
            target=target,
            calls=sum(calls for calls, _, _ in days),
            prompt=sum(usage.prompt for _, usage, _ in days),
            read=sum(usage.cache_read for _, usage, _ in days),
            written=sum(usage.cache_write_5m + usage.cache_write_1h for _, usage, _ in days),
            saved_nano=_sum(saved for _, _, saved in days),
        )
        for target, days in found.items()
    ]
    return sorted(rows, key=lambda one: (-one.prompt, one.target))


def losses(diagnoses: Iterable[Diagnosis]) -> list[Loss]:
    """What was lost, by cause and block, the dearest first."""
    found: dict[tuple[Cause, str], list[Diagnosis]] = defaultdict(list)
    for one in diagnoses:
        found[one.cause, _kind(one.block)].append(one)
    rows = [
        Loss(
            cause=cause,
            block=block,
            times=len(of),
            tokens=sum(one.expected - one.read for one in of),
            lost_nano=_sum(one.lost_nano for one in of),
            example=max(of, key=lambda one: one.at_ms).request_id,
        )
        for (cause, block), of in found.items()
    ]
    return sorted(rows, key=lambda one: (-(one.lost_nano or 0), -one.tokens, one.cause, one.block))


def _kind(block: str) -> str:
    """A turn's number says nothing: each conversation has its own."""
    if not block.startswith("turn "):
        return block
    role = block.partition("(")[2].partition(")")[0]
    return "turn 1 (user)" if block.startswith("turn 1 (user)") else f"a later turn ({role})"


def _saved(usage: Usage, calls: int, price: PriceOf, provider: str, model: str, at_ms: int) -> NanoUSD | None:
    known = price(provider, model, at_ms)
    if known is None:
        return None
    rates = known.rates(usage.prompt // max(calls, 1))
    if rates.input is None:
        return None
    saved = 0
    for tokens, rate in (
        (usage.cache_read, rates.cache_read),
        (usage.cache_write_5m, rates.cache_write_5m),
        (usage.cache_write_1h, rates.cache_write_1h),
    ):
        if tokens and rate is None:
            return None
        saved += tokens * (rates.input - (rate or 0))
    return nano_from_pico(saved)


def _sum(amounts: Iterable[NanoUSD | None]) -> NanoUSD | None:
    total = 0
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total
