"""Learning a calibration from judged answers: a curve for each gate, weights beside each other, thresholds by task
type.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tenbin.discern.gates.calibration import POOL, Calibration, Curve, TaskFigures, combine, logit
from tenbin.discern.gates.gate import Judgement
from tenbin.measure.routing.formulas import Floats

PSEUDO = 2.0
"""Answers added to each step of a curve, right as often as all are: a step of few answers says little."""
FEWEST_OF_A_GATE = 20
"""Judged answers below which nothing is learned of a gate: it keeps what is assumed."""
SHRINKAGE = 10.0
"""Answers of all task types that stand beside those of one in its share of right ones."""
FEWEST_OF_A_TASK = 40
"""Answers below which a task type has the threshold of all."""
NEVER = 1.0
"""A threshold that no chance reaches."""

Judged = Sequence[tuple[Sequence[Judgement], str, bool]]
"""Judgements of an answer, its task type, whether it is right."""


def learned(judged: Judged, target: float, made_from: str) -> Calibration:
    """A calibration from judged answers, whose accepted ones are right at least in a share of ``target``."""
    outcomes = np.array([right for _, _, right in judged], dtype=np.float64)
    pool = float((outcomes.sum() + 1) / (len(outcomes) + 2))
    by_task: dict[str, list[bool]] = defaultdict(list)
    for _, task, right in judged:
        by_task[task].append(right)
    shares = {
        task: (sum(rights) + SHRINKAGE * pool) / (len(rights) + SHRINKAGE) for task, rights in by_task.items() if task
    }
    base = np.array([logit(shares.get(task, pool)) for _, task, _ in judged])
    curves = _curves(judged, outcomes, base)
    curves = _weighted(curves, judged, outcomes, base)
    tasks = {POOL: TaskFigures(pool, NEVER, len(judged))}
    tasks |= {task: TaskFigures(right, NEVER, len(by_task[task])) for task, right in sorted(shares.items())}
    without = Calibration(made_from=made_from, target=target, curves=curves, tasks=tasks)
    return Calibration(
        made_from=made_from, target=target, curves=curves, tasks=_with_thresholds(without, judged, target)
    )


def _curves(judged: Judged, outcomes: Floats, base: Floats) -> dict[str, Curve]:
    scores: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for place, (judgements, _, _) in enumerate(judged):
        for each in judgements:
            if each.score is not None:
                scores[each.gate].append((each.score, place))
    curves = {}
    for gate, found in scores.items():
        values = np.array([score for score, _ in found])
        rows = np.array([place for _, place in found])
        if len(found) >= FEWEST_OF_A_GATE and len(np.unique(values)) > 1:
            curves[gate] = curve(values, outcomes[rows], base[rows])
    return curves


def curve(scores: Floats, right: Floats, base: Floats) -> Curve:
    """How right answers are at each score, never falling (isotonic: neighbours that violate it are pooled), as log-odds
    above what their task types (``base``, log-odds) let expect.
    """
    values, place = np.unique(scores, return_inverse=True)
    # Sums: answers, right ones, expected right ones, scores.
    expected = 1 / (1 + np.exp(-base))
    sums = [np.bincount(place, weights=each) for each in (np.ones_like(right), right, expected, scores)]
    # Each step: its sums, and the lowest and highest score in it.
    steps: list[tuple[Floats, float, float]] = []
    for number, value in enumerate(values):
        now = (np.array([each[number] for each in sums]), float(value), float(value))
        while steps and _evidence(steps[-1][0]) >= _evidence(now[0]):
            before = steps.pop()
            now = (before[0] + now[0], before[1], now[2])
        steps.append(now)
    points: dict[float, float] = {}
    for total, low, high in steps:  # From low to high: of two scores that are written alike the higher one stands.
        points[round(low, 4)] = points[round(high, 4)] = round(_evidence(total), 4)
    kept = sorted(points)
    return Curve(tuple(kept), tuple(points[score] for score in kept), 1.0, len(right))


def _evidence(total: Floats) -> float:
    """Log-odds of being right above expectation; with PSEUDO answers that are as expected."""
    count, right, expected, _ = (float(each) for each in total)
    usual = min(max(expected / count, 0.01), 0.99)
    return logit((right + PSEUDO * usual) / (count + PSEUDO)) - logit(usual)


def _weighted(
    curves: Mapping[str, Curve], judged: Judged, outcomes: Floats, base: Floats, steps: int = 400
) -> dict[str, Curve]:
    """The weights, 0..1, with which the gates' evidence tells the outcomes best (logistic regression by projected
    gradient, drawn to 0.5 as by ten answers).
    """
    names = sorted(curves)
    told = np.zeros((len(judged), len(names)))
    for row, (judgements, _, _) in enumerate(judged):
        for each in judgements:
            if each.score is not None and each.gate in curves:
                told[row, names.index(each.gate)] = curves[each.gate].at(each.score)
    weights = np.full(len(names), 0.5)
    rate = 1.0 / (0.25 * float(np.linalg.norm(told, 2)) ** 2 + 10.0) if len(names) else 0.0
    for _ in range(steps):
        chance = 1 / (1 + np.exp(-(base + told @ weights)))
        slope = told.T @ (chance - outcomes) + 10.0 * (weights - 0.5)
        weights = np.clip(weights - rate * slope, 0.0, 1.0)
    return {
        name: Curve(curves[name].scores, curves[name].evidence, round(float(weight), 3), curves[name].rows)
        for name, weight in zip(names, weights, strict=True)
    }


def _with_thresholds(calibration: Calibration, judged: Judged, target: float) -> dict[str, TaskFigures]:
    chances = np.array([combine(judgements, calibration, task).chance for judgements, task, _ in judged])
    outcomes = np.array([right for _, _, right in judged])
    tasks = np.array([task for _, task, _ in judged])
    pooled = threshold(chances, outcomes, target)
    found = {}
    for name, figures in calibration.tasks.items():
        mine = tasks == name
        needed = pooled
        if name != POOL and int(mine.sum()) >= FEWEST_OF_A_TASK:
            needed = threshold(chances[mine], outcomes[mine], target)
        found[name] = TaskFigures(round(figures.right, 4), needed, figures.rows)
    return found


def threshold(chances: Floats, right: NDArray[np.bool_], target: float) -> float:
    """The lowest chance from which on answers are right in a share of ``target``, one right and one wrong answer
    added to those there are, so that a handful proves nothing; NEVER where there is none.
    """
    order = np.argsort(-chances, kind="stable")
    rights = np.cumsum(right[order])
    counts = np.arange(1, len(order) + 1)
    good = (rights + 1) / (counts + 2) >= target
    # A threshold takes all answers of one chance or none.
    last_of_equals = np.append(np.diff(chances[order]) != 0, True)
    fit = np.flatnonzero(good & last_of_equals)
    return round(float(chances[order][fit[-1]]) - 1e-6, 6) if len(fit) else NEVER
