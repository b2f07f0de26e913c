"""4. Weighing as configured, with every target resolved: who may be chosen, and which rules hold for whom."""

import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import translate
from typing import TypeAlias

import msgspec

from tenbin.config.routing import Electricity, Mode, RoutingConfig, Rule, Speed
from tenbin.core.ask import Need
from tenbin.core.features import Category, Features, Tier
from tenbin.core.router import Router
from tenbin.core.target import Target
from tenbin.decide.abilities import Abilities
from tenbin.decide.cache_rules import CacheRules

AUTO = "auto"
"""The name that clients ask for when they leave the choice to the gateway."""


class Names(msgspec.Struct, frozen=True):
    """A list of names in which ``*`` stands for any characters."""

    exact: frozenset[str] = frozenset()
    pattern: re.Pattern[str] | None = None

    def __contains__(self, name: object) -> bool:
        if name in self.exact:
            return True
        return self.pattern is not None and isinstance(name, str) and self.pattern.match(name) is not None

    def __bool__(self) -> bool:
        return bool(self.exact) or self.pattern is not None


def names(listed: Iterable[str]) -> Names:
    """Take in a list of names."""
    plain, wild = set[str](), []
    for name in listed:
        if "*" in name or "?" in name:
            wild.append(translate(name.replace("[", "[[]")))
        else:
            plain.add(name)
    return Names(frozenset(plain), re.compile("|".join(wild)) if wild else None)


class RuleInForce(msgspec.Struct, frozen=True, kw_only=True):
    """A rule with its targets resolved."""

    name: str
    rule: Rule
    requested: Names
    keys: frozenset[str]
    clients: Names
    use: tuple[Target, ...]
    among: Names
    without: Names
    regions: tuple[str, ...] = ()

    def holds(self, requested: str, key: str, client: str, features: Features) -> bool:
        """Whether it is meant for this request."""
        when = self.rule.when
        return (
            (not self.requested or requested in self.requested)
            and (not self.keys or key in self.keys)
            and (not self.clients or client in self.clients)
            and (not when.categories or features.category in when.categories)
            and (not when.tasks or features.task in when.tasks)
            and (not when.languages or features.language in when.languages)
            and (when.tokens_above is None or features.prompt_tokens > when.tokens_above)
        )

    @property
    def needs_learned(self) -> bool:
        """Whether what it looks at is learned from the request's words."""
        return bool(self.rule.when.tasks or self.rule.when.languages)


class Ample(msgspec.Struct, frozen=True, gc=False):
    """What a target has in any case: a request within it lacks nothing, and need not be looked at more closely."""

    prompt: int = -1
    """Tokens of a prompt beside which there is room for any answer; -1 when every request must be looked at."""
    needs: frozenset[Need] = frozenset()
    thinks: bool = False


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a candidate besides its price, whatever the request."""

    rules: CacheRules
    """How its prompt cache behaves."""
    local: bool = False
    """It runs on one's own machine."""
    power: Electricity | None = None
    """What running it there costs; None where nothing is to be counted."""
    placed: bool = False
    """Its name alone tells how able it is; else its price is looked at too."""
    tokens_per_second: float | None = None
    """Typical speed of output, where known."""
    ample: Ample = Ample()
    """What it has whatever is asked."""
    subscription: bool = False
    """It is paid by the month: a turn costs no cash, but a part of the quota."""


