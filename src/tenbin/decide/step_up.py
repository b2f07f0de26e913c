"""4. A stronger model for a conversation that goes wrong: a rung up a declared ladder while signals say that it fails.

Pure, a fold of receipts: what is counted stands with the conversation (Session.stepped), what was decided in the
weighing. Hysteresis: so many failures up, many more calm answers down, twice as many each time it comes up again.
"""

from collections.abc import Mapping, Sequence

import msgspec

from tenbin.config.learning import StepUp as Settings
from tenbin.core.money import NanoUSD, format_usd, nano_from_usd
from tenbin.core.receipt import Receipt
from tenbin.core.session import NEW, Session, Stepped
from tenbin.core.signal import Signal, SignalKind
from tenbin.core.weighing import Candidate, StepUp

FAILS: frozenset[SignalKind] = frozenset(
    ("tests_failed", "edit_failed", "tool_misused", "declined", "rejected", "undone")
)
"""Kinds that each say that an answer failed. Weaker ones (a command's exit code, a file read again) do not."""
WORKS: frozenset[SignalKind] = frozenset(("tests_passed", "committed", "accepted"))
"""Kinds that each say that the work is well. An edit that could be made says nothing of the kind."""
FORGOTTEN = 5
"""Answers of which nothing bad was seen, after which earlier failures no longer count."""
MOST_DOUBLINGS = 6

BEGINNING = Stepped()


def heard(stepped: Stepped | None, signals: Sequence[Signal]) -> Stepped | None:
    """The count after what one request tells of the answer before it."""
    kinds = {signal.kind for signal in signals if signal.weight > 0}
    if kinds & FAILS:
        before = stepped or BEGINNING
        return msgspec.structs.replace(before, failed=before.failed + 1, calm=0)
    if stepped is None:
        return None
    calm = stepped.calm + 1
    well = bool(kinds & WORKS) or calm >= FORGOTTEN
    return msgspec.structs.replace(stepped, failed=0 if well else stepped.failed, calm=calm)


def step(
    settings: Settings, session: Session | None, signals: Sequence[Signal], *, in_tool_loop: bool, cheap: bool
) -> StepUp | None:
    """What the ladder asks of this request; None where the conversation is on no rung and nothing is to change.

    ``in_tool_loop``: the model is at work, nobody has spoken; ``cheap``: leaving costs no warm cache. A way down is
    taken only when a person speaks or nothing is warm.
    """
    if not settings.ladder or session is None or not session.target:
        return None
    ladder = tuple(settings.ladder)
    now = heard(session.stepped, signals)
    if now is None:
        return None
    place = ladder.index(now.rung) if now.rung in ladder else _place(ladder, session.target)
    top = len(ladder) - 1
    if now.failed >= settings.after and place < top:
        cap = None if settings.max_usd is None else nano_from_usd(repr(settings.max_usd))
        reason = f"{now.failed} answers of {session.target} failed in a row"
        return StepUp(why="up", rung=ladder[place + 1], targets=ladder[place + 1 :], cap_nano=cap, reason=reason)
    if not now.rung:
        return None
    back_after = settings.back_after * 2 ** min(max(now.ups - 1, 0), MOST_DOUBLINGS)
    if back_after and now.calm >= back_after and (cheap or not in_tool_loop):
        below = ladder[place - 1] if place > 0 else ""
        reason = f"{now.calm} answers in a row did not fail: one rung down from {now.rung}"
        return StepUp(why="back", rung=below, targets=(below,) if below else (), reason=reason)
    reason = f"has stepped up to {now.rung} and stays there"
    if now.failed >= settings.after:
        reason = f"{reason}: no rung is above it"
    return StepUp(why="held", rung=now.rung, targets=ladder[place:], reason=reason)


def _place(ladder: tuple[str, ...], target: str) -> int:
    """Where on the ladder a conversation stands that has not stepped yet; below it when its target is no rung."""
    return ladder.index(target) if target in ladder else -1


def follow(
    asked: StepUp, order: tuple[str, ...], candidates: Mapping[str, Candidate], session: Session
) -> tuple[StepUp, tuple[str, ...]]:
    """The order with the ladder's rung first, and the step with what it costs; as it was where the step is not taken.

    ``candidates``: those that may be chosen. Of a step's rungs the cheapest this turn is taken, its cache to be written
    counted: mostly the next one, or one above that is still warm.
    """
    rungs = [name for name in asked.targets if name in candidates and name in order]
    if not rungs:
        if not asked.targets:
            return msgspec.structs.replace(asked, taken=True), order
        return msgspec.structs.replace(asked, taken=False, refused="none of its rungs can answer"), order
    if asked.why == "up":
        chosen = min(rungs, key=lambda name: (_turn(candidates[name]) is None, _turn(candidates[name]) or 0))
    else:
        chosen = session.target if session.target in rungs else rungs[0]
    cost, stay = _turn(candidates[chosen]), _turn(candidates.get(session.target))
    if asked.cap_nano is not None and (cost is None or cost > asked.cap_nano):
        told = "its cost is not known" if cost is None else f"its first answer would cost {format_usd(cost)}"
        limit = format_usd(asked.cap_nano)
        return msgspec.structs.replace(asked, taken=False, refused=f"{told}, more than {limit} (max_usd)"), order
    taken = msgspec.structs.replace(
        asked,
        taken=True,
        refused="",
        rung=chosen if asked.why == "up" else asked.rung,
        turn_nano=cost,
        more_nano=cost - stay if cost is not None and stay is not None else None,
        written_nano=_written(candidates[chosen]),
    )
    return taken, (chosen, *(name for name in order if name != chosen))


def words(taken: StepUp) -> str:
    """The step in words, its cost with it."""
    told = taken.reason
    if taken.why != "up":
        return told
    told = f"steps up to {taken.rung}: {told}"
    if taken.turn_nano is not None:
        told += f"; this turn costs {format_usd(taken.turn_nano)}"
        if taken.written_nano:
            told += f", {format_usd(taken.written_nano)} of it to write its cache anew"
        if taken.more_nano is not None and taken.more_nano > 0:
            told += f", {format_usd(taken.more_nano)} more than staying"
    return told


def remember(session: Session | None, receipt: Receipt) -> Session:
    """The conversation with its count, after one more settled receipt of it."""
    session = session or NEW
    weighing = receipt.weighing
    if weighing is None or receipt.operation != "generate":
        return session
    now = heard(session.stepped, receipt.signals)
    taken = weighing.step_up
    if taken is not None and taken.taken and receipt.outcome == "answered":
        before = now or BEGINNING
        if taken.why == "up":
            now = Stepped(rung=taken.rung, ups=before.ups + 1)
        elif taken.why == "back":
            now = Stepped(rung=taken.rung, ups=before.ups)
    return session if now == session.stepped else msgspec.structs.replace(session, stepped=now)


def _turn(candidate: Candidate | None) -> NanoUSD | None:
    return candidate.cost.turn if candidate is not None and candidate.cost is not None else None


def _written(candidate: Candidate) -> NanoUSD:
    return candidate.cost.cache_write if candidate.cost is not None else 0
