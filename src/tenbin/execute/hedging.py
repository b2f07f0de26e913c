"""6. What hedged requests go by: how long each target took to begin lately, and what a second answer may still cost.

Used from the event loop only. ``decide.hedging`` decides; ``execute.race`` carries out.
"""

from collections import deque

from tenbin.config.hedging import HedgingConfig
from tenbin.core.ask import Ask
from tenbin.core.money import NanoUSD, nano_from_usd
from tenbin.core.receipt import Receipt
from tenbin.core.target import Target
from tenbin.core.usage import Usage
from tenbin.decide.hedging import slow_after
from tenbin.execute.sensing import Prices
from tenbin.execute.spend_of_day import SpendOfDay

REMEMBERED = 200
"""Latest times of each target that a percentile is taken of."""
MOST_TARGETS = 1_000
MOST_IN_HAND = 10.0
"""Hedges that may be saved up by a row of requests that needed none."""
STREAMED_TOKENS = 1_000
"""Of a streamed answer that is not needed, at most: it is cancelled when the other one begins. Assumed."""
WHOLE_TOKENS = 4_096
"""Of an unstreamed one whose length the client did not limit. Assumed."""
BYTES_PER_TOKEN = 2
"""Of a request's body, so that a prompt is rather taken for too dear."""


class Hedging:
    """All hedging of one gateway."""

    def __init__(self, settings: HedgingConfig, prices: Prices) -> None:
        self._prices = prices
        self.spend = SpendOfDay(0)
        self.slow_ms: dict[str, int] = {}
        """By target, as ``Facts.slow_ms``."""
        self._times: dict[str, deque[float]] = {}
        self._in_hand = 1.0
        self._set_aside: dict[str, NanoUSD] = {}
        """By request."""
        self.configure(settings)

    def configure(self, settings: HedgingConfig) -> None:
        """Put settings in force; what has been measured stays known."""
        self.settings = settings
        self.spend.most = nano_from_usd(repr(settings.usd_per_day))
        self.slow_ms = {}
        for name in self._times:
            self._measure(name)

    def affords_one(self) -> bool:
        """Whether one more request may be hedged; to be asked once for each request."""
        share = self.settings.share
        if share >= 1.0:
            return True
        self._in_hand = min(self._in_hand + share, MOST_IN_HAND)
        return self._in_hand >= 1.0

    def begin(self, ask: Ask, first: Target, second: Target, now_ms: int) -> bool:
        """Take one hedge, and set aside what the dearer answer of the two may cost; False where that is not to be
        had, or nobody knows what one of them costs.
        """
        if self.settings.share < 1.0 and self._in_hand < 1.0:
            return False
        costs = [self._dearest(ask, target, now_ms) for target in (first, second)]
        most = max((cost for cost in costs if cost is not None), default=0)
        if None in costs or not self.spend.reserve(most, now_ms):
            return False
        self._in_hand -= 1.0
        self._set_aside[ask.request_id] = self._set_aside.get(ask.request_id, 0) + most
        return True

    def add(self, receipt: Receipt) -> None:
        """Learn from a settled receipt: how long answers took to begin, what was spent on one that was not needed."""
        for attempt in receipt.attempts:
            if attempt.outcome == "answered" and attempt.first_byte_ms is not None and attempt.number:
                # What counts is what the client waits for: of an answer that is not streamed, all of it.
                waited = attempt.first_byte_ms if receipt.stream else attempt.total_ms
                self._took(f"{attempt.provider}/{attempt.model}", waited)
        reserved = self._set_aside.pop(receipt.request_id, None)
        if reserved is not None:
            self.spend.settle(reserved, unneeded_nano(receipt))

    def _took(self, name: str, ms: float) -> None:
        times = self._times.get(name)
        if times is None:
            times = self._times[name] = deque(maxlen=REMEMBERED)
            if len(self._times) > MOST_TARGETS:
                oldest = next(iter(self._times))
                del self._times[oldest]
                self.slow_ms.pop(oldest, None)
        times.append(ms)
        self._measure(name)

    def _measure(self, name: str) -> None:
        after = slow_after(self._times[name], self.settings)
        if after is not None:
            self.slow_ms[name] = after

    def _dearest(self, ask: Ask, target: Target, now_ms: int) -> NanoUSD | None:
        price = self._prices.price(target.provider, target.model, now_ms)
        if price is None:
            return None
        limit = ask.head.max_tokens
        output = min(limit or STREAMED_TOKENS, STREAMED_TOKENS) if ask.head.stream else limit or WHOLE_TOKENS
        return price.cost(Usage(input=len(ask.body) // BYTES_PER_TOKEN, output=output))


def unneeded_nano(receipt: Receipt) -> NanoUSD | None:
    """What was spent on the answer of a hedged pair that the client was not given; None when that is not known."""
    costs = [one.billed_nano for one in receipt.attempts if one.hedge and one.outcome != "answered"]
    return None if None in costs else sum(cost for cost in costs if cost is not None)
