"""A ladder in words: what was planned for each rung, what the gates said of each held answer, what it all cost."""

from collections.abc import Sequence
from typing import Any

import msgspec

from tenbin.cli.language import say
from tenbin.cli.routing import columns
from tenbin.core.gating import Climb, Gating
from tenbin.core.money import format_usd, usd_decimal
from tenbin.core.receipt import Attempt, Receipt


def planned(climb: Climb) -> list[str]:
    """What was planned, for a terminal."""
    rows = [
        (
            say("rung", "段"),
            say("model", "モデル"),
            say("chance", "期待品質"),
            say("accepted from", "合格点"),
            say("expected cost", "予想費用"),
            say("from here on", "以降の予想"),
        )
    ]
    for number, rung in enumerate(climb.rungs, start=1):
        top = number == len(climb.rungs)
        accept = say("as calibrated", "校正値") if rung.accept is None else f"{rung.accept:.2f}"
        rows.append(
            (
                str(number),
                rung.target,
                "?" if rung.chance is None else f"{rung.chance:.2f}",
                say("always", "常に") if top else accept,
                _usd(rung.cost_nano),
                _usd(rung.onward_nano),
            )
        )
    lines = [say(f"Ladder {climb.name}", f"はしご {climb.name}"), *_table(rows)]
    for number, rung in enumerate(climb.rungs, start=1):
        if rung.skipped:
            lines.append(say(f"  {number} is skipped: {rung.skipped}", f"  {number} は飛ばします: {rung.skipped}"))
    return lines


def judged(attempt: Attempt) -> list[str]:
    """What the gates said of one attempt's answer, for a terminal; nothing where it was not judged."""
    gating = attempt.gating
    if gating is None:
        return []
    lines = [f"     {_verdict(gating)}"]
    lines += [say(f"     repaired: {change}", f"     修復: {change}") for change in gating.repaired]
    lines += [
        f"     {name:<11} {score:.2f}  {words}"
        for name, score, words in sorted(gating.parts, key=lambda part: (part[1] is None, part[1]))
        if score is not None
    ]
    return lines


def _verdict(gating: Gating) -> str:
    given = say(", given to the client", "、クライアントに送信") if gating.given else ""
    if gating.score is None:
        return say(f"not judged: held back too long{given}", f"未判定: 保留時間切れ{given}")
    what = {"prefix": say("its beginning", "冒頭"), "whole": say("the answer", "回答"), "late": ""}[gating.why]
    verdict = say("passes", "合格") if gating.passed else say("does not pass", "不合格")
    return say(
        f"{what} {verdict}: score {gating.score:.2f}, accepted from {gating.accept:.2f} "
        f"(before the gates {gating.prior:.2f}){given}",
        f"{what}は{verdict}: 得点 {gating.score:.2f}、合格点 {gating.accept:.2f} (判定前 {gating.prior:.2f}){given}",
    )


def plain_plan(climb: Climb) -> dict[str, Any]:
    """What was planned, for programs: the record as it is kept, with every amount also in USD."""
    record: dict[str, Any] = msgspec.to_builtins(climb)
    for told, rung in zip(record["rungs"], climb.rungs, strict=True):
        for name in ("cost", "onward"):
            nano = getattr(rung, f"{name}_nano")
            told[f"{name}_usd"] = None if nano is None else usd_decimal(nano)
    return record


def plain_attempt(attempt: Attempt) -> dict[str, Any]:
    """What a ladder adds to an attempt, for programs."""
    if not attempt.rung:
        return {}
    gating = None if attempt.gating is None else msgspec.to_builtins(attempt.gating)
    return {"rung": attempt.rung, "purpose": attempt.purpose, "gating": gating}


def place(attempt: Attempt) -> str:
    """Which rung an attempt was, and what for."""
    if not attempt.rung:
        return ""
    purposes = {"": "", "agreement": say(", a further sample", "、追加標本"), "judge": say(", a judge", "、判定役")}
    return say(
        f" [rung {attempt.rung}{purposes[attempt.purpose]}]", f" [{attempt.rung} 段目{purposes[attempt.purpose]}]"
    )


def replays(receipt: Receipt) -> bool | None:
    """Whether the rungs that were skipped follow from the record; None where nothing was planned."""
    from tenbin.decide.climbing import worthwhile

    climb = receipt.climb
    if climb is None:
        return None
    if all(rung.onward_nano is None and not rung.skipped for rung in climb.rungs):
        return True
    return worthwhile(climb.rungs) == climb.rungs


def _usd(nano: int | None) -> str:
    return "?" if nano is None else format_usd(nano)


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(columns(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  " + "  ".join(cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
