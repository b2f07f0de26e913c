"""Teams and users: what a running gateway gives a key of them, however both were changed in turn."""

import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from tenbin.core.account import Account, Owner, OwnerKind
from tenbin.core.ask import Caller
from tenbin.core.budget import Allotment
from tenbin.core.problems import Problem
from tenbin.ledger.accounts.known import KnownKeys
from tenbin.ledger.accounts.schema import DATABASE, MIGRATIONS, open_database
from tenbin.ledger.accounts.store import Accounts, By, NoSuchKey, NotNow
from tenbin.ledger.migrations import migrate

FRESH = bytes(range(32))
ME = By("me", "127.0.0.1")

KINDS = st.sampled_from(("team", "user"))
NAMES = st.sampled_from(("a", "b"))
PLANS = st.sampled_from(("", "free", "pro"))
TAGS = st.lists(st.sampled_from(("x", "y", "z")), max_size=2, unique=True).map(tuple)
WINDOWS = st.sampled_from(("hour", "day", "month"))
SUMS = st.dictionaries(WINDOWS, st.tuples(st.integers(0, 10**18), st.booleans()), max_size=2)


def allotments(kind: Any, sums: dict[Any, tuple[int, bool]]) -> tuple[Allotment, ...]:
    return tuple(Allotment(kind, window, nano, hard) for window, (nano, hard) in sums.items())


class Belonging(RuleBasedStateMachine):
    """Keys, teams and users, against a model: a key's own goes first, then its user's, then its team's."""

    keys = Bundle("keys")

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.directory = Path(self.folder.name)
        self.known = KnownKeys(self.directory)
        self.accounts: dict[str, Account] = {}
        self.owners: dict[tuple[str, str], Owner] = {}
        self.now = 1_000

    def store(self) -> Accounts:
        self.now += 1
        return Accounts(self.directory, FRESH)

    @rule(target=keys, team=st.just("") | NAMES, user=st.just("") | NAMES, plan=PLANS, tags=TAGS, sums=SUMS)
    def key(self, team: str, user: str, plan: str, tags: tuple[str, ...], sums: Any) -> str:
        name = f"k{len(self.accounts)}"
        account = Account(
            key_id=f"key_{name}", name=name, team=team, user=user, plan=plan, tags=tags, budgets=allotments("key", sums)
        )
        with self.store() as store:
            self.accounts[name] = store.create(account, f"tb-{name}", by=ME, now_ms=self.now)
        return name

    @rule(key=keys, plan=PLANS, team=st.just("") | NAMES, sums=SUMS)
    def edit_key(self, key: str, plan: str, team: str, sums: Any) -> None:
        with self.store() as store:
            # Whatever kind they are said to be of: they become the key's.
            changes = {"plan": plan, "team": team, "budgets": allotments("team", sums)}
            store.edit(f"key_{key}", changes, by=ME, now_ms=self.now)
        self.accounts[key] = msgspec.structs.replace(
            self.accounts[key], plan=plan, team=team, budgets=allotments("key", sums)
        )

    @rule(kind=KINDS, name=NAMES, plan=PLANS, tags=TAGS, sums=SUMS)
    def create(self, kind: OwnerKind, name: str, plan: str, tags: tuple[str, ...], sums: Any) -> None:
        owner = Owner(kind=kind, name=name, plan=plan, tags=tags, budgets=allotments(kind, sums))
        with self.store() as store:
            if (kind, name) in self.owners:
                with pytest.raises(NotNow):
                    store.create_owner(owner, by=ME, now_ms=self.now)
            else:
                self.owners[kind, name] = store.create_owner(owner, by=ME, now_ms=self.now)

    @rule(kind=KINDS, name=NAMES, plan=PLANS, sums=SUMS)
    def edit(self, kind: OwnerKind, name: str, plan: str, sums: Any) -> None:
        changes: dict[str, Any] = {"plan": plan, "budgets": allotments(kind, sums)}
        with self.store() as store:
            if (kind, name) not in self.owners:
                with pytest.raises(NoSuchKey):
                    store.edit_owner(kind, name, changes, by=ME, now_ms=self.now)
            else:
                store.edit_owner(kind, name, changes, by=ME, now_ms=self.now)
                self.owners[kind, name] = msgspec.structs.replace(self.owners[kind, name], **changes)

    @rule(kind=KINDS, name=NAMES, able=st.booleans())
    def able(self, kind: OwnerKind, name: str, able: bool) -> None:
        if (kind, name) not in self.owners:
            return
        with self.store() as store:
            self.owners[kind, name] = store.able(kind, name, able, by=ME, now_ms=self.now)
            assert (self.owners[kind, name].disabled_at_ms is None) is able
            assert store.find_owner(kind, name) == self.owners[kind, name]

    @rule()
    def restart(self) -> None:
        self.known.close()
        self.known = KnownKeys(self.directory)

    @invariant()
    def the_gateway_knows_the_same(self) -> None:
        self.known.refresh()
        for name, account in self.accounts.items():
            found = self.known.find(f"tb-{name}".encode(), self.now)
            owners = [self.owners.get(("user", account.user)), self.owners.get(("team", account.team))]
            there = [one for one in owners if one is not None]
            disabled = [one for one in there if one.disabled_at_ms is not None]
            if disabled:
                assert isinstance(found, Problem)
                assert found.status == 403
                assert f"{disabled[0].kind}s enable {disabled[0].name}" in found.message
                continue
            assert isinstance(found, Caller)
            assert found.account is not None
            plans = [plan for plan in (account.plan, *(one.plan for one in there)) if plan]
            assert found.plan == found.account.plan == (plans[0] if plans else "")
            assert set(found.account.tags) == {*account.tags, *(tag for one in there for tag in one.tags)}
            expected = [*account.budgets, *(budget for one in there for budget in one.budgets)]
            assert list(found.account.budgets) == expected

    def teardown(self) -> None:
        if hasattr(self, "known"):
            self.known.close()
            self.folder.cleanup()


