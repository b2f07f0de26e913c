"""The simulated month: its requests are the same for everybody, and every receipt of it is the price of its usage."""

from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.month import parameters as of
from benchmarks.month import report
from benchmarks.month.arithmetic import bills
from benchmarks.month.caches import NO_CACHE, OWN_MARKS, chosen_arrangements, measure_caches
from benchmarks.month.caches_report import PUBLISHED_CACHES, caches_parameters, read_caches, render_caches
from benchmarks.month.command import measure
from benchmarks.month.outcomes import CLASSES, rates
from benchmarks.month.play import Played, play
from benchmarks.month.policies import ALL_OPUS, CLASS_OF, LADDER, OPUS, POLICIES, Policy, chosen
from benchmarks.month.repeats import month_with_repeats
from benchmarks.month.report import PUBLISHED
from benchmarks.month.score import score, switches
from benchmarks.month.workload import BEGINS_MS, PROGRAMS, month
from tenbin.core.price import FREE
from tenbin.core.usage import Usage
from tenbin.ledger.prices import PriceBook

DAY = 0.05
"""The scale at which the month is one day."""


def named(name: str) -> Policy:
    return next(policy for policy in POLICIES if policy.name == name)


@pytest.fixture(scope="module")
def plays() -> dict[str, list[Played]]:
    """One day under each kind of policy."""
    names = ("all-opus", "ccr", "message-0.9", "turn-0.9", "tenbin")
    return {name: play(named(name), scale=DAY, latencies=False) for name in names}


