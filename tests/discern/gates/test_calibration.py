"""Gates' scores become one chance, by what was learned of them or what is assumed."""

import math
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.features import TASK_TYPES
from tenbin.discern.gates.calibration import (
    MOST_EVIDENCE,
    POOL,
    BadCalibration,
    Calibration,
    Curve,
    TaskFigures,
    combine,
    dump,
    load,
    logit,
    shipped,
    sigmoid,
)
from tenbin.discern.gates.gate import Judgement
from tenbin.discern.gates.registry import BUILT_IN

CALIBRATION = Calibration(
    made_from="a test",
    target=0.9,
    curves={"a": Curve((0.0, 0.5, 1.0), (-2.0, 0.0, 1.0)), "b": Curve((0.2,), (0.7,), weight=0.5)},
    tasks={POOL: TaskFigures(0.5, 0.6, 100), "mathematics": TaskFigures(0.2, 0.9, 50)},
)
SCORES = st.none() | st.floats(0, 1)


def judged(**scores: float | None) -> list[Judgement]:
    return [Judgement(gate, score, "") for gate, score in scores.items()]


def test_evidence_adds_up_in_log_odds() -> None:
    told = combine(judged(a=1.0, b=0.9), CALIBRATION)
    assert told.chance == pytest.approx(sigmoid(1.0 + 0.35))
    assert told.evidence == (("a", 1.0), ("b", 0.35))
    assert told.accepted
    assert combine(judged(a=0.25), CALIBRATION).chance == pytest.approx(sigmoid(-1.0))


def test_what_is_not_judged_says_nothing() -> None:
    assert combine(judged(a=None, b=None), CALIBRATION).chance == 0.5
    assert combine([], CALIBRATION, "mathematics").chance == pytest.approx(0.2)


def test_one_who_knows_the_model_gives_the_chance_before() -> None:
    assert combine([], CALIBRATION, "mathematics", prior=0.97).accepted
    told = combine(judged(a=0.0), CALIBRATION, "mathematics", prior=0.97)
    assert told.chance == pytest.approx(sigmoid(logit(0.97) - 2))
    assert not told.accepted
    assert combine(judged(a=0.0), CALIBRATION, "mathematics", prior=0.97, threshold=0.5).accepted


def test_a_gate_nobody_has_calibrated_counts_only_against() -> None:
    assert combine(judged(new=1.0), CALIBRATION).chance == 0.5
    assert combine(judged(new=0.0), CALIBRATION).chance == pytest.approx(1 / 21)


@given(st.dictionaries(st.sampled_from(sorted(BUILT_IN)), SCORES), st.sampled_from([*TASK_TYPES, ""]), st.floats(0, 1))
def test_the_shipped_one_gives_a_chance_that_never_falls_with_a_score(
    scores: dict[str, float | None], task: str, prior: float
) -> None:
    told = combine(judged(**scores), shipped(), task, prior=prior)
    assert 0 < told.chance < 1
    assert abs(logit(told.chance) - logit(prior)) <= MOST_EVIDENCE + 1e-6 or told.chance in (1e-4, 1 - 1e-4)
    better = {gate: None if score is None else 1.0 for gate, score in scores.items()}
    assert combine(judged(**better), shipped(), task, prior=prior).chance >= told.chance - 1e-12


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "gates.json"
    path.write_text(dump(CALIBRATION), encoding="utf-8")
    assert load(path) == CALIBRATION


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is no calibration"),
        ("{}", "is no calibration"),
        (dump(msgspec.structs.replace(CALIBRATION, format=99)), "format 99"),
        (dump(msgspec.structs.replace(CALIBRATION, tasks={})), "tasks has no"),
        (dump(msgspec.structs.replace(CALIBRATION, curves={"a": Curve((1.0, 0.0), (0.0, 0.0))})), "curves.a"),
        (dump(msgspec.structs.replace(CALIBRATION, curves={"a": Curve((), ())})), "curves.a"),
    ],
)
def test_a_file_that_is_none_is_said(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "gates.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadCalibration, match=says):
        load(path)


@given(st.floats(0.001, 0.999))
def test_odds_and_chances_turn_into_each_other(chance: float) -> None:
    assert math.isclose(sigmoid(logit(chance)), chance, rel_tol=1e-9)
