"""The figures of gates in words and columns, for people. Programs read the same as JSON."""

from collections.abc import Sequence

from tenbin.measure.gates.measured import CombinedFigures, Report
from tenbin.measure.plain_text import columns, wrapped
from tenbin.measure.routing.measured import Value

LEGEND = (
    "precision: of the answers that a gate fails (score below 0.5), or all gates together escalate, the share that is "
    "wrong. recall: of all wrong answers the share that it catches.",
    "AUC: the chance that a right answer scores higher than a wrong one; 0.5 is no use.",
    "right of accepted: what is kept without a second opinion. Thresholds aim at the target on the answers they were "
    "learned from; a threshold of 1 means that nothing of this task type can be accepted at that target.",
    "Brier: mean square of the chance's error; saying the share of right answers each time has share x (1 - share).",
    "[ ]: 95 % bootstrap interval over answers. -: nothing to divide by.",
)


def lines(report: Report) -> list[str]:
    """The whole report."""
    told = [
        f"{report.data}: {report.rows:,} judged answers measured"
        + (f", {report.learned_from:,} others learned from" if report.learned_from else ""),
        *wrapped(f"Calibration: {report.calibration}; target {report.target:.0%}", "  "),
        *(line for name, why in report.unused.items() for line in wrapped(f"! {name}: {why}", "  ")),
        "",
        "Gates by themselves",
        *_gates(report),
        "",
        "All gates together",
        *_combined(report.combined),
        f"  Knowing only the task type: AUC {shown(report.auc_of_task_types)}",
        "",
        *_curve(report.combined[0]),
        "",
    ]
    mended = [
        f"  {each.what}: {each.repaired} of {each.failed} failed answers could be made to fit their schemas"
        for each in report.repairs
        if each.failed
    ]
    if mended:
        told += ["Repair before escalation", *mended, ""]
    return [*told, "How to read this", *(line for words in LEGEND for line in wrapped(words, "  "))]


def _gates(report: Report) -> list[str]:
    rows = [["", "judged", "wrong", "failed", "precision [95 %]", "recall [95 %]", "AUC [95 %]"]]
    for each in report.gates:
        counts = [f"{count:,}" for count in (each.judged, each.wrong, each.failed)]
        rows.append([each.gate, *counts, shown(each.precision), shown(each.recall), shown(each.auc)])
    return columns(rows, "  ")


def _combined(figures: Sequence[CombinedFigures]) -> list[str]:
    heading = ["", "rows", "right", "threshold", "escalated", "precision [95 %]", "recall [95 %]"]
    rows = [[*heading, "right of accepted", "AUC [95 %]", "Brier"]]
    for each in figures:
        rows.append(
            [
                "all" if each.task == "*" else each.task,
                f"{each.rows:,}",
                f"{each.right:.2f}",
                "by task" if each.threshold is None else f"{each.threshold:.2f}",
                shown(Value(each.escalated.value)),
                *(shown(value) for value in (each.precision, each.recall, each.right_of_accepted, each.auc)),
                shown(Value(each.brier.value)),
            ]
        )
    return columns(rows, "  ")


def _curve(figures: CombinedFigures) -> list[str]:
    rows = [["escalated, least sure first", "errors caught [95 %]", "right of kept [95 %]"]]
    rows += [[f"{each.escalated:.0%}", shown(each.caught), shown(each.right_of_kept)] for each in figures.curve]
    return columns(rows, "  ")


def shown(value: Value) -> str:
    """A figure with its interval."""
    if value.value is None:
        return "-"
    if value.low is None or value.high is None:
        return f"{value.value:.2f}"
    return f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"
