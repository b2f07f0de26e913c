"""The store of keys: what is taken at which moment, what a crash leaves, who may read the files, and that no key is in
them.
"""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from tenbin.core.account import Account
from tenbin.core.ask import Caller
from tenbin.core.problems import Problem
from tenbin.ledger.accounts.digest import SECRET, AccountsUnusable, ensure_secret
from tenbin.ledger.accounts.known import KnownKeys
from tenbin.ledger.accounts.schema import DATABASE
from tenbin.ledger.accounts.store import Accounts, By, NoSuchKey, NotNow

FRESH = bytes(range(32))
ALICE = Account(key_id="key_a", name="alice", team="search", targets=("openai/*",))


def taken(known: KnownKeys, key: str, now_ms: int) -> bool:
    return isinstance(known.find(key.encode(), now_ms), Caller)


class Lives(RuleBasedStateMachine):
    """Keys through their lives, as a gateway sees them that follows the store, against a model in a few lines."""

    keys = Bundle("keys")

    @initialize(target=keys)
    def begin(self) -> Any:
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.directory = Path(self.folder.name)
        self.known = KnownKeys(self.directory)
        self.now = 1_000_000
        self.count = 0
        self.ends: dict[str, dict[str, int | None]] = {}
        """By key id, its secrets, each with the end that a rotation has set."""
        self.expires: dict[str, int | None] = {}
        self.revoked: set[str] = set()
        self.acts = 0
        assert not self.known.required
        return self._made(None)

    def _made(self, expires: int | None) -> str:
        self.count += 1
        key_id, secret = f"key_{self.count}", f"tb-secret-{self.count}-{self.now}"
        with Accounts(self.directory, FRESH) as store:
            account = Account(key_id=key_id, name=f"name{self.count}", expires_at_ms=expires)
            store.create(account, secret, by=By("me"), now_ms=self.now)
        self.ends[key_id], self.expires[key_id] = {secret: None}, expires
        self.acts += 1
        return key_id

    @rule(target=keys, after=st.none() | st.integers(1, 5_000))
    def create(self, after: int | None) -> str:
        return self._made(None if after is None else self.now + after)

    @rule(key=keys, grace=st.integers(0, 5_000))
    def rotate(self, key: str, grace: int) -> None:
        self.count += 1
        secret = f"tb-secret-{self.count}-{self.now}"
        with Accounts(self.directory, FRESH) as store:
            if key in self.revoked:
                with pytest.raises(NotNow):
                    store.rotate(key, secret, grace_ms=grace, by=By("me"), now_ms=self.now)
                return
            store.rotate(key, secret, grace_ms=grace, by=By("me"), now_ms=self.now)
        ends = self.ends[key]
        for former, end in ends.items():
            ends[former] = min(self.now + grace, self.now + grace if end is None else end)
        ends[secret] = None
        self.acts += 1

    @rule(key=keys, after=st.none() | st.integers(-5_000, 5_000))
    def expire(self, key: str, after: int | None) -> None:
        ends = None if after is None else self.now + after
        with Accounts(self.directory, FRESH) as store:
            if key in self.revoked:
                with pytest.raises(NotNow):
                    store.expire(key, ends, by=By("me"), now_ms=self.now)
                return
            store.expire(key, ends, by=By("me"), now_ms=self.now)
        self.expires[key] = ends
        self.acts += 1

    @rule(key=keys)
    def revoke(self, key: str) -> None:
        with Accounts(self.directory, FRESH) as store:
            if key in self.revoked:
                with pytest.raises(NotNow):
                    store.revoke(key, by=By("me"), now_ms=self.now)
                return
            store.revoke(key, by=By("me"), now_ms=self.now)
        self.revoked.add(key)
        self.acts += 1

    @rule(ms=st.integers(1, 4_000))
    def wait(self, ms: int) -> None:
        self.now += ms

    @rule()
    def restart(self) -> None:
        self.known.close()
        self.known = KnownKeys(self.directory)

    @invariant()
    def the_gateway_takes_exactly_what_it_should(self) -> None:
        self.known.refresh()
        assert self.known.required
        for key, secrets in self.ends.items():
            expires = self.expires[key]
            for secret, end in secrets.items():
                good = key not in self.revoked
                good = good and (end is None or self.now < end) and (expires is None or self.now < expires)
                found = self.known.find(secret.encode(), self.now)
                assert isinstance(found, Caller if good else Problem)
                assert not isinstance(found, Caller) or found.key_id == key
        assert self.known.find(b"tb-somebody-elses", self.now) is None

    def teardown(self) -> None:
        if not hasattr(self, "known"):
            return
        self.known.close()
        with Accounts(self.directory, FRESH) as store:
            assert len(store.audit(most=10_000)) == self.acts
        everything = b"".join(path.read_bytes() for path in self.directory.iterdir())
        assert b"tb-secret-" not in everything
        self.folder.cleanup()


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)


