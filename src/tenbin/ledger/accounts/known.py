"""1. What a running gateway knows of the store: every key's digest in memory, taken up again when the store changes.

No request waits for the database, be its key known or not; who guesses keys costs a digest and a look into a mapping.
"""

import contextlib
import logging
import os
import sqlite3
import threading
from pathlib import Path
from typing import NamedTuple

import msgspec

from tenbin.core.account import Account, Owner, OwnerKind
from tenbin.core.ask import Caller
from tenbin.core.problems import Problem
from tenbin.ledger.accounts.digest import AccountsUnusable, digest, read_secret
from tenbin.ledger.accounts.log import LAST_CHANGE
from tenbin.ledger.accounts.rows import COLUMNS, OWNER_COLUMNS, account_of, owner_of
from tenbin.ledger.accounts.schema import DATABASE, MIGRATIONS, open_database
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
    disabled: OwnerKind | None = None
    """Whose fault it is that it is not taken: its team's or its user's."""


class _Key(NamedTuple):
    """A key by itself, without what its team and its user give it."""

    account: Account
    signs: tuple[tuple[bytes, int | None], ...]
    """Digests, and when each ends, UTC ms."""


class KnownKeys:
    """The keys of a store that may not be there (yet)."""

    def __init__(self, directory: Path) -> None:
        """Take up what is there. Raises AccountsUnusable for a store that can't be used: nobody gets in by mistake."""
        self._directory = directory
        self._path = directory / DATABASE
        self._held: dict[bytes, Held] = {}
        self._keys: dict[str, _Key] = {}
        """By id."""
        self._owners: dict[tuple[str, str], Owner] = {}
        """By kind and name."""
        self._one = threading.Lock()
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
                self._disconnect()
                raise AccountsUnusable(f"The keys in {self._path} cannot be read: {error}") from error

    def find(self, key: bytes, now_ms: int) -> Caller | Problem | None:
        """Whose key it is; a Problem says why it is not taken any more; None: nobody's."""
        held = self._held.get(digest(self._secret, key))
        if held is None:
            return None
        return held.caller if now_ms < held.until_ms else _ended(held, now_ms)

    def caller(self, key_id: str) -> Caller | None:
        """Who comes with the key of this id, be it taken just now or not."""
        key = self._keys.get(key_id)
        return self._held_as(key.account, None).caller if key is not None else None

    def called(self, named: str) -> str | None:
        """The id of the key with this id or name; of several with a name the one that was made last."""
        if named in self._keys:
            return named
        found = [one.account for one in self._keys.values() if one.account.name == named]
        return max(found, key=lambda one: one.created_at_ms).key_id if found else None

    def changed_on_disk(self) -> bool:
        """Whether there is, or was, a store to look at. Costs one call to the operating system where there is none."""
        return self._database is not None or self._path.exists()

    def refresh(self) -> bool:
        """Take up what has changed; True when something has. Blocks: call it off the event loop. What cannot be read
        just now leaves all as it was known, and is told of once.
        """
        with self._one:
            return self._refreshed()

    def _refreshed(self) -> bool:
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

    def forget(self) -> None:
        """Let nobody in, until the store is taken up again from its beginning; a key is needed all the same."""
        with self._one:
            self._disconnect()
            self._held, self._change = {}, 0

    def close(self) -> None:
        """Close the database."""
        self._disconnect()

    def _take_up(self) -> bool:
        database = self._connected()
        (version,) = database.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return False
        check_not_newer(database, str(self._path), MIGRATIONS)
        database.execute("BEGIN")
        try:
            (last,) = database.execute(LAST_CHANGE).fetchone()
            since = (self._change,)
            rows = database.execute(f"SELECT {COLUMNS} FROM keys WHERE change > ?", since).fetchall()
            signs = database.execute(
                "SELECT digest, key, ends_at_ms FROM digests WHERE key IN (SELECT id FROM keys WHERE change > ?)", since
            ).fetchall()
            owners = database.execute(f"SELECT {OWNER_COLUMNS} FROM owners WHERE change > ?", since).fetchall()
        finally:
            database.execute("COMMIT")
        if rows and (self._change == 0 or not self._secret):
            self._secret = read_secret(self._directory)
        self._merge([account_of(row) for row in rows], signs, [owner_of(row) for row in owners])
        self._version, self._change = version, last
        self.required = self.required or bool(rows)
        return bool(rows or owners)

    def _merge(self, accounts: list[Account], signs: list[tuple[bytes, str, int | None]], owners: list[Owner]) -> None:
        """Take in what has changed, and all keys on which it bears; at a new beginning, in place of what was there."""
        anew = self._change == 0
        if anew:
            self._keys, self._owners = {}, {}
        by_key: dict[str, list[tuple[bytes, int | None]]] = {}
        for sign, key, ends in signs:
            by_key.setdefault(key, []).append((bytes(sign), ends))
        fresh = {one.key_id: _Key(one, tuple(by_key.get(one.key_id, ()))) for one in accounts}
        self._keys.update(fresh)
        changed: dict[tuple[str, str], Owner] = {(one.kind, one.name): one for one in owners}
        self._owners.update(changed)
        touched = list(fresh.values())
        if changed:
            touched = [
                one
                for key_id, one in self._keys.items()
                if key_id in fresh or ("team", one.account.team) in changed or ("user", one.account.user) in changed
            ]
        held = {sign: self._held_as(one.account, ends) for one in touched for sign, ends in one.signs}
        if anew:
            self._held = held
        else:
            self._held.update(held)

    def _held_as(self, account: Account, ends_at_ms: int | None) -> Held:
        """What a key stands for, with what its user and its team give it."""
        found = [self._owners.get(("user", account.user)), self._owners.get(("team", account.team))]
        owners = [one for one in found if one is not None]
        if owners:
            account = msgspec.structs.replace(
                account,
                plan=next((plan for plan in (account.plan, *(one.plan for one in owners)) if plan), ""),
                tags=tuple(dict.fromkeys((*account.tags, *(tag for one in owners for tag in one.tags)))),
                budgets=(*account.budgets, *(budget for one in owners for budget in one.budgets)),
            )
        disabled = next((one.kind for one in owners if one.disabled_at_ms is not None), None)
        return _held(account, ends_at_ms, disabled)

    def _connected(self) -> sqlite3.Connection:
        """The connection to the file that is there now: one that was put in its place is read from the beginning."""
        found = os.stat(self._path)
        file = (found.st_dev, found.st_ino)
        if self._database is None or file != self._file:
            self._disconnect()
            self._database = open_database(self._path, only_read=True)
            if len(check_not_newer(self._database, str(self._path), MIGRATIONS)) < len(MIGRATIONS):
                # What an older Tenbin left, or another process is just making, is brought to today's shape.
                open_database(self._path).close()
            if file != self._file:
                self._change = 0
            self._file = file
        return self._database

    def _disconnect(self) -> None:
        database, self._database, self._version = self._database, None, -1
        if database is not None:
            with contextlib.suppress(sqlite3.Error):
                database.close()


