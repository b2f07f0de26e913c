"""What alerts are made of: levels of budgets, settled receipts, the health of targets, the breaker.

Everything here but ``look`` is called on the way of requests: it compares, and hands in what is new.
"""

from collections.abc import Callable, Sequence

from tenbin.core.alert import Alert
from tenbin.core.budget import Denied, Level
from tenbin.core.receipt import Receipt
from tenbin.core.usage import NOTHING
from tenbin.decide.breaker import CHECKPOINT, Change, refused_by
from tenbin.execute.alerts.desk import AlertDesk
from tenbin.execute.alerts.words import (
    breaker_changed,
    budget_reached,
    budget_too_small,
    limit_hit,
    price_unknown,
    provider_back,
    provider_down,
)
from tenbin.execute.clock import Clock
from tenbin.execute.targets import TargetNow

LOOK_MS = 15_000
"""How often the targets' health is looked at."""
NEARLY_FULL = 0.9
"""Share of a budget from which on a call without room means that it is used up, and not that the call is large."""
MOST_COUNTERS = 20_000
"""Counters of which it is known how far they had come."""


class Watch:
    """Looks for what to tell. Used from the event loop only."""

    def __init__(self, desk: AlertDesk, clock: Clock, targets: Callable[[], Sequence[TargetNow]]) -> None:
        self._desk = desk
        self._clock = clock
        self._targets = targets
        self._told: dict[str, tuple[int, int]] = {}
        """By counter: the beginning of its window, and how many thresholds were passed in it."""
        self._down: set[str] = set()

    # -- on the way of requests

    def levels(self, levels: tuple[Level, ...]) -> None:
        """Budgets' levels have changed. What is set aside is not spent yet, and does not count."""
        thresholds = self._desk.settings.thresholds
        for claim, spent, _ in levels:
            if claim.limit <= 0:
                continue
            share = 100 * spent / claim.limit
            passed = sum(share >= threshold for threshold in thresholds)
            if not passed:
                continue
            starts, before = self._told.get(claim.counter, (claim.starts_at_ms, 0))
            if starts != claim.starts_at_ms:
                before = 0
            if passed > before:
                if len(self._told) >= MOST_COUNTERS:
                    self._told.clear()
                self._told[claim.counter] = claim.starts_at_ms, passed
                percent = max(threshold for threshold in thresholds if share >= threshold)
                self._desk.tell(budget_reached(claim, spent, percent, self._clock.now_ms()))

    def denied(self, denied: Denied) -> None:
        """A hard budget has refused a call for which there will be no room any more in this window."""
        claim, spent, _ = denied.level
        if spent + denied.asked <= claim.limit:
            return
        now_ms = self._clock.now_ms()
        if spent < NEARLY_FULL * claim.limit:
            self._desk.tell(budget_too_small(claim, spent, denied.asked, now_ms))
        elif max(self._desk.settings.thresholds, default=0) >= 100:
            self._desk.tell(budget_reached(claim, spent, 100, now_ms, full=True))

    def settled(self, receipt: Receipt) -> None:
        """A request has been settled."""
        for attempt in receipt.attempts:
            if attempt.price == "unknown" and attempt.usage != NOTHING and attempt.billed_nano is None:
                self._tell(price_unknown(f"{attempt.provider}/{attempt.model}", self._clock.now_ms()))
        checkpoint = refused_by(receipt) if receipt.status >= 400 else ""
        if checkpoint and checkpoint != CHECKPOINT:
            what = ", ".join(map(str, receipt.trace[0][1:]))
            self._tell(limit_hit(receipt.key_id, what, self._clock.now_ms()))

    def breaker(self, change: Change) -> None:
        """The breaker has opened or closed."""
        self._tell(breaker_changed(change))

    def _tell(self, alert: Alert) -> None:
        self._desk.tell(alert)

    # -- beside them

    def look(self) -> None:
        """Look at the targets: which are down that were not, which answer again."""
        now_ms = self._clock.now_ms()
        down = set()
        for row in self._targets():
            if row.state == "closed":
                continue
            if row.failures == 0 and row.target not in self._down:
                continue  # only a rate limit
            down.add(row.target)
            if row.target not in self._down and row.state == "open":
                self._tell(provider_down(row.target, row.failures, row.open_until_ms or now_ms, now_ms))
        for target in self._down - down:
            self._tell(provider_back(target, now_ms))
        self._down = down

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self.look()
            await self._clock.pause(LOOK_MS)
