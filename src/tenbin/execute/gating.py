"""7. A held answer judged: read as its provider sends it, whatever form the client is to have; repaired where that is
cheap. Everything here is a pure function of its arguments but for the calibration's file, and slow: called in a thread.
"""

import logging
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from tenbin.core.answer import (
    AnswerFinished,
    ArgumentsDelta,
    BlockStarted,
    Delta,
    LogprobsDelta,
    StopReason,
    TextDelta,
)
from tenbin.core.conversation import Conversation, ToolCall
from tenbin.core.gating import Gating, Why
from tenbin.core.steps import Hold
from tenbin.discern.gates import structured_output, tool_calls
from tenbin.discern.gates.asking import question as question_of
from tenbin.discern.gates.calibration import BadCalibration, Calibration, combine, load, shipped
from tenbin.discern.gates.confidence import logprobs_of
from tenbin.discern.gates.gate import Answer, Judgement, Question
from tenbin.discern.gates.registry import UnknownGate, gate, judge

LOG = logging.getLogger("tenbin.execute")

OF_A_PREFIX = ("repetition", "refusal", "language")
"""Gates that can judge how an answer begins; with a whole tool call in it ``tool_calls`` can too."""


OF_THE_ANSWER = frozenset({"empty", "truncated", "repetition", "refusal"})
"""Gates that judge an answer by itself, where nobody but its provider could read the request."""

CERTAIN = frozenset({"empty", "repetition", "refusal", "language", "tool_calls", "json"})
"""Gates whose score of 0 names a fault that nobody can use the answer with, whatever the others say of it."""
FAILS_BELOW = 0.5
"""A gate that gives an answer less than this fails it."""
WORST = 0.05
"""The highest score of an answer with such a fault: what a calibration learned from a model that seldom has it says
little of one that does."""


class Opinions(NamedTuple):
    """What others said of an answer."""

    others: tuple[str, ...] = ()
    """Further answers to the same question."""
    marks: tuple[tuple[str, float | None, str], ...] = ()
    """Of each judge: who, the mark 0..1, and why there is none."""


NOTHING_SAID = Opinions()


class Judged(NamedTuple):
    """What came of judging."""

    gating: Gating
    usable: bool
    """The answer says or calls something."""
    repaired: list[Delta] | None
    """The answer as it was mended; None where nothing was."""


def judged(
    question: Question, hold: Hold, deltas: Sequence[Delta], why: Why, opinions: Opinions = NOTHING_SAID
) -> Judged:
    """Judge an answer, and mend it where a tool call or structured output needs it and can be."""
    answer = answer_of(deltas, opinions.others)
    gates = _gates(hold, why, bool(answer.tool_calls))
    gating = _gating(question, hold, answer, gates, why, opinions)
    usable = bool(answer.text.strip() or answer.tool_calls)
    failing = {name for name, score, _ in gating.parts if score is not None and score < 1}
    if why == "whole" and failing & {"tool_calls", "json"}:
        mended = _mended(question, answer, deltas, failing)
        if mended is not None:
            better, changes = mended
            again = _gating(question, hold, answer_of(better, opinions.others), gates, why, opinions)
            return Judged(msgspec.structs.replace(again, repaired=changes), usable, better)
    return Judged(gating, usable, None)


def by_itself(hold: Hold) -> Hold:
    """The same with the gates only that need not know what was asked."""
    return msgspec.structs.replace(hold, gates=tuple(name for name in hold.gates if name in OF_THE_ANSWER))


def asked(conversation: Conversation, hold: Hold) -> Question:
    """What gates look at of a request."""
    return question_of(conversation, hold.task or None)


def answer_of(deltas: Sequence[Delta], others: tuple[str, ...] = ()) -> Answer:
    """An answer as gates look at it, from what was read of it so far."""
    text: list[str] = []
    calls: dict[int, tuple[str, str, list[str]]] = {}
    logprobs: list[float] = []
    stop: StopReason | None = None
    for delta in deltas:
        if isinstance(delta, TextDelta):
            text.append(delta.text)
        elif isinstance(delta, BlockStarted) and delta.kind == "tool_call":
            calls[delta.index] = (delta.id, delta.name, [])
        elif isinstance(delta, BlockStarted) and delta.kind in ("text", "refusal") and text:
            text.append("\n")
        elif isinstance(delta, ArgumentsDelta) and delta.index in calls:
            calls[delta.index][2].append(delta.json)
        elif isinstance(delta, LogprobsDelta):
            logprobs += logprobs_of(delta.content) or ()
        elif isinstance(delta, AnswerFinished):
            stop = delta.stop_reason
    return Answer(
        text="".join(text),
        tool_calls=tuple(
            ToolCall(id=id_, name=name, arguments="".join(pieces) or "{}") for id_, name, pieces in calls.values()
        ),
        stop_reason=stop,
        logprobs=tuple(logprobs) or None,
        others=others,
    )


