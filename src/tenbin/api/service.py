"""1. What the application serves with; app.py fills it, and a reload replaces parts of it between two requests."""

from collections.abc import Callable
from typing import Protocol

from tenbin.api.admission import Admission
from tenbin.api.content import Keeper
from tenbin.config.keys import KeyRing
from tenbin.config.model import Config
from tenbin.execute.cache.cache import Cache
from tenbin.execute.clock import Clock
from tenbin.execute.targets import TargetNow
from tenbin.execute.world import World
from tenbin.ledger.accounts.known import KnownKeys
from tenbin.ledger.accounts.log import By
from tenbin.ledger.book import Book


class Service(Protocol):
    """The parts of a running gateway."""

    config: Config
    world: World
    keys: KeyRing
    """The configuration's keys."""
    accounts: KnownKeys
    """The store's keys."""
    clock: Clock
    cache: Cache | None
    """The response cache; None as long as it was never switched on."""
    book: Book
    admission: Admission | None
    """What a request has to pass before it is served; None where there is nothing to pass."""
    content: Keeper | None
    """What keeps requests and answers, where that was asked for."""

    def not_ready(self) -> list[str]:
        """Why requests should not be sent here now, in words; empty when they may be."""
        ...

    def targets(self) -> list[TargetNow]:
        """What is known of each target at this moment."""
        ...

    async def reset_breaker(self, key: str | None, by: By) -> tuple[str, ...]:
        """A person lets requests through again: of a key (its id), or all. Returns the scopes that were stopped, all
        keys together as an empty one.
        """
        ...

    async def take_up_keys(self) -> None:
        """Go by what the store of keys holds now."""
        ...

    def forget(self, target: str | None) -> None:
        """Take one target (``provider/model``) for well, or all of them."""
        ...

    @property
    def metrics(self) -> Callable[[], bytes]:
        """Writes the Prometheus exposition."""
        ...
