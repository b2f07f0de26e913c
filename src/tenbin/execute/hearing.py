"""5. What a request tells of its conversation's last answer, and gates of this one: signals for the receipt."""

import msgspec

from tenbin.codecs.tool_outcomes import sightings
from tenbin.config.routing import RoutingConfig
from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.session import Session
from tenbin.core.signal import Decided, Sighting, Signal
from tenbin.core.sketch import Sketch
from tenbin.decide.evidence import band
from tenbin.decide.policy import Policy
from tenbin.decide.signals import of_sightings, scored
from tenbin.discern.reaction import reaction


def listening(policy: Policy) -> RoutingConfig | None:
    """What the policy says of signals; None where none are looked for."""
    settings = policy.routing.settings if policy.routing is not None else None
    return settings if settings is not None and (settings.learning.evidence or settings.step_up.ladder) else None


def heard(sketch: Sketch, session: Session | None, settings: RoutingConfig) -> tuple[Signal, ...]:
    """What the request tells of the conversation's last answer."""
    if sketch.trail is None or session is None or session.last is None:
        return ()
    seen = list(sightings(sketch.trail))
    if sketch.spoken:
        said = reaction(sketch.user, sketch.previous_answer)
        if said:
            seen.append(Sighting(said))
    return of_sightings(seen, session.last, sketch.model_turns, settings.learning.weights)


def with_signals(receipt: Receipt, signals: tuple[Signal, ...], settings: RoutingConfig) -> Receipt:
    """The receipt with what it tells of earlier answers, and what gates said of its own."""
    if settings.learning.evidence:
        signals += tuple(
            signal for attempt in receipt.attempts if (signal := _of_gates(receipt, attempt, settings)) is not None
        )
    return msgspec.structs.replace(receipt, signals=receipt.signals + signals) if signals else receipt


def _of_gates(receipt: Receipt, attempt: Attempt, settings: RoutingConfig) -> Signal | None:
    gating = attempt.gating
    if gating is None or gating.score is None or not attempt.number:
        return None
    weighing, climb = receipt.weighing, receipt.climb
    features = weighing.features if weighing is not None else climb.features if climb is not None else None
    if features is None:
        return None
    target = f"{attempt.provider}/{attempt.model}"
    known = next((one for one in weighing.candidates if one.target == target), None) if weighing is not None else None
    prior = known.quality.prior if known is not None and known.quality is not None else gating.prior
    about = Decided(
        request_id=receipt.request_id,
        target=target,
        task=features.task,
        domain=features.domain,
        band=band(features),
        prior=prior,
    )
    return scored("gate", about, gating.score, settings.learning.weights, source="gate")
