"""2. The breaker's checkpoint, the first of all, and its page: whether spending is stopped, and a person's reset."""

from urllib.parse import parse_qs

import msgspec

from tenbin.api.admission import Visit
from tenbin.api.service import Service
from tenbin.core.account import RESERVED
from tenbin.core.ask import Ask
from tenbin.core.problems import Problem
from tenbin.core.target import DialectName
from tenbin.execute.breaker import Breaker
from tenbin.execute.clock import Clock
from tenbin.ledger.accounts.log import By

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]


class BreakerCheckpoint:
    """Whether spending has run away."""

    name = "breaker"

    def __init__(self, breaker: Breaker, clock: Clock) -> None:
        self.breaker = breaker
        self._clock = clock

    async def let_in(self, ask: Ask, visit: Visit) -> Ask | Problem:
        """The request, if it may go on, perhaps as the one that is tried. Counting tokens costs nothing."""
        if ask.operation == "count_tokens":
            return ask
        breaker, clock = self.breaker, self._clock
        found = breaker.admit(ask, clock.now_ms())
        if found is not None:
            return found
        if breaker.tries(ask):
            # One that another checkpoint turned away, or that nobody could read, has no receipt to come.
            visit.on_leaving(lambda: breaker.left(ask, clock.now_ms()) if visit.begun else breaker.release(ask))
        return ask


class BreakerPages:
    """What stands at ``/breaker``. For the master key."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def state(self, path: str, query: bytes, dialect: DialectName) -> Answer:
        """``GET /breaker``: all keys together, and each key that is stopped."""
        return _json(self._told(()))

    async def reset(self, query: bytes, by: By) -> Answer:
        """``DELETE /breaker?key=``: a person lets requests through, for one key (its id or its name) or all."""
        named = parse_qs(query.decode("latin-1"), keep_blank_values=True, encoding="utf-8").get("key")
        breaker = self._service.world.breaker
        scope = self._scope(named[0]) if named else None
        if named and scope is None:
            return _json({"error": f"No key is called {named[0][:100]!r}: `tenbin keys list`. Nothing was reset."}, 404)
        closed = await self._service.reset_breaker(scope, by) if breaker is not None else ()
        return _json(self._told(closed))

    def _scope(self, named: str) -> str | None:
        """As the breaker counts a key: one of the store by its id, one of tenbin.yaml by its name."""
        if named in self._service.config.keys or named in RESERVED:
            return named
        known = self._service.accounts.called(named)
        breaker = self._service.world.breaker
        if known is None and breaker is not None:
            stopped = [one.key for one in breaker.standings(self._service.clock.now_ms())]
            return named if named in stopped else None
        return known

    def _told(self, closed: tuple[str, ...]) -> dict[str, object]:
        breaker = self._service.world.breaker
        if breaker is None:
            return {"on": False, "refused": 0, "closed": [], "scopes": []}
        now_ms = self._service.clock.now_ms()
        return {
            "on": True,
            "refused": breaker.refused,
            "closed": [scope or None for scope in closed],
            "scopes": breaker.standings(now_ms),
        }


def _json(value: object, status: int = 200) -> Answer:
    return status, [(b"content-type", b"application/json")], msgspec.json.encode(value)
