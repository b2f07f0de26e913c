"""The split of an experiment: always the same for a conversation, in the share asked for, and independent of others."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.experiments import Experiment
from tenbin.core.ask import Caller
from tenbin.decide.experiment import arm_of, scope, unit_of
from tests.decide.plans import ask

EXPERIMENT = Experiment(name="cheaper", started_at_ms=1_795_262_400_000)
names = st.text(max_size=30)


@given(names, names, names, names, st.floats(0.01, 0.99))
def test_the_same_conversation_is_always_in_the_same_arm(
    key: str, session: str, origin: str, request: str, share: float
) -> None:
    experiment = msgspec.structs.replace(EXPERIMENT, share=share)
    unit = unit_of(experiment, key, session, origin, request)
    assert unit == unit_of(experiment, key, session, origin, request if not (session or origin) else "another")
    assert arm_of(experiment, unit) == arm_of(experiment, unit)
    assert len(unit) == 16
    if session:
        assert unit == unit_of(experiment, key, session, "how another began", "another")


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_the_share_is_kept(share: float) -> None:
    experiment = msgspec.structs.replace(EXPERIMENT, share=share)
    arms = Counter(arm_of(experiment, unit_of(experiment, "local", f"s{n}", "", "")) for n in range(20_000))
    # Four standard deviations of a fair split.
    assert arms["treatment"] / 20_000 == pytest.approx(share, abs=4 * (share * (1 - share) / 20_000) ** 0.5)


def test_two_experiments_split_independently_and_so_do_two_keys() -> None:
    other = msgspec.structs.replace(EXPERIMENT, name="dearer")
    pairs = Counter(
        (
            arm_of(EXPERIMENT, unit_of(EXPERIMENT, "local", f"s{n}", "", "")),
            arm_of(other, unit_of(other, "local", f"s{n}", "", "")),
            arm_of(EXPERIMENT, unit_of(EXPERIMENT, "alice", f"s{n}", "", "")),
        )
        for n in range(8_000)
    )
    assert len(pairs) == 8
    assert all(count == pytest.approx(1_000, abs=130) for count in pairs.values()), pairs


def test_whoever_shares_a_larger_share_keeps_who_had_the_treatment() -> None:
    larger = msgspec.structs.replace(EXPERIMENT, share=0.8)
    for n in range(1_000):
        unit = unit_of(EXPERIMENT, "local", f"s{n}", "", "")
        if arm_of(EXPERIMENT, unit) == "treatment":
            assert arm_of(larger, unit) == "treatment"


def test_after_harm_everybody_is_in_the_control_arm() -> None:
    harmed = msgspec.structs.replace(EXPERIMENT, state="harmed")
    assert {arm_of(harmed, unit_of(harmed, "local", f"s{n}", "", "")) for n in range(100)} == {"control"}


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({}, True),
        ({"names": ["auto"]}, True),
        ({"names": ["cl*"]}, False),
        ({"names": ["au*", "x"]}, True),
        ({"keys": ["local"]}, False),
        ({"keys": ["alice"]}, True),
    ],
)
def test_its_scope(changes: dict[str, Any], holds: bool) -> None:
    one = msgspec.structs.replace(ask("auto"), caller=Caller(key_id="alice", name="alice"))
    assert scope(msgspec.structs.replace(EXPERIMENT, **changes)).holds(one) is holds
    assert not scope(EXPERIMENT).holds(msgspec.structs.replace(one, operation="embed"))
