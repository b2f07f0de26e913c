"""What came of measuring gates: plain figures, for people (report.py) and for programs (JSON).

A gate catches errors: what is positive here is a wrong answer that it fails.
"""

import msgspec

from tenbin.measure.routing.measured import Value

FORMAT = 1
"""Of the JSON; grows when a field changes its meaning or goes."""


class GateFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One gate by itself, on the answers that it judged."""

    gate: str
    judged: int
    wrong: int
    """Of those judged."""
    failed: int
    """Scored below 0.5."""
    precision: Value
    """Share of wrong ones among the failed."""
    recall: Value
    """Share of failed ones among all wrong answers, those that it did not judge included."""
    auc: Value
    """The chance that a right answer scores higher than a wrong one, equal scores counting half; 0.5 is no use."""


class CostPoint(msgspec.Struct, frozen=True):
    """What escalating the least sure answers brings."""

    escalated: float
    """Share of all answers."""
    caught: Value
    """Share of all wrong answers that are among them."""
    right_of_kept: Value
    """Share of right ones among the answers that are kept."""


class CombinedFigures(msgspec.Struct, frozen=True, kw_only=True):
    """All gates together, on one task type or all answers."""

    task: str
    """``*``: all."""
    rows: int
    right: float
    """Share of right answers."""
    threshold: float | None
    """Least chance that is accepted; None for all task types, each of which has its own."""
    escalated: Value
    """Share of answers that are not accepted."""
    precision: Value
    """Share of wrong ones among the escalated."""
    recall: Value
    """Share of the wrong ones that are escalated."""
    right_of_accepted: Value
    """Share of right ones among the accepted: what the thresholds aim at."""
    auc: Value
    brier: Value
    """Mean square of chance minus outcome; less is better."""
    curve: tuple[CostPoint, ...] = ()


class Repairs(msgspec.Struct, frozen=True, kw_only=True):
    """What cheap repair could do, before anything is escalated."""

    what: str
    """``tool_calls`` or ``json``."""
    failed: int
    """Answers that this gate failed."""
    repaired: int
    """Of those, made to fit their schemas. Whether they are then right is not known from a file."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was measured."""

    format: int = FORMAT
    data: str
    files: dict[str, int]
    unused: dict[str, str]
    rows: int
    """That were measured."""
    learned_from: int
    """Rows, none of them measured, that the calibration was learned from in this run; 0 when it was given."""
    calibration: str
    """Of which answers the calibration was made."""
    target: float
    bootstrap: int
    seed: int
    gates: tuple[GateFigures, ...]
    combined: tuple[CombinedFigures, ...]
    auc_of_task_types: Value
    """The AUC of knowing only how often each task type is right: what the gates' own must be compared with."""
    repairs: tuple[Repairs, ...]
    notes: tuple[str, ...] = ()
