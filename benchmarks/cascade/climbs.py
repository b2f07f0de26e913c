"""A ladder of models, and climbing it with many prompts at once."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tenbin.measure.gates.formulas import Flags
from tenbin.measure.routing.formulas import Floats, Ints


@dataclass(frozen=True)
class Ladder:
    """Models by number, cheapest first, and the chance from which on an answer is accepted."""

    rungs: tuple[int, ...]
    accepts: float = 0.0


class Climbed(NamedTuple):
    """What came of climbing a ladder with each of many prompts."""

    good: Floats
    """1 where the answer that was given is right."""
    cost: Floats
    """USD of all rungs that were asked."""
    judged: Ints
    """(2, 2): answers that the gate decided on, by wrong / right and escalated / accepted."""

    @property
    def precision(self) -> float:
        """Of the answers that were escalated, the share that was wrong; NaN where none was."""
        return _share(self.judged[0, 0], self.judged[:, 0].sum())

    @property
    def recall(self) -> float:
        """Of the wrong answers that the gate decided on, the share that was escalated; NaN where none was wrong."""
        return _share(self.judged[0, 0], self.judged[0].sum())


def _share(part: int, whole: int) -> float:
    return float(part / whole) if whole else float("nan")


def chances(prior: Floats, evidence: Floats) -> Floats:
    """The chance that each answer is right, as discern.gates.calibration.combine has it: log-odds add up."""
    safe = np.clip(prior, 1e-4, 1 - 1e-4)
    told: Floats = 1 / (1 + np.exp(-np.log(safe / (1 - safe)) - evidence))
    return told


def climb(ladder: Ladder, good: Flags, cost: Floats, chance: Floats, *, best_of: bool = False) -> Climbed:
    """Ask rung after rung until an answer is accepted. Where none is, the last rung's is given, unjudged; with
    ``best_of`` that is judged too, and the answer with the best chance is given of all that were paid for.
    """
    rows = len(good)
    spent, given = np.zeros(rows), np.zeros(rows)
    best, best_good = np.full(rows, -1.0), np.zeros(rows)
    climbing = np.ones(rows, dtype=np.bool_)
    judged = np.zeros((2, 2), dtype=np.int64)
    for place, model in enumerate(ladder.rungs):
        spent += climbing * cost[:, model]
        mine, right = chance[:, model], good[:, model]
        better = climbing & (mine > best)
        best, best_good = np.where(better, mine, best), np.where(better, right, best_good)
        if place == len(ladder.rungs) - 1:
            given = np.where(climbing, best_good if best_of else right, given)
            break
        taken = climbing & (mine >= ladder.accepts)
        given = np.where(taken, right, given)
        for value in (0, 1):
            these = climbing & (right == bool(value))
            judged[value] += (int((these & ~taken).sum()), int((these & taken).sum()))
        climbing &= ~taken
    return Climbed(given, spent, judged)
