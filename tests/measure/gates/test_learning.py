"""What is learned of gates: curves that never fall, weights that do not count twice, thresholds that keep their
word.
"""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tenbin.discern.gates.calibration import POOL, combine, dump, load
from tenbin.discern.gates.gate import Judgement
from tenbin.measure.gates.learning import NEVER, curve, learned, threshold

ROWS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80)


@given(ROWS)
def test_a_curve_never_falls(rows: list[tuple[float, bool]]) -> None:
    scores = np.array([score for score, _ in rows])
    right = np.array([float(outcome) for _, outcome in rows])
    made = curve(scores, right, np.zeros(len(rows)))
    assert list(made.evidence) == sorted(made.evidence)
    assert list(made.scores) == sorted(set(made.scores))
    assert len(made.scores) == len(made.evidence)


@given(ROWS, st.sampled_from([0.5, 0.8, 0.95]))
def test_a_threshold_keeps_its_word_on_what_it_was_learned_from(rows: list[tuple[float, bool]], target: float) -> None:
    chances = np.array([round(score, 3) for score, _ in rows])
    right = np.array([outcome for _, outcome in rows])
    needed = threshold(chances, right, target)
    accepted = chances >= needed
    assert needed == NEVER or right[accepted].mean() >= target or target < 0.51
    if needed != NEVER:
        assert accepted.any()


def made(generator: np.random.Generator, count: int = 600) -> list[tuple[list[Judgement], str, bool]]:
    """Answers of two task types; gate `useful` tells right from wrong well, `twin` says the same, `noise` nothing."""
    rows = []
    for number in range(count):
        right = bool(generator.random() < (0.7 if number % 2 else 0.3))
        useful = float(np.clip(generator.normal(0.7 if right else 0.3, 0.15), 0, 1))
        told = {"useful": useful, "twin": useful, "noise": float(generator.random())}
        judgements = [Judgement(gate, score, "") for gate, score in told.items()]
        rows.append((judgements, "mathematics" if number % 2 else "chat", right))
    return rows


def test_learning(tmp_path) -> None:  # type: ignore[no-untyped-def]
    generator = np.random.default_rng(7)
    calibration = learned(made(generator), 0.9, "made up")
    path = tmp_path / "gates.json"
    path.write_text(dump(calibration), encoding="utf-8")
    assert load(path) == calibration
    assert calibration.tasks["mathematics"].right > 0.6 > 0.4 > calibration.tasks["chat"].right
    curves = calibration.curves
    assert curves["useful"].at(1.0) - curves["useful"].at(0.0) > 1
    # Twins share what they know: together no more than about what one of them is worth.
    assert curves["useful"].weight + curves["twin"].weight < 1.5
    fresh = made(generator)
    told = [combine(judgements, calibration, task) for judgements, task, _ in fresh]
    right = np.array([outcome for _, _, outcome in fresh])
    accepted = np.array([each.accepted for each in told])
    chances = np.array([each.chance for each in told])
    assert accepted.sum() > 100
    assert right[accepted].mean() > 0.85
    assert abs(chances.mean() - right.mean()) < 0.06
    assert ((chances - right) ** 2).mean() < 0.15


def test_of_few_answers_nothing_is_learned_of_a_gate() -> None:
    rows = [([Judgement("rare", float(number % 2), "")], "chat", bool(number % 2)) for number in range(10)]
    calibration = learned(rows, 0.9, "few")
    assert calibration.curves == {}
    assert calibration.tasks[POOL].rows == 10