def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    former = os.umask(0)
    try:
        with Accounts(tmp_path, FRESH) as store:
            store.create(ALICE, "tb-aaaa-key", by=By("me"), now_ms=1)
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(former)
    assert {DATABASE, SECRET} <= modes.keys()
    assert set(modes.values()) == {0o600}


def test_of_two_that_begin_at_once_one_secret_is_taken(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from tenbin.ledger.accounts.digest import ensure_secret\n"
        "print(ensure_secret(Path(sys.argv[1]), os.urandom(32)).hex())"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    secrets = {child.communicate(timeout=60)[0].strip() for child in children}
    assert len(secrets) == 1
    assert secrets == {ensure_secret(tmp_path, bytes(32)).hex()}
    assert [path.name for path in tmp_path.iterdir()] == [SECRET]


def test_a_lost_secret_lets_nobody_in_and_is_not_made_anew(tmp_path: Path) -> None:
    with Accounts(tmp_path, FRESH) as store:
        store.create(ALICE, "tb-aaaa-key", by=By("me"), now_ms=1)
    (tmp_path / SECRET).unlink()
    for opening in (lambda: KnownKeys(tmp_path), lambda: Accounts(tmp_path, FRESH)):
        with pytest.raises(AccountsUnusable, match=r"accounts\.secret"):
            opening()
    (tmp_path / SECRET).write_text("00ff\n")
    with pytest.raises(AccountsUnusable, match="32 bytes"):
        KnownKeys(tmp_path)


CRASH = """
import os, signal, sys
from pathlib import Path
from tenbin.ledger.accounts.store import Accounts, By
store = Accounts(Path(sys.argv[1]), bytes(range(32)))
def killed(*arguments): os.kill(os.getpid(), signal.SIGKILL)
setattr(store, sys.argv[2], killed)
store.rotate("key_a", "tb-bbbb-key", grace_ms=1000, by=By("me"), now_ms=10)
"""


@pytest.mark.parametrize(("at", "both"), [("_sign", False), ("_log", False), ("find", True)])
def test_a_crash_in_the_middle_of_a_rotation(tmp_path: Path, at: str, both: bool) -> None:
    with Accounts(tmp_path, FRESH) as store:
        store.create(ALICE, "tb-aaaa-key", by=By("me"), now_ms=1)
    child = subprocess.run([sys.executable, "-c", CRASH, str(tmp_path), at], check=False, timeout=60)
    assert child.returncode == -signal.SIGKILL
    known = KnownKeys(tmp_path)
    assert taken(known, "tb-aaaa-key", 20)
    assert taken(known, "tb-aaaa-key", 5_000) is not both
    assert taken(known, "tb-bbbb-key", 5_000) is both
    with Accounts(tmp_path, FRESH) as store:
        assert [one.act for one in store.audit()] == (["rotate"] if both else []) + ["create"]
        store.rotate("key_a", "tb-cccc-key", grace_ms=9_000, by=By("me"), now_ms=30)
    assert known.refresh()
    assert taken(known, "tb-cccc-key", 5_000)
    assert taken(known, "tb-aaaa-key", 5_000) is not both, "the first grace is not made longer"
    known.close()


def test_the_audit_log_cannot_be_rewritten(tmp_path: Path) -> None:
    with Accounts(tmp_path, FRESH) as store:
        store.create(ALICE, "tb-aaaa-key", by=By("me"), now_ms=1)
        for sql in ("DELETE FROM audit", "UPDATE audit SET who = 'you'"):
            with pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
                store._database.execute(sql)
        assert store.audit()[0].details["targets"] == ["openai/*"]


def test_names_and_prefixes(tmp_path: Path) -> None:
    with Accounts(tmp_path, FRESH) as store:
        store.create(ALICE, "tb-aaaa-key", by=By("me"), now_ms=1)
        other = Account(key_id="key_b", name="alice")
        with pytest.raises(NotNow, match="taken by key_a"):
            store.create(other, "tb-aaaa-other", by=By("me"), now_ms=2)
        assert store.find("tb-aaaa...").account == store.find("alice").account
        store.revoke("key_a", by=By("me"), now_ms=3)
        store.create(other, "tb-aaaa-other", by=By("me"), now_ms=4)
        assert store.find("alice").account.key_id == "key_b", "the one that can be used"
        with pytest.raises(NoSuchKey, match="key_a, key_b"):
            store.find("tb-aaaa")
        with pytest.raises(NoSuchKey, match="bob"):
            store.find("bob")
