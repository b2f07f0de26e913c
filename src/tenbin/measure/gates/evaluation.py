"""Measuring gates on judged answers: every gate by itself, all together, and what repair could do."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from tenbin.discern.gates import structured_output, tool_calls
from tenbin.discern.gates.calibration import POOL, Calibration, combine, shipped
from tenbin.discern.gates.gate import Judgement
from tenbin.discern.gates.registry import judge, names
from tenbin.measure.gates import formulas
from tenbin.measure.gates.formulas import Flags
from tenbin.measure.gates.learning import Judged, learned
from tenbin.measure.gates.measured import CombinedFigures, CostPoint, GateFigures, Repairs, Report
from tenbin.measure.gates.rows import Case, Cases
from tenbin.measure.routing.formulas import Floats

FAILS_BELOW = 0.5
"""A gate's score below which it fails an answer, where it is measured by itself."""
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Of answers that are escalated: where cost curves are read."""
FEWEST_TO_LEARN = 50
FEWEST_OF_A_TASK = 8


class TooFew(Exception):
    """There are too few judged answers to learn from; the message says how many are needed."""


def evaluate(
    found: Cases,
    data: Path,
    tell: Callable[[int], None],
    *,
    calibration: Calibration | None = None,
    calibrate: bool = False,
    held_out: bool = False,
    target: float = 0.9,
    bootstrap: int = 1000,
    seed: int = 0,
    dear: bool = False,
) -> tuple[Report, Calibration]:
    """Measure all gates that there are, and return the calibration that they were combined by.

    With ``calibrate`` it is learned from the learning part of the rows and measured on the others, else it is the one
    given, or the package's. ``held_out`` measures only rows that would not be learned from. ``dear``: also gates that
    take tens of milliseconds. Raises TooFew.
    """
    gates = names(dear=dear)
    judged: list[Sequence[Judgement]] = []
    for case in found.cases:
        judged.append(judge(case.question, case.answer, gates))
        tell(1)
    rows = list(zip(found.cases, judged, strict=True))
    learning = [row for row in rows if row[0].learning] if calibrate else []
    measured = [row for row in rows if not row[0].learning] if calibrate or held_out else rows
    if calibrate and (len(learning) < FEWEST_TO_LEARN or len({case.right for case, _ in learning}) < 2):
        raise TooFew(
            f"{data} holds too little to learn from: at least {FEWEST_TO_LEARN} judged answers beside those that it is "
            f"measured on, some right and some wrong; there are {len(learning)}."
        )
    if not measured:
        raise TooFew(f"{data} holds no answers to measure on beside those that are learned from.")
    if calibrate:
        made_from = f"{len(learning)} answers of {', '.join(found.files)}"
        calibration = learned([_labelled(case, told) for case, told in learning], target, made_from)
    used = calibration or shipped()
    report = Report(
        data=str(data),
        files=found.files,
        unused=found.unused,
        rows=len(measured),
        learned_from=len(learning),
        calibration=used.made_from,
        target=used.target,
        bootstrap=bootstrap,
        seed=seed,
        gates=tuple(_by_itself(gate, measured, bootstrap, seed) for gate in gates),
        combined=_together(measured, used, bootstrap, seed),
        auc_of_task_types=formulas.auc_value(
            np.array([used.figures(case.question.task).right for case, _ in measured]),
            np.array([case.right for case, _ in measured]),
            bootstrap,
            seed,
        ),
        repairs=_repairs(measured),
    )
    return report, used


def _labelled(case: Case, told: Sequence[Judgement]) -> tuple[Sequence[Judgement], str, bool]:
    return told, case.question.task, case.right


def _by_itself(gate: str, rows: Sequence[tuple[Case, Sequence[Judgement]]], bootstrap: int, seed: int) -> GateFigures:
    said = [next(each for each in told if each.gate == gate).score for _, told in rows]
    wrong: Flags = np.array([not case.right for case, _ in rows])
    judged: Flags = np.array([score is not None for score in said])
    scores: Floats = np.array([1.0 if score is None else score for score in said])
    failed: Flags = judged & (scores < FAILS_BELOW)
    return GateFigures(
        gate=gate,
        judged=int(judged.sum()),
        wrong=int((wrong & judged).sum()),
        failed=int(failed.sum()),
        precision=formulas.share_value(wrong, failed, bootstrap, seed),
        recall=formulas.share_value(failed, wrong, bootstrap, seed),
        auc=formulas.auc_value(scores[judged], ~wrong[judged], bootstrap, seed),
    )


def _together(
    rows: Sequence[tuple[Case, Sequence[Judgement]]], calibration: Calibration, bootstrap: int, seed: int
) -> tuple[CombinedFigures, ...]:
    judged: Judged = [_labelled(case, told) for case, told in rows]
    told = [combine(judgements, calibration, task) for judgements, task, _ in judged]
    chances: Floats = np.array([each.chance for each in told])
    accepted: Flags = np.array([each.accepted for each in told])
    right: Flags = np.array([outcome for _, _, outcome in judged])
    tasks = [task for _, task, _ in judged]
    found = [_combined(POOL, None, chances, accepted, right, bootstrap, seed)]
    for task in sorted(set(tasks) - {""}):
        mine = np.array([each == task for each in tasks])
        if int(mine.sum()) >= FEWEST_OF_A_TASK:
            needed = calibration.figures(task).threshold
            found.append(_combined(task, needed, chances[mine], accepted[mine], right[mine], bootstrap, seed))
    return tuple(found)


def _combined(
    task: str, threshold: float | None, chances: Floats, accepted: Flags, right: Flags, bootstrap: int, seed: int
) -> CombinedFigures:
    everybody = np.ones(len(right), dtype=np.bool_)
    square = (chances - right) ** 2
    curve = []
    for part in SHARES if task == POOL else ():
        up = formulas.least_sure(chances, part)
        caught = formulas.share_value(up, ~right, bootstrap, seed)
        curve.append(CostPoint(part, caught, formulas.share_value(right, ~up, bootstrap, seed)))
    return CombinedFigures(
        task=task,
        rows=len(right),
        right=float(right.mean()),
        threshold=threshold,
        escalated=formulas.share_value(~accepted, everybody, bootstrap, seed),
        precision=formulas.share_value(~right, ~accepted, bootstrap, seed),
        recall=formulas.share_value(~accepted, ~right, bootstrap, seed),
        right_of_accepted=formulas.share_value(right, accepted, bootstrap, seed),
        auc=formulas.auc_value(chances, right, bootstrap, seed),
        brier=formulas.estimated(lambda chosen: float(square[chosen].mean()), len(right), bootstrap, seed),
        curve=tuple(curve),
    )


def _repairs(rows: Sequence[tuple[Case, Sequence[Judgement]]]) -> tuple[Repairs, ...]:
    found = []
    for gate, mend in (("tool_calls", tool_calls.repaired), ("json", structured_output.repaired)):
        failed = [
            case
            for case, told in rows
            if any(each.gate == gate and each.score is not None and each.score < FAILS_BELOW for each in told)
        ]
        repaired = sum(mend(case.question, case.answer) is not None for case in failed)
        found.append(Repairs(what=gate, failed=len(failed), repaired=repaired))
    return tuple(found)
