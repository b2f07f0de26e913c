"""What was told, to whom, and what is still to be told: a small SQLite file beside the ledger, so that a restart
neither repeats nor forgets anything. Holds no receiver's address: a digest tells them apart, and a label names them.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from tenbin.core.alert import AlertKind, Severity

DATABASE = "alerts.sqlite"
KEPT_MS = 400 * 86_400_000
"""Longer than any window of a budget that ends."""
State: TypeAlias = Literal["waiting", "sent", "failed"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS alerts (
    id INTEGER PRIMARY KEY, once TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, severity TEXT NOT NULL,
    at_ms INTEGER NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL, message INTEGER
);
CREATE INDEX IF NOT EXISTS alerts_to_tell ON alerts (id) WHERE message IS NULL;
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, made_at_ms INTEGER NOT NULL, severity TEXT NOT NULL, alerts INTEGER NOT NULL,
    title TEXT NOT NULL, body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    message INTEGER NOT NULL, receiver TEXT NOT NULL, label TEXT NOT NULL, state TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, next_at_ms INTEGER NOT NULL, ended_at_ms INTEGER, why TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (message, receiver)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS deliveries_waiting ON deliveries (receiver, next_at_ms) WHERE state = 'waiting';
"""


class Pending(NamedTuple):
    """An alert in the language of its receivers."""

    once: str
    kind: AlertKind
    severity: Severity
    at_ms: int
    title: str
    body: str


class Held(NamedTuple):
    """An alert that stands in no message yet."""

    number: int
    severity: Severity
    at_ms: int
    title: str
    body: str


class Message(NamedTuple):
    """What is sent at once: one alert, or several."""

    severity: Severity
    title: str
    body: str
    alerts: Sequence[int]
    """Their numbers."""


class Delivery(NamedTuple):
    """A message on its way to a receiver."""

    message: int
    severity: Severity
    title: str
    body: str
    tries: int
    """That have failed."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it is listed, for one of its receivers."""

    at_ms: int
    severity: Severity
    title: str
    body: str
    alerts: int
    receiver: str
    """Its label: no secrets."""
    state: State
    tries: int
    why: str
    """The last failure."""


