"""The store of keys as it is written: every act is one transaction, with its line in the audit log, or did not happen.

A key itself is given to an act and never kept: of it stay a digest and the first characters.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from tenbin.core.account import Account
from tenbin.ledger.accounts.digest import digest, ensure_secret, read_secret
from tenbin.ledger.accounts.schema import DATABASE, open_database

SHOWN = 7
"""Characters of a key that are kept to recognise it by: ``tb-`` and four, of 43 that are drawn."""

LISTS = ("tags", "models", "targets", "routes", "operations", "networks")
COLUMNS = (
    "id, name, team, user, plan, tags, models, targets, routes, operations, networks, "
    "created_at_ms, expires_at_ms, revoked_at_ms, rotated_at_ms"
)


class NoSuchKey(Exception):
    """Nothing in the store is called so; carries it in words."""


class NotNow(Exception):
    """The act makes no sense for the key as it is (a name that is taken, a key that is revoked); carries why."""


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """By what a key is recognised."""

    prefix: str
    made_at_ms: int
    ends_at_ms: int | None = None
    """When a key that was replaced is not taken any more; UTC ms."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A key of the store, as it is shown."""

    account: Account
    signs: tuple[Sign, ...]
    """The newest first."""


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the audit log."""

    number: int
    at_ms: int
    who: str
    act: str
    key_id: str
    details: dict[str, Any]


class Accounts:
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

    def __enter__(self) -> "Accounts":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    # -- acts

    def create(self, account: Account, key: str, *, who: str, now_ms: int) -> Account:
        """Take in a new key; the account's ``created_at_ms`` is now. Raises NotNow when the name is taken."""
        account = msgspec.structs.replace(account, created_at_ms=now_ms)
        row = msgspec.structs.asdict(account)
        row |= {name: json.dumps(row[name], ensure_ascii=False) for name in LISTS}
        with self._transaction() as change:
            taken = self._database.execute(
                "SELECT id FROM keys WHERE name = ? AND revoked_at_ms IS NULL", (account.name,)
            ).fetchone()
            if taken is not None:
                raise NotNow(
                    f"The name {account.name!r} is taken by {taken[0]}. Choose another one, or give that key a new "
                    f"secret: tenbin keys rotate {account.name}"
                )
            self._database.execute(
                f"INSERT INTO keys ({COLUMNS}, change) VALUES (:key_id, :name, :team, :user, :plan, :tags, :models, "
                ":targets, :routes, :operations, :networks, :created_at_ms, :expires_at_ms, :revoked_at_ms, "
                ":rotated_at_ms, :change)",
                {**row, "change": change},
            )
            self._sign(account.key_id, key, now_ms)
            told = {
                name: value for name, value in msgspec.structs.asdict(account).items() if value and name != "key_id"
            }
            self._log(now_ms, who, "create", account.key_id, told)
        return account

    def rotate(self, key_id: str, key: str, *, grace_ms: int, who: str, now_ms: int) -> Account:
        """Give a key a new secret; the former ones are taken for ``grace_ms`` yet, and never longer than they already
        were to be. Raises NoSuchKey, NotNow.
        """
        ends = now_ms + max(grace_ms, 0)
        with self._transaction() as change:
            self._unrevoked(key_id, "rotated")
            self._database.execute(
                "UPDATE digests SET ends_at_ms = min(coalesce(ends_at_ms, ?), ?) WHERE key = ?", (ends, ends, key_id)
            )
            self._sign(key_id, key, now_ms)
            self._database.execute(
                "UPDATE keys SET rotated_at_ms = ?, change = ? WHERE id = ?", (now_ms, change, key_id)
            )
            self._log(now_ms, who, "rotate", key_id, {"former_ends_at_ms": ends})
        return self.find(key_id).account

    def expire(self, key_id: str, at_ms: int | None, *, who: str, now_ms: int) -> Account:
        """From ``at_ms`` on the key is not taken; None: it does not expire. Raises NoSuchKey, NotNow."""
        with self._transaction() as change:
            self._unrevoked(key_id, "given another end")
            self._database.execute(
                "UPDATE keys SET expires_at_ms = ?, change = ? WHERE id = ?", (at_ms, change, key_id)
            )
            self._log(now_ms, who, "expire", key_id, {"expires_at_ms": at_ms})
        return self.find(key_id).account

    def revoke(self, key_id: str, *, who: str, now_ms: int) -> Account:
        """The key is not taken any more, for good. Raises NoSuchKey, NotNow."""
        with self._transaction() as change:
            self._unrevoked(key_id, "revoked again")
            self._database.execute(
                "UPDATE keys SET revoked_at_ms = ?, change = ? WHERE id = ?", (now_ms, change, key_id)
            )
            self._log(now_ms, who, "revoke", key_id, {})
        return self.find(key_id).account

    # -- looking

    def find(self, named: str) -> Kept:
        """The key of this id, name or prefix (as ``tb-abcd``). Raises NoSuchKey, also where it could be several."""
        found = [one for one in self.all() if named in (one.account.key_id, one.account.name)]
        usable = [one for one in found if one.account.revoked_at_ms is None]
        found = usable if len(usable) == 1 else found
        if not found and len(named) >= SHOWN:
            prefix = named.rstrip(".")[:SHOWN]
            found = [one for one in self.all() if any(sign.prefix == prefix for sign in one.signs)]
        if not found:
            raise NoSuchKey(f"No key is called {named[:80]!r}. `tenbin keys list --all` shows those there are.")
        if len(found) > 1:
            ids = ", ".join(one.account.key_id for one in found)
            raise NoSuchKey(f"{named[:80]!r} could be {ids}: say which, by its id.")
        return found[0]

    def all(self) -> list[Kept]:
        """Every key that there ever was, in the order in which they were made."""
        signs: dict[str, list[Sign]] = {}
        for key, prefix, made, ends in self._database.execute(
            "SELECT key, prefix, made_at_ms, ends_at_ms FROM digests ORDER BY made_at_ms DESC, ends_at_ms IS NOT NULL"
        ):
            signs.setdefault(key, []).append(Sign(prefix=prefix, made_at_ms=made, ends_at_ms=ends))
        rows = self._database.execute(f"SELECT {COLUMNS} FROM keys ORDER BY created_at_ms, rowid").fetchall()
        return [Kept(account=account_of(row), signs=tuple(signs.get(row[0], ()))) for row in rows]

    def audit(self, key_id: str | None = None, most: int = 100) -> list[Act]:
        """The newest lines of the audit log, the newest first."""
        rows = self._database.execute(
            "SELECT id, at_ms, who, act, key, details FROM audit WHERE ?1 IS NULL OR key = ?1 "
            "ORDER BY id DESC LIMIT ?2",
            (key_id, most),
        )
        return [
            Act(number=number, at_ms=at, who=who, act=act, key_id=key, details=json.loads(details))
            for number, at, who, act, key, details in rows
        ]

    # -- inside

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[int]:
        """All of an act or nothing; yields the number of this change of the store."""
        database = self._database
        database.execute("BEGIN IMMEDIATE")
        try:
            (last,) = database.execute("SELECT coalesce(max(change), 0) FROM keys").fetchone()
            yield last + 1
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise

    def _unrevoked(self, key_id: str, wanted: str) -> None:
        row = self._database.execute("SELECT revoked_at_ms FROM keys WHERE id = ?", (key_id,)).fetchone()
        if row is None:
            raise NoSuchKey(f"No key has the id {key_id[:80]!r}. `tenbin keys list --all` shows those there are.")
        if row[0] is not None:
            raise NotNow(
                f"The key {key_id} is revoked, for good: it cannot be {wanted}. Make a new one: tenbin keys create"
            )

    def _sign(self, key_id: str, key: str, now_ms: int) -> None:
        self._database.execute(
            "INSERT INTO digests (digest, key, prefix, made_at_ms) VALUES (?, ?, ?, ?)",
            (digest(self._secret, key.encode()), key_id, key[:SHOWN], now_ms),
        )

    def _log(self, now_ms: int, who: str, act: str, key_id: str, details: dict[str, Any]) -> None:
        self._database.execute(
            "INSERT INTO audit (at_ms, who, act, key, details) VALUES (?, ?, ?, ?, ?)",
            (now_ms, who, act, key_id, json.dumps(details, ensure_ascii=False, sort_keys=True)),
        )


def account_of(row: sqlite3.Row | tuple[Any, ...]) -> Account:
    """The account of a row of ``keys``: the columns of COLUMNS in their order."""
    lists = [tuple(json.loads(text)) for text in row[5:11]]
    return Account(
        key_id=row[0],
        name=row[1],
        team=row[2],
        user=row[3],
        plan=row[4],
        **dict(zip(LISTS, lists, strict=True)),
        created_at_ms=row[11],
        expires_at_ms=row[12],
        revoked_at_ms=row[13],
        rotated_at_ms=row[14],
    )
