"""The database's shape: brought up to date once, never understood wrongly."""

import sqlite3

import pytest

from tenbin.ledger.migrations import MIGRATIONS, SchemaTooNew, applied, migrate


def a_database() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)


def test_a_new_database_gets_every_step_once() -> None:
    database = a_database()
    assert applied(database) == []
    assert migrate(database) == [step.__name__ for step in MIGRATIONS]
    assert migrate(database) == []
    assert applied(database) == [step.__name__ for step in MIGRATIONS]


def test_a_newer_database_is_refused_and_left_alone() -> None:
    database = a_database()
    migrate(database)
    database.execute("INSERT INTO migrations VALUES ('m9999_from_the_future')")
    with pytest.raises(SchemaTooNew, match=r"ledger\.sqlite was written by a newer Tenbin \(it has m9999"):
        migrate(database, "ledger.sqlite")


def test_a_step_that_fails_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def m0002_broken(database: sqlite3.Connection) -> None:
        database.execute("CREATE TABLE half (x)")
        database.execute("CREATE TABLE half (x)")

    monkeypatch.setattr("tenbin.ledger.migrations.MIGRATIONS", [*MIGRATIONS, m0002_broken])
    database = a_database()
    with pytest.raises(sqlite3.OperationalError):
        migrate(database)
    assert database.execute("SELECT name FROM sqlite_master").fetchall() == []
    assert not database.in_transaction


def test_names_are_unique_and_in_order() -> None:
    names = [step.__name__ for step in MIGRATIONS]
    assert names == sorted(set(names))
