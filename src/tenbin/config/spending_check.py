"""Does the `spending` block make sense? What no type can say: time zones, stores, two limits for the same thing."""

from collections.abc import Iterator
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tenbin.config.caching_check import SERVERS, Mistake
from tenbin.config.model import Config
from tenbin.config.provider import EMBEDDED, split_target
from tenbin.config.quirks import PROFILES
from tenbin.config.shape import suggestion
from tenbin.config.spending import BudgetConfig, SpendingConfig
from tenbin.core.budget import Budget
from tenbin.core.money import nano_from_usd

DATABASES = ("postgres", "postgresql")
MOST_USD = 9_000_000
"""Every store counts amounts up to this one exactly."""


def budgets_of(spending: SpendingConfig) -> tuple[Budget, ...]:
    """The budgets as they are counted."""
    return tuple(_budget(one, spending.timezone) for one in spending.budgets)


def spending_mistakes(config: Config) -> Iterator[Mistake]:
    """All mistakes of the block."""
    spending = config.spending
    if not _is_zone(spending.timezone):
        yield ("spending", "timezone"), *_no_zone(spending.timezone)
    if not _is_store(spending.store):
        message = f"{_hidden(spending.store)!r} is no place to count spending"
        yield (
            ("spending", "store"),
            message,
            "Write memory, sqlite, sqlite:///FILE, redis://host:6379/0, or postgresql://host/database.",
        )
    seen: dict[tuple[str, ...], int] = {}
    for number, one in enumerate(spending.budgets):
        path = ("spending", "budgets", number)
        if one.timezone is not None and not _is_zone(one.timezone):
            yield (*path, "timezone"), *_no_zone(one.timezone)
        if one.usd > MOST_USD:
            yield (*path, "usd"), f"more than {MOST_USD:,} USD is not counted exactly", "Write less."
        if (wrong := _no_scope(one.scope, config)) is not None:
            yield (*path, "scope"), *wrong
        kind = "hard" if one.hard else "soft"
        same = (one.scope, one.window, kind, one.timezone or spending.timezone)
        if same in seen:
            message = f"{one.scope} has a {kind} budget by the {one.window} already (number {seen[same] + 1})"
            yield path, message, "Leave one of them out."
        seen.setdefault(same, number)


def _no_scope(scope: str, config: Config) -> tuple[str, str] | None:
    """Why a budget would count nothing for ever, and what was meant."""
    kind, _, name = scope.partition(":")
    if kind == "model" and name != "*":
        parts = split_target(name)
        if parts is None:
            fix = "Write model:provider/model; a name under `models` is route:model:NAME."
            return f"{name!r} does not name a provider and a model, and no call would be counted", fix
        if parts[0] not in config.providers and parts[0] not in PROFILES and parts[0] != EMBEDDED:
            known = suggestion(parts[0], {*config.providers, *PROFILES})
            return f"no provider is named {parts[0]}, and no call would be counted", known
    rules = {rule.name for rule in config.routing.rules}
    if kind == "route" and name in {*config.models, *config.cascades} - rules:
        return f"no route is called {name!r}, and no call would be counted", f"Write route:model:{name}."
    return None


def _budget(one: BudgetConfig, zone: str) -> Budget:
    kind, _, name = one.scope.partition(":")
    return Budget(
        kind=kind,  # type: ignore[arg-type]  # the pattern of the field
        name=name,
        window=one.window,
        nano=nano_from_usd(repr(one.usd)),
        hard=one.hard,
        zone=one.timezone or zone,
    )


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _no_zone(name: str) -> tuple[str, str]:
    return f"no time zone is called {name!r}", "Write one of the IANA names, as UTC, Asia/Tokyo, Europe/Berlin."


def _is_store(store: str) -> bool:
    if store in ("memory", "sqlite"):
        return True
    if store.startswith("sqlite:"):
        return store.startswith("sqlite:///") and len(store) > len("sqlite:///")
    try:
        parts = urlsplit(store)
    except ValueError:
        return False
    return parts.scheme in (*SERVERS, *DATABASES) and bool(parts.netloc or parts.path)


def _hidden(store: str) -> str:
    """Without what may be a password in it."""
    return store.rpartition("@")[2] if "@" in store else store