TestBelonging = Belonging.TestCase
TestBelonging.settings = settings(max_examples=25, stateful_step_count=20)


def test_a_store_of_an_older_version_is_taken_over(tmp_path: Path) -> None:
    with Accounts(tmp_path, FRESH):
        pass
    (tmp_path / DATABASE).unlink()
    old = sqlite3.connect(tmp_path / DATABASE, isolation_level=None)
    migrate(old, "old", MIGRATIONS[:1])
    from tenbin.ledger.accounts.digest import digest

    old.execute(
        "INSERT INTO keys VALUES ('key_a', 'alice', 'search', '', '', '[]', '[]', '[]', '[]', '[]', '[]', 1, NULL, "
        "NULL, NULL, 1)"
    )
    old.execute("INSERT INTO digests VALUES (?, 'key_a', 'tb-aaaa', 1, NULL)", (digest(FRESH, b"tb-aaaa-key"),))
    old.execute("INSERT INTO audit (at_ms, who, act, key, details) VALUES (1, 'me', 'create', 'key_a', '{}')")
    old.close()
    known = KnownKeys(tmp_path)
    found = known.find(b"tb-aaaa-key", 5)
    assert isinstance(found, Caller)
    assert found.account is not None
    assert (found.account.team, found.account.admin, found.account.budgets) == ("search", False, ())
    with Accounts(tmp_path, FRESH) as store:
        assert [(one.subject, one.address) for one in store.audit()] == [("key_a", "")]
        with pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
            store._database.execute("DELETE FROM audit")
    known.close()


def test_teams_before_the_first_key_ask_nobody_for_one(tmp_path: Path) -> None:
    with Accounts(tmp_path, FRESH) as store:
        store.create_owner(Owner(kind="team", name="search", plan="pro"), by=ME, now_ms=1)
    known = KnownKeys(tmp_path)
    before = known.required
    with Accounts(tmp_path, FRESH) as store:
        store.create(Account(key_id="key_a", name="a", team="search"), "tb-key", by=ME, now_ms=2)
    assert known.refresh()
    assert (before, known.required) == (False, True)
    found = known.find(b"tb-key", 5)
    assert isinstance(found, Caller)
    assert found.plan == "pro"
    known.close()


def test_what_changes_nothing_is_not_told_of(tmp_path: Path) -> None:
    with Accounts(tmp_path, FRESH) as store:
        store.create_owner(Owner(kind="user", name="bob", plan="pro"), by=ME, now_ms=1)
        store.edit_owner("user", "bob", {"plan": "pro"}, by=ME, now_ms=2)
        store.able("user", "bob", True, by=ME, now_ms=3)
        store.able("user", "bob", False, by=ME, now_ms=4)
        store.able("user", "bob", False, by=ME, now_ms=5)
        store.note(ME, "reset", "breaker", {"why": "a test"}, 6)
        acts = store.audit()
        assert [(one.act, one.subject, one.address) for one in acts] == [
            ("reset", "breaker", "127.0.0.1"),
            ("disable", "user:bob", "127.0.0.1"),
            ("create", "user:bob", "127.0.0.1"),
        ]
        assert store.audit(most=1, before=acts[0].number) == [acts[1]]
        assert store.audit("user:bob") == acts[1:]
        assert [one.name for one in store.owners("user")] == ["bob"]
        assert store.owners("user", after="bob") == store.owners("team") == []


def test_keys_are_listed_in_pages(tmp_path: Path) -> None:
    with Accounts(tmp_path, FRESH) as store:
        for number in range(7):
            account = Account(
                key_id=f"key_{number}", name=f"n{number}", team="t" if number % 2 else "", expires_at_ms=50 + number
            )
            store.create(account, f"tb-{number}", by=ME, now_ms=1)
        store.revoke("key_3", by=ME, now_ms=2)
        pages, after = list[str](), None
        while page := store.some(most=2, after=after):
            assert len(page) <= 2
            pages += [one.account.key_id for one in page]
            after = pages[-1]
        assert pages == [f"key_{number}" for number in range(7)]
        assert [one.account.key_id for one in store.some(most=9, team="t")] == ["key_1", "key_3", "key_5"]
        assert [one.account.key_id for one in store.some(most=9, of="revoked", now_ms=52)] == ["key_3"]
        assert [one.account.key_id for one in store.some(most=9, of="expired", now_ms=52)] == [
            "key_0",
            "key_1",
            "key_2",
        ]
        with pytest.raises(NoSuchKey):
            store.some(most=1, after="key_99")


def test_the_database_itself_is_brought_up_to_date_once(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    for _ in range(2):
        database = open_database(path)
        names = [name for (name,) in database.execute("SELECT name FROM migrations")]
        database.close()
        assert names == [step.__name__ for step in MIGRATIONS]
