"""Figures of arms against the same computed by hand, and intervals that hold what they promise."""

import msgspec
import numpy as np
import pytest

from tenbin.core.gating import Gating
from tenbin.core.receipt import Receipt
from tenbin.core.signal import Decided, Signal
from tenbin.measure.experiments.estimates import METRICS, Table, difference
from tenbin.measure.experiments.outcomes import Outcomes
from tests.ledger.making import a_receipt, an_attempt
from tests.measure.experiments.making import NAME, a_ledger, conversations, enter, taking_part

BY_NAME = {metric.name: metric for metric in METRICS}


def read(receipts: list, *more: list) -> Outcomes:
    database, outcomes = a_ledger(), Outcomes(NAME)
    for part in (receipts, *more):
        enter(database, part)
        outcomes.read_on(database)
    return outcomes


def test_ratios_are_of_sums_over_conversations() -> None:
    table = Table(
        read(
            [
                taking_part("1", "a", "control", 10),
                taking_part("2", "a", "control", 30),
                taking_part("3", "b", "control", 80, outcome="failed"),
                taking_part("4", "c", "treatment", 7),
                taking_part("5", "d", "control", None),
            ]
        )
    )
    cost = table.ratio(BY_NAME["cost_per_conversation"], 0)
    assert cost is not None
    assert (cost.value, cost.units) == (60, 2)
    assert cost.error == pytest.approx(20), "of the two sums 40 and 80"
    assert cost.interval(BY_NAME["cost_per_conversation"]) == pytest.approx((60 - 1.959964 * 20, 60 + 1.959964 * 20))
    request = table.ratio(BY_NAME["cost_per_request"], 0)
    assert request is not None
    assert request.value == 40
    errors = table.ratio(BY_NAME["errors"], 0)
    assert errors is not None
    assert (errors.value, errors.units) == (0.25, 3)
    alone = table.ratio(BY_NAME["errors"], 1)
    assert alone is not None
    assert alone.interval(BY_NAME["errors"]) is None
    assert table.ratio(BY_NAME["gate_pass"], 0) is None


def test_requests_that_say_nothing_of_a_policy_are_left_out() -> None:
    outcomes = read(
        [
            taking_part("1", "a", "control", outcome="cancelled"),
            taking_part("2", "a", "control", outcome="interrupted"),
            a_receipt("3"),
            taking_part("4", "a", "control", experiment="another"),
        ]
    )
    assert len(outcomes) == 0


def test_reading_on_gives_what_reading_at_once_gives() -> None:
    receipts = conversations(3, 50)
    at_once, parts = read(receipts), read(receipts[:40], receipts[40:41], [], receipts[41:])
    assert len(at_once) == len(parts) == len(receipts)
    for name in ("unit", "arm", "billed_nano", "error"):
        assert np.array_equal(at_once.column(name), parts.column(name))


def test_a_ledger_that_was_begun_anew_is_read_from_its_beginning() -> None:
    outcomes, first, second = Outcomes(NAME), a_ledger(), a_ledger()
    enter(first, conversations(3, 10))
    outcomes.read_on(first)
    enter(second, [taking_part("1", "a", "control")])
    outcomes.read_on(second)
    assert (len(outcomes), outcomes.units) == (1, 1)


def test_feedback_counts_for_the_request_that_it_is_about() -> None:
    def saying(request_id: str, about: str, success: float, weight: float = 3.0) -> Receipt:
        signal = Signal(kind="feedback", about=Decided(request_id=about, target="x/y"), success=success, weight=weight)
        return a_receipt(request_id, signals=(signal,))

    first = [taking_part("1", "a", "control"), taking_part("2", "b", "treatment")]
    later = [saying("3", "1", 1.0), saying("4", "2", 0.0), saying("5", "1", 0.0)]
    back = [saying("6", "1", 0.0, weight=-3.0), saying("7", "another", 0.0)]
    outcomes = read(first, later)
    assert outcomes.column("feedback").tolist() == [1.0, 0.0]
    assert outcomes.column("feedbacks").tolist() == [2.0, 1.0]
    assert read(first, later, back).column("feedbacks").tolist() == [1.0, 1.0]


def test_gates_and_escalations_are_counted_by_answers_and_requests() -> None:
    def climbed(request_id: str, *passed: bool) -> Receipt:
        attempts = [
            an_attempt(number, rung=number, gating=Gating(0.5, 0.7, good)) for number, good in enumerate(passed, 1)
        ]
        return msgspec.structs.replace(taking_part(request_id, request_id, "control"), attempts=tuple(attempts))

    outcomes = read([climbed("1", True), climbed("2", False, True), taking_part("3", "3", "control")])
    table = Table(outcomes)
    passes, climbs = (table.ratio(BY_NAME[name], 0) for name in ("gate_pass", "escalations"))
    assert passes is not None
    assert climbs is not None
    assert (passes.value, passes.units) == (2 / 3, 2)
    assert (climbs.value, climbs.units) == (1 / 3, 3)


def test_where_nothing_has_varied_nothing_is_sure() -> None:
    """No error in either arm does not mean that none is possible."""
    table = Table(read([taking_part(f"{n}", f"u{n}", "treatment" if n % 2 else "control") for n in range(80)]))
    errors = BY_NAME["errors"]
    control, treatment = table.ratio(errors, 0), table.ratio(errors, 1)
    assert control is not None
    assert treatment is not None
    assert control.interval(errors) == pytest.approx((0, 0.0876), abs=1e-3), "Wilson's of 0 in 40"
    told = difference(errors, control, treatment, 0.05)
    assert told.low is not None
    assert told.high is not None
    assert told.low < -0.02
    assert told.high > 0.02


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """Of 200 experiments, with requests that depend on their conversation."""
    inside = quantiles = 0
    truth = np.exp(0.5 + 0.08) * 1_000_000  # of the product of two lognormals
    for seed in range(200):
        table = Table(read(conversations(seed, 150, share=0.5)))
        ratio = table.ratio(BY_NAME["cost_per_request"], 0)
        assert ratio is not None
        interval = ratio.interval(BY_NAME["cost_per_request"])
        assert interval is not None
        inside += interval[0] <= truth <= interval[1]
        found = table.quantile("billed_nano", 0, 0.5)
        assert found is not None
        quantiles += found[1] <= 1_000_000 <= found[2]
    assert inside >= 170, "skewed costs in 75 conversations: somewhat below 95 %"
    assert quantiles >= 178
