"""What caches make of the bill: the month with repeats, played with each arrangement of caches, routed and not."""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks.month import parameters as of
from benchmarks.month.play import Caches, Played, play
from benchmarks.month.policies import ALL_OPUS, LOCAL, POLICIES, TENBIN_FLOORS, Policy
from benchmarks.month.repeats import month_with_repeats
from benchmarks.month.score import score

PARTS = {"batch": "archive", "question": "help_desk"}
"""By kind of request, whose it is; all others are agents'."""


class Arrangement(NamedTuple):
    """Who chooses the model, and which caches are on."""

    name: str
    title: str
    policy: Policy
    caches: Caches
    routed: bool = False


def _routed(floor: float) -> Arrangement:
    policy = next(one for one in POLICIES if one.floor == floor and one.name.startswith("tenbin"))
    return Arrangement(policy.name, f"(d) {policy.title}", policy, Caches(responses=True), True)


NO_CACHE = Arrangement("no-cache", "(a) no cache at all", ALL_OPUS, Caches(marks=False, place="off"))
OWN_MARKS = Arrangement("own-marks", "(b) agents' own marks", ALL_OPUS, Caches(place="off"))
BOTH = Arrangement("both", "(c) also both", ALL_OPUS, Caches(responses=True))
ARRANGEMENTS = (
    NO_CACHE,
    OWN_MARKS,
    Arrangement("prompts", "(c) also Tenbin's marks for programs", ALL_OPUS, Caches()),
    Arrangement("responses", "(c) also the response cache", ALL_OPUS, Caches(place="off", responses=True)),
    BOTH,
    Arrangement(
        "unmarked",
        "(c) both, agents that mark nothing",
        ALL_OPUS,
        Caches(marks=False, place="all", responses=True),
    ),
    Arrangement(
        "kept",
        "(c) both, answers kept for 30 days",
        ALL_OPUS,
        Caches(responses=True, keep_days=30),
    ),
    *(_routed(floor) for floor in TENBIN_FLOORS),
)
"""The first two are what the others are held against."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the traffic under one arrangement."""

    requests: int
    repeats: int
    """Word for word an earlier one."""
    hits: int
    """Answered by the response cache."""
    cash_nano: int
    """Billed, as the ledger has it."""
    prompt_tokens: int
    """Of the requests that went to a model."""
    read_tokens: int
    """Of these, read from a provider's cache."""
    read_saved_nano: int
    """What the requests that went to a model would have cost more without providers' caches."""
    hit_saved_nano: int
    """What the answers had cost that were given again, by the receipts of the hits."""
    seconds_saved: float
    """What models would have taken to give these answers again, by the speeds that the page assumes."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One arrangement's figures."""

    name: str
    title: str
    routed: bool
    quality: float
    """Of what the strongest reaches; an answer from the cache is as good as the one that it repeats."""
    quality_low: float
    quality_high: float
    agents: float
    programs: float
    parts: dict[str, Part]
    """``agents``, ``archive``, ``help_desk``."""

    @property
    def cash_nano(self) -> int:
        """The whole bill."""
        return sum(part.cash_nano for part in self.parts.values())


class CachesResult(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    date: str
    seed: int
    scale: float
    seconds: float
    kinds: dict[str, int]
    """Requests by kind."""
    rows: list[Row]

    def write(self, path: Path) -> None:
        """Keep it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")


def chosen_arrangements(names: str | None) -> list[Arrangement]:
    """Those of these names (with commas), and always the two that the others are held against.

    Raises ValueError for a name that none has.
    """
    known = {one.name: one for one in ARRANGEMENTS}
    wanted = names.split(",") if names else list(known)
    unknown = set(wanted) - set(known)
    if unknown:
        raise ValueError(f"no arrangement is called {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return [one for one in ARRANGEMENTS if one.name in wanted or one in (NO_CACHE, OWN_MARKS)]


def measure_caches(
    arrangements: Sequence[Arrangement], *, seed: int = 1, scale: float = 1.0, latencies: bool = True
) -> CachesResult:
    """Play the month with repeats under each arrangement. Raises Unsettled."""
    begun, started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M"), time.monotonic()
    rows, strongest = [], None
    for one in arrangements:
        print(f"{one.title} ...", file=sys.stderr, flush=True)
        played = play(
            one.policy, seed=seed, scale=scale, latencies=latencies, caches=one.caches, requests=month_with_repeats
        )
        strongest = strongest or played
        rows.append(row(one, played, strongest))
    assert strongest is not None
    return CachesResult(
        date=begun,
        seed=seed,
        scale=scale,
        seconds=time.monotonic() - started,
        kinds=dict(Counter(one.request.kind for one in strongest)),
        rows=rows,
    )


def row(arrangement: Arrangement, played: Sequence[Played], strongest: Sequence[Played]) -> Row:
    """An arrangement's figures, its quality held against ``strongest``'s month."""
    quality = score(arrangement.policy, played, strongest)
    parts: defaultdict[str, list[Played]] = defaultdict(list)
    for one in played:
        parts[PARTS.get(one.request.kind, "agents")].append(one)
    return Row(
        name=arrangement.name,
        title=arrangement.title,
        routed=arrangement.routed,
        quality=quality.quality,
        quality_low=quality.quality_low,
        quality_high=quality.quality_high,
        agents=quality.agents,
        programs=quality.programs,
        parts={name: _part(parts[name]) for name in ("agents", *PARTS.values())},
    )


def _part(played: Sequence[Played]) -> Part:
    return Part(
        requests=len(played),
        repeats=sum(one.request.repeated for one in played),
        hits=sum(one.hit for one in played),
        cash_nano=sum(one.billed_nano for one in played),
        prompt_tokens=sum(one.usage.prompt for one in played),
        read_tokens=sum(one.usage.cache_read for one in played),
        read_saved_nano=sum(one.uncached_nano - one.billed_nano for one in played),
        hit_saved_nano=sum(one.saved_nano for one in played),
        seconds_saved=_seconds(one for one in played if one.hit),
    )


def _seconds(hits: Iterable[Played]) -> float:
    total = 0.0
    for one in hits:
        speed = of.LOCAL_SPEED if one.target == LOCAL else of.HOSTED_SPEED
        total += of.FIRST_TOKEN_SECONDS.value + one.request.output_tokens / speed.value
    return total
