"""1. What a running gateway knows of the store: every key's digest in memory, taken up again when the store changes.

No request waits for the database, be its key known or not; who guesses keys costs a digest and a look into a mapping.
"""

import contextlib
import logging
import os
import sqlite3
from pathlib import Path
from typing import NamedTuple

from tenbin.core.account import Account
from tenbin.core.ask import Caller
from tenbin.core.problems import Problem
from tenbin.ledger.accounts.digest import AccountsUnusable, digest, read_secret
from tenbin.ledger.accounts.schema import DATABASE, MIGRATIONS, open_database
from tenbin.ledger.accounts.store import COLUMNS, account_of
from tenbin.ledger.migrations import SchemaTooNew, check_not_newer

LOG = logging.getLogger("tenbin")

NEVER = 1 << 62
"""UTC ms, of what does not end."""


class Held(NamedTuple):
    """What a digest stands for."""

    caller: Caller
    until_ms: int
    """From then on it is not taken."""
    replaced_ms: int
    """The same, as far as it comes of a rotation."""


class KnownKeys:
    """The keys of a store that may not be there (yet)."""

    def __init__(self, directory: Path) -> None:
        """Take up what is there. Raises AccountsUnusable for a store that can't be used: nobody gets in by mistake."""
        self._directory = directory
        self._path = directory / DATABASE
        self._held: dict[bytes, Held] = {}
        self._secret = b""
        self._database: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._version = -1
        self._change = 0
        self._fault = ""
        self.required = False
        """The store holds keys, or has held some: who shows none is not let in. Never turns back while this runs."""
        if self._path.exists():
            try:
                self._take_up()
            except (sqlite3.Error, SchemaTooNew, OSError) as error:
                raise AccountsUnusable(f"The keys in {self._path} cannot be read: {error}") from error

    def find(self, key: bytes, now_ms: int) -> Caller | Problem | None:
        """Whose key it is; a Problem says why it is not taken any more; None: nobody's."""
        held = self._held.get(digest(self._secret, key))
        if held is None:
            return None
        return held.caller if now_ms < held.until_ms else _ended(held, now_ms)

    def changed_on_disk(self) -> bool:
        """Whether there is, or was, a store to look at. Costs one call to the operating system where there is none."""
        return self._database is not None or self._path.exists()

    def refresh(self) -> bool:
        """Take up what has changed; True when something has. Blocks: call it off the event loop, one call at a time.
        What cannot be read just now leaves all as it was known, and is told of once.
        """
        try:
            changed = self._take_up()
        except (sqlite3.Error, SchemaTooNew, AccountsUnusable, OSError) as error:
            self._disconnect()
            if str(error) != self._fault:
                self._fault = str(error)
                LOG.error("The store of keys %s cannot be read; keys stay as they were known: %s", self._path, error)
            return False
        self._fault = ""
        return changed

    def close(self) -> None:
        """Close the database."""
        self._disconnect()

    def _take_up(self) -> bool:
        database = self._connected()
        (version,) = database.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return False
        check_not_newer(database, str(self._path), MIGRATIONS)
        if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'keys'").fetchone() is None:
            return False  # Somebody is just making it.
        database.execute("BEGIN")
        try:
            (last,) = database.execute("SELECT coalesce(max(change), 0) FROM keys").fetchone()
            rows = database.execute(f"SELECT {COLUMNS} FROM keys WHERE change > ?", (self._change,)).fetchall()
            signs = database.execute(
                "SELECT digest, key, ends_at_ms FROM digests WHERE key IN (SELECT id FROM keys WHERE change > ?)",
                (self._change,),
            ).fetchall()
        finally:
            database.execute("COMMIT")
        if rows and self._change == 0:
            self._secret = read_secret(self._directory)
        accounts = {row[0]: account_of(row) for row in rows}
        held = {bytes(sign): _held(accounts[key], ends) for sign, key, ends in signs}
        if self._change == 0:
            self._held = held
        else:
            self._held.update(held)
        self._version, self._change = version, last
        self.required = self.required or bool(rows)
        return bool(rows)

    def _connected(self) -> sqlite3.Connection:
        """The connection to the file that is there now: one that was put in its place is read from the beginning."""
        found = os.stat(self._path)
        file = (found.st_dev, found.st_ino)
        if self._database is None or file != self._file:
            self._disconnect()
            self._database = open_database(self._path, only_read=True)
            if file != self._file:
                self._change = 0
            self._file = file
        return self._database

    def _disconnect(self) -> None:
        database, self._database, self._version = self._database, None, -1
        if database is not None:
            with contextlib.suppress(sqlite3.Error):
                database.close()


def _held(account: Account, ends_at_ms: int | None) -> Held:
    ends = (ends_at_ms, account.expires_at_ms, account.revoked_at_ms)
    caller = Caller(
        key_id=account.key_id,
        name=account.name,
        team=account.team,
        user=account.user,
        plan=account.plan,
        account=account,
    )
    return Held(caller, min(NEVER if end is None else end for end in ends), NEVER if ends_at_ms is None else ends_at_ms)


def _ended(held: Held, now_ms: int) -> Problem:
    account = held.caller.account
    assert account is not None
    if account.revoked_at_ms is not None:
        why, fix = "is revoked", "Ask for a new one (`tenbin keys create`)."
    elif held.replaced_ms <= now_ms:
        why = "has been replaced by a newer one, and its time of grace is over"
        fix = f"Use the newer one; if it is lost, ask for another (`tenbin keys rotate {account.name}`)."
    else:
        why, fix = "has expired", f"Ask for more time (`tenbin keys expire {account.name} --in 30d`)."
    return Problem(
        status=401,
        code="authentication_error",
        message=f"This key ({account.name}, {account.key_id}) {why}. {fix}",
        param="authorization",
        should_retry=False,
    )
