"""The store of keys as it is written: every act is one transaction, with its line in the audit log, or did not happen.

A key itself is given to an act and never kept: of it stay a digest and the first characters.
"""

from typing import Any, Literal, TypeAlias

import msgspec

from tenbin.core.account import Account
from tenbin.ledger.accounts.digest import digest
from tenbin.ledger.accounts.log import Act, By, NoSuchKey, NotNow
from tenbin.ledger.accounts.owners import Owners
from tenbin.ledger.accounts.rows import COLUMNS, account_of, allotted, cells, logged

SHOWN = 7
"""Characters of a key that are kept to recognise it by: ``tb-`` and four, of 43 that are drawn."""

# fmt: off
EDITABLE = (
    "team", "user", "plan", "tags", "models", "targets", "routes", "operations", "networks", "tiers", "budgets",
)
# fmt: on
"""Fields of a key that can be changed. Not ``admin``: no key for clients ever becomes one that administers."""

State: TypeAlias = Literal["active", "expired", "revoked"]


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """By what a key is recognised."""

    prefix: str
    made_at_ms: int
    ends_at_ms: int | None = None
    """When a key that was replaced is not taken any more; UTC ms."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A key of the store, as it is shown."""

    account: Account
    """With its own budgets, plan and tags, without its team's and its user's."""
    signs: tuple[Sign, ...]
    """The newest first."""


def state(account: Account, now_ms: int) -> State:
    """Of the key by itself, its team and user apart."""
    if account.revoked_at_ms is not None:
        return "revoked"
    return "expired" if account.expires_at_ms is not None and account.expires_at_ms <= now_ms else "active"


