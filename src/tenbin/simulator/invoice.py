"""What a real provider would put on its invoice: one line a call, priced by the rates that the simulator is told.

The arithmetic is the simulator's own, in integers: pico-USD (1e-12 USD) a token, each line rounded half up to nano-USD.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from tenbin.simulator.prompt import ApiError

if TYPE_CHECKING:
    from tenbin.simulator.exchange import Exchange

BUCKETS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "web_search")
"""What has a price: tokens in disjoint buckets, and searches. Thinking is output."""

OPENROUTER = {"input": 1_000_000, "cache_read": 100_000, "cache_write_5m": 1_000_000, "output": 5_000_000}
"""Pico-USD a token: what the openrouter profile charges, and states as its cost, unless it is told otherwise."""

COLUMNS = ("request_id", "time", "provider", "model", *BUCKETS[:-1], "web_searches", "cost_usd")
"""Of the invoice as CSV."""


@dataclass(slots=True)
class Line:
    """One call. Tokens are those billed: of an answer that broke off, what had been produced until then."""

    number: int
    """As in the log."""
    time: float
    """When it came in, seconds since the epoch (UTC)."""
    request_id: str | None
    """The id that it was answered with in a header; None where it was given none."""
    provider: str
    """The profile; empty where the path has none."""
    model: str
    path: str
    status: int | None
    outcome: str
    """As in the log."""
    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    web_searches: int = 0
    nano_usd: int | None = 0
    """None: no rate was told for a bucket that was used."""


class Invoice:
    """The lines so far. It is begun with the first rates; without any, nothing is kept."""

    def __init__(self) -> None:
        self.rates: dict[str, dict[str, int]] = {}
        self.lines: list[Line] = []

    def price(self, prices: dict[str, Any]) -> None:
        """Take over rates: by model, `PROFILE/MODEL` or `*` an object of USD per million tokens (`web_search`: per
        thousand searches), as decimal text or numbers. Raises ApiError 400.
        """
        if not all(isinstance(row, dict) for row in prices.values()):
            raise ApiError(400, 'simulator: prices must be {"MODEL": {"input": USD per million tokens, ...}, ...}')
        read = {}
        for model, row in prices.items():
            unknown = set(row) - set(BUCKETS)
            if unknown:
                raise ApiError(400, f"simulator: prices.{model}: {', '.join(sorted(unknown))}: not one of {BUCKETS}")
            read[model] = {name: _pico(model, name, value) for name, value in row.items()}
        self.rates.update(read)

    def rates_of(self, provider: str, model: str) -> dict[str, int]:
        """Pico-USD of each bucket's unit; empty where none were told."""
        own = OPENROUTER if provider == "openrouter" else {}
        for name in (f"{provider}/{model}", model, "*"):
            if name in self.rates:
                return self.rates[name]
        return own

    def add(self, exchange: Exchange) -> None:
        """Put a call that is over on the invoice."""
        if not self.rates or exchange.method != "POST" or exchange.path.startswith("/_simulator/"):
            return
        entry, usage = exchange.entry, exchange.billed()
        model = entry.model or ""
        stated_id = None if exchange.script.no_request_id or entry.status is None else entry.request_id
        line = Line(
            entry.number, entry.time, stated_id, exchange.profile, model, entry.path, entry.status, entry.outcome
        )
        line.input = usage.get("input", 0)
        line.cache_read = usage.get("cache_read", 0)
        line.cache_write_5m = usage.get("cache_write_5m", 0) + usage.get("cache_write", 0)
        line.cache_write_1h = usage.get("cache_write_1h", 0)
        line.output = usage.get("output", 0)
        line.web_searches = usage.get("web_searches", 0)
        line.nano_usd = self.cost(exchange.profile, model, usage)
        self.lines.append(line)

    def cost(self, provider: str, model: str, usage: Mapping[str, int]) -> int | None:
        """What a usage costs, nano-USD; None where a bucket that was used has no rate."""
        counts = {
            **{name: usage.get(name, 0) for name in BUCKETS},
            "cache_write_5m": usage.get("cache_write_5m", 0) + usage.get("cache_write", 0),
            "web_search": usage.get("web_searches", 0),
        }
        rates = self.rates_of(provider, model)
        used = {name: count for name, count in counts.items() if count}
        if any(name not in rates for name in used):
            return None
        pico = sum(count * rates[name] for name, count in used.items())
        return (pico + 500) // 1000

    def csv(self) -> bytes:
        """The priced lines that cost something, as a provider's statement."""
        rows = [",".join(COLUMNS)]
        for line in self.lines:
            if line.nano_usd:
                values = {name: getattr(line, name, "") for name in COLUMNS}
                values["request_id"] = line.request_id or ""
                values["time"] = f"{line.time:.3f}"
                values["cost_usd"] = f"{line.nano_usd // 10**9}.{line.nano_usd % 10**9:09d}"
                rows.append(",".join(str(value) for value in values.values()))
        return "\n".join(rows).encode() + b"\n"


def _pico(model: str, name: str, value: Any) -> int:
    """USD per million tokens (or per thousand searches) as pico-USD of one."""
    try:
        pico = Decimal(str(value)) * (1_000_000 if name != "web_search" else 1_000_000_000)
    except InvalidOperation:
        raise ApiError(400, f"simulator: prices.{model}.{name}: {value!r} is no number") from None
    if pico < 0 or pico != pico.to_integral_value():
        raise ApiError(400, f"simulator: prices.{model}.{name}: {value!r} is no whole number of pico-USD a unit")
    return int(pico)
