"""4. From what is configured to what is decided by: every name a chain of Targets, every default filled in."""

import itertools
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

import msgspec

from tenbin.config.address import is_loopback
from tenbin.config.chains import chains
from tenbin.config.digest import digest
from tenbin.config.hedging import HedgingConfig
from tenbin.config.model import Config
from tenbin.config.provider import EMBEDDED, Provider, complete, split_target
from tenbin.config.quirks import PROFILES
from tenbin.config.routers import load_router
from tenbin.config.routing import RoutingConfig, Rule
from tenbin.core.features import CATEGORIES, TIERS, Tier
from tenbin.core.target import Target
from tenbin.decide.abilities import Abilities, shipped
from tenbin.decide.cache_rules import find
from tenbin.decide.caching.policy import cache_policy
from tenbin.decide.capability import ample
from tenbin.decide.ladder import Cascades, Ladder, RungInForce
from tenbin.decide.policy import Policy
from tenbin.decide.routing import Kind, Routing, RuleInForce, names
from tenbin.decide.tiers import Offered, default_tiers


def policy(config: Config) -> Policy:
    """Resolve a configuration that has been checked and built (``config.load.load``, ``config.findings.build``).

    A target whose provider is not there (its server was not found, its model is switched off) is left out of its
    chain; ``absent`` names those.
    """
    providers = {name: complete(name, provider) for name, provider in config.providers.items()}
    chains_by_name = {name: _chain(chain, providers) for name, chain in config.models.items()}
    for name, cascade in config.cascades.items():
        chains_by_name[name] = _chain([rung.target for rung in cascade.ladder], providers)
    return Policy(
        hash=digest(config),
        chains=chains_by_name,
        families=_families(providers.values()),
        providers={name: provider.target("") for name, provider in providers.items()},
        facts={
            f"{name}/{model}": provider.target(model)
            for name, provider in providers.items()
            for model in provider.models
        },
        variants={name: variants for name, provider in providers.items() if (variants := provider.variants())},
        default=_chain(config.default, providers),
        fallback=tuple(_stand_in(target) for target in _chain(config.fallback, providers)),
        aliases=config.routing.aliases,
        routing=_routing(config, providers),
        caching=cache_policy(config),
        retries=config.retries,
        cooldown=config.cooldown,
        cascades=_cascades(config, providers),
        hedging=_hedging(config.hedging),
    )


def _hedging(settings: HedgingConfig) -> HedgingConfig | None:
    return None if settings.after_ms is None and settings.percentile is None else settings


def absent(config: Config) -> tuple[str, ...]:
    """The targets that stand in a chain but whose provider is not there, each once."""
    targets = {target: split_target(target) for _, chain in chains(config) for target in chain}
    return tuple(target for target, parts in targets.items() if parts is None or parts[0] not in config.providers)


def _chain(chain: list[str], providers: Mapping[str, Provider]) -> tuple[Target, ...]:
    parts = [split_target(target) for target in chain]
    targets = [providers[found[0]].target(found[1]) for found in parts if found and found[0] in providers]
    return (*targets[:1], *map(_stand_in, targets[1:]))


def _routing(config: Config, providers: Mapping[str, Provider]) -> Routing | None:
    settings = config.routing

    def targets(chain: list[str]) -> tuple[Target, ...]:
        """Each may have to take over another one's conversation."""
        return tuple(map(_stand_in, _chain(chain, providers)))

    abilities = Abilities(shipped(), settings.abilities)
    listed: dict[Tier, list[str]] = {tier: getattr(settings.tiers, tier) for tier in TIERS}
    if not any(listed.values()):
        listed = {tier: list(chain) for tier, chain in default_tiers(_offered(config, providers), abilities).items()}
    tiers = {tier: targets(listed[tier]) for tier in TIERS}
    candidates = {target.name: target for tier in TIERS for target in tiers[tier]}
    # A rung has to be priced and judged like any other target.
    candidates |= {target.name: target for target in targets(settings.step_up.ladder) if target.name not in candidates}
    categories = {category: targets(getattr(settings.categories, category)) for category in CATEGORIES}
    rules = tuple(_rule(number, rule, targets(rule.use)) for number, rule in enumerate(settings.rules, start=1))
    if not candidates and not any(categories.values()) and not any(rule.use for rule in rules):
        return None
    judge = next(iter(targets([settings.judge.target] if settings.judge.target else [])), None)
    fallback = _chain(config.fallback, providers)
    chains_of_all = (candidates.values(), *categories.values(), *(rule.use for rule in rules))
    return Routing(
        settings=settings,
        requested=names(settings.names),
        tiers=tiers,
        candidates=tuple(candidates.values()),
        kinds={
            one.name: _kind(one, providers[one.provider], abilities, settings)
            for one in itertools.chain.from_iterable(chains_of_all)
        },
        abilities=abilities,
        categories={category: chain for category, chain in categories.items() if chain},
        rules=rules,
        router=load_router(settings.router) if settings.router is not None else None,
        judge=judge,
        regions=_regions(
            (*itertools.chain.from_iterable(chains_of_all), *fallback, *([judge] if judge else [])), providers
        ),
    )


