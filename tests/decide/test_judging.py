"""A judge is asked only where its word can change the choice and pays for itself; its word is counted in, once."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tenbin.core.facts import TargetHealth
from tenbin.core.features import TIERS, Features
from tenbin.core.money import nano_from_usd
from tenbin.core.steps import Judge, Judged, Note, Noted, Sense
from tenbin.core.weighing import Weighing
from tenbin.decide.allowance import pool
from tenbin.decide.flow import decide
from tenbin.decide.judging import combined, expected_cost, health_name, heard
from tenbin.decide.policy import Policy
from tenbin.decide.weigh import choose
from tests.decide.plans import NOW_MS, ask, facts
from tests.decide.weighed import LARGE, MIDDLE, SMALL, TEXT, a_policy, known, price, sensed, warm_on

JUDGED = TEXT + "  judge: {target: maker/claude-small, least: 0.4, most: 0.8}\n"
POLICY = a_policy(JUDGED)
PRIVATE = a_policy(
    JUDGED.replace("target: maker/claude-small", "target: maker/claude-judge")
    + "  rules: [{name: private, without: [maker/claude-judge]}]\n"
)
"""Whom the rules forbid to answer is not asked about the request either: it would read the words."""
UNSURE = (0.60, 0.80, 0.92, 0.98)
"""The cheapest one does not quite reach the floor."""


def played(
    policy: Policy = POLICY,
    outcome: Judged | None = None,
    health: Any = None,
    headers: Any = (),
    exhausted: Any = None,
    **seen: Any,
) -> tuple[Weighing, list[Any]]:
    """The weighing that a plan notes, and the steps before it; ``outcome`` is what the judge says."""
    asked = msgspec.structs.replace(ask("auto"), headers=tuple(headers), steered=bool(headers))
    now = msgspec.structs.replace(facts(health=health), exhausted=exhausted or {})
    plan = decide(asked, now, policy, known)
    found = sensed(**{"suffices": UNSURE, **seen})
    step, steps = next(plan), list[Any]()
    while not isinstance(step, Note):
        steps.append(step)
        if isinstance(step, Judge):
            assert outcome is not None, "nobody was to be asked"
            step = plan.send(outcome)
        else:
            assert isinstance(step, Sense)
            step = plan.send(found)
    plan.send(Noted())
    assert step.weighing is not None
    return step.weighing, steps


def test_a_judge_who_finds_it_easy_sends_it_to_the_cheapest() -> None:
    weighing, steps = played(outcome=Judged(said="low", ms=300))
    assert [type(step) for step in steps] == [Sense, Sense, Judge]
    assert (steps[-1].target.name, steps[-1].timeout_ms) == (SMALL, 1_500)
    hearing = weighing.hearing
    assert hearing is not None
    assert (hearing.asked, hearing.said, hearing.ms, hearing.fault) == (True, "low", 300, "")
    assert hearing.suffices == UNSURE
    assert hearing.between[0] == SMALL
    assert weighing.order[0] == SMALL
    assert weighing.features.judged == "low"
    assert weighing.features.suffices[0] > UNSURE[0]


def test_a_judge_who_finds_it_hard_sends_it_to_whoever_can() -> None:
    without, _ = played(a_policy())
    weighing, _ = played(outcome=Judged(said="highest", ms=300))
    assert without.order[0] == MIDDLE
    assert weighing.order[0] == LARGE
    assert weighing.hearing is not None
    assert weighing.hearing.between == (SMALL, MIDDLE, LARGE)


@pytest.mark.parametrize("fault", ["no word of the four came", "after 1,500 ms there was no answer"])
def test_a_judge_who_says_nothing_changes_nothing_but_the_record(fault: str) -> None:
    weighing, _ = played(outcome=Judged(fault=fault, ms=1_500))
    without, _ = played(a_policy())
    assert weighing.hearing is not None
    assert weighing.hearing.fault == fault
    assert msgspec.structs.replace(weighing, hearing=None) == without


@pytest.mark.parametrize("said", [*TIERS, ""])
def test_what_was_said_chooses_the_same_again_from_the_record(said: Any) -> None:
    weighing, _ = played(outcome=Judged(said=said, ms=7), session=warm_on(MIDDLE, 2_000), prompt_tokens=2_500)
    stored = msgspec.json.decode(msgspec.json.encode(weighing), type=Weighing)
    assert choose(stored) == stored == weighing
    told = stored.hearing
    assert told is not None
    recorded = Judged(asked=told.asked, said=told.said, fault=told.fault, ms=told.ms)
    replayed, _ = played(outcome=recorded, session=warm_on(MIDDLE, 2_000), prompt_tokens=2_500)
    assert replayed == weighing


@pytest.mark.parametrize(
    "seen",
    [
        {"suffices": (0.95, 0.96, 0.97, 0.98)},
        {"suffices": (0.05, 0.10, 0.20, 0.98)},
        {"learned": ""},
        {"judged": "low"},
        {"in_tool_loop": True},
        {"in_tool_loop": True, "session": warm_on(LARGE)},
    ],
)
def test_it_is_not_in_question_where_nothing_is_open(seen: Any) -> None:
    weighing, _ = played(**seen)
    assert weighing.hearing is None


def test_where_the_best_is_asked_for_its_word_would_change_nothing() -> None:
    weighing, _ = played(headers=[(b"x-tenbin-mode", b"quality")])
    assert weighing.hearing is None


@pytest.mark.parametrize(
    ("policy", "seen", "reason"),
    [
        (a_policy(JUDGED.replace("most: 0.8", "most: 0.8, max_usd: 0.00001")), {}, "routing.judge.max_usd"),
        (a_policy(JUDGED.replace("claude-small, least", "claude-unheard-of, least")), {}, "nobody knows its price"),
        (a_policy(JUDGED), {"max_tokens": 1, "prompt_tokens": 2}, "more than the choice could save"),
        (POLICY, {"headers": [(b"x-tenbin-speed", b"fast")]}, "too long for the speed"),
        (POLICY, {"health": {SMALL: TargetHealth(failures=3, closed_until_ms=NOW_MS + 9)}}, ""),
        (POLICY, {"health": {health_name(SMALL): TargetHealth(failures=3, closed_until_ms=NOW_MS + 9)}}, "rests"),
        (POLICY, {"exhausted": {pool(SMALL): NOW_MS + 9}}, "rate limit"),
        (PRIVATE, {}, "private"),
    ],
)
def test_it_is_not_asked_and_the_record_says_why(policy: Policy, seen: Any, reason: str) -> None:
    weighing, steps = played(policy, **seen)
    assert not any(isinstance(step, Judge) for step in steps)
    hearing = weighing.hearing
    if not reason:
        assert hearing is None or hearing.fault
        return
    assert hearing is not None
    assert reason in hearing.fault
    assert not hearing.asked


def test_a_router_of_ones_own_that_names_who_answers_leaves_nothing_to_a_judge() -> None:
    owned = a_policy(JUDGED.replace("routing:\n", "routing:\n  router: tests.decide.test_judging:strongest\n"))
    CONSULTED.clear()
    weighing, _ = played(owned)
    assert weighing.hearing is None
    assert weighing.order[0] == LARGE
    assert CONSULTED == [1], "it was asked once"


CONSULTED: list[int] = []


def strongest(features: Features, candidates: Any) -> list[str]:
    CONSULTED.append(1)
    return [LARGE]


rising = st.lists(st.floats(0, 1), min_size=4, max_size=4).map(lambda found: tuple(sorted(found)))


@given(rising)
def test_chances_stay_chances_and_an_easier_word_never_lowers_them(suffices: Any) -> None:
    said = [combined(suffices, tier) for tier in TIERS]
    for chances in said:
        assert all(0 <= chance <= 1 for chance in chances)
        assert list(chances) == sorted(chances)
    for easier, harder in pairwise(said):
        assert all(one >= other - 1e-6 for one, other in zip(easier, harder, strict=True))


def test_the_words_worth_is_that_of_the_documents() -> None:
    assert combined(UNSURE, "low") == pytest.approx((0.8730, 0.9694, 0.9926, 0.9981), abs=0.0001)
    assert combined((0.0, 0.0, 0.0, 1.0), "low") == (0.0, 0.0, 0.0, 1.0), "what is certain stays so"


@given(
    suffices=rising,
    prompt_tokens=st.integers(1, 300_000),
    max_usd=st.integers(0, 2_000).map(lambda micro: micro / 1_000_000),
    target=st.sampled_from([SMALL, MIDDLE, LARGE]),
    band=st.lists(st.floats(0, 1), min_size=2, max_size=2).map(sorted),
    said=st.sampled_from([*TIERS, ""]),
    session=st.none() | st.sampled_from([warm_on(SMALL), warm_on(LARGE, 80_000)]),
)
def test_it_is_never_asked_for_more_than_allowed_or_than_the_choice_could_save(
    suffices: Any, prompt_tokens: int, max_usd: float, target: str, band: Any, said: Any, session: Any
) -> None:
    assume(max_usd > 0)
    routing = POLICY.routing
    assert routing is not None
    limits = msgspec.structs.replace(
        routing.settings.judge, target=target, least=band[0], most=band[1], max_usd=max_usd
    )
    judge = next(one for one in routing.candidates if one.name == target)
    settings = msgspec.structs.replace(routing.settings, judge=limits)
    policy = msgspec.structs.replace(POLICY, routing=msgspec.structs.replace(routing, settings=settings, judge=judge))
    weighing, steps = played(
        policy, Judged(said=said, ms=5), suffices=suffices, prompt_tokens=prompt_tokens, session=session
    )
    hearing = weighing.hearing
    asked = [step for step in steps if isinstance(step, Judge)]
    assert len(asked) <= 1
    if not asked:
        assert hearing is None or (hearing.fault and not hearing.asked)
        return
    assert hearing is not None
    assert hearing.expected_nano is not None
    assert hearing.expected_nano <= nano_from_usd(repr(max_usd))
    assert hearing.expected_nano <= hearing.saves_nano
    assert band[0] <= hearing.chance <= band[1]
    assert len(hearing.between) >= 2
    without, _ = played(a_policy(), suffices=suffices, prompt_tokens=prompt_tokens, session=session)
    totals = {one.target: one.cost.total for one in without.candidates if one.cost is not None}
    assert hearing.saves_nano == totals[hearing.between[-1]] - totals[hearing.between[0]]
    assert hearing.expected_nano == expected_cost(
        price(judge.provider, judge.model, NOW_MS), Features(prompt_tokens=prompt_tokens)
    )
    assert weighing.order[0] in {*hearing.between, without.order[0]}
    if said:
        assert weighing.features == heard(without.features, said)
