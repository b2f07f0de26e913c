"""7. The gates by their names: those built in, and those that packages offer by entry point."""

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from typing import cast

from tenbin.discern.gates.gate import Answer, Gate, Judgement, Question

ENTRY_POINTS = "tenbin.gates"
"""The entry-point group: the gate's name, and ``module:function`` of a Gate."""

BUILT_IN = {
    "empty": "tenbin.discern.gates.structure:empty",
    "truncated": "tenbin.discern.gates.structure:truncated",
    "repetition": "tenbin.discern.gates.repetition:repetition",
    "refusal": "tenbin.discern.gates.refusal:refusal",
    "language": "tenbin.discern.gates.structure:wrong_language",
    "format": "tenbin.discern.gates.forms:asked_form",
    "tool_calls": "tenbin.discern.gates.tool_calls:tool_calls",
    "json": "tenbin.discern.gates.structured_output:structured_output",
    "code": "tenbin.discern.gates.code:code",
    "confidence": "tenbin.discern.gates.confidence:confidence",
    "agreement": "tenbin.discern.gates.agreement:agreement",
    "relevance": "tenbin.discern.gates.relevance:relevance",
    "meaning": "tenbin.discern.gates.meaning:meaning",
}
"""By name, ``module:function``, as an entry point has it. Cheap ones first."""
DEAR = frozenset({"meaning"})
"""Those that take tens of milliseconds: only asked for by name."""


class UnknownGate(LookupError):
    """No gate of this name is built in or installed."""


@cache
def gate(name: str) -> Gate:
    """The gate of this name. Raises UnknownGate, naming those that there are."""
    built_in = BUILT_IN.get(name)
    if built_in is not None:
        module, _, attribute = built_in.partition(":")
        return cast(Gate, getattr(import_module(module), attribute))
    from importlib.metadata import entry_points

    offered = {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}
    if name not in offered:
        raise UnknownGate(f"There is no gate {name!r}; there are {', '.join(sorted({*BUILT_IN, *offered}))}.")
    return cast(Gate, offered[name].load())


def names(*, dear: bool = False) -> tuple[str, ...]:
    """The names of all gates, the dear ones only where asked for: those built in first, then those installed. A
    built-in name cannot be taken.
    """
    from importlib.metadata import entry_points

    built_in = [name for name in BUILT_IN if dear or name not in DEAR]
    return (*built_in, *sorted({entry.name for entry in entry_points(group=ENTRY_POINTS)} - BUILT_IN.keys()))


def judge(question: Question, answer: Answer, gates: Iterable[str] | None = None) -> tuple[Judgement, ...]:
    """What each of these gates says (by default those built in that are not dear). One of another package that fails is
    shown as not judged, with its error.
    """
    asked = [name for name in BUILT_IN if name not in DEAR] if gates is None else gates
    return tuple(_judged(name, question, answer) for name in asked)


def _judged(name: str, question: Question, answer: Answer) -> Judgement:
    asked = gate(name)
    if name in BUILT_IN:
        return asked(question, answer)
    try:
        told = asked(question, answer)
        score = told.score
        if score is not None and not 0.0 <= score <= 1.0:
            return Judgement(name, None, f"the gate failed: its score {score!r} is not within 0..1")
        return Judgement(name, score, told.evidence)
    except Exception as error:  # noqa: BLE001 - code of others: whatever it raises, the other gates still speak
        return Judgement(name, None, f"the gate failed: {type(error).__name__}: {error}"[:200])
