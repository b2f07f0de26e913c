"""What can be configured of weighing: which requests are weighed, who may be chosen, and how good is good enough."""

from typing import Annotated, Literal, TypeAlias

import msgspec

from tenbin.config.cascade import CascadeConfig
from tenbin.config.experiments import Exploration
from tenbin.config.learning import Learning, StepUp
from tenbin.config.section import OneOrMore, Price, Section, TargetName
from tenbin.core.features import Category, Language, TaskType

Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""0 to 1."""

Mode: TypeAlias = Literal["balanced", "budget", "quality"]
Speed: TypeAlias = Literal["slow", "medium", "fast"]


class Tiers(Section, frozen=True):
    """Who may be chosen, by strength. A target may stand in several tiers."""

    low: list[TargetName] = []
    """Local models and the smallest ones of providers."""
    medium: list[TargetName] = []
    """Small models, with the middle ones to step up to."""
    high: list[TargetName] = []
    """Middle models, with the strongest to step up to."""
    highest: list[TargetName] = []
    """The strongest."""


class Categories(Section, frozen=True):
    """By the category of a request, the targets that answer it, the first one before all others. Those that lack what a
    request needs, or that a rule forbids, are passed over; where none is left, those of ``default`` answer, else it is
    weighed. An empty list: the request is weighed like any other."""

    background: list[TargetName] = []
    """Titles, summaries of one's own conversation, probes and other small calls that a client makes by itself."""
    think: list[TargetName] = []
    """Much thinking is asked for: a high effort, a plan."""
    long_context: list[TargetName] = []
    """The prompt is longer than ``long_context_tokens``."""
    web_search: list[TargetName] = []
    """The request is a search of the web by the provider."""
    image: list[TargetName] = []
    """There are images to look at."""
    sub_agent: list[TargetName] = []
    """A helper that the client's agent has started."""
    default: list[TargetName] = []
    """Everything else."""


class When(Section, frozen=True):
    """All that is given must hold."""

    names: list[str] = []
    """Requested model names; ``*`` stands for any characters."""
    keys: list[str] = []
    """Names of keys; ``local`` is a caller without one."""
    clients: list[str] = []
    """User-Agents; ``*`` stands for any characters."""
    categories: list[Category] = []
    """Categories of the request."""
    tasks: list[TaskType] = []
    """What it is about, as learned."""
    languages: list[Language] = []
    """Languages of the request's words."""
    tokens_above: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """The prompt is longer than this."""


class Rule(Section, frozen=True):
    """What holds for some requests. Of all rules whose ``when`` holds, the first that gives a value gives it."""

    name: str = ""
    """Shown where the rule was followed. Default: its place in the list."""
    when: When = When()
    """Which requests. Nothing given: all."""
    use: list[TargetName] = []
    """These answer, the first one before all others; nothing is weighed."""
    among: list[str] = []
    """Only these targets may be chosen; ``*`` stands for any characters."""
    without: list[str] = []
    """These targets may not be chosen; ``*`` stands for any characters."""
    regions: list[str] = []
    """Only targets that run in one of these (``providers.NAME.region``) may be chosen."""
    floor: Share | None = None
    """In place of ``floor``."""
    mode: Mode | None = None
    """In place of ``mode``."""
    speed: Speed | None = None
    """In place of ``speed``."""


class Electricity(Section, frozen=True):
    """What a model on your own machine costs while it works."""

    usd_per_kwh: Price = 0.0
    """Price of electricity, USD per kWh."""
    watts: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """Drawn while answering, beyond what the machine draws anyway."""
    tokens_per_second: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    """How fast it answers, until it has been measured."""


class Judge(Section, frozen=True):
    """A model that reads a sample of a request and says how hard it is, where the learned part is unsure."""

    target: TargetName | None = None
    """Who is asked. Default: nobody."""
    least: Share = 0.4
    """It is asked when the chance that the cheapest of the targets in question suffices lies between this ..."""
    most: Share = 0.7
    """... and this."""
    timeout_ms: OneOrMore = 1_500
    """After this the request goes on without it."""
    max_usd: Price = 0.001
    """It is not asked when asking would cost more than this, or than what it could save."""


class RoutingConfig(Section, frozen=True):
    """How the target of a request is chosen when its model name does not say it."""

    names: list[str] = msgspec.field(default_factory=lambda: ["auto"])
    """Requested model names that are weighed; ``*`` stands for any characters. ``["*"]``: every request whose name
    is no ``provider/model`` and not listed under ``models``."""
    tiers: Tiers = Tiers()
    """Who may be chosen. Default: models of the providers that are there, by docs/quality.md."""
    mode: Mode = "balanced"
    """``balanced``: the cheapest that is good enough, caches and the rest of the conversation counted. ``budget``: the
    same, but the floor gives way rather than the price (``turn_usd``). ``quality``: the best one."""
    floor: Share = 0.8
    """Good enough is this share of what the strongest eligible one is expected to reach."""
    floors: dict[str, Share] = msgspec.field(default_factory=lambda: {"contract_analysis": 0.95})
    """The same for single task types and categories; of several, the highest counts."""
    turn_usd: Price | None = None
    """What one answer may cost, USD: ``budget`` lets the floor give way to it, ``quality`` takes the best within it.
    Default: no limit."""
    speed: Speed = "slow"
    """``slow``: no matter. ``medium`` and ``fast`` leave out the slow ones (docs/quality.md)."""
    categories: Categories = Categories()
    """Targets of whole categories."""
    long_context_tokens: OneOrMore = 60_000
    """Prompts above this are of the category ``long_context``."""
    aliases: dict[str, str] = {}
    """Other names for models: a name that clients ask for, and the name or ``provider/model`` that it means."""
    rules: list[Rule] = []
    """What holds for some requests only."""
    strong_share: Share | None = None
    """Send about this share of requests, the hardest ones, to the strongest target and the rest to the cheapest
    eligible one; the threshold follows your own traffic. In place of floors."""
    switch_margin: Share = 0.15
    """A conversation whose cache is warm moves only when that saves more than this share of what is at stake: what
    is read anew now, and what is hoped to be saved later."""
    abilities: dict[str, float] = {}
    """By ``provider/model`` or a name with ``*``: how able a model is, 0 a typical low one, 1 medium, 2 high, 3
    highest. Default: docs/quality.md."""
    electricity: Electricity = Electricity()
    """Cost of models on your own machine."""
    judge: Judge = Judge()
    """A model asked about the difficulty of a request."""
    router: str | None = None
    """Your own choice in Python: the name of an installed router, or ``package.module:function``."""
    learned: bool = True
    """Use the learned classifier. Without it, only rules and the conversation decide."""
    learning: Learning = Learning()
    """What is learned of models in your own traffic."""
    exploration: Exploration = Exploration()
    """Other models tried now and then, inside the floor."""
    step_up: StepUp = StepUp()
    """A stronger model for a conversation that goes wrong."""
    climb: CascadeConfig | None = None
    """Hold what the chosen target answers, judge it, and go up to the next stronger candidate when it is not good
    enough. Default: off; `climb: {rungs: 2}` switches it on."""
