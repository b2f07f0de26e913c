"""1. What a key may do: which models may answer it, which paths it may use, and where it may come from. Pure."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from tenbin.core.account import Account
from tenbin.core.problems import Problem, Unreadable
from tenbin.core.target import Target
from tenbin.decide.routing import Names, names

FOR_OPERATORS = ("/metrics", "/health/targets")
"""Pages that tell of all keys' traffic: a key of the store sees one only where its routes name it."""

ADMIN = "/admin/"
ADMIN_PATHS = (ADMIN, "/breaker", "/budgets", "/cache")
"""Beginnings of the paths that are for admin keys."""

_REJECTED = "the key may not use it"


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Which models are for a key."""

    label: str
    """The rules in words, for whoever is refused."""
    models: Names
    """Names that may be asked for; empty: all."""
    targets: Names
    """Who may answer, by ``provider/model`` or the model's name; empty: all."""
    granted: frozenset[str] = frozenset()
    """Names that aliases mean which may be asked for."""
    tiered: frozenset[str] | None = None
    """``provider/model`` of all in the tiers that may answer; None: all."""
    planned: Names | None = None
    """Who may answer by the key's plan; None: all."""

    def permits_name(self, name: str) -> bool:
        """Whether this name may be asked for."""
        return not self.models or name in self.models or name in self.granted

    def permits(self, target: Target) -> bool:
        """Whether this target may answer."""
        if self.tiered is not None and target.name not in self.tiered:
            return False
        planned = self.planned
        if planned is not None and target.name not in planned and target.model not in planned:
            return False
        return not self.targets or target.name in self.targets or target.model in self.targets

    def check_name(self, name: str) -> None:
        """Raises Unreadable for a name that may not be asked for."""
        if not self.permits_name(name):
            raise Unreadable(_forbidden(f"This key may not ask for {name[:80]!r}: {self.label}."))

    def divided(
        self, model: str, targets: tuple[Target, ...]
    ) -> tuple[tuple[Target, ...], tuple[tuple[str, str], ...]]:
        """Those of a chain that may answer, and (target, reason) of the others. Raises Unreadable when nobody may."""
        kept = tuple(target for target in targets if self.permits(target))
        if targets and not kept:
            led = ", ".join(target.name for target in targets)
            raise Unreadable(_forbidden(f"{model[:80]!r} leads to {led}, which this key may not use: {self.label}."))
        return kept, tuple((target.name, _REJECTED) for target in targets if target not in kept)


def access(
    models: Iterable[str],
    targets: Iterable[str],
    tiers: Iterable[str] = (),
    tiered: frozenset[str] = frozenset(),
    planned: Iterable[str] | None = None,
) -> Access:
    """Take in the rules of an account; ``tiered`` are the targets of its tiers, ``planned`` those of its plan."""
    asked, answering = tuple(models), tuple(targets)
    words = []
    if asked:
        words.append(f"it may ask for {', '.join(asked)}")
    if answering:
        words.append(f"it may be answered by {', '.join(answering)}")
    within = tuple(tiers)
    if within:
        words.append(f"models of {'these tiers' if len(within) > 1 else 'the tier'} may answer it: {', '.join(within)}")
        if not tiered:
            words.append("no model is known to be there (routing.tiers)")
    of_plan = None if planned is None else tuple(planned)
    if of_plan is not None:
        words.append(f"its plan has {', '.join(of_plan) or 'no model that is known here'}")
    return Access(
        label="; ".join(words),
        models=names(asked),
        targets=names(answering),
        tiered=tiered if within else None,
        planned=None if of_plan is None else names(of_plan),
    )


def _forbidden(message: str) -> Problem:
    return Problem(
        status=403,
        code="permission_error",
        message=f"{message} GET /v1/models lists what it may use; whoever runs the gateway can make a key for more.",
        param="model",
        should_retry=False,
    )


def refused(account: Account, *, path: str, operation: str = "", address: str) -> Problem | None:
    """Why this key may not ask this, whatever the model; None when it may. ``address``: where the connection comes
    from. ``operation``: empty for a page.
    """
    if account.networks and not _within(address, account.networks):
        return _not_for_key(
            f"The key {account.name!r} may not be used from {address or 'an unknown address'}: it is bound to "
            f"{', '.join(account.networks)}. Send the request from there. Behind a proxy, the proxy's address counts.",
            "authorization",
        )
    if account.admin:
        if path in FOR_OPERATORS or path.startswith(ADMIN_PATHS):
            return None
        return _not_for_key(
            f"The key {account.name!r} is an admin key: it administers under {ADMIN}v1/ and asks no model. Send a key "
            "for clients (`tenbin keys create`).",
            "authorization",
        )
    if path.startswith(ADMIN):
        return NOT_AN_ADMIN
    if account.routes:
        if not (_within_routes(path, account.routes) or _within_routes(f"/v1{path}", account.routes)):
            return _not_for_key(
                f"The key {account.name!r} may not use {path[:80]}: it is for {', '.join(account.routes)}.", "path"
            )
    elif path in FOR_OPERATORS:
        return _not_for_key(
            f"{path} tells of all keys' traffic, and {account.name!r} is not a key for it. Send master_key, or a key "
            f"made with --route {path}.",
            "path",
        )
    if operation and account.operations and operation not in account.operations:
        return _not_for_key(
            f"The key {account.name!r} is for {', '.join(account.operations)} only, and this is {operation}.", "path"
        )
    return None


def _within_routes(path: str, routes: tuple[str, ...]) -> bool:
    return path in _routes(routes)


@lru_cache(maxsize=256)
def _routes(routes: tuple[str, ...]) -> Names:
    return names(routes)


@lru_cache(maxsize=256)
def _networks(networks: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(one, strict=False) for one in networks)


@lru_cache(maxsize=1024)
def _within(address: str, networks: tuple[str, ...]) -> bool:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in _networks(networks))


def _not_for_key(message: str, param: str) -> Problem:
    return Problem(status=403, code="permission_error", message=message, param=param, should_retry=False)


NOT_AN_ADMIN = _not_for_key(
    "This key may not administer. Send `master_key`, or a key made with `tenbin keys create NAME --admin`.",
    "authorization",
)
"""The answer to whoever asks for the admin API with another key."""