def test_the_requests_are_the_seeds_and_nothing_elses() -> None:
    first, again, other = (list(month(seed, DAY)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    times = [request.at_ms for request in first]
    assert times == sorted(times)
    assert times[0] >= BEGINS_MS


def test_a_conversation_grows_by_what_was_said_in_it() -> None:
    steps = [request for request in month(1, DAY) if request.kind == "agent"]
    for before, after in pairwise(steps):
        if before.conversation == after.conversation and len(after.body["messages"]) > len(before.body["messages"]):
            kept = len(before.body["messages"]) - 1
            assert after.body["messages"][:kept] == before.body["messages"][:kept]
            assert after.body["system"] == before.body["system"]
    assert all(request.headers["x-claude-code-session-id"] for request in steps)
    marks = str(steps[-1].body).count("cache_control")
    assert marks == 3


def test_every_policy_is_asked_the_same(plays: dict[str, list[Played]]) -> None:
    asked = [[(one.request.task, one.request.last, one.request.at_ms) for one in played] for played in plays.values()]
    assert all(one == asked[0] for one in asked)
    outputs = [sum(one.usage.output for one in played) for played in plays.values()]
    assert len(set(outputs)) == 1
    for played in plays.values():
        assert [one.usage.output for one in played] == [one.request.output_tokens for one in played]


def test_what_is_billed_is_the_price_of_what_was_used(plays: dict[str, list[Played]]) -> None:
    book = PriceBook({})
    book.wait()
    for played in plays.values():
        for one in played:
            provider, _, model = one.target.partition("/")
            price = FREE if provider == "laptop" else book.price(provider, model, one.request.at_ms)
            assert price is not None
            assert one.billed_nano == price.cost(one.usage)
            assert one.uncached_nano == price.cost(Usage(input=one.usage.prompt, output=one.usage.output))


def test_the_same_month_comes_to_the_same_sum(plays: dict[str, list[Played]]) -> None:
    again = play(named("tenbin"), scale=DAY, latencies=False)
    assert [(one.target, one.usage, one.billed_nano) for one in again] == [
        (one.target, one.usage, one.billed_nano) for one in plays["tenbin"]
    ]


def test_caches_are_warm_until_somebody_leaves_them(plays: dict[str, list[Played]]) -> None:
    strongest = plays["all-opus"]
    assert {one.target for one in strongest} == {OPUS}
    assert switches(strongest) == 0
    within = [one for one in strongest if one.request.kind == "agent"][1:]
    assert sum(one.usage.cache_read for one in within) > 0.8 * sum(one.usage.prompt for one in within)
    best = score(ALL_OPUS, strongest, strongest)
    assert (best.quality, best.quality_low, best.quality_high) == (1.0, 1.0, 1.0)
    flipping = score(named("message-0.9"), plays["message-0.9"], strongest)
    staying = score(named("tenbin"), plays["tenbin"], strongest)
    assert flipping.switches > staying.switches
    assert flipping.hit_ratio < best.hit_ratio
    assert staying.cash_nano < best.cash_nano


def test_abler_classes_are_better_in_each_table() -> None:
    assert [CLASS_OF[target] for target in LADDER] == list(CLASSES)
    for shares in rates().values():
        assert list(shares) == sorted(shares)


def test_the_usual_sum_is_reproduced_to_the_cent() -> None:
    then, now = bills()
    assert (then.all_opus, then.mix) == (480_000_000_000, 201_600_000_000)
    assert (now.all_opus, now.mix) == (384_000_000_000, 127_680_000_000)


def test_policies_are_chosen_by_name_beside_the_strongest() -> None:
    assert [policy.name for policy in chosen("ccr,tenbin")] == ["all-opus", "ccr", "tenbin"]
    with pytest.raises(ValueError, match="no policy is called nothing"):
        chosen("ccr,nothing")


def test_a_run_is_kept_and_told(tmp_path: Path) -> None:
    result = measure(chosen("tenbin"), scale=DAY, latencies=False)
    result.write(tmp_path / "month.json")
    told = report.render(report.read(tmp_path / "month.json"))
    assert "Tenbin, floor 0.8" in told
    assert "$201.60" in told


def test_the_page_shows_what_was_published() -> None:
    assert report.render(report.read(PUBLISHED)).strip() in report.PAGE.read_text()
    assert report.parameters() in report.PAGE.read_text()
    assert report.outcomes() in report.PAGE.read_text()


@pytest.fixture(scope="module")
def repeating() -> dict[str, list[Played]]:
    """One day with repeats under each arrangement of caches on the strongest model."""
    return {
        one.name: play(one.policy, scale=DAY, latencies=False, caches=one.caches, requests=month_with_repeats)
        for one in chosen_arrangements("prompts,responses,both,unmarked")
    }


def test_programs_repeat_what_was_asked_and_agents_do_not() -> None:
    first, again = (list(month_with_repeats(1, DAY)) for _ in range(2))
    assert first == again
    agents = [one for one in first if one.kind not in PROGRAMS]
    assert agents == [one for one in month(1, DAY) if one.kind not in PROGRAMS]
    assert not any(one.repeated for one in agents)
    asked: set[str] = set()
    for one in first:
        if one.kind in PROGRAMS:
            assert (str(one.body) in asked) == one.repeated
            asked.add(str(one.body))
    assert [one.at_ms for one in first] == sorted(one.at_ms for one in first)


def test_repeats_are_as_frequent_as_the_page_says() -> None:
    drawn = [one for one in month_with_repeats(3, 1.0) if one.kind in PROGRAMS]
    for kind, figure in (("batch", of.ARCHIVE_REPEATS), ("question", of.QUESTION_REPEATS)):
        of_kind = [one.repeated for one in drawn if one.kind == kind]
        assert sum(of_kind) / len(of_kind) == pytest.approx(figure.value, abs=0.04)


def test_without_marks_nothing_is_cached_by_the_provider(repeating: dict[str, list[Played]]) -> None:
    plain = repeating[NO_CACHE.name]
    assert sum(one.usage.cache_read + one.usage.cache_write_5m + one.usage.cache_write_1h for one in plain) == 0
    assert all(one.billed_nano == one.uncached_nano for one in plain)
    assert not any(one.hit for one in plain)
    marked = repeating[OWN_MARKS.name]
    assert [one.uncached_nano for one in marked] == [one.uncached_nano for one in plain]
    assert all(one.usage.cache_read == 0 for one in marked if one.request.kind in PROGRAMS)


def test_only_what_repeats_is_answered_from_the_cache(repeating: dict[str, list[Played]]) -> None:
    asked, cached = repeating[OWN_MARKS.name], repeating["responses"]
    hits = [one for one in cached if one.hit]
    assert hits
    assert all(one.request.repeated and one.request.kind in PROGRAMS for one in hits)
    assert {one.target for one in hits} == {OPUS}
    for one, before in zip(cached, asked, strict=True):
        assert one.billed_nano == (0 if one.hit else before.billed_nano)
        assert one.saved_nano == (before.billed_nano if one.hit else 0)


def test_marks_for_those_who_set_none_save(repeating: dict[str, list[Played]]) -> None:
    def billed(name: str, programs: bool) -> int:
        return sum(one.billed_nano for one in repeating[name] if (one.request.kind in PROGRAMS) == programs)

    assert billed("prompts", True) < billed(OWN_MARKS.name, True)
    assert billed("prompts", False) == billed(OWN_MARKS.name, False)
    assert billed("both", True) < billed("responses", True)
    assert billed("unmarked", False) < 0.5 * billed(NO_CACHE.name, False)


def test_what_caches_make_of_the_bill_is_told(repeating: dict[str, list[Played]], tmp_path: Path) -> None:
    result = measure_caches(chosen_arrangements("both"), scale=DAY, latencies=False)
    result.write(tmp_path / "caches.json")
    kept = read_caches(tmp_path / "caches.json")
    assert [one.name for one in kept.rows] == ["no-cache", "own-marks", "both"]
    assert [one.quality for one in kept.rows] == [1.0, 1.0, 1.0]
    for one in kept.rows:
        assert one.cash_nano == sum(played.billed_nano for played in repeating[one.name])
    assert sum(part.hits for part in kept.rows[2].parts.values()) == sum(one.hit for one in repeating["both"])
    assert "(a) no cache at all" in render_caches(kept)
    with pytest.raises(ValueError, match="no arrangement is called nothing"):
        chosen_arrangements("nothing")


def test_the_page_shows_what_was_published_of_caches() -> None:
    assert render_caches(read_caches(PUBLISHED_CACHES)).strip() in report.PAGE.read_text()
    assert caches_parameters() in report.PAGE.read_text()
