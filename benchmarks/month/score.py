"""What a policy's month came to: money from the ledger, quality from the outcome tables, caches and switches.

Quality is an expectation: a judged answer counts for the share of questions that its class of model answered well in
the table of its kind of work. Both halves of the traffic, people's agents and programs, weigh the same.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from benchmarks.month.outcomes import CLASSES, Rates, rates, resampled, table_of
from benchmarks.month.play import Played
from benchmarks.month.policies import CLASS_OF, Policy
from benchmarks.month.workload import PROGRAMS

Judged = Mapping[str, Mapping[tuple[str, int], int]]
"""By half of the traffic: how many answers of (table, place in CLASSES) were judged."""


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """One policy's figures."""

    policy: str
    title: str
    floor: float | None
    told: str
    cash_nano: int
    """Billed, as the ledger has it."""
    uncached_nano: int
    """What the same requests to the same models would have cost without prompt caches: what a router sees that ignores
    them.
    """
    electricity_nano: int
    quality: float
    """Share of judged answers expected to be good, of what always asking the strongest reaches."""
    quality_low: float
    quality_high: float
    """The same with the tables' questions drawn anew, 2.5th and 97.5th percentile."""
    agents: float
    """The same, of the answers to people's agents alone."""
    programs: float
    """The same, of programs' requests alone."""
    hit_ratio: float
    """Prompt tokens read from a provider's cache, of all."""
    switches: int
    """Requests of a conversation that went to another model than the one before."""
    requests: dict[str, int]
    """By target."""
    prompt_tokens: int
    output_tokens: int
    decision_p50_ms: float
    """From a request's arrival to the call of the provider, median."""
    programs_nano: int = 0
    """Of ``cash_nano``: what programs' requests cost; the rest is agents'."""


def score(policy: Policy, played: Sequence[Played], strongest: Sequence[Played]) -> Score:
    """A policy's figures, its quality held against ``strongest``'s month."""
    judged, best = _judged(played), _judged(strongest)
    drawn = sorted(_quality(judged, one) / _quality(best, one) for one in resampled())
    whole = rates()

    def half(name: str) -> float:
        return _good(judged[name], whole) / _good(best[name], whole)

    prompt = sum(one.usage.prompt for one in played)
    return Score(
        policy=policy.name,
        title=policy.title,
        floor=policy.floor,
        told=policy.told,
        cash_nano=sum(one.billed_nano for one in played),
        uncached_nano=sum(one.uncached_nano for one in played),
        electricity_nano=sum(one.electricity_nano for one in played),
        quality=_quality(judged, whole) / _quality(best, whole),
        quality_low=drawn[len(drawn) * 25 // 1_000],
        quality_high=drawn[len(drawn) * 975 // 1_000],
        agents=half("agents"),
        programs=half("programs"),
        hit_ratio=sum(one.usage.cache_read for one in played) / prompt,
        switches=switches(played),
        requests=dict(Counter(one.target for one in played)),
        prompt_tokens=prompt,
        output_tokens=sum(one.usage.output for one in played),
        decision_p50_ms=sorted(one.decision_ms for one in played)[len(played) // 2],
        programs_nano=sum(one.billed_nano for one in played if one.request.kind in PROGRAMS),
    )


def switches(played: Iterable[Played]) -> int:
    """How often a conversation went to another model than with its request before."""
    before: dict[str, str] = {}
    count = 0
    for one in played:
        name = one.request.conversation
        if name:
            count += before.get(name, one.target) != one.target
            before[name] = one.target
    return count


def _judged(played: Iterable[Played]) -> Judged:
    """The answers that somebody looks at: the last one of each turn, compactions, and all of programs; not titles."""
    found: dict[str, Counter[tuple[str, int]]] = {"agents": Counter(), "programs": Counter()}
    for one in played:
        request = one.request
        if request.last and request.task != "title":
            half = "programs" if request.kind in PROGRAMS else "agents"
            found[half][table_of(request.task), CLASSES.index(CLASS_OF[one.target])] += 1
    return found


def _good(counts: Mapping[tuple[str, int], int], known: Rates) -> float:
    return sum(count * known[table][place] for (table, place), count in counts.items()) / sum(counts.values())


def _quality(judged: Judged, known: Rates) -> float:
    return sum(_good(counts, known) for counts in judged.values()) / len(judged)


class Matched(NamedTuple):
    """A rival, and what Tenbin takes for the same quality."""

    rival: Score
    cash_nano: int | None
    """None where no setting is as good."""
    settings: tuple[Score, ...]
    """One setting, or two of which each has some of the conversations."""


def matched(scores: Sequence[Score]) -> list[Matched]:
    """For every other policy, the cheapest mix of two of Tenbin's settings that has its quality: the lower hull of the
    settings, as RouterBench draws its frontiers.
    """
    own = [one for one in scores if one.policy.startswith("tenbin")]
    return [_match(rival, own) for rival in scores if not rival.policy.startswith("tenbin")]


def _match(rival: Score, own: Sequence[Score]) -> Matched:
    wanted = rival.quality - 1e-9
    found: list[tuple[int, tuple[Score, ...]]] = [(one.cash_nano, (one,)) for one in own if one.quality >= wanted]
    for less in own:
        for more in own:
            if less.quality < wanted <= more.quality:
                share = (wanted - less.quality) / (more.quality - less.quality)
                found.append((round(less.cash_nano + share * (more.cash_nano - less.cash_nano)), (less, more)))
    if not found:
        return Matched(rival, None, ())
    cash, settings = min(found, key=lambda pair: (pair[0], len(pair[1])))
    return Matched(rival, cash, settings)