def _held(account: Account, ends_at_ms: int | None, disabled: OwnerKind | None) -> Held:
    ends = (ends_at_ms, account.expires_at_ms, account.revoked_at_ms)
    caller = Caller(
        key_id=account.key_id,
        name=account.name,
        team=account.team,
        user=account.user,
        plan=account.plan,
        account=account,
    )
    until = 0 if disabled is not None else min(NEVER if end is None else end for end in ends)
    return Held(caller, until, NEVER if ends_at_ms is None else ends_at_ms, disabled)


def _ended(held: Held, now_ms: int) -> Problem:
    account = held.caller.account
    assert account is not None
    if account.revoked_at_ms is not None:
        why, fix = "is revoked", "Ask for a new one (`tenbin keys create`)."
    elif held.replaced_ms <= now_ms:
        why = "has been replaced by a newer one, and its time of grace is over"
        fix = f"Use the newer one; if it is lost, ask for another (`tenbin keys rotate {account.name}`)."
    elif account.expires_at_ms is not None and account.expires_at_ms <= now_ms:
        why, fix = "has expired", f"Ask for more time (`tenbin keys expire {account.name} --in 30d`)."
    else:
        return _disabled(held, account)
    return Problem(
        status=401,
        code="authentication_error",
        message=f"This key ({account.name}, {account.key_id}) {why}. {fix}",
        param="authorization",
        should_retry=False,
    )


def _disabled(held: Held, account: Account) -> Problem:
    kind = held.disabled or "team"
    name = account.team if kind == "team" else account.user
    return Problem(
        status=403,
        code="permission_error",
        message=f"The {kind} {name!r} is disabled, and with it this key ({account.name}, {account.key_id}). Ask "
        f"whoever runs the gateway (`tenbin {kind}s enable {name}`).",
        param="authorization",
        should_retry=False,
    )