def _cascades(config: Config, providers: Mapping[str, Provider]) -> Cascades | None:
    if not config.cascades and config.routing.climb is None:
        return None
    abilities = Abilities(shipped(), config.routing.abilities)
    ladders = {}
    for name, cascade in config.cascades.items():
        rungs = []
        for rung in cascade.ladder:
            target = next(iter(_chain([rung.target], providers)), None)
            if target is None:
                continue  # Its provider is not there.
            judge = next(iter(_chain([rung.judge.target], providers)), None) if rung.judge is not None else None
            calibrated = target.provider == EMBEDDED or rung.calibration is not None
            profile = providers[target.provider].profile
            rungs.append(
                RungInForce(
                    target=_stand_in(target),
                    rung=rung,
                    judge=judge,
                    calibrated=calibrated,
                    gives_logprobs=target.provider == EMBEDDED or profile in ("llamacpp", "vllm"),
                )
            )
        if rungs:
            ladders[name] = Ladder(name=name, settings=cascade, rungs=tuple(rungs))
    named = {one.target.name: one.target for ladder in ladders.values() for one in ladder.rungs}
    return Cascades(
        ladders=ladders,
        climb=config.routing.climb,
        kinds={
            name: _kind(target, providers[target.provider], abilities, config.routing) for name, target in named.items()
        },
        abilities=abilities,
    )


def _regions(targets: Iterable[Target], providers: Mapping[str, Provider]) -> dict[str, str]:
    found = {target.name: providers[target.provider].region_of(target.model) for target in targets}
    return {name: region for name, region in found.items() if region}


def _offered(config: Config, providers: Mapping[str, Provider]) -> list[Offered]:
    """What each provider is known to have: the models that its row, or a chain of the configuration, names."""
    named: dict[str, list[str]] = {name: list(provider.models) for name, provider in providers.items()}
    for _, chain in chains(config):
        for target in chain:
            found = split_target(target)
            if found and found[0] in named and found[1] not in named[found[0]]:
                named[found[0]].append(found[1])
    return [
        Offered(name, provider.profile, tuple(named[name]), local=_is_local(provider))
        for name, provider in providers.items()
    ]


def _is_local(provider: Provider) -> bool:
    return provider.free and (provider.name == EMBEDDED or is_loopback(urlsplit(provider.base_url).hostname or ""))


def _kind(target: Target, provider: Provider, abilities: Abilities, settings: RoutingConfig) -> Kind:
    row, local, power = abilities.row(target.name), _is_local(provider), settings.electricity
    speed = power.tokens_per_second if local else row.tokens_per_second if row is not None else None
    return Kind(
        rules=find(target.provider, target.model, provider.profile),
        local=local,
        placed=abilities.ability(target.name).source != "guess",
        power=power if local and power.usd_per_kwh and power.watts else None,
        tokens_per_second=speed,
        ample=ample(target, local=local, known=row),
        subscription=provider.subscription,
    )


def _rule(number: int, rule: Rule, use: tuple[Target, ...]) -> RuleInForce:
    return RuleInForce(
        name=rule.name or f"rule {number}",
        rule=rule,
        requested=names(rule.when.names),
        keys=frozenset(rule.when.keys),
        clients=names(rule.when.clients),
        use=use,
        among=names(rule.among),
        without=names(rule.without),
        regions=tuple(region.lower() for region in rule.regions),
    )


def _stand_in(target: Target) -> Target:
    return msgspec.structs.replace(target, stand_in=True)


def _families(providers: Iterable[Provider]) -> tuple[tuple[str, str], ...]:
    """Longest prefix first, so that a narrow family is seen before a wide one. The first provider of a profile has it;
    one that bears the profile's own name comes before all others.
    """
    families: dict[str, str] = {}
    for provider in sorted(providers, key=lambda provider: provider.name != provider.profile):
        profile = PROFILES.get(provider.profile) if provider.profile else None
        for prefix in profile.prefixes if profile else ():
            families.setdefault(prefix, provider.name)
    return tuple(sorted(families.items(), key=lambda family: (-len(family[0]), family[0])))
