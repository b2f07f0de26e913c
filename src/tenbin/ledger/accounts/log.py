"""The open store: every act is one transaction, with its line in the audit log, or did not happen."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from tenbin.ledger.accounts.digest import ensure_secret, read_secret
from tenbin.ledger.accounts.schema import DATABASE, open_database


class NoSuchKey(Exception):
    """Nothing in the store is called so; carries it in words."""


class NotNow(Exception):
    """The act makes no sense as things are (a name that is taken, a key that is revoked); carries why."""


class By(msgspec.Struct, frozen=True):
    """Who does something, as the audit log tells it."""

    who: str
    """``user@host`` at a terminal; an admin key's id, ``master`` or ``local`` over HTTP."""
    address: str = ""
    """Where it came from, over HTTP."""


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the audit log."""

    number: int
    at_ms: int
    who: str
    address: str
    act: str
    subject: str
    """A key's id, ``team:NAME`` or ``user:NAME``; or what else of the gateway was acted upon (``breaker``)."""
    details: dict[str, Any]


class Log:
    """The store, open for an act or two."""

    def __init__(self, directory: Path, fresh_secret: bytes) -> None:
        """Open it, and make it where there is none: then ``fresh_secret`` (32 random bytes) becomes this installation's
        secret. Raises AccountsUnusable, SchemaTooNew, sqlite3.Error, OSError.
        """
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = directory / DATABASE
        # A store whose secret is lost must not get another one: none of its keys would be known any more.
        self._secret = read_secret(directory) if path.exists() else ensure_secret(directory, fresh_secret)
        self._database = open_database(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def audit(self, subject: str | None = None, most: int = 100, before: int | None = None) -> list[Act]:
        """The newest lines of the audit log, the newest first; only those with a number below ``before``."""
        rows = self._database.execute(
            "SELECT id, at_ms, who, address, act, subject, details FROM audit WHERE (?1 IS NULL OR subject = ?1) "
            "AND (?3 IS NULL OR id < ?3) ORDER BY id DESC LIMIT ?2",
            (subject, most, before),
        )
        return [
            Act(number=number, at_ms=at, who=who, address=address, act=act, subject=of, details=json.loads(details))
            for number, at, who, address, act, of, details in rows
        ]

    def note(self, by: By, act: str, subject: str, details: dict[str, Any], now_ms: int) -> None:
        """Write down an act that changes nothing in the store."""
        with self._transaction():
            self._log(now_ms, by, act, subject, details)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[int]:
        """All of an act or nothing; yields the number of this change of the store."""
        database = self._database
        database.execute("BEGIN IMMEDIATE")
        try:
            (last,) = database.execute(LAST_CHANGE).fetchone()
            yield last + 1
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise

    def _log(self, now_ms: int, by: By, act: str, subject: str, details: dict[str, Any]) -> None:
        self._database.execute(
            "INSERT INTO audit (at_ms, who, address, act, subject, details) VALUES (?, ?, ?, ?, ?, ?)",
            (now_ms, by.who, by.address, act, subject, json.dumps(details, ensure_ascii=False, sort_keys=True)),
        )


LAST_CHANGE = "SELECT max((SELECT coalesce(max(change), 0) FROM keys), (SELECT coalesce(max(change), 0) FROM owners))"
"""The number of the store's newest change."""
