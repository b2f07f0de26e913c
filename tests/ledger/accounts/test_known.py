"""What a running gateway knows of the store, while others change, replace and break it."""

import shutil
from pathlib import Path

import pytest

from tenbin.core.account import Account
from tenbin.core.ask import Caller
from tenbin.core.problems import Problem
from tenbin.ledger.accounts.digest import AccountsUnusable
from tenbin.ledger.accounts.known import KnownKeys
from tenbin.ledger.accounts.schema import DATABASE
from tenbin.ledger.accounts.store import Accounts, By

FRESH = bytes(range(32))


def add(directory: Path, name: str) -> None:
    with Accounts(directory, FRESH) as store:
        store.create(Account(key_id=f"key_{name}", name=name, team="t"), f"tb-{name}-key", by=By("me"), now_ms=1)


def test_a_store_that_comes_later_is_taken_up(tmp_path: Path) -> None:
    known = KnownKeys(tmp_path)
    assert not known.changed_on_disk()
    assert not known.required
    add(tmp_path, "alice")
    assert known.changed_on_disk()
    assert known.refresh()
    assert not known.refresh(), "nothing has changed since"
    found = known.find(b"tb-alice-key", 5)
    assert isinstance(found, Caller)
    assert (found.key_id, found.name, found.team) == ("key_alice", "alice", "t")
    known.close()


def test_guesses_do_not_reach_the_database(tmp_path: Path) -> None:
    add(tmp_path, "alice")
    known = KnownKeys(tmp_path)
    statements: list[str] = []
    assert known._database is not None
    known._database.set_trace_callback(statements.append)
    for number in range(1_000):
        assert known.find(b"tb-guess-%d" % number, 5) is None
    assert isinstance(known.find(b"tb-alice-key", 5), Caller)
    assert statements == []
    assert len(known._held) == 1, "guesses leave nothing behind"
    known.close()


def test_a_store_that_is_taken_away_or_broken_leaves_keys_as_they_were(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add(tmp_path, "alice")
    known = KnownKeys(tmp_path)
    (tmp_path / DATABASE).unlink()
    assert not known.refresh()
    assert not known.refresh()
    assert known.required
    assert isinstance(known.find(b"tb-alice-key", 5), Caller)
    assert len(caplog.records) == 1, "told once"
    (tmp_path / DATABASE).write_bytes(b"not a database" * 100)
    assert not known.refresh()
    assert isinstance(known.find(b"tb-alice-key", 5), Caller)
    known.close()
    with pytest.raises(AccountsUnusable, match="cannot be read"):
        KnownKeys(tmp_path)


def test_a_backup_put_in_its_place_is_read_from_the_beginning(tmp_path: Path) -> None:
    add(tmp_path, "alice")
    shutil.copy(tmp_path / DATABASE, tmp_path / "backup")
    add(tmp_path, "bob")
    known = KnownKeys(tmp_path)
    assert isinstance(known.find(b"tb-bob-key", 5), Caller)
    (tmp_path / "backup").rename(tmp_path / DATABASE)
    known.refresh()
    assert known.find(b"tb-bob-key", 5) is None
    assert isinstance(known.find(b"tb-alice-key", 5), Caller)
    known.close()


def test_each_end_is_told_with_the_next_step(tmp_path: Path) -> None:
    for name in ("revoked", "rotated", "expired"):
        add(tmp_path, name)
    with Accounts(tmp_path, FRESH) as store:
        store.revoke("key_revoked", by=By("me"), now_ms=2)
        store.rotate("key_rotated", "tb-newer-key", grace_ms=0, by=By("me"), now_ms=2)
        store.expire("key_expired", 2, by=By("me"), now_ms=2)
    known = KnownKeys(tmp_path)
    for name, words in (("revoked", "keys create"), ("rotated", "keys rotate rotated"), ("expired", "keys expire")):
        found = known.find(f"tb-{name}-key".encode(), 5)
        assert isinstance(found, Problem)
        assert found.status == 401
        assert words in found.message
        assert "tb-" not in found.message
    known.close()


def test_forgotten_keys_are_taken_up_again_from_the_beginning(tmp_path: Path) -> None:
    add(tmp_path, "alice")
    known = KnownKeys(tmp_path)
    known.forget()
    assert known.find(b"tb-alice-key", 5) is None
    forgotten = known.required
    assert known.refresh()
    assert isinstance(known.find(b"tb-alice-key", 5), Caller)
    assert forgotten, "a key is needed all the same"
    found = known.caller("key_alice")
    assert found is not None
    assert found.team == "t"
    assert known.caller("key_bob") is None
    known.close()
