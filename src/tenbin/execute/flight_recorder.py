"""6. A flight recorder for prompt caches: beside the requests, in a thread of its own, an answered request is compared
with the one before it in its conversation; what was lost, and why, is written down. Digests only, never words.
"""

import json
import logging
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import msgspec

from tenbin.codecs.dialect import Dialect
from tenbin.core.ask import Ask
from tenbin.core.conversation import Conversation
from tenbin.core.facts import PriceOf
from tenbin.core.problems import ContextExceeded, Inexpressible, Unreadable
from tenbin.core.target import Target
from tenbin.core.usage import Usage
from tenbin.decide.cache_rules import CacheRules
from tenbin.decide.prompt_caching.blocks import blocks
from tenbin.decide.prompt_caching.flight import (
    Diagnosis,
    Flight,
    block_names,
    diagnose,
    same_conversation,
    settled,
)

LOG = logging.getLogger("tenbin.execute")

FILE = "prompt_cache.sqlite"
"""In the data directory."""
MOST_SESSIONS = 1_000
MOST_OF_SESSION = 8
"""A main conversation, its sub-agents and its titles bear one session id."""
MOST_WAITING = 32
"""Requests that wait to be compared; above it the next ones are passed over, and counted."""
MOST_KEPT = 100_000
"""Diagnoses in the file; the oldest go first."""
SHORTEST_BYTES = 2_048
"""Of a body; what is shorter no provider caches."""

_SHAPE = """
CREATE TABLE IF NOT EXISTS diagnoses (
    request_id TEXT PRIMARY KEY,
    before TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    target TEXT NOT NULL,
    cause TEXT NOT NULL,
    block TEXT NOT NULL,
    expected INTEGER NOT NULL,
    read INTEGER NOT NULL,
    lost_nano INTEGER,
    silent_ms INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    client TEXT NOT NULL
) STRICT
"""


class Seen(NamedTuple):
    """One answered call, as the recorder is told of it."""

    ask: Ask
    target: Target
    dialect: Dialect
    """The client's."""
    spoken: Dialect
    """The provider's."""
    sent: bytes
    passed_through: bool
    usage: Usage
    at_ms: int


class FlightRecorder:
    """Compares requests and writes down what broke a prefix. ``note`` is called from the event loop."""

    def __init__(self, directory: Path, price: PriceOf, rules: Callable[[str, str], CacheRules]) -> None:
        self._path = directory / FILE
        self._price = price
        self._rules = rules
        self._flights: OrderedDict[tuple[str, str], list[Flight]] = OrderedDict()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tenbin-flight-recorder")
        self._waiting = threading.Semaphore(MOST_WAITING)
        self._told = False
        """That its file cannot be written to has been said."""
        self.passed_over = 0
        """Requests that were not looked at, because too many waited."""

    def note(self, seen: Seen) -> None:
        """Look at an answered call, soon. Nothing is raised, and nobody waits."""
        if seen.ask.session is None or len(seen.ask.body) < SHORTEST_BYTES:
            return
        if not self._waiting.acquire(blocking=False):
            self.passed_over += 1
            return
        self._thread.submit(self._look, seen)

    def close(self) -> None:
        """Finish what waits, then stop."""
        self._thread.shutdown(wait=True)

    def flush(self) -> None:
        """Return when all that was noted so far is written down."""
        self._thread.submit(lambda: None).result()

    def _look(self, seen: Seen) -> None:
        try:
            diagnosis = self._compared(seen)
            if diagnosis is not None:
                self._keep(diagnosis, seen.ask)
        except (Unreadable, Inexpressible, ContextExceeded):
            LOG.debug("request %s cannot be read again", seen.ask.request_id)
        except (sqlite3.Error, OSError) as error:
            if not self._told:
                LOG.warning("The flight recorder cannot write to %s, and goes on without: %s", self._path, error)
            self._told = True
        except Exception:
            LOG.exception("the flight recorder lost request %s", seen.ask.request_id)
        finally:
            self._waiting.release()

    def _compared(self, seen: Seen) -> Diagnosis | None:
        target, key = seen.target, (seen.ask.caller.key_id, seen.ask.session or "")
        rules = self._rules(target.provider, target.model)
        flight = settled(flight_of(seen), seen.usage, rules)
        flights = self._flights.setdefault(key, [])
        self._flights.move_to_end(key)
        if len(self._flights) > MOST_SESSIONS:
            self._flights.popitem(last=False)
        before = max(
            (one for one in flights if same_conversation(one, flight)),
            # The same model's is the one that could have been read; the latest of these.
            key=lambda one: (one.target == flight.target, one.at_ms),
            default=None,
        )
        diagnosis = None
        if before is not None:
            provider, _, model = before.target.partition("/")
            price = self._price(target.provider, target.model, seen.at_ms)
            rates = price.rates(flight.prompt) if price is not None else None
            diagnosis = diagnose(before, flight, self._rules(provider, model), rates)
            if before.target == flight.target:
                flights.remove(before)
        flights.append(flight)
        del flights[:-MOST_OF_SESSION]
        return diagnosis

    def _keep(self, diagnosis: Diagnosis, ask: Ask) -> None:
        with closing(sqlite3.connect(self._path)) as database, database:
            database.execute(_SHAPE)
            values = {**msgspec.structs.asdict(diagnosis), "key_id": ask.caller.key_id, "client": ask.client[:200]}
            database.execute(
                f"INSERT OR REPLACE INTO diagnoses ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",
                tuple(values.values()),
            )
            database.execute(
                "DELETE FROM diagnoses WHERE rowid <= (SELECT max(rowid) FROM diagnoses) - ?", (MOST_KEPT,)
            )


def flight_of(seen: Seen) -> Flight:
    """What is remembered of a call. Raises what reading a request raises."""
    asked = seen.dialect.read(seen.ask.body)
    sent = asked if seen.passed_through and seen.sent is seen.ask.body else seen.spoken.read(seen.sent)
    client, wire = blocks(asked), blocks(sent)
    lives = {block.mark for block in wire} - {None}
    own_mark = seen.passed_through and b'"cache_control"' in seen.sent
    return Flight(
        request_id=seen.ask.request_id,
        at_ms=seen.at_ms,
        target=seen.target.name,
        client=tuple(block.digest for block in client),
        sent=tuple(block.digest for block in wire),
        names=block_names(client, *_words(asked)),
        sent_names=block_names(wire, *_words(sent)),
        tokens=tuple(block.tokens for block in wire),
        settings=_settings(sent),
        passed_through=seen.passed_through,
        marked=bool(lives) or own_mark,
        long="1h" in lives,
    )


def diagnoses(directory: Path, since_ms: int = 0) -> Iterator[Diagnosis]:
    """What was written down since then, the oldest first; nothing where nothing was."""
    path = directory / FILE
    if not path.exists():
        return
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        columns = Diagnosis.__struct_fields__
        rows = database.execute(
            f"SELECT {', '.join(columns)} FROM diagnoses WHERE at_ms >= ? ORDER BY at_ms", (since_ms,)
        )
        for row in rows:
            yield msgspec.convert(dict(zip(columns, row, strict=True)), Diagnosis)


def _words(conversation: Conversation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(tool.name for tool in conversation.tools), tuple(turn.role for turn in conversation.turns)


def _settings(conversation: Conversation) -> bytes:
    spoiling = (conversation.thought, conversation.tool_choice, conversation.parallel_tool_calls)
    return blake2b(json.dumps(msgspec.to_builtins(spoiling), sort_keys=True).encode(), digest_size=8).digest()
