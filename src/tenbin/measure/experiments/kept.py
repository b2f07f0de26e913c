"""8. Quality kept: the share of cheap answers that a judge finds at least as good as the strongest model's own.

Read from the ledger's shadow evaluations. Answers of one conversation are not independent; the intervals allow for it.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from math import sqrt

import msgspec

from tenbin.core.money import NanoUSD, format_usd
from tenbin.core.shadow import OPERATION, Preferred
from tenbin.ledger.migrations import applied

FORMAT = 1
"""Of the JSON; grows when a field changes its meaning or goes."""
Z95 = 1.959964


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The verdicts on one kind of answers."""

    task: str = ""
    """Empty: of all."""
    model: str = ""
    """Who answered cheaply, ``provider/model``; empty: all."""
    judged: int
    better: int
    """Cheap answers that were preferred."""
    ties: int
    worse: int
    share: float
    """0..1, at least as good."""
    low: float
    high: float
    """95 %."""


class KeptReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything."""

    format: int = FORMAT
    evaluations: int
    """With and without a verdict."""
    all: Kept | None
    """None before the first verdict."""
    by: tuple[Kept, ...]
    """By task and model, the most judged first."""
    faults: dict[str, int]
    """Why there was no verdict -> how often."""
    billed_nano: NanoUSD
    unknown_cost: int
    """Evaluations whose cost nobody knows."""


class _Verdict(msgspec.Struct, frozen=True):
    task: str
    model: str
    unit: str
    preferred: Preferred


def kept_report(database: sqlite3.Connection, since_ms: int = 0) -> KeptReport:
    """All evaluations that began since then (UTC ms). Raises sqlite3.Error."""
    if "m0005_experiments" not in applied(database):
        return KeptReport(evaluations=0, all=None, by=(), faults={}, billed_nano=0, unknown_cost=0)
    rows = database.execute(
        """
        SELECT s.task, s.cheap, s.unit, s.preferred, s.fault, r.billed_nano
        FROM requests r LEFT JOIN shadows s ON s.request = r.id
        WHERE r.operation = ? AND r.arrived_at_ms >= ?
        """,
        (OPERATION, since_ms),
    ).fetchall()
    verdicts = [_Verdict(task, model, unit, said) for task, model, unit, said, _, _ in rows if said]
    faults = Counter(fault or "the gateway died" for _, _, _, said, fault, _ in rows if not said)
    groups: dict[tuple[str, str], list[_Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault((verdict.task, verdict.model), []).append(verdict)
    by = [kept(of, task=task, model=model) for (task, model), of in groups.items()]
    return KeptReport(
        evaluations=len(rows),
        all=kept(verdicts) if verdicts else None,
        by=tuple(sorted(by, key=lambda one: (-one.judged, one.task, one.model))),
        faults=dict(faults.most_common()),
        billed_nano=sum(billed for *_, billed in rows if billed is not None),
        unknown_cost=sum(billed is None for *_, billed in rows),
    )


def kept(verdicts: Iterable[_Verdict], *, task: str = "", model: str = "") -> Kept:
    """The share of verdicts that are not in favour of the strongest, with Wilson's interval for as many independent
    answers as these tell as much as.
    """
    counts: Counter[Preferred] = Counter()
    units: dict[str, list[int]] = {}
    for verdict in verdicts:
        counts[verdict.preferred] += 1
        sums = units.setdefault(verdict.unit, [0, 0])
        sums[0] += verdict.preferred != "strong"
        sums[1] += 1
    judged = counts.total()
    good = judged - counts["strong"]
    low, high = wilson(good / judged, judged / design_effect([(x, w) for x, w in units.values()]))
    return Kept(
        task=task,
        model=model,
        judged=judged,
        better=counts["cheap"],
        ties=counts["tie"],
        worse=counts["strong"],
        share=good / judged,
        low=low,
        high=high,
    )


def wilson(share: float, count: float) -> tuple[float, float]:
    """Wilson's score interval (JASA 22, 1927), 95 %, of a share among so many; ``count`` need not be whole."""
    square = Z95 * Z95
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = Z95 / (1 + square / count) * sqrt(share * (1 - share) / count + square / (4 * count * count))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def design_effect(units: list[tuple[int, int]]) -> float:
    """How many answers of these conversations, (good, judged) each, tell as much as one independent one (Kish, Survey
    Sampling, 1965): the variance of their share by conversations over that of as many independent ones. At least 1.
    """
    good, judged = sum(x for x, _ in units), sum(w for _, w in units)
    share = good / judged
    alone = share * (1 - share) / judged
    if len(units) < 2 or alone == 0:
        # All verdicts agree, or all are of one conversation: then nobody knows, and each conversation counts once.
        return judged / len(units)
    clustered = sum((x - share * w) ** 2 for x, w in units) * len(units) / (len(units) - 1) / judged**2
    return max(clustered / alone, 1.0)


def lines(told: KeptReport, say: Callable[[str, str], str]) -> list[str]:
    """For people, in one of two languages."""
    if told.all is None:
        out = [say("No cheap answer has been judged yet.", "まだ判定された回答はありません。")]
    else:
        one = told.all
        out = [
            say(
                f"Quality kept: {one.share:.1%}  [{one.low:.1%}, {one.high:.1%}] of {one.judged:,} judged answers are "
                "at least as good as the strongest model's.",
                f"品質維持率: {one.share:.1%}  [{one.low:.1%}, {one.high:.1%}] "
                f"(判定済み {one.judged:,} 件のうち、最強モデルと同等以上の割合)",
            ),
            say(
                f"Better {one.better:,}, as good {one.ties:,}, worse {one.worse:,}.",
                f"優れている {one.better:,}、同等 {one.ties:,}、劣っている {one.worse:,}",
            ),
            "",
        ]
        for row in told.by:
            task = row.task or say("(no task)", "(種類不明)")
            out.append(
                f"  {task}  {row.model}  {row.share:.1%}  [{row.low:.1%}, {row.high:.1%}]  "
                f"{row.better}/{row.ties}/{row.worse}"
            )
    for fault, count in told.faults.items():
        out.append(say(f"Not judged, {count} times: {fault}.", f"判定なし {count} 件: {fault}"))
    spent = format_usd(told.billed_nano)
    unknown = say(
        f", and {told.unknown_cost} of unknown cost" if told.unknown_cost else "",
        f" (費用不明 {told.unknown_cost} 件)" if told.unknown_cost else "",
    )
    out.append(
        say(
            f"{told.evaluations} evaluations cost {spent}{unknown}.",
            f"評価 {told.evaluations} 件、費用 {spent}{unknown}",
        )
    )
    return out
