"""Teams and users of the store: what all keys of one have in common, and whether they are taken at all."""

from typing import Any

import msgspec

from tenbin.core.account import Owner, OwnerKind
from tenbin.ledger.accounts.log import By, Log, NoSuchKey, NotNow
from tenbin.ledger.accounts.rows import OWNER_COLUMNS, allotted, cells, logged, owner_of


class Owners(Log):
    """The part of the store that holds teams and users. A key may name one that has no record here: then it is but a
    word in the ledger.
    """

    def create_owner(self, owner: Owner, *, by: By, now_ms: int) -> Owner:
        """Take in a new one; it counts for keys that name it already. Raises NotNow when there is one."""
        owner = msgspec.structs.replace(owner, created_at_ms=now_ms, budgets=allotted(owner.kind, owner.budgets))
        row = msgspec.structs.asdict(owner)
        with self._transaction() as change:
            if self._owner(owner.kind, owner.name) is not None:
                raise NotNow(
                    f"The {owner.kind} {owner.name!r} is there already. To change it: "
                    f"tenbin {owner.kind}s edit {owner.name}"
                )
            self._database.execute(
                f"INSERT INTO owners ({OWNER_COLUMNS}, change) VALUES (:kind, :name, :plan, :tags, :budgets, "
                ":created_at_ms, :disabled_at_ms, :change)",
                {**cells(row), "change": change},
            )
            told = {name: row[name] for name in ("plan", "tags", "budgets") if row[name]}
            self._log(now_ms, by, "create", _subject(owner.kind, owner.name), logged(told))
        return owner

    def edit_owner(self, kind: OwnerKind, name: str, changes: dict[str, Any], *, by: By, now_ms: int) -> Owner:
        """Change ``plan``, ``tags`` or ``budgets``. Raises NoSuchKey."""
        with self._transaction() as change:
            before = self._known_owner(kind, name)
            if "budgets" in changes:
                changes = {**changes, "budgets": allotted(kind, changes["budgets"])}
            changed = {field: value for field, value in changes.items() if value != getattr(before, field)}
            if changed:
                self._change_owner(kind, name, change, changed)
                self._log(now_ms, by, "edit", _subject(kind, name), logged(changed))
        return msgspec.structs.replace(before, **changed)

    def able(self, kind: OwnerKind, name: str, able: bool, *, by: By, now_ms: int) -> Owner:
        """Disable one, so that none of its keys is taken, or enable it again. Raises NoSuchKey."""
        with self._transaction() as change:
            before = self._known_owner(kind, name)
            if able == (before.disabled_at_ms is None):
                return before
            changed = {"disabled_at_ms": None if able else now_ms}
            self._change_owner(kind, name, change, changed)
            self._log(now_ms, by, "enable" if able else "disable", _subject(kind, name), {})
        return msgspec.structs.replace(before, disabled_at_ms=changed["disabled_at_ms"])

    def find_owner(self, kind: OwnerKind, name: str) -> Owner:
        """The team or user of this name. Raises NoSuchKey."""
        return self._known_owner(kind, name)

    def owners(self, kind: OwnerKind, *, most: int | None = None, after: str = "") -> list[Owner]:
        """Teams or users by their names in order, from behind ``after`` on."""
        rows = self._database.execute(
            f"SELECT {OWNER_COLUMNS} FROM owners WHERE kind = ? AND name > ? ORDER BY name LIMIT ?",
            (kind, after, -1 if most is None else most),
        )
        return [owner_of(row) for row in rows]

    def _owner(self, kind: OwnerKind, name: str) -> Owner | None:
        row = self._database.execute(
            f"SELECT {OWNER_COLUMNS} FROM owners WHERE kind = ? AND name = ?", (kind, name)
        ).fetchone()
        return owner_of(row) if row is not None else None

    def _known_owner(self, kind: OwnerKind, name: str) -> Owner:
        found = self._owner(kind, name)
        if found is None:
            raise NoSuchKey(f"There is no {kind} {name[:80]!r} in the store: tenbin {kind}s create makes one.")
        return found

    def _change_owner(self, kind: OwnerKind, name: str, change: int, changed: dict[str, Any]) -> None:
        assignments = ", ".join(f"{field} = :{field}" for field in changed)
        self._database.execute(
            f"UPDATE owners SET {assignments}, change = :change WHERE kind = :kind AND name = :name",
            {**cells(changed), "change": change, "kind": kind, "name": name},
        )


def _subject(kind: OwnerKind, name: str) -> str:
    return f"{kind}:{name}"
