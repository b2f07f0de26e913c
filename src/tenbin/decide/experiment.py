"""4. Which of an experiment's policies decides about a request: by a hash of its conversation, so always the same one.

Pure. docs/experiments.md tells what takes part in an experiment and how its figures are read.
"""

from hashlib import blake2b

import msgspec

from tenbin.config.experiments import ArmName, Experiment
from tenbin.core.ask import Ask
from tenbin.decide.routing import Names, names

_SPAN = float(2**64)


class Scope(msgspec.Struct, frozen=True):
    """Which requests take part."""

    keys: frozenset[str]
    names: Names

    def holds(self, ask: Ask) -> bool:
        """Whether a request takes part; only those for an answer do."""
        if ask.operation != "generate":
            return False
        if self.keys and (ask.caller.name or ask.caller.key_id) not in self.keys:
            return False
        return not self.names or ask.head.model in self.names


def scope(experiment: Experiment) -> Scope:
    """What the experiment says of it, ready for use."""
    return Scope(frozenset(experiment.keys), names(experiment.names))


def unit_of(experiment: Experiment, key_id: str, session: str, origin: str, request_id: str) -> str:
    """What a request belongs to, as 16 hex digits that tell nobody anything: the conversation by the client's own id
    for it, else by how it began (Sketch.origin), else the request by itself. Conversations of two keys are two, and so
    are those of two experiments.
    """
    kind, name = ("session", session) if session else ("origin", origin) if origin else ("request", request_id)
    parts = (experiment.name, str(experiment.started_at_ms), key_id, kind, name)
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def arm_of(experiment: Experiment, unit: str) -> ArmName:
    """The arm of a unit: the treatment for the configured share of them. Everybody's is the control once harm was
    seen.
    """
    if experiment.state != "running":
        return "control"
    # Hashed again: the unit's own digits are shown in the ledger and sorted by, the split shall not follow them.
    place = int.from_bytes(blake2b(unit.encode(), digest_size=8, person=b"tenbin.arm").digest(), "big") / _SPAN
    return "treatment" if place < experiment.share else "control"
