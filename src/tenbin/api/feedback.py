"""1. ``POST /v1/feedback``: what somebody says of an answer, written to the ledger and counted as evidence."""

import asyncio
import sqlite3
from typing import Any

import msgspec

from tenbin.api.service import Service
from tenbin.core.ask import Caller
from tenbin.core.problems import Problem, Unreadable
from tenbin.execute.cache.availability import StoreUnavailable
from tenbin.ledger.migrations import SchemaTooNew
from tenbin.ledger.segments import DATABASE
from tenbin.measure.feedback import MASTER, read, weighed_against

PATHS = frozenset(("/v1/feedback", "/feedback"))
FLUSH_SECONDS = 5.0
"""How long the ledger may take to hold what was settled last."""

AWAY = Problem(
    status=503,
    code="api_error",
    message="The ledger cannot be read just now, so the feedback is not kept. Send it again in a moment; "
    "/health/readiness tells what is wrong.",
)


class Feedback:
    """Takes feedback, one at a time: what was said before has to stand in the ledger before the next is read."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._one = asyncio.Lock()

    async def take(self, body: bytes, caller: Caller, identity: str, now_ms: int) -> dict[str, Any]:
        """Keep one feedback and tell what came of it. Raises Unreadable with what is wrong."""
        given = read(body)
        service = self._service
        book, world = service.book, service.world
        async with self._one:
            try:
                if not await asyncio.to_thread(book.flush, FLUSH_SECONDS):
                    raise Unreadable(AWAY)
                found = await asyncio.to_thread(
                    weighed_against,
                    book.directory / DATABASE,
                    given,
                    key_id=caller.key_id,
                    everybodys=caller.key_id == MASTER,
                    learning=service.config.routing.learning,
                    request_id=identity,
                    now_ms=now_ms,
                    policy=world.policy.hash,
                )
            except (OSError, SchemaTooNew, sqlite3.Error) as error:
                raise Unreadable(AWAY) from error
            if found.receipt is not None:
                book.settle(found.receipt)
        if found.wrong is not None and service.cache is not None:
            try:
                await service.cache.disown(found.wrong, found.given_ms)
            except StoreUnavailable as error:
                raise Unreadable(AWAY) from error
        return found.told


def encoded(told: dict[str, Any]) -> bytes:
    """The answer's body."""
    return msgspec.json.encode(told)
