"""2. What a request passes before anything is done for it, where any of it is configured: each checkpoint lets it in,
changed or not, or turns it away. What a checkpoint has given it is given back once, however the request ends.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from tenbin.codecs.dialect import Dialect
from tenbin.core.ask import Ask, Caller
from tenbin.core.problems import Problem
from tenbin.core.receipt import Receipt
from tenbin.execute.limits.engine import Limits, Turned
from tenbin.ledger.book import Book

LOG = logging.getLogger("tenbin.api")

Headers = tuple[tuple[bytes, bytes], ...]


class Visit:
    """One request's way through the checkpoints."""

    __slots__ = ("_leaving", "begun", "codec", "told", "why")

    def __init__(self, codec: Dialect) -> None:
        self.codec = codec
        """Of the client's dialect."""
        self.told: Headers = ()
        """Headers that the answer is to bear, be it an error."""
        self.why = ""
        """In one word, what turned it away; without one the problem's code."""
        self.begun = False
        """All checkpoints are passed: from now on the request has a receipt of its own, if its kind has one."""
        self._leaving: list[Callable[[], None]] = []

    def on_leaving(self, act: Callable[[], None]) -> None:
        """Have something done when the request has ended, whatever has become of it."""
        self._leaving.append(act)

    def leave(self) -> None:
        """Do it, each act once; one that fails keeps no other from being done."""
        while self._leaving:
            try:
                self._leaving.pop()()
            except Exception:
                LOG.exception("a checkpoint could not be left")


class Checkpoint(Protocol):
    """One of the things to pass."""

    name: str
    """Stands in the trace of a receipt that it turned away: ``limits``, ``breaker`` ..."""

    async def let_in(self, ask: Ask, visit: Visit) -> Ask | Problem:
        """The request as it goes on, or why it does not. Raises Unreadable."""
        ...


class LimitsCheckpoint:
    """The caller's plan."""

    name = "limits"

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    async def let_in(self, ask: Ask, visit: Visit) -> Ask | Problem:
        """Count the request, or turn it away."""
        limits = self.limits
        found = await limits.let_in(ask, visit.codec)
        if found is None:
            return ask
        visit.told += found.told
        if isinstance(found, Turned):
            visit.why = found.why
            return found.problem
        if ask.operation == "generate" and ask.head.stream:
            visit.on_leaving(lambda: limits.left_stream(ask))
        visit.on_leaving(lambda: None if visit.begun else limits.void(ask.request_id))
        return found.ask


class Admission:
    """All that are in force, in the order in which they are met."""

    def __init__(self, checkpoints: tuple[Checkpoint, ...], book: Book, policy_hash: Callable[[], str]) -> None:
        self.checkpoints = checkpoints
        self._book = book
        self._policy_hash = policy_hash

    def held(self, caller: Caller) -> Caller:
        """The caller with all that holds it: what it is shown is what it would be given."""
        for checkpoint in self.checkpoints:
            if isinstance(checkpoint, LimitsCheckpoint):
                return checkpoint.limits.held(caller)
        return caller

    async def pass_through(
        self,
        ask: Ask,
        codec: Dialect,
        serve: Callable[[Ask], Awaitable[None]],
        turn_away: Callable[[Problem, Headers], Awaitable[None]],
    ) -> None:
        """Take a request through all checkpoints and serve it, or turn it away; a refusal is written down like any
        request. Raises Unreadable.
        """
        visit = Visit(codec)
        try:
            for checkpoint in self.checkpoints:
                found = await checkpoint.let_in(ask, visit)
                if isinstance(found, Problem):
                    self._write_down(ask, found, checkpoint.name, visit.why or found.code)
                    await turn_away(found, visit.told)
                    return
                ask = found
            if visit.told:
                ask = msgspec.structs.replace(ask, told=ask.told + visit.told)
            visit.begun = True
            await serve(ask)
        finally:
            visit.leave()

    def _write_down(self, ask: Ask, problem: Problem, checkpoint: str, why: str) -> None:
        """A receipt without attempts. Nothing is written of what has no receipts at all: a count of tokens."""
        if ask.operation == "count_tokens":
            return
        self._book.settle(
            Receipt(
                request_id=ask.request_id,
                arrived_at_ms=ask.arrived_at_ms,
                key_id=ask.caller.key_id,
                dialect=ask.dialect,
                operation=ask.operation,
                path=ask.path,
                requested_model=ask.head.model,
                stream=ask.head.stream,
                route="",
                outcome="failed",
                status=problem.status,
                policy=self._policy_hash(),
                session=ask.session,
                client=ask.client,
                failure=problem.reason,
                trace=(("refused", checkpoint, why),),
                team=ask.caller.team,
                user=ask.caller.user,
            )
        )
