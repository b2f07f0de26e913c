"""What can be configured of experiments, of shadow evaluation, and of exploration. docs/experiments.md tells of them.

``Shadow`` and ``Exploration`` are blocks of tenbin.yaml; ``Experiment`` is what `tenbin experiment start` writes down.
"""

from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from tenbin.config.section import OneOrMore, Price, Section, TargetName

Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""0 to 1."""
ArmName: TypeAlias = Literal["control", "treatment"]
ARMS: tuple[ArmName, ArmName] = ("control", "treatment")

MetricName: TypeAlias = Literal[
    "cost_per_conversation",
    "cost_per_request",
    "errors",
    "gate_pass",
    "feedback",
    "escalations",
    "first_byte_ms",
    "total_ms",
]
"""What the arms of an experiment are compared by."""


class ShadowConfig(Section, frozen=True):
    """Has the strongest model answer a sample of cheaply answered requests again, in the background, and a judge
    compare the two answers: how much quality is kept (`tenbin quality`)."""

    share: Share = 0.0
    """Of the weighed requests that somebody weaker than the strongest has answered, so many are answered again. 0:
    none."""
    judge: TargetName | None = None
    """Who compares the answers, twice, with places exchanged. Needed when `share` is above 0."""
    strongest: TargetName | None = None
    """Who answers again. Default: the strongest that was eligible for the request."""
    usd_per_day: Price = 1.0
    """All that shadow evaluations may cost in a day (UTC), USD. A call is made only if its dearest outcome still
    fits."""
    max_output_tokens: OneOrMore = 4_096
    """Requests that allow longer answers, or do not say, are answered again within this; what the limit cuts off is not
    judged."""
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = 300.0
    """For each call."""


class Exploration(Section, frozen=True):
    """Tries, now and then, another of the models that are good enough, so that more is learned of them. Never one below
    the floor; only where no warm cache holds a conversation."""

    share: Share = 0.0
    """Of the weighed requests, so many are sent by Thompson sampling. 0: none."""
    max_usd: Price = 0.01
    """What trying another one may be expected to cost above the usual choice, for one request, USD."""


class Arm(Section, frozen=True):
    """One of an experiment's policies: the configuration in force with something changed."""

    routing: dict[str, Any] = {}
    """Keys of `routing` and their values in this arm; blocks are merged, all else is replaced."""
    file: str | None = None
    """Another configuration file whose policy (models, routing, fallback ...) is taken instead, absolute path."""
    digest: str = ""
    """SHA-256 of that file when the experiment was started: a file that is changed ends the experiment."""


class Harm(Section, frozen=True):
    """By how much the treatment may be worse than the control. What is surely beyond ends the experiment. None: no
    limit."""

    errors: Share | None = 0.02
    """Share of requests that fail, percentage points as a share."""
    gates: Share | None = 0.05
    """Drop of the share of gated answers that pass."""
    feedback: Share | None = 0.1
    """Drop of the mean feedback, 0 to 1."""
    cost: Annotated[float, msgspec.Meta(ge=0)] | None = 0.5
    """Rise of the cost of a request, as a share of the control's."""


State: TypeAlias = Literal["running", "harmed", "stopped"]


class Experiment(Section, frozen=True):
    """Two policies on live traffic, split by conversation."""

    name: str
    started_at_ms: int
    """UTC, milliseconds since the epoch. With the name, it is what conversations are split by."""
    control: Arm = Arm()
    treatment: Arm = Arm()
    share: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.5
    """Of the conversations, so many are given the treatment."""
    keys: list[str] = []
    """Only requests of these keys take part; ``local`` is a caller without one. Empty: all."""
    names: list[str] = []
    """Only requests for these model names take part; ``*`` stands for any characters. Empty: all."""
    alpha: Annotated[float, msgspec.Meta(gt=0, le=0.5)] = 0.05
    """Chance that a difference is called sure which is none, however often one looks."""
    harm: Harm = Harm()
    state: State = "running"
    """``harmed``: everybody is given the control arm until the experiment is stopped."""
    ended_at_ms: int | None = None
    """When it was harmed or stopped."""
    reason: str = ""
    """Why it ended, in words."""
