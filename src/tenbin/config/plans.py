"""Plans as they are configured: how much a key may ask for, in a minute, in a day and in one request."""

from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from tenbin.config.address import without_password
from tenbin.config.problem import KeyPath
from tenbin.config.section import Section, Whole
from tenbin.config.shape import suggestion

Mistake = tuple[KeyPath, str, str]
"""Where, what is wrong, how to mend it."""


class PlanConfig(Section, frozen=True):
    """One plan. What is not given is as in Tenbin's own plan of this name, else without a limit; 0: no limit."""

    requests_per_day: Whole | None = None
    """Requests that are answered in a day."""
    tokens_per_day: Whole | None = None
    """Tokens of prompts and answers in a day, as the provider counts them."""
    input_tokens: Whole | None = None
    """Tokens of one prompt, as Tenbin counts them; a longer one is refused."""
    output_tokens: Whole | None = None
    """Tokens of one answer: a request that asks for more, or says nothing, is given this limit."""
    requests_per_minute: Whole | None = None
    """How many requests a minute may go on for long: a token bucket."""
    burst: Whole | None = None
    """How many requests may come at once: the bucket's size. Default: ``requests_per_minute``."""
    concurrent_streams: Whole | None = None
    """Streamed answers under way at the same time, counted by each gateway."""
    smallest_models: Whole | None = None
    """Only so many models may answer: the weakest of those that are weighed (`tenbin plans`
    names them)."""
    targets: list[str] | None = None
    """Only these may answer: ``provider/model`` or a model's name alone, with ``*``. Goes before
    ``smallest_models``."""
    timezone: str | None = None
    """Where its days begin at midnight (IANA, as ``Asia/Tokyo``). Default: ``plans.timezone``."""


class PlansConfig(Section, frozen=True):
    """How much callers may ask for. A key of the store has the plan that it was made with (`tenbin keys create
    --plan`); nobody is limited who has none."""

    default: str | None = None
    """The plan of keys that have none of their own, but for the master key. Default: no limits."""
    keys: dict[str, str] = {}
    """Plans of keys of this file, by name; also of ``master``, and of ``local`` (callers without a key)."""
    timezone: str = "UTC"
    """Time zone of plans that name none."""
    store: str = "memory"
    """Where it is counted: ``memory`` (this process, taken up from its ledger), or ``redis://...``, which gateways on
    several machines share."""
    named: dict[str, PlanConfig] = {}
    """Changes to the plans free, starter, pro and enterprise, and plans of your own, by name."""


SHIPPED: Mapping[str, PlanConfig] = {
    "free": PlanConfig(
        requests_per_day=10,
        tokens_per_day=50_000,
        input_tokens=2_000,
        output_tokens=500,
        requests_per_minute=5,
        concurrent_streams=2,
        smallest_models=1,
    ),
    "starter": PlanConfig(
        requests_per_day=100,
        tokens_per_day=500_000,
        input_tokens=4_000,
        output_tokens=2_000,
        requests_per_minute=20,
        concurrent_streams=5,
        smallest_models=2,
    ),
    "pro": PlanConfig(
        requests_per_day=1_000,
        tokens_per_day=5_000_000,
        input_tokens=8_000,
        output_tokens=4_000,
        requests_per_minute=60,
        concurrent_streams=20,
        smallest_models=4,
    ),
    "enterprise": PlanConfig(
        input_tokens=128_000,
        output_tokens=8_000,
        requests_per_minute=300,
        concurrent_streams=100,
    ),
}
"""The plans that there are without a word of configuration."""


def merged(settings: PlansConfig) -> dict[str, PlanConfig]:
    """All plans by name, Tenbin's own first; of one that is configured, what it says goes before Tenbin's own."""
    plans = dict(SHIPPED)
    for name, own in settings.named.items():
        base = plans.get(name, PlanConfig())
        given = {field: value for field in own.__struct_fields__ if (value := getattr(own, field)) is not None}
        plans[name] = msgspec.structs.replace(base, **given)
    return plans


def plans_mistakes(settings: PlansConfig, keys: Mapping[str, str]) -> Iterator[Mistake]:
    """All that is wrong with the block; ``keys``: those of the file."""
    names = {*SHIPPED, *settings.named}
    if settings.default is not None and settings.default not in names:
        yield ("plans", "default"), f"no plan is named {settings.default}", suggestion(settings.default, names)
    for key, wanted in settings.keys.items():
        known = {"local", "master", *keys}
        if key not in known:
            yield ("plans", "keys", key), f"no key of this file is named {key}", suggestion(key, known)
        elif wanted not in names:
            yield ("plans", "keys", key), f"no plan is named {wanted}", suggestion(wanted, names)
    if settings.store != "memory" and not settings.store.startswith(("redis://", "rediss://", "unix://")):
        yield (
            ("plans", "store"),
            f"{without_password(settings.store)!r} is no store of counters",
            "Write memory, or redis://host:6379/0.",
        )
    yield from _zone(("plans", "timezone"), settings.timezone)
    for name, plan in settings.named.items():
        path: KeyPath = ("plans", "named", name)
        if not name.strip() or len(name) > 100:
            yield path, "a plan's name has 1 to 100 characters", "Give it another name."
        if plan.timezone is not None:
            yield from _zone((*path, "timezone"), plan.timezone)
        if plan.burst and not merged(settings)[name].requests_per_minute:
            yield (*path, "burst"), "a burst of what has no limit", "Add `requests_per_minute` here."
        if plan.targets is not None and not plan.targets:
            yield (*path, "targets"), "an empty list lets no model answer", 'Name some, or write ["*"] for all.'


def _zone(path: KeyPath, name: str) -> Iterator[Mistake]:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield path, f"{name!r} is no time zone", "Write an IANA name, as UTC, Asia/Tokyo or Europe/Berlin."
