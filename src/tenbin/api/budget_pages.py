"""1. Budgets seen from outside: how full each is at this moment, what calls under way have set aside counted."""

from typing import Any

import msgspec

from tenbin.api.service import Service
from tenbin.core.budget import Level, SpendingUnavailable
from tenbin.core.target import DialectName

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]


class BudgetPages:
    """What stands under ``/budgets``."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def levels(self, path: str, query: bytes, dialect: DialectName) -> Answer:
        """``GET /budgets``: the level of every budget that this gateway knows of, the fullest first. ``exact`` is false
        where a shared store cannot be reached just now: then they are as of the last calls.
        """
        budgets, now_ms = self._service.world.budgets, self._service.clock.now_ms()
        if budgets is None:
            return _json({"exact": True, "at_ms": now_ms, "levels": []})
        levels, exact = budgets.all_levels((), now_ms), True
        try:
            levels = await budgets.store.levels(tuple(level.claim for level in levels), now_ms)
        except SpendingUnavailable:
            exact = False
        told = [_plain(level) for level in sorted(levels, key=lambda one: (-one.share, one.claim.counter))]
        return _json({"exact": exact, "at_ms": now_ms, "levels": told})


def _plain(level: Level) -> dict[str, Any]:
    claim = level.claim
    return {
        "budget": claim.counter,
        "whose": claim.whose,
        "window": claim.window,
        "timezone": claim.zone,
        "starts_at_ms": claim.starts_at_ms,
        "ends_at_ms": claim.ends_at_ms,
        "hard": claim.hard,
        "limit_nano": claim.limit,
        "spent_nano": level.spent,
        "reserved_nano": level.reserved,
    }


def _json(value: object) -> Answer:
    return 200, [(b"content-type", b"application/json")], msgspec.json.encode(value)
