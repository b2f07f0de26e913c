"""What a ladder is worth for one request: expected costs, skipped rungs, thresholds, a weighing's next stronger one."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.cascade import CascadeConfig
from tenbin.core.features import Features
from tenbin.core.gating import PlannedRung
from tenbin.core.steps import Call, Note, Noted, Sense, Step, StepOutcome
from tenbin.core.weighing import Candidate, Cost, Quality, Weighing
from tenbin.decide.climbing import CLIMB, of_weighing, worthwhile
from tenbin.decide.flow import decide
from tenbin.decide.policy import Policy
from tenbin.decide.weigh import Known
from tests.decide.plans import NOW_MS, ask, facts, target
from tests.decide.weighed import EASY, HARD, TEXT, a_policy, known, sensed

LADDER = """
cascades:
  up:
    ladder: [{target: maker/claude-small}, {target: maker/claude-middle}, {target: maker/claude-large}]
"""


def stepped(policy: Policy, suffices: tuple[float, float, float, float], model: str = "up") -> tuple[Note, Call]:
    """The plan of a request's ladder, and its first call."""
    plan, note = decide(ask(model), facts(), policy, known), None
    step: Step = next(plan)
    while not isinstance(step, Call):
        if isinstance(step, Note) and step.climb is not None:
            note = step
        step = plan.send(sensed(suffices) if isinstance(step, Sense) else Noted())
    assert note is not None
    return note, step


def test_an_easy_request_begins_at_the_bottom_and_knows_its_thresholds() -> None:
    note, call = stepped(a_policy(TEXT + LADDER), EASY)
    climb = note.climb
    assert climb is not None
    assert call.target.name == "maker/claude-small"
    assert call.hold is not None
    assert call.hold.prior == climb.rungs[0].chance
    top = climb.rungs[-1].chance
    assert top is not None
    assert call.hold.accept == pytest.approx(0.8 * top, abs=1e-3)
    assert [one.cost_nano for one in climb.rungs] == sorted(one.cost_nano or 0 for one in climb.rungs)
    assert climb.features is not None


def test_a_rung_that_likely_fails_and_is_not_much_cheaper_is_skipped() -> None:
    hopeless = (0.01, 0.05, 0.6, 0.95)
    note, call = stepped(a_policy(TEXT + LADDER), hopeless)
    assert note.climb is not None
    assert note.climb.rungs[1].skipped
    assert not note.climb.rungs[2].skipped
    with_all = a_policy(TEXT + LADDER + "    skip: false\n")
    note, call = stepped(with_all, hopeless)
    assert note.climb is not None
    assert not any(one.skipped for one in note.climb.rungs)
    assert call.target.name == "maker/claude-small"


def test_without_prices_nothing_is_skipped() -> None:
    def unpriced() -> Known:
        return Known(price=lambda provider, model, at_ms: None)

    plan = decide(ask("up"), facts(), a_policy(TEXT + LADDER), unpriced)
    outcomes: list[StepOutcome] = [Noted(), sensed(HARD), sensed(HARD)]
    step = next(plan)
    while not isinstance(step, Call):
        step = plan.send(outcomes.pop())
    assert step.target.name == "maker/claude-small"


def test_a_weighed_request_climbs_to_the_next_stronger_candidate() -> None:
    note, call = stepped(a_policy(TEXT + "  climb: {rungs: 2}\n"), EASY, "auto")
    assert note.climb is not None
    assert note.climb.name == CLIMB
    assert len(note.climb.rungs) == 2
    assert call.hold is not None
    assert call.rung == 1


def weighed(*rows: tuple[str, float, int]) -> Weighing:
    candidates = tuple(
        Candidate(
            target=name, cost=Cost(input=cost), quality=Quality(value=value, prior=value, ability=1.0, source="guess")
        )
        for name, value, cost in rows
    )
    return Weighing(features=Features(), now_ms=NOW_MS, draw=0.0, candidates=candidates, order=(rows[0][0],))


def test_the_next_rung_is_the_cheapest_that_is_better() -> None:
    targets = [target(name) for name in ("a/x", "b/y", "c/z")]
    found = of_weighing(CascadeConfig(rungs=3), weighed(("a/x", 0.6, 1), ("b/y", 0.9, 9), ("c/z", 0.8, 5)), targets)
    assert found is not None
    assert [one.target.name for one in found.rungs] == ["a/x", "c/z", "b/y"]
    assert of_weighing(CascadeConfig(), weighed(("a/x", 0.9, 1), ("b/y", 0.905, 9)), targets) is None


rungs_drawn = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 10**9)).map(lambda pair: PlannedRung("p/m", round(pair[0], 4), pair[1])),
    min_size=1,
    max_size=6,
)


@given(rungs_drawn)
def test_no_other_choice_of_rungs_is_expected_to_cost_less(rungs: list[PlannedRung]) -> None:
    planned = worthwhile(tuple(rungs))
    assert not planned[-1].skipped

    def expected(places: tuple[int, ...]) -> float:
        cost = 0.0
        for place in reversed((*places, len(rungs) - 1)):
            chance = rungs[place].chance or 0.0
            onward = 0.0 if place == len(rungs) - 1 else (1 - chance) * cost
            cost = (rungs[place].cost_nano or 0) + onward
        return cost

    ways = [some for count in range(len(rungs)) for some in itertools.combinations(range(len(rungs) - 1), count)]
    mine = tuple(place for place, one in enumerate(planned[:-1]) if not one.skipped)
    assert expected(mine) <= min(map(expected, ways)) + len(rungs)
    assert planned[0].onward_nano == pytest.approx(expected(mine), abs=len(rungs))
    assert worthwhile(planned) == planned, "choosing again from the record gives the same"
