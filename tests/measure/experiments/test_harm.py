"""Harm that is sure ends an experiment, and what is none rarely does."""

import msgspec
import pytest

from tenbin.config.experiments import Experiment, Harm
from tenbin.measure.experiments.estimates import Table
from tenbin.measure.experiments.harm import harm
from tenbin.measure.experiments.outcomes import Outcomes
from tests.measure.experiments.making import NAME, a_ledger, conversations, enter, taking_part

EXPERIMENT = Experiment(name=NAME, started_at_ms=1)


def table_of(receipts: list) -> Table:
    database, outcomes = a_ledger(), Outcomes(NAME)
    enter(database, receipts)
    assert outcomes.read_on(database) == len(receipts)
    return Table(outcomes)


def test_more_errors_than_are_bearable_end_it() -> None:
    found = harm(EXPERIMENT, table_of(conversations(1, 600, errors=(0.02, 0.25))))
    assert found is not None
    assert found.metric == "errors"
    assert "under the treatment" in found.reason


def test_a_treatment_that_only_fails_is_ended_early() -> None:
    receipts = [
        taking_part(f"r{n}", f"u{n}", "treatment" if n % 2 else "control", outcome="failed" if n % 2 else "answered")
        for n in range(52)
    ]
    assert harm(EXPERIMENT, table_of(receipts)) is not None


def test_what_a_treatment_costs_more_ends_it_beyond_its_share() -> None:
    receipts = conversations(2, 1_500, dearer=3.0)
    found = harm(EXPERIMENT, table_of(receipts))
    assert found is not None
    assert found.metric == "cost_per_request"
    unlimited = msgspec.structs.replace(EXPERIMENT, harm=Harm(cost=None))
    assert harm(unlimited, table_of(receipts)) is None
    assert harm(msgspec.structs.replace(EXPERIMENT, harm=Harm(cost=9.0)), table_of(receipts)) is None


@pytest.mark.parametrize("dearer", [0.2, 1.0])
def test_a_treatment_that_is_as_good_or_better_goes_on(dearer: float) -> None:
    for seed in range(20):
        assert harm(EXPERIMENT, table_of(conversations(seed, 300, dearer=dearer))) is None
