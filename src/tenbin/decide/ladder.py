"""4. Cascades as configured, with every target resolved."""

from collections.abc import Mapping

import msgspec

from tenbin.config.cascade import STANDARD_GATES, CascadeConfig, Rung
from tenbin.core.target import Target
from tenbin.decide.abilities import Abilities
from tenbin.decide.routing import Kind


class RungInForce(msgspec.Struct, frozen=True, kw_only=True):
    """A rung with its targets resolved."""

    target: Target
    rung: Rung
    judge: Target | None = None
    calibrated: bool = False
    """The calibration was learned of this model's own answers: its shares and thresholds hold."""

    gives_logprobs: bool = False
    """It is known to give log-probabilities."""

    @property
    def logprobs(self) -> bool:
        """Whether it is asked for log-probabilities."""
        wanted = self.rung.logprobs if self.rung.logprobs is not None else self.gives_logprobs
        return wanted and "confidence" in self.gates

    @property
    def gates(self) -> tuple[str, ...]:
        """What judges its answers."""
        return tuple(self.rung.gates) if self.rung.gates is not None else STANDARD_GATES


class Ladder(msgspec.Struct, frozen=True, kw_only=True):
    """A cascade in force."""

    name: str
    settings: CascadeConfig
    rungs: tuple[RungInForce, ...]


class Cascades(msgspec.Struct, frozen=True, kw_only=True):
    """All cascades in force."""

    ladders: Mapping[str, Ladder]
    """By the model name that clients ask for."""
    climb: CascadeConfig | None
    """For what is weighed; None: nothing climbs."""
    kinds: Mapping[str, Kind]
    """By target (``provider/model``): every rung of the ladders."""
    abilities: Abilities
