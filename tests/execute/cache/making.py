"""Entries for tests of the places that keep them."""

from typing import Any

from tenbin.core.answer import AnswerFinished, AnswerStarted, BlockStarted, BlockStopped, Delta, TextDelta
from tenbin.core.usage import Usage
from tenbin.execute.cache.entry import Entry, packed

NOW_MS = 1_795_000_000_000


class StandingClock:
    """A clock that stands until it is moved; all that is drawn is 0."""

    def __init__(self) -> None:
        self.ms = NOW_MS

    def now_ms(self) -> int:
        return self.ms

    def monotonic_ns(self) -> int:
        return self.ms * 1_000_000

    def draw(self) -> float:
        return 0.0

    def bits(self) -> int:
        return 7

    async def pause(self, ms: int) -> None:
        self.ms += ms


def deltas(text: str = "Yes.", stop_reason: Any = "end_turn") -> list[Delta]:
    return [
        AnswerStarted("msg_1", "m", Usage(input=3)),
        BlockStarted(index=0, kind="text"),
        *[TextDelta(0, letter) for letter in text],
        BlockStopped(0),
        AnswerFinished(stop_reason, Usage(input=3, output=2)),
    ]


def an_entry(name: str = "a", **fields: Any) -> Entry:
    values: dict[str, Any] = {
        "id": name * 32,
        "scope": "key:ann",
        "model": "auto",
        "target": "anthropic/claude-haiku-5-5",
        "dialect": "anthropic",
        "streamed": False,
        "created_ms": NOW_MS,
        "expires_ms": NOW_MS + 60_000,
        "freshness": "daily",
        "task": "",
        "tags": (),
        "cost_nano": 1_000,
        "total_ms": 900.0,
        "source": "req_1",
        "deltas": packed(deltas()),
    }
    return Entry(**{**values, **fields})
