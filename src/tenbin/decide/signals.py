"""4. From what a request shows to signals about the decision before it: whose answer it was, and how much each counts.

The last decision of a conversation is remembered with it (Session.last), a fold of receipts like all else there.
"""

from collections.abc import Mapping, Sequence

import msgspec

from tenbin.core.features import Features
from tenbin.core.receipt import Receipt
from tenbin.core.session import NEW, LastDecision, Session
from tenbin.core.signal import Decided, Sighting, Signal, SignalKind
from tenbin.core.weighing import Weighing
from tenbin.decide.evidence import band

WEIGHTS: Mapping[SignalKind, tuple[float, float]] = {
    "tests_passed": (1.0, 0.6),
    "tests_failed": (0.0, 0.2),
    "edit_applied": (1.0, 0.1),
    "edit_failed": (0.0, 0.5),
    "tool_misused": (0.0, 0.6),
    "command_failed": (0.0, 0.1),
    "read_again": (0.0, 0.1),
    "declined": (0.0, 0.5),
    "rejected": (0.0, 0.7),
    "undone": (0.0, 0.8),
    "accepted": (1.0, 0.6),
    "committed": (1.0, 0.4),
    "feedback": (1.0, 2.0),
    "gate": (1.0, 0.3),
    "shadow": (1.0, 0.7),
}
"""By kind: success, and trials that it counts as. Where somebody gives a score, that is the success. Assumed, by how
directly each tells whether the answer was good, and so that the ordinary mix of good and bad signs of a task that goes
well moves a model expected at 0.8 neither way; docs/evidence.md has the reasons."""
MOST_FROM_ONE = 1.0
"""Trials that all that one request shows of one decision counts as, at most."""


def of_sightings(
    seen: Sequence[Sighting], last: LastDecision | None, model_turns: int, weights: Mapping[str, float] = {}
) -> tuple[Signal, ...]:
    """Signals about a conversation's last decision; none where it is not known to be the one that was seen.

    ``model_turns`` are the answers that the request holds. When it is not one more than at that decision, another one
    came between, or the conversation was cut, or two bear one name: then nothing is said of anybody. ``weights`` are
    those that the configuration has in place of WEIGHTS.
    """
    if not seen or last is None or last.heard or model_turns != last.model_turns + 1:
        return ()
    given = [(one, weights.get(one.kind, WEIGHTS[one.kind][1])) for one in seen]
    total = sum(weight for _, weight in given)
    scale = MOST_FROM_ONE / total if total > MOST_FROM_ONE else 1.0
    return tuple(
        Signal(
            kind=one.kind,
            about=last.decided,
            success=WEIGHTS[one.kind][0],
            weight=round(weight * scale, 6),
            count=one.count,
        )
        for one, weight in given
    )


def scored(
    kind: SignalKind,
    about: Decided,
    score: float,
    weights: Mapping[str, float] = {},
    *,
    key_id: str = "",
    source: str = "",
) -> Signal:
    """A signal that comes with a score 0..1: feedback, a gate's, a judge's."""
    weight = weights.get(kind, WEIGHTS[kind][1])
    return Signal(kind=kind, about=about, success=score, weight=weight, key_id=key_id, source=source)


def taken_back(signal: Signal, at_ms: int) -> Signal:
    """The signal that undoes one of ``at_ms`` (UTC): folded after it, as if that had never been."""
    return msgspec.structs.replace(signal, weight=-signal.weight, at_ms=at_ms)


def decided(request_id: str, target: str, weighing: Weighing | None) -> Decided:
    """A decision as signals are about it; without a weighing, evidence knows nothing of it but the target."""
    if weighing is None:
        return Decided(request_id=request_id, target=target)
    features: Features = weighing.features
    chosen = next((one for one in weighing.candidates if one.target == target), None)
    prior = chosen.quality.prior if chosen is not None and chosen.quality is not None else None
    return Decided(
        request_id=request_id,
        target=target,
        task=features.task,
        domain=features.domain,
        band=band(features),
        prior=prior,
    )


def decided_by(receipt: Receipt) -> Decided | None:
    """The decision of a receipt; None when nobody answered."""
    last = receipt.last
    if last is None or last.outcome not in ("answered", "cut"):
        return None
    return decided(receipt.request_id, f"{last.provider}/{last.model}", receipt.weighing)


def remember(session: Session | None, receipt: Receipt) -> Session:
    """The conversation with its last decision, after one more settled receipt of it (after ``affinity.fold``)."""
    session = session or NEW
    last = session.last
    if last is not None and any(signal.about.request_id == last.decided.request_id for signal in receipt.signals):
        session = msgspec.structs.replace(session, last=msgspec.structs.replace(last, heard=True))
    weighing, answered = receipt.weighing, receipt.last
    if weighing is None or answered is None or receipt.operation != "generate" or receipt.outcome != "answered":
        return session
    if last is not None and answered.started_at_ms < last.at_ms:
        return session  # Overtaken by a later request of the same conversation.
    about = decided(receipt.request_id, f"{answered.provider}/{answered.model}", weighing)
    turns = weighing.features.model_turns
    return msgspec.structs.replace(
        session, last=LastDecision(decided=about, model_turns=turns, at_ms=answered.started_at_ms)
    )