class Routing(msgspec.Struct, frozen=True, kw_only=True):
    """Weighing in force."""

    settings: RoutingConfig
    requested: Names
    """Names that are weighed when a client asks for them."""
    tiers: Mapping[Tier, tuple[Target, ...]]
    candidates: tuple[Target, ...]
    """All targets of the tiers, each once, the weakest tier's first."""
    kinds: Mapping[str, Kind]
    """By target (``provider/model``): all that may be chosen, of the tiers, the categories and the rules."""
    abilities: Abilities
    """How able models are, the configuration's own figures laid over."""
    categories: Mapping[Category, tuple[Target, ...]]
    """By category, its own targets; those without any are weighed."""
    rules: tuple[RuleInForce, ...]
    judge: Target | None = None
    regions: Mapping[str, str] = {}
    """By target: where it runs, of those of which it is known."""
    router: Router | None = None
    """A router of one's own."""
    most_floor: float | None = None
    """Most quality that may be demanded while a budget lands; None: any."""
    spared: frozenset[str] = frozenset()
    """Targets (``provider/model``) that are too dear while a budget lands: chosen only where nobody else can answer."""

    def cheap(self, targets: tuple[Target, ...]) -> tuple[Target, ...]:
        """Those that are not too dear while a budget lands; where all are, the weakest of them."""
        kept = tuple(one for one in targets if one.name not in self.spared) if self.spared else targets
        return kept or (targets and (min(targets, key=lambda one: self.abilities.ability(one.name).value),))

    @property
    def listed(self) -> tuple[str, ...]:
        """The names that are weighed, as far as clients can be told of them: those without a star, and ``auto``."""
        plain = [name for name in self.settings.names if "*" not in name and "?" not in name]
        return tuple(dict.fromkeys(name for name in (*plain, AUTO) if name in self.requested))


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the choice for one request."""

    floor: float
    mode: Mode
    speed: Speed
    use: tuple[Target, ...] = ()
    """These and nobody else, in this order: nothing is weighed."""
    among: tuple[Names, ...] = ()
    """May be chosen only when in all of these."""
    without: tuple[Names, ...] = ()
    """May not be chosen when in any of these."""
    rule: str = ""
    """The rules that were followed."""
    regions: tuple[tuple[str, ...], ...] = ()
    """Must run in one of each of these."""
    region_of: Mapping[str, str] = {}
    """``Routing.regions``, where any are demanded."""

    @property
    def restricts(self) -> bool:
        """Whether anybody may be forbidden at all."""
        return bool(self.among or self.without or self.regions)

    def forbids(self, target: str) -> str:
        """Why this target may not be chosen for this request; empty when it may."""
        if any(target not in names for names in self.among):
            return f"{self.rule}: it is not among those that may be chosen"
        if any(target in names for names in self.without):
            return f"{self.rule}: it may not be chosen"
        for demanded in self.regions:
            where = self.region_of.get(target, "")
            if where not in demanded:
                runs = f"it runs in {where}" if where else "where it runs is not configured"
                return f"{self.rule}: {runs}, {' or '.join(demanded)} is demanded"
        return ""


Able: TypeAlias = Callable[[tuple[Target, ...]], tuple[Target, ...]]
"""Which of these have what a request needs, in their order."""


def everybody(targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """All of them: of a request of which nothing is known."""
    return targets


def demand(
    routing: Routing,
    features: Features,
    *,
    requested: str,
    key: str,
    client: str,
    floor: float | None = None,
    mode: Mode | None = None,
    speed: Speed | None = None,
    able: Able = everybody,
) -> Demand:
    """What holds for a request: what its headers say (``floor``, ``mode``, ``speed``), then its rules, then its
    category's targets, then the settings. Every rule that holds may forbid; the first that gives a value gives it.

    ``able``: those of a category's targets that have what the request needs.
    """
    settings = routing.settings
    if not routing.rules:
        if floor is None and settings.floors:
            floor = _special(settings, features)
        found = Demand(
            floor=_within_landing(settings.floor if floor is None else floor, routing),
            mode=_landing_mode(mode or settings.mode, routing),
            speed=speed or settings.speed,
        )
        return _of_category(found, routing, features.category, able) if routing.categories else found
    followed = [rule for rule in routing.rules if rule.holds(requested, key, client, features)]
    use: tuple[Target, ...] = ()
    for rule in followed:
        use = use or rule.use
        floor = rule.rule.floor if floor is None else floor
        mode = mode or rule.rule.mode
        speed = speed or rule.rule.speed
    if floor is None:
        floor = _special(settings, features)
    found = Demand(
        floor=_within_landing(settings.floor if floor is None else floor, routing),
        mode=_landing_mode(mode or settings.mode, routing),
        speed=speed or settings.speed,
        use=use,
        among=tuple(rule.among for rule in followed if rule.among),
        without=tuple(rule.without for rule in followed if rule.without),
        rule=" ".join(rule.name for rule in followed),
        regions=tuple(rule.regions for rule in followed if rule.regions),
        region_of=routing.regions,
    )
    return _of_rule(found) if use else _of_category(found, routing, features.category, able)


def _within_landing(floor: float, routing: Routing) -> float:
    return floor if routing.most_floor is None else min(floor, routing.most_floor)


def _landing_mode(mode: Mode, routing: Routing) -> Mode:
    """The best one, whatever it costs, is not to be had while a budget lands."""
    return "balanced" if mode == "quality" and routing.most_floor is not None else mode


def _special(settings: RoutingConfig, features: Features) -> float | None:
    """The floor of this category or task; the higher one of both."""
    special = [settings.floors[word] for word in (features.category, features.task) if word in settings.floors]
    return max(special, default=None)


def _of_rule(found: Demand) -> Demand:
    """Without those of a rule's targets whom another rule forbids; where nobody is left, nobody else answers either."""
    allowed = tuple(one for one in found.use if not found.forbids(one.name))
    if allowed or not found.use:
        return msgspec.structs.replace(found, use=allowed)
    return msgspec.structs.replace(found, use=(), among=(*found.among, names(one.name for one in found.use)))


def _of_category(found: Demand, routing: Routing, category: Category, able: Able) -> Demand:
    """With the targets of the request's category: those that may be chosen and can serve it, else those of the category
    ``default``; where there are none either, the request is weighed.
    """
    if category not in routing.categories:
        return found
    for word in dict.fromkeys((category, "default")):
        own = able(tuple(one for one in routing.categories.get(word, ()) if not found.forbids(one.name)))
        if own:
            rule = f"{found.rule} category:{word}".strip()
            return msgspec.structs.replace(found, use=own, rule=rule)
    return found