class AlertStore:
    """The file, open. For one process; may be called in any thread. Raises sqlite3.Error."""

    def __init__(self, path: Path | None) -> None:
        """``None``: in memory, where no file can be had."""
        self._lock = threading.Lock()
        self._database = sqlite3.connect(
            str(path) if path is not None else ":memory:", timeout=5.0, isolation_level=None, check_same_thread=False
        )
        if path is not None:
            path.chmod(0o600)
            self._database.execute("PRAGMA journal_mode = WAL")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._database.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                self._database.execute("ROLLBACK")
                raise

    # -- alerts that come in

    def take(self, alerts: Iterable[Pending], now_ms: int) -> int:
        """Keep those that were never told; how many that are."""
        with self._transaction() as database:
            (before,) = database.execute("SELECT count(*) FROM alerts").fetchone()
            database.executemany(
                "INSERT OR IGNORE INTO alerts (once, kind, severity, at_ms, title, body) VALUES (?, ?, ?, ?, ?, ?)",
                alerts,
            )
            (after,) = database.execute("SELECT count(*) FROM alerts").fetchone()
            old = now_ms - KEPT_MS
            database.execute("DELETE FROM alerts WHERE at_ms < ? AND message IS NOT NULL", (old,))
            database.execute(
                "DELETE FROM deliveries WHERE message IN (SELECT id FROM messages WHERE made_at_ms < ?)", (old,)
            )
            database.execute("DELETE FROM messages WHERE made_at_ms < ?", (old,))
        return int(after - before)

    def held(self) -> list[Held]:
        """Alerts that stand in no message yet, in the order in which they came."""
        with self._lock:
            rows = self._database.execute(
                "SELECT id, severity, at_ms, title, body FROM alerts WHERE message IS NULL ORDER BY id"
            ).fetchall()
        return [Held(*row) for row in rows]

    # -- messages that go out

    def made_since(self, since_ms: int) -> list[int]:
        """When the messages since then were made, UTC ms, the oldest first."""
        with self._lock:
            rows = self._database.execute(
                "SELECT made_at_ms FROM messages WHERE made_at_ms > ? ORDER BY made_at_ms", (since_ms,)
            ).fetchall()
        return [at for (at,) in rows]

    def send(self, messages: Sequence[Message], receivers: Sequence[tuple[str, str]], now_ms: int) -> None:
        """Have messages sent to receivers (id, label), from now on."""
        with self._transaction() as database:
            for message in messages:
                number = database.execute(
                    "INSERT INTO messages (made_at_ms, severity, alerts, title, body) VALUES (?, ?, ?, ?, ?)",
                    (now_ms, message.severity, len(message.alerts), message.title, message.body),
                ).lastrowid
                database.executemany(
                    "UPDATE alerts SET message = ? WHERE id = ?", [(number, one) for one in message.alerts]
                )
                database.executemany(
                    "INSERT INTO deliveries (message, receiver, label, state, next_at_ms) "
                    "VALUES (?, ?, ?, 'waiting', ?)",
                    [(number, receiver, label, now_ms) for receiver, label in receivers],
                )

    def due(self, receiver: str, now_ms: int) -> tuple[Delivery | None, int | None]:
        """What is to be sent to a receiver now, and, where that is nothing, when the next will be."""
        with self._lock:
            row = self._database.execute(
                "SELECT d.message, m.severity, m.title, m.body, d.tries, d.next_at_ms FROM deliveries d "
                "JOIN messages m ON m.id = d.message WHERE d.receiver = ? AND d.state = 'waiting' "
                "ORDER BY d.next_at_ms, d.message LIMIT 1",
                (receiver,),
            ).fetchone()
        if row is None:
            return None, None
        return (Delivery(*row[:5]), None) if row[5] <= now_ms else (None, row[5])

    def ended(self, message: int, receiver: str, now_ms: int, why: str = "", again_ms: int | None = None) -> None:
        """A try has ended: it was sent, or it has failed (``why``), to be tried again then (``again_ms``) or never."""
        state: State = "sent" if not why else "failed" if again_ms is None else "waiting"
        with self._transaction() as database:
            database.execute(
                "UPDATE deliveries SET state = ?, tries = tries + 1, next_at_ms = ?, ended_at_ms = ?, why = ? "
                "WHERE message = ? AND receiver = ?",
                (state, again_ms or 0, None if state == "waiting" else now_ms, why, message, receiver),
            )

    def forget_others(self, receivers: Iterable[str], now_ms: int) -> None:
        """Receivers that are not configured any more get nothing any more."""
        known = list(receivers)
        marks = ", ".join("?" for _ in known)
        with self._transaction() as database:
            database.execute(
                "UPDATE deliveries SET state = 'failed', ended_at_ms = ?, why = 'it is not configured any more' "
                f"WHERE state = 'waiting' AND receiver NOT IN ({marks})",
                (now_ms, *known),
            )


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """What `tenbin alerts list` shows."""

    messages: tuple[Told, ...]
    """The newest first, once for each receiver."""
    held: tuple[str, ...]
    """Titles of alerts that wait for a message, the newest first."""
    held_in_all: int


def read_log(path: Path, most: int) -> Log:
    """Read a store that a gateway may have open. Raises FileNotFoundError, sqlite3.Error."""
    if not path.exists():
        raise FileNotFoundError(path)
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)) as database:
        rows = database.execute(
            "SELECT m.made_at_ms, m.severity, m.title, m.body, m.alerts, d.label, d.state, d.tries, d.why "
            "FROM deliveries d JOIN messages m ON m.id = d.message ORDER BY m.id DESC, d.label LIMIT ?",
            (most,),
        ).fetchall()
        held = database.execute(
            "SELECT title FROM alerts WHERE message IS NULL ORDER BY id DESC LIMIT ?", (most,)
        ).fetchall()
        (count,) = database.execute("SELECT count(*) FROM alerts WHERE message IS NULL").fetchone()
    names = Told.__struct_fields__
    told = tuple(Told(**dict(zip(names, row, strict=True))) for row in rows)
    return Log(messages=told, held=tuple(title for (title,) in held), held_in_all=count)