def _gates(hold: Hold, why: Why, calls: bool) -> tuple[str, ...]:
    if why == "whole":
        return hold.gates
    able = (*OF_A_PREFIX, "tool_calls") if calls else OF_A_PREFIX
    return tuple(name for name in hold.gates if name in able)


def _gating(
    question: Question, hold: Hold, answer: Answer, gates: tuple[str, ...], why: Why, opinions: Opinions
) -> Gating:
    names = [name for name in gates if _there(name)]
    if opinions.others and "agreement" not in names:
        names.append("agreement")
    told = [*judge(question, answer, names)]
    told += [
        Judgement("judge", mark, f"{who}: {mark:.2f}" if mark is not None else f"{who}: {why_not}")
        for who, mark, why_not in opinions.marks
    ]
    calibration = _calibration(hold.calibration)
    figures = calibration.figures(hold.task)
    prior = figures.right if hold.prior is None else hold.prior
    accept = figures.threshold if hold.accept is None else hold.accept
    if why == "prefix":
        # How an answer begins can only speak against it: it passes as long as no gate fails it.
        accept = min(accept, prior)
    together = combine(told, calibration, hold.task, prior=prior, threshold=accept)
    score = round(together.chance, 4)
    if why == "prefix" and all(one.score is None or one.score >= FAILS_BELOW for one in told):
        score = max(score, accept)
    if any(one.score == 0 and one.gate in CERTAIN for one in told):
        score = min(score, WORST)
    return Gating(
        score=score,
        accept=accept,
        passed=score >= accept,
        parts=tuple((one.gate, None if one.score is None else round(one.score, 4), one.evidence[:300]) for one in told),
        why=why,
        prior=prior,
    )


@cache
def _there(name: str) -> bool:
    """Whether a gate is installed; one that is not is told of once and judges nothing."""
    try:
        gate(name)
    except UnknownGate as unknown:
        LOG.error("%s It judges nothing until it is installed.", unknown)
        return False
    return True


@cache
def _calibration(path: str) -> Calibration:
    if not path:
        return shipped()
    try:
        return load(Path(path))
    except (BadCalibration, OSError) as error:
        LOG.error("%s The one that comes along is used until the next start.", error)
        return shipped()


def _mended(
    question: Question, answer: Answer, deltas: Sequence[Delta], failing: set[str]
) -> tuple[list[Delta], tuple[str, ...]] | None:
    """The answer with its calls or its JSON repaired, and what was changed."""
    if "tool_calls" in failing and answer.tool_calls:
        calls = tool_calls.repaired(question, answer)
        return None if calls is None else (_with_calls(deltas, calls.calls), calls.changes)
    if "json" in failing:
        text = structured_output.repaired(question, answer)
        return None if text is None else (_with_text(deltas, text.text), text.changes)
    return None


def _with_calls(deltas: Sequence[Delta], calls: tuple[ToolCall, ...]) -> list[Delta]:
    """The same answer with its tool calls replaced, one for one."""
    waiting = list(calls)
    replaced: set[int] = set()
    mended: list[Delta] = []
    for delta in deltas:
        if isinstance(delta, BlockStarted) and delta.kind == "tool_call" and waiting:
            call = waiting.pop(0)
            replaced.add(delta.index)
            mended += (msgspec.structs.replace(delta, name=call.name), ArgumentsDelta(delta.index, call.arguments))
        elif not (isinstance(delta, ArgumentsDelta) and delta.index in replaced):
            mended.append(delta)
    return mended


def _with_text(deltas: Sequence[Delta], text: str) -> list[Delta]:
    """The same answer with all its text replaced."""
    mended: list[Delta] = []
    written = False
    for delta in deltas:
        if isinstance(delta, LogprobsDelta):
            continue
        if isinstance(delta, TextDelta):
            if not written:
                written = True
                mended.append(TextDelta(delta.index, text))
            continue
        mended.append(delta)
    return mended