class Accounts(Owners):
    """The store, open for an act or two."""

    # -- acts

    def create(self, account: Account, key: str, *, by: By, now_ms: int) -> Account:
        """Take in a new key; the account's ``created_at_ms`` is now. Raises NotNow when the name is taken."""
        account = msgspec.structs.replace(account, created_at_ms=now_ms, budgets=allotted("key", account.budgets))
        row = msgspec.structs.asdict(account)
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
                f"INSERT INTO keys ({COLUMNS}, change) VALUES (:key_id, :name, :team, :user, :plan, :admin, :tags, "
                ":models, :targets, :routes, :operations, :networks, :tiers, :budgets, :created_at_ms, :expires_at_ms, "
                ":revoked_at_ms, :rotated_at_ms, :change)",
                {**cells(row), "change": change},
            )
            self._sign(account.key_id, key, now_ms)
            told = {name: value for name, value in row.items() if value and name != "key_id"}
            self._log(now_ms, by, "create", account.key_id, logged(told))
        return account

    def edit(self, key_id: str, changes: dict[str, Any], *, by: By, now_ms: int) -> Account:
        """Change some of EDITABLE; what is so already is not told of. Raises NoSuchKey, NotNow."""
        with self._transaction() as change:
            self._unrevoked(key_id, "changed")
            before = self.find(key_id).account
            if "budgets" in changes:
                changes = {**changes, "budgets": allotted("key", changes["budgets"])}
            changed = {name: value for name, value in changes.items() if value != getattr(before, name)}
            if changed:
                assert changed.keys() <= set(EDITABLE)
                assignments = ", ".join(f"{name} = :{name}" for name in changed)
                self._database.execute(
                    f"UPDATE keys SET {assignments}, change = :change WHERE id = :id",
                    {**cells(changed), "change": change, "id": key_id},
                )
                self._log(now_ms, by, "edit", key_id, logged(changed))
        return msgspec.structs.replace(before, **changed)

    def rotate(self, key_id: str, key: str, *, grace_ms: int, by: By, now_ms: int) -> Account:
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
            self._log(now_ms, by, "rotate", key_id, {"former_ends_at_ms": ends})
        return self.find(key_id).account

    def expire(self, key_id: str, at_ms: int | None, *, by: By, now_ms: int) -> Account:
        """From ``at_ms`` on the key is not taken; None: it does not expire. Raises NoSuchKey, NotNow."""
        with self._transaction() as change:
            self._unrevoked(key_id, "given another end")
            self._database.execute(
                "UPDATE keys SET expires_at_ms = ?, change = ? WHERE id = ?", (at_ms, change, key_id)
            )
            self._log(now_ms, by, "expire", key_id, {"expires_at_ms": at_ms})
        return self.find(key_id).account

    def revoke(self, key_id: str, *, by: By, now_ms: int) -> Account:
        """The key is not taken any more, for good. Raises NoSuchKey, NotNow."""
        with self._transaction() as change:
            self._unrevoked(key_id, "revoked again")
            self._database.execute(
                "UPDATE keys SET revoked_at_ms = ?, change = ? WHERE id = ?", (now_ms, change, key_id)
            )
            self._log(now_ms, by, "revoke", key_id, {})
        return self.find(key_id).account

    # -- looking

    def find(self, named: str) -> Kept:
        """The key of this id, name or prefix (as ``tb-abcd``). Raises NoSuchKey, also where it could be several."""
        found = self._where("id = ?1 OR name = ?1", (named,))
        usable = [one for one in found if one.account.revoked_at_ms is None]
        found = usable if len(usable) == 1 else found
        if not found and len(named) >= SHOWN:
            prefix = named.rstrip(".")[:SHOWN]
            found = self._where("id IN (SELECT key FROM digests WHERE prefix = ?)", (prefix,))
        if not found:
            raise NoSuchKey(f"No key is called {named[:80]!r}. `tenbin keys list --all` shows those there are.")
        if len(found) > 1:
            ids = ", ".join(one.account.key_id for one in found[:20])
            raise NoSuchKey(f"{named[:80]!r} could be {ids}: say which, by its id.")
        return found[0]

    def all(self) -> list[Kept]:
        """Every key that there ever was, in the order in which they were made."""
        return self._where("true", ())

    def some(
        self,
        *,
        most: int,
        after: str | None = None,
        team: str | None = None,
        user: str | None = None,
        of: State | None = None,
        now_ms: int = 0,
    ) -> list[Kept]:
        """Some keys, in the order in which they were made, from behind the one with the id ``after`` on. Raises
        NoSuchKey where there is none.
        """
        behind = 0
        if after is not None:
            row = self._database.execute("SELECT rowid FROM keys WHERE id = ?", (after,)).fetchone()
            if row is None:
                raise NoSuchKey(f"No key has the id {after[:80]!r}.")
            (behind,) = row
        return self._where(
            "rowid > :behind AND (:team IS NULL OR team = :team) AND (:user IS NULL OR user = :user) AND (:of IS NULL "
            "OR :of = CASE WHEN revoked_at_ms IS NOT NULL THEN 'revoked' WHEN expires_at_ms <= :now THEN 'expired' "
            "ELSE 'active' END)",
            {"behind": behind, "team": team, "user": user, "of": of, "now": now_ms},
            most,
        )

    # -- inside

    def _where(self, condition: str, given: tuple[Any, ...] | dict[str, Any], most: int = -1) -> list[Kept]:
        found = self._database.execute(
            f"SELECT {COLUMNS} FROM keys WHERE {condition} ORDER BY rowid LIMIT {most}", given
        ).fetchall()
        return [Kept(account=account_of(row), signs=self._signs(row[0])) for row in found]

    def _signs(self, key_id: str) -> tuple[Sign, ...]:
        rows = self._database.execute(
            "SELECT prefix, made_at_ms, ends_at_ms FROM digests WHERE key = ? "
            "ORDER BY made_at_ms DESC, ends_at_ms IS NOT NULL",
            (key_id,),
        )
        return tuple(Sign(prefix=prefix, made_at_ms=made, ends_at_ms=ends) for prefix, made, ends in rows)

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


__all__ = ["EDITABLE", "SHOWN", "Accounts", "Act", "By", "Kept", "NoSuchKey", "NotNow", "Sign", "State", "state"]
