"""The store's shape, as a list of steps like the ledger's; and how it is opened."""

import os
import sqlite3
from pathlib import Path

from tenbin.ledger.migrations import Migration, SchemaTooNew, migrate

DATABASE = "accounts.sqlite"
_BUSY_SECONDS = 10.0

_KEYS = """
CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    team TEXT NOT NULL,
    user TEXT NOT NULL,
    plan TEXT NOT NULL,
    tags TEXT NOT NULL,
    models TEXT NOT NULL,
    targets TEXT NOT NULL,
    routes TEXT NOT NULL,
    operations TEXT NOT NULL,
    networks TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER,
    revoked_at_ms INTEGER,
    rotated_at_ms INTEGER,
    change INTEGER NOT NULL
) STRICT
"""

_DIGESTS = """
CREATE TABLE digests (
    digest BLOB PRIMARY KEY,
    key TEXT NOT NULL REFERENCES keys (id),
    prefix TEXT NOT NULL,
    made_at_ms INTEGER NOT NULL,
    ends_at_ms INTEGER
) STRICT, WITHOUT ROWID
"""

_AUDIT = """
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    who TEXT NOT NULL,
    act TEXT NOT NULL,
    key TEXT NOT NULL,
    details TEXT NOT NULL
) STRICT
"""


def a0001_keys_and_audit(database: sqlite3.Connection) -> None:
    """One row a key; one row a digest by which it is recognised (two while it is being rotated); the audit log, of
    which no row can be changed or removed.
    """
    database.execute(_KEYS)
    database.execute("CREATE UNIQUE INDEX keys_by_name ON keys (name) WHERE revoked_at_ms IS NULL")
    database.execute("CREATE INDEX keys_by_change ON keys (change)")
    database.execute(_DIGESTS)
    database.execute("CREATE INDEX digests_by_key ON digests (key)")
    database.execute(_AUDIT)
    for act in ("UPDATE", "DELETE"):
        database.execute(
            f"CREATE TRIGGER audit_keeps_{act.lower()} BEFORE {act} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END"
        )


_OWNERS = """
CREATE TABLE owners (
    kind TEXT NOT NULL CHECK (kind IN ('team', 'user')),
    name TEXT NOT NULL,
    plan TEXT NOT NULL,
    tags TEXT NOT NULL,
    budgets TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    disabled_at_ms INTEGER,
    change INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID
"""


def a0002_owners_budgets_admins(database: sqlite3.Connection) -> None:
    """Teams and users; tiers and budgets of keys; keys that administer; in the audit log, what an act was done to (a
    team, a user, a key) and from which address.
    """
    database.execute(_OWNERS)
    database.execute("CREATE INDEX owners_by_change ON owners (change)")
    database.execute("ALTER TABLE keys ADD COLUMN tiers TEXT NOT NULL DEFAULT '[]'")
    database.execute("ALTER TABLE keys ADD COLUMN budgets TEXT NOT NULL DEFAULT '[]'")
    database.execute("ALTER TABLE keys ADD COLUMN admin INTEGER NOT NULL DEFAULT 0")
    database.execute("ALTER TABLE audit RENAME COLUMN key TO subject")
    database.execute("ALTER TABLE audit ADD COLUMN address TEXT NOT NULL DEFAULT ''")
    database.execute("CREATE INDEX audit_by_subject ON audit (subject)")


MIGRATIONS: list[Migration] = [a0001_keys_and_audit, a0002_owners_budgets_admins]
"""In the order in which they are applied. Steps are only ever added, at the end."""


def open_database(path: Path, *, only_read: bool = False) -> sqlite3.Connection:
    """The store's database. Raises sqlite3.Error, SchemaTooNew, OSError."""
    if not only_read and not path.exists():
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    uri = f"{path.absolute().as_uri()}?mode=rw"
    database = sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        if only_read:
            database.execute("PRAGMA query_only = ON")
            return database
        database.execute("PRAGMA journal_mode = WAL")
        # A key that was shown, or a revocation that was confirmed, outlives a power cut.
        database.execute("PRAGMA synchronous = FULL")
        migrate(database, str(path), MIGRATIONS)
    except BaseException:
        database.close()
        raise
    return database


__all__ = ["DATABASE", "MIGRATIONS", "SchemaTooNew", "open_database"]
