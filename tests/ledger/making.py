"""What the ledger's tests are made of: asks, receipts, a clock that goes only when told, a book in a directory."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tenbin.config.model import ModelFacts, ModelPrice, ProviderConfig
from tenbin.core.ask import Ask, Caller, Head
from tenbin.core.features import Features
from tenbin.core.gating import Climb, Gating, PlannedRung
from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.session import Session, Warm
from tenbin.core.shadow import Shadow
from tenbin.core.target import Target
from tenbin.core.usage import Usage
from tenbin.core.weighing import Candidate, Cost, Quality, Weighing
from tenbin.ledger.book import Book
from tenbin.ledger.prices import PriceBook

NOON_MS = 1_795_262_400_000
"""2026-11-21 12:00 UTC."""

PRICED = {
    "acme": ProviderConfig(
        dialect="openai_chat",
        models={"anvil-1": ModelFacts(price=ModelPrice(input=2.0, output=10.0, cache_read=0.2))},
    ),
    "home": ProviderConfig(dialect="openai_chat", free=True),
}
"""Providers whose prices need no library: tests that are not about prices start at once."""


PRICES = PriceBook(PRICED)
"""One for all tests of a process: each reads the price library in a child process."""


A_WEIGHING = Weighing(
    features=Features(category="think", task="planning", prompt_tokens=4_000),
    now_ms=NOON_MS,
    draw=0.25,
    session_key="local:session-1",
    session=Session(target="acme/anvil-1", warm=(Warm(target="acme/anvil-1", tokens=9, until_ms=1, life_ms=300_000),)),
    floor=0.8,
    candidates=(
        Candidate(
            target="acme/anvil-1",
            cost=Cost(input=5, output=7),
            quality=Quality(value=0.9, prior=0.8, ability=1.5, source="configuration"),
        ),
        Candidate(target="home/small", rejected="it takes no tools"),
    ),
    order=("acme/anvil-1",),
    reason="the only one",
)


A_SHADOW = Shadow(
    of_request="req_0",
    cheap="home/small",
    strong="acme/anvil-1",
    judge="acme/anvil-1",
    preferred="tie",
    task="planning",
    band="medium",
    prior=0.75,
    unit="0123456789abcdef",
)


A_GATING = Gating(score=0.31, accept=0.76, passed=False, parts=(("truncated", 0.0, "ends in a comma"),), prior=0.5)
A_CLIMB = Climb("thrifty", (PlannedRung("home/small", 0.5, 0, 9), PlannedRung("acme/anvil-1", 0.9, 17, 17)))


class StandingClock:
    """Tells the same time until told otherwise."""

    def __init__(self, now_ms: int = NOON_MS) -> None:
        self.now = now_ms

    def now_ms(self) -> int:
        return self.now


def an_ask(request_id: str = "req_1", **changes: Any) -> Ask:
    values: dict[str, Any] = {
        "request_id": request_id,
        "dialect": "anthropic",
        "operation": "generate",
        "path": "/v1/messages",
        "query": b"",
        "headers": (),
        "body": b"{}",
        "head": Head(model="anvil", stream=True),
        "caller": Caller(key_id="local"),
        "arrived_at_ms": NOON_MS,
        "arrived_ns": 0,
        "session": "session-1",
        "client": "tests/1",
    }
    return Ask(**{**values, **changes})


def a_target(provider: str = "acme", model: str = "anvil-1") -> Target:
    return Target(provider=provider, model=model, dialects=("openai_chat",))


def an_attempt(number: int = 1, **changes: Any) -> Attempt:
    values: dict[str, Any] = {
        "number": number,
        "provider": "acme",
        "model": "anvil-1",
        "dialect": "openai_chat",
        "started_at_ms": NOON_MS,
        "outcome": "answered",
        "status": 200,
        "usage": Usage(input=1_000, output=100),
        "total_ms": 12.5,
    }
    return Attempt(**{**values, **changes})


def a_receipt(request_id: str = "req_1", *attempts: Attempt, **changes: Any) -> Receipt:
    values: dict[str, Any] = {
        "request_id": request_id,
        "arrived_at_ms": NOON_MS,
        "key_id": "local",
        "dialect": "anthropic",
        "operation": "generate",
        "path": "/v1/messages",
        "requested_model": "anvil",
        "stream": True,
        "route": "model:anvil",
        "outcome": "answered",
        "status": 200,
        "policy": "0123456789abcdef",
        "attempts": attempts or (an_attempt(),),
        "session": "session-1",
        "client": "tests/1",
        "total_ms": 13.0,
    }
    return Receipt(**{**values, **changes})


def open_in(book: Book, request_id: str, *, number: int = 1, input_tokens: int = 1_000, **changes: Any) -> None:
    """Open a request to acme's anvil-1."""
    attempts = changes.pop("attempts", ())
    book.open(
        an_ask(request_id, **changes),
        a_target(),
        number=number,
        dialect="openai_chat",
        started_at_ms=NOON_MS,
        input_tokens=input_tokens,
        route="model:anvil",
        policy="0123456789abcdef",
        attempts=attempts,
    )


@contextlib.contextmanager
def a_book(directory: Path, **options: Any) -> Iterator[Book]:
    """A recovered book, closed at the end."""
    book = Book(directory, PRICES, options.pop("clock", StandingClock()), **options)
    try:
        book.recover()
        yield book
    finally:
        book.close()


def abandon(book: Book) -> None:
    """Leave a book as a killed process would: nothing is flushed, nothing is closed in order, the claim is gone."""
    book._writer._stop.set()
    book._writer.wake()
    if book._writer._thread is not None:
        book._writer._thread.join()
    book._journal._stop.set()
    book._journal._wake.set()
    if book._journal._thread is not None:
        book._journal._thread.join()
    book._writer._disconnect()
    book._claim.release()


counts = st.integers(min_value=0, max_value=2_000_000)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Any usage that a provider may state, audio aside."""
    output = draw(counts)
    return Usage(
        input=draw(counts),
        cache_read=draw(counts),
        cache_write_5m=draw(counts),
        cache_write_1h=draw(counts),
        output=output,
        reasoning=draw(st.integers(min_value=0, max_value=output)),
        web_searches=draw(st.integers(min_value=0, max_value=20)),
    )
