"""7. What gates' scores are worth: how much each moves the chance that an answer is right, learned from labelled
answers.

The chance before any gate has spoken (how often this model is right on this kind of task) comes in from outside where
somebody knows it better; gates move it by evidence in log-odds, as Bayes' rule does.
"""

import math
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec

from tenbin.discern.gates.gate import Judgement

SHIPPED = "calibration.json"
FORMAT = 1
POOL = "*"
"""The name of what holds for every task type that has no row of its own."""

WORST = math.log(1 / 20)
"""Log-odds that a gate's score 0 stands for where nothing was learned of it: twenty times less likely to be right. An
assumption. A score of 1 then is no evidence, since passing a check for one fault says little of all others."""
MOST_EVIDENCE = 6.0
"""Log-odds by which all gates together move a chance at most, either way."""


class Curve(msgspec.Struct, frozen=True):
    """What a gate's score says, in log-odds, between given points linearly and beyond them as at the nearest."""

    scores: tuple[float, ...]
    """Rising."""
    evidence: tuple[float, ...]
    """For each score; never falling."""
    weight: float = 1.0
    """What it counts beside the other gates, 0..1: gates that see the same fault do not count twice."""
    rows: int = 0
    """How many judged answers it was learned from; 0: assumed."""

    def at(self, score: float) -> float:
        """The evidence of a score, weighted."""
        scores, evidence = self.scores, self.evidence
        if score <= scores[0]:
            return self.weight * evidence[0]
        for place in range(1, len(scores)):
            if score <= scores[place]:
                width = scores[place] - scores[place - 1]
                along = (score - scores[place - 1]) / width if width else 1.0
                return self.weight * (evidence[place - 1] + along * (evidence[place] - evidence[place - 1]))
        return self.weight * evidence[-1]


ASSUMED = Curve((0.0, 1.0), (WORST, 0.0))
"""Of a gate of which nothing was learned."""


class TaskFigures(msgspec.Struct, frozen=True):
    """What was learned of one task type, or of all together."""

    right: float
    """Share of right answers, shrunk towards all task types' where there are few."""
    threshold: float
    """Chance from which on an answer is accepted."""
    rows: int


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """Everything learned: one JSON file. ``load`` reads it, `tenbin eval gates --calibrate` writes it."""

    format: int = FORMAT
    made_from: str
    """Of which answers, for people."""
    target: float
    """Share of right answers among accepted ones that the thresholds aim at."""
    curves: dict[str, Curve]
    """By gate."""
    tasks: dict[str, TaskFigures]
    """By task type, and POOL."""

    def figures(self, task: str) -> TaskFigures:
        """Those of a task type, or of all where it has none."""
        return self.tasks.get(task) or self.tasks[POOL]


class Combined(msgspec.Struct, frozen=True):
    """What all gates together say of one answer."""

    chance: float
    """That it is right, 0..1."""
    threshold: float
    accepted: bool
    """The chance reaches the threshold."""
    evidence: tuple[tuple[str, float], ...]
    """By gate, what it added in log-odds; strongest first. Gates that did not judge are not among them."""


class BadCalibration(ValueError):
    """A calibration file that cannot be used; the message names the file, the field and the fix."""


def combine(
    judgements: Sequence[Judgement],
    calibration: Calibration,
    task: str = "",
    *,
    prior: float | None = None,
    threshold: float | None = None,
) -> Combined:
    """The chance that an answer is right.

    log-odds(chance) = log-odds(prior) + the sum of the gates' evidence (each by its curve, weighted; together at most
    MOST_EVIDENCE). ``prior``: how often this model is right on such requests, from whoever knows; by default the share
    in the calibration's own answers, which is that of its model. ``threshold`` overrides the calibrated one.
    """
    figures = calibration.figures(task)
    told = [
        (each.gate, calibration.curves.get(each.gate, ASSUMED).at(each.score))
        for each in judgements
        if each.score is not None
    ]
    moved = max(-MOST_EVIDENCE, min(MOST_EVIDENCE, math.fsum(value for _, value in told)))
    chance = sigmoid(logit(figures.right if prior is None else prior) + moved)
    needed = figures.threshold if threshold is None else threshold
    return Combined(chance, needed, chance >= needed, tuple(sorted(told, key=lambda one: (-abs(one[1]), one[0]))))


def logit(chance: float) -> float:
    """Log-odds of a chance, of 0 and 1 as of the nearest that is not certain."""
    safe = min(max(chance, 1e-4), 1 - 1e-4)
    return math.log(safe / (1 - safe))


def sigmoid(odds: float) -> float:
    """The chance of log-odds."""
    if odds < 0:
        return math.exp(odds) / (1 + math.exp(odds))
    return 1 / (1 + math.exp(-odds))


@cache
def shipped() -> Calibration:
    """The calibration that comes with the package (docs/gates.md says from what)."""
    return _decoded(files(__package__).joinpath(SHIPPED).read_bytes(), SHIPPED)


def load(path: Path) -> Calibration:
    """One's own. Raises BadCalibration, or OSError when it cannot be read."""
    return _decoded(path.read_bytes(), str(path))


def dump(calibration: Calibration) -> str:
    """The text of a calibration file."""
    return msgspec.json.format(msgspec.json.encode(calibration), indent=1).decode() + "\n"


def _decoded(content: bytes, name: str) -> Calibration:
    try:
        found = msgspec.json.decode(content, type=Calibration)
    except msgspec.DecodeError as error:
        raise BadCalibration(
            f"{name} is no calibration of gates ({error}): write one with `tenbin eval gates`."
        ) from None
    if found.format != FORMAT:
        raise BadCalibration(f"{name} has format {found.format}; this version reads {FORMAT}: write it anew.")
    if POOL not in found.tasks:
        raise BadCalibration(
            f"{name}: tasks has no {POOL!r}, which holds for task types without figures: write it anew."
        )
    for gate, curve in found.curves.items():
        rising = all(a < b for a, b in zip(curve.scores, curve.scores[1:], strict=False))
        if not curve.scores or len(curve.scores) != len(curve.evidence) or not rising:
            raise BadCalibration(f"{name}: curves.{gate} needs rising scores, and as much evidence: write it anew.")
    return found
