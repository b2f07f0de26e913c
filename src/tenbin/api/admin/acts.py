"""1. What the admin API does, one function an operation. Those that are not async block: they work on the store."""

import ipaddress
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from tenbin.api.admin import answers, shapes
from tenbin.api.admin.answers import key_of, line_of, owner_of
from tenbin.api.admin.shapes import allotments, stored
from tenbin.config.keys import PREFIX
from tenbin.config.plans import merged
from tenbin.config.shape import suggestion
from tenbin.core.account import RESERVED, Account, Owner, OwnerKind
from tenbin.core.ask import Caller
from tenbin.core.problems import Problem, Unreadable, invalid
from tenbin.ledger.accounts.log import By, NoSuchKey, NotNow
from tenbin.ledger.accounts.schema import DATABASE
from tenbin.ledger.accounts.store import Accounts, Kept

if TYPE_CHECKING:
    from tenbin.api.service import Service
    from tenbin.api.wrong_keys import WrongKeys

Answered = TypeVar("Answered")
Given = TypeVar("Given")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request to the admin API, read."""

    service: "Service"
    wrong_keys: "WrongKeys"
    caller: Caller
    by: By
    now_ms: int
    drawn: bytes
    """72 random bytes for what is made."""
    named: dict[str, str]
    """Of the path."""
    query: Any
    body: Any

    def __repr__(self) -> str:
        return f"Call(by={self.by!r})"  # what was drawn becomes secrets

    def store(self, act: Callable[[Accounts], Answered], *, makes: bool = False) -> Answered:
        """Act on the store. Where there is none it is made if the act ``makes`` it; else raises NoSuchKey."""
        directory = self.service.book.directory
        if not makes and not (directory / DATABASE).exists():
            raise NoSuchKey("The store is empty: no key, team or user has been made yet.")
        with Accounts(directory, self.drawn[:32]) as accounts:
            return act(accounts)

    def is_there(self) -> bool:
        """Whether anything has ever been kept in the store."""
        return (self.service.book.directory / DATABASE).exists()

    @property
    def secret(self) -> str:
        """A new key: ``tb-`` and 256 random bits."""
        from base64 import urlsafe_b64encode

        return PREFIX + urlsafe_b64encode(self.drawn[32:64]).rstrip(b"=").decode()


# -- keys


def list_keys(call: Call) -> answers.Keys:
    """List the keys, in the order in which they were made."""
    query: shapes.KeysQuery = call.query
    if not call.is_there():
        return answers.Keys(data=[], next=None)
    try:
        found = call.store(
            lambda store: store.some(
                most=query.limit + 1,
                after=query.after or None,
                team=_given(query.team),
                user=_given(query.user),
                of=_given(query.state),
                now_ms=call.now_ms,
            )
        )
    except NoSuchKey as error:
        problem = invalid(f"after: {error} Give `next` of the page before.", param="after", status=404)
        raise Unreadable(problem) from error
    data = [key_of(one, call.now_ms) for one in found[: query.limit]]
    return answers.Keys(data=data, next=data[-1].key_id if len(found) > query.limit else None)


def create_key(call: Call) -> answers.NewKey:
    """Make a key. Its secret is in this answer and nowhere else. A name that is taken is a conflict, so that the same
    request sent again makes no second key.
    """
    given: shapes.KeyCreate = call.body
    return _made(call, given, plan=given.plan, admin=False)


def create_admin_key(call: Call) -> answers.NewKey:
    """Make a key that may administer, and nothing else."""
    _only_for_the_master(call)
    return _made(call, call.body, plan="", admin=True)


def _made(call: Call, given: shapes.KeyCreate | shapes.AdminKeyCreate, *, plan: str, admin: bool) -> answers.NewKey:
    _planned(call, plan)
    if given.name in RESERVED or given.name in call.service.config.keys:
        raise NotNow(f"The name {given.name!r} is taken: receipts bear it for another key. Choose another one.")
    account = Account(
        key_id=f"key_{call.drawn[64:72].hex()}",
        name=given.name,
        team=given.team,
        user=given.user,
        plan=plan,
        expires_at_ms=stored(given.expires_at),
        admin=admin,
        **_rules(given),
    )

    def act(store: Accounts) -> Kept:
        store.create(account, call.secret, by=call.by, now_ms=call.now_ms)
        return store.find(account.key_id)

    return answers.NewKey(secret=call.secret, key=key_of(call.store(act, makes=True), call.now_ms))


def show_key(call: Call) -> answers.Key:
    """Show a key, by its id or its name."""
    return key_of(call.store(lambda store: known(store, call)), call.now_ms)


def change_key(call: Call) -> answers.Key:
    """Change what a key may do; what is left out stays. No key becomes an admin key, or ceases to be one."""
    changes = _rules(call.body)
    for name in ("team", "user", "plan"):
        if (value := getattr(call.body, name)) is not UNSET:
            changes[name] = value
    _planned(call, changes.get("plan", ""))

    def act(store: Accounts) -> Kept:
        kept = _changeable(store, call)
        if kept.account.admin and (named := sorted(changes.keys() - {"tags", "networks", "team", "user"})):
            raise NotNow(f"{kept.account.name} is an admin key, for which {', '.join(named)} mean nothing.")
        store.edit(kept.account.key_id, changes, by=call.by, now_ms=call.now_ms)
        return store.find(kept.account.key_id)

    return key_of(call.store(act), call.now_ms)


def rotate_key(call: Call) -> answers.NewKey:
    """Give a key a new secret, which is in this answer and nowhere else. Should the answer get lost, rotate again: no
    earlier grace is made longer by that.
    """
    given: shapes.Rotation = call.body

    def act(store: Accounts) -> Kept:
        key_id = _changeable(store, call, own=True).account.key_id
        store.rotate(key_id, call.secret, grace_ms=int(given.grace_seconds * 1000), by=call.by, now_ms=call.now_ms)
        return store.find(key_id)

    return answers.NewKey(secret=call.secret, key=key_of(call.store(act), call.now_ms))


def expire_key(call: Call) -> answers.Key:
    """Move the end of a key, also of one that has expired."""
    given: shapes.Expiry = call.body

    def act(store: Accounts) -> Kept:
        key_id = _changeable(store, call).account.key_id
        store.expire(key_id, stored(given.expires_at), by=call.by, now_ms=call.now_ms)
        return store.find(key_id)

    return key_of(call.store(act), call.now_ms)


def revoke_key(call: Call) -> answers.Key:
    """End a key for good. Once more changes nothing."""

    def act(store: Accounts) -> Kept:
        kept = _changeable(store, call, own=True)
        if kept.account.revoked_at_ms is None:
            store.revoke(kept.account.key_id, by=call.by, now_ms=call.now_ms)
        return store.find(kept.account.key_id)

    return key_of(call.store(act), call.now_ms)


def known(store: Accounts, call: Call) -> Kept:
    """The key that the path names; by its id or name, not by its beginning."""
    named = call.named["key"]
    kept = store.find(named)
    if named not in (kept.account.key_id, kept.account.name):
        raise NoSuchKey(f"No key has the id or name {named[:80]!r}. GET /admin/v1/keys lists those there are.")
    return kept


def _changeable(store: Accounts, call: Call, *, own: bool = False) -> Kept:
    """The key that the path names. An admin key changes no admin key; with ``own``, it may itself."""
    kept = known(store, call)
    if kept.account.admin and not (own and kept.account.key_id == call.caller.key_id):
        _only_for_the_master(call)
    return kept


def _only_for_the_master(call: Call) -> None:
    if call.caller.account is not None:
        raise Unreadable(
            Problem(
                status=403,
                code="permission_error",
                message="An admin key makes and changes no admin keys, but for rotating and revoking itself. Send "
                "`master_key`, or use `tenbin keys` on the gateway's machine.",
                param="authorization",
                should_retry=False,
            )
        )


def _rules(given: shapes.KeyCreate | shapes.KeyPatch | shapes.AdminKeyCreate) -> dict[str, Any]:
    """The rules that were given, as an Account has them."""
    found: dict[str, Any] = {}
    for name in ("tags", "models", "targets", "tiers", "routes", "operations"):
        if (value := getattr(given, name, UNSET)) is not UNSET:
            found[name] = tuple(dict.fromkeys(value))
    if given.networks is not UNSET:
        found["networks"] = tuple(_network(one, number) for number, one in enumerate(given.networks))
    if (budgets := getattr(given, "budgets", UNSET)) is not UNSET:
        found["budgets"] = allotments("key", budgets)
    return found


def _network(text: str, number: int) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError as error:
        field = f"networks[{number}]"
        raise Unreadable(
            invalid(f"{field}: {text!r} is no address or network. Write 10.0.0.0/8 or ::1.", param=field)
        ) from error


def _planned(call: Call, plan: str) -> None:
    """Raises Unreadable for a plan that the configuration does not have."""
    known = merged(call.service.config.plans)
    if plan and plan not in known:
        raise Unreadable(
            Problem(
                status=409,
                code="conflict_error",
                message=f"plan: the configuration has no plan {plan!r}. {suggestion(plan, known)}",
                param="plan",
                should_retry=False,
            )
        )


def _given(value: Given | UnsetType) -> Given | None:
    """None for what was left out."""
    return None if value is UNSET else value


# -- teams and users


def list_owners(call: Call, kind: OwnerKind) -> answers.Owners:
    """List them, by name."""
    query: shapes.OwnersQuery = call.query
    if not call.is_there():
        return answers.Owners(data=[], next=None)
    found = call.store(lambda store: store.owners(kind, most=query.limit + 1, after=query.after or ""))
    data = [owner_of(one) for one in found[: query.limit]]
    return answers.Owners(data=data, next=data[-1].name if len(found) > query.limit else None)


def create_owner(call: Call, kind: OwnerKind) -> answers.Owner:
    """Make one. Keys that name it already belong to it."""
    given: shapes.OwnerCreate = call.body
    _planned(call, given.plan)
    owner = Owner(
        kind=kind,
        name=given.name,
        plan=given.plan,
        tags=tuple(dict.fromkeys(given.tags)),
        budgets=allotments(kind, given.budgets),
    )
    made = call.store(lambda store: store.create_owner(owner, by=call.by, now_ms=call.now_ms), makes=True)
    return owner_of(made)


def show_owner(call: Call, kind: OwnerKind) -> answers.Owner:
    """Show one."""
    return owner_of(call.store(lambda store: store.find_owner(kind, call.named[kind])))


def change_owner(call: Call, kind: OwnerKind) -> answers.Owner:
    """Change one; what is left out stays."""
    given: shapes.OwnerPatch = call.body
    changes: dict[str, Any] = {}
    if given.plan is not UNSET:
        _planned(call, given.plan)
        changes["plan"] = given.plan
    if given.tags is not UNSET:
        changes["tags"] = tuple(dict.fromkeys(given.tags))
    if given.budgets is not UNSET:
        changes["budgets"] = allotments(kind, given.budgets)
    name = call.named[kind]
    return owner_of(call.store(lambda store: store.edit_owner(kind, name, changes, by=call.by, now_ms=call.now_ms)))


def able_owner(call: Call, kind: OwnerKind, able: bool) -> answers.Owner:
    """Disable one, so that none of its keys is taken, or enable it again. Once more changes nothing."""
    name = call.named[kind]
    return owner_of(call.store(lambda store: store.able(kind, name, able, by=call.by, now_ms=call.now_ms)))


# -- what was done


def audit(call: Call) -> answers.Audit:
    """List what was done, the newest first."""
    query: shapes.AuditQuery = call.query
    if not call.is_there():
        return answers.Audit(data=[], next=None)
    found = call.store(lambda store: store.audit(_given(query.subject), query.limit + 1, _given(query.before)))
    data = [line_of(one) for one in found[: query.limit]]
    return answers.Audit(data=data, next=data[-1].number if len(found) > query.limit else None)
