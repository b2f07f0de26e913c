"""6. An experiment on live traffic: each request that takes part is given the world of its conversation's arm.

The arms' policies are compiled once, when the experiment or the configuration comes in force.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from tenbin.config.arms import arm_config
from tenbin.config.experiments import ARMS, ArmName, Experiment
from tenbin.config.model import Config
from tenbin.core.ask import Ask, Assigned
from tenbin.core.problems import Unreadable
from tenbin.decide.experiment import arm_of, scope, unit_of
from tenbin.decide.policy import Policy
from tenbin.decide.resolve import policy

if TYPE_CHECKING:
    from tenbin.execute.world import World


class Trial:
    """The experiment in force."""

    def __init__(self, experiment: Experiment, worlds: Mapping[ArmName, "World"]) -> None:
        self.experiment = experiment
        self._worlds = worlds
        self._scope = scope(experiment)

    def of(self, ask: Ask, outside: "World") -> tuple["World", Ask]:
        """The world in which a request is carried out, and the request with its part in the experiment on it.
        ``outside`` is the world of those that take none.
        """
        if not self._scope.holds(ask):
            return outside, ask
        experiment = self.experiment
        if experiment.state != "running":
            return self._worlds["control"], ask
        origin = ""
        if not ask.session:
            try:
                origin = outside.dialects(ask.dialect).sketch(ask.body).origin
            except Unreadable:
                origin = ""  # It will be refused, under whatever arm.
        unit = unit_of(experiment, ask.caller.key_id, ask.session or "", origin, ask.request_id)
        arm = arm_of(experiment, unit)
        return self._worlds[arm], msgspec.structs.replace(ask, assigned=Assigned(experiment.name, arm, unit))


def arm_policies(experiment: Experiment, config: Config) -> dict[ArmName, Policy]:
    """The arms' policies under a configuration (config.findings.build). Raises BadArm."""
    return {arm: policy(arm_config(config, getattr(experiment, arm), arm)) for arm in ARMS}


def trial(experiment: Experiment, config: Config, world: "World") -> Trial:
    """Compile an experiment for the configuration and the world in force. Raises BadArm."""
    policies = arm_policies(experiment, config)
    return Trial(experiment, {arm: world.under(policies[arm]) for arm in ARMS})
