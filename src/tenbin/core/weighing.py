"""4. What a weighed decision looked at and chose: every candidate with its cost, its quality and the reasons.

It stands on the receipt, is shown by ``tenbin explain``, and choosing again from what it holds gives the same choice.
"""

from typing import Literal

import msgspec

from tenbin.core.features import Features, Tier
from tenbin.core.money import NanoUSD
from tenbin.core.session import Session


class Cost(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a turn would cost on one candidate, nano-USD, bucket by bucket."""

    input: NanoUSD = 0
    cache_read: NanoUSD = 0
    cache_write: NanoUSD = 0
    output: NanoUSD = 0
    reasoning: NanoUSD = 0
    """Of thinking, beside ``output``."""
    request: NanoUSD = 0
    """Charges for each request, web searches."""
    electricity: NanoUSD = 0
    """Of a model on one's own machine."""
    escalation: NanoUSD = 0
    """Chance that the answer is not good enough times what doing it again elsewhere costs."""
    coming_back: NanoUSD = 0
    """What this choice adds to the rest of the conversation against staying: caches to be written anew; negative when
    it saves."""
    quota: NanoUSD = 0
    """No cash: what the part of a subscription's quota is worth that this turn uses up, its shadow price."""

    @property
    def turn(self) -> NanoUSD:
        """What this turn itself would be billed."""
        return (
            self.input
            + self.cache_read
            + self.cache_write
            + self.output
            + self.reasoning
            + self.request
            + self.electricity
        )

    @property
    def total(self) -> NanoUSD:
        """What candidates are compared by."""
        return (
            self.input
            + self.cache_read
            + self.cache_write
            + self.output
            + self.reasoning
            + self.request
            + self.electricity
            + self.escalation
            + self.coming_back
            + self.quota
        )


class Quality(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """How good an answer of one candidate is expected to be."""

    value: float
    """Chance 0..1 that it is good enough."""
    prior: float
    """The same before any evidence of one's own."""
    ability: float
    """The model's, on the tiers' scale: 0 is a typical low, 1 medium, 2 high, 3 highest."""
    source: str
    """Where the ability comes from: a dated table's row, its family, the configuration, or a guess."""
    successes: float = 0.0
    trials: float = 0.0
    """Evidence counted in, decayed."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A target that was considered."""

    target: str
    """``provider/model``."""
    rejected: str = ""
    """Why it is not eligible, in words; empty when it is."""
    cost: Cost | None = None
    """None when rejected before pricing, or when its price is unknown."""
    quality: Quality | None = None
    expected_ms: int | None = None
    """Time to the end of the answer, where known."""
    price: str = ""
    """Label of the price used."""
    slow: str = ""
    """Why it is too slow for what is asked for, in words; empty when it is not."""


class Opinion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a router said of one request. Kept with the decision, so that it is replayed without asking again."""

    router: str
    """Its name in the configuration."""
    order: tuple[str, ...] = ()
    """Targets that it named, each once; empty for no opinion."""
    fault: str = ""
    """What went wrong with it, in words; empty when nothing did."""


class Hearing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A judge was in question: a model that is asked how hard a request is when what was learned leaves it open."""

    judge: str
    """``provider/model``."""
    chance: float
    """That the cheapest of ``between`` is good enough, as expected before."""
    between: tuple[str, ...]
    """The targets that the choice lies between, whatever the judge says; the cheapest first."""
    saves_nano: NanoUSD
    """What the choice among them may save at most."""
    expected_nano: NanoUSD | None = None
    """What asking is expected to cost; what it did cost is attempt 0's. None when nobody knows the judge's price."""
    suffices: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """What was learned, before anybody was asked; ``features`` hold what it is with the judge's word."""
    asked: bool = False
    said: Tier | Literal[""] = ""
    """The weakest tier that suffices, as the judge has it; empty when it said nothing that counts."""
    fault: str = ""
    """Why it was not asked, or said nothing, in words."""
    ms: int = 0
    """How long it took."""


class StepUp(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What the ladder of ``routing.step_up`` asks of a request whose conversation goes wrong."""

    why: Literal["up", "held", "back"]
    rung: str = ""
    """The target that the conversation stands on from now on; empty: it is free again."""
    targets: tuple[str, ...] = ()
    """The rungs that may answer, the next one first."""
    cap_nano: NanoUSD | None = None
    """What this turn may cost there, where anything is said."""
    taken: bool = False
    refused: str = ""
    """Why the step is not taken, in words."""
    turn_nano: NanoUSD | None = None
    """What this turn is expected to cost there."""
    written_nano: NanoUSD = 0
    """Of that, its cache written anew."""
    more_nano: NanoUSD | None = None
    """By how much that is more than staying; negative when it is less."""
    reason: str = ""
    """Which signals asked for it, in words."""


class Exploration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Now and then another of those that are good enough is tried."""

    share: float
    """Of requests, so many are sent by Thompson sampling."""
    most_nano: NanoUSD = 0
    """What another one may be expected to cost above the usual choice."""
    usual: str = ""
    """Who would be chosen without; empty where exploration was not in question."""
    propensities: tuple[tuple[str, float], ...] = ()
    """Of those that could be chosen, the chance of each, before the draw. They sum to 1."""


class Weighing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One weighed decision, with what it takes to weigh it again."""

    features: Features
    now_ms: int
    draw: float
    session_key: str = ""
    session: Session | None = None
    floor: float = 0.0
    """Least quality asked for, 0..1 of the strongest's."""
    mode: Literal["balanced", "budget", "quality"] = "balanced"
    """The rule of selection in force."""
    speed: Literal["slow", "medium", "fast"] = "slow"
    """How fast an answer has to be."""
    cap_nano: NanoUSD | None = None
    """What this turn may cost, where anything is said."""
    strong: bool | None = None
    """Where a share of requests goes to the strongest: whether this one does."""
    cheap_moment: bool = True
    """Nothing is lost by leaving where the conversation was."""
    moment: str = ""
    """Why, in words."""
    margin: float = 0.0
    """Share of what is at stake that leaving a warm cache must save."""
    opinion: Opinion | None = None
    """What a router of one's own said, where there is one."""
    hearing: Hearing | None = None
    """What a judge said, where one was in question."""
    rule: str = ""
    """Which rules of the configuration were followed."""
    candidates: tuple[Candidate, ...] = ()
    order: tuple[str, ...] = ()
    """The targets in the order in which they are tried; the first one is the choice."""
    reason: str = ""
    """Why the first one, in words."""
    stayed: bool = False
    """The conversation stays where it was."""
    step_up: StepUp | None = None
    """What the ladder for conversations that go wrong asked for."""
    exploration: Exploration | None = None
    """With which chances others could have been chosen, where that is switched on."""
