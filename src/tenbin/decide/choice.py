"""4. Who is tried: by what the caller asks in so many words, by the name's configured chain, or by weighing.

A generator like the whole decision: what must be found out about the request is yielded as a Sense.
"""

from collections.abc import Callable, Generator
from functools import partial

import msgspec

from tenbin.core.ask import Ask
from tenbin.core.facts import Facts
from tenbin.core.features import Features
from tenbin.core.problems import Problem, Unreadable
from tenbin.core.steps import Note, Sense, Sensed, Step, StepOutcome
from tenbin.core.target import Target
from tenbin.core.weighing import Opinion, Weighing
from tenbin.decide.candidates import Chain, eligible, resolve
from tenbin.decide.judging import judged
from tenbin.decide.overrides import NONE, Overrides, Wanted, overrides, wanted
from tenbin.decide.policy import Policy
from tenbin.decide.routing import Demand, Routing, demand
from tenbin.decide.weigh import Known, admitted, weigh

MOST_TRIED = 4
"""Of a weighing's order: where so many have failed, the next would hardly do better, and the client is waiting."""

KnownNow = Callable[[], Known]
"""What is known at the moment of asking; looked up only when something is weighed."""


def chosen(ask: Ask, facts: Facts, policy: Policy, known: KnownNow | None) -> Generator[Step, StepOutcome, Chain]:
    """The targets for a request, in the order in which they are tried. Raises Unreadable for a header or tag that asks
    for what is not there.
    """
    asked, tag, sensed = NONE, "", None
    if ask.steered:
        found = overrides(ask.headers)
        if isinstance(found, Problem):
            raise Unreadable(found)
        asked = found
        sensed = yield from _sense("request")
        tag = sensed.model_tag
    named = wanted(ask.head.model, asked, policy, tag)
    if isinstance(named, Problem):
        raise Unreadable(named)
    routing = policy.routing
    if routing is None or known is None or ask.operation != "generate" or not weighs(named.name, policy):
        chain = eligible(resolve(named.name, policy, len(ask.body)), ask.head)
        return chain._replace(route=_route(named, chain.route), tagged=named.tagged)
    sensed = sensed or (yield from _sense("request"))
    asks, sensed = yield from _demanded(ask, named, asked, routing, sensed)
    if asks.use:
        weighing = _ruled(asks, facts, sensed)
        cheap = routing.cheap(asks.use)
        spared = asks.use if cheap != asks.use else ()
        chain = eligible(Chain(asks.rule, _followed(cheap, policy, asks), spared=spared), ask.head)
    else:
        held = known()
        weighing = _weighing(ask, facts, policy, routing, held, asks, sensed)
        if routing.judge is not None:
            weighing = yield from judged(
                weighing,
                policy=policy,
                routing=routing,
                facts=facts,
                demand=asks,
                price=held.price,
                again=partial(_weighing_again, weighing, ask, facts, policy, routing, held, asks, sensed),
            )
        chain = _weighed(weighing, routing, policy, asks)
    yield Note(weighing)
    if not named.by:
        return chain
    return chain._replace(route=_route(named, chain.route), tagged=named.tagged)


def _weighing(
    ask: Ask,
    facts: Facts,
    policy: Policy,
    routing: Routing,
    known: Known,
    asks: Demand,
    sensed: Sensed,
    opinion: Opinion | None = None,
) -> Weighing:
    return weigh(
        policy,
        routing,
        facts,
        known,
        ask=ask,
        features=sensed.features,
        session=sensed.session,
        session_key=sensed.session_key,
        demand=asks,
        opinion=opinion,
        signals=sensed.signals,
    )


def _weighing_again(
    first: Weighing,
    ask: Ask,
    facts: Facts,
    policy: Policy,
    routing: Routing,
    known: Known,
    asks: Demand,
    sensed: Sensed,
    features: Features,
) -> Weighing:
    """The same with other features; a router of one's own that was asked the first time is not asked again."""
    sensed = msgspec.structs.replace(sensed, features=features)
    return _weighing(ask, facts, policy, routing, known, asks, sensed, first.opinion)


def weighs(name: str, policy: Policy) -> bool:
    """Whether a request for this name is weighed: it is to be, and the name says nobody in particular."""
    routing = policy.routing
    if routing is None or name not in routing.requested or name in policy.chains:
        return False
    if "/" not in name and "," not in name:
        return True
    return not any(
        found and rest and provider in policy.providers for provider, found, rest in map(name.partition, "/,")
    )


def _sense(name: str) -> Generator[Step, StepOutcome, Sensed]:
    sensed = yield Sense("request" if name == "request" else "complexity")
    assert type(sensed) is Sensed
    return sensed


def _demanded(
    ask: Ask, named: Wanted, asked: Overrides, routing: Routing, sensed: Sensed
) -> Generator[Step, StepOutcome, tuple[Demand, Sensed]]:
    """What is asked of the choice. What a request's words say is read only when something depends on it."""

    def now() -> Demand:
        return demand(
            routing,
            sensed.features,
            requested=named.name,
            key=ask.caller.name or ask.caller.key_id,
            client=ask.client,
            floor=asked.floor,
            mode=asked.mode,
            speed=asked.speed,
            able=lambda targets: admitted(targets, ask, sensed.features, routing).targets,
        )

    if asked.category is not None:
        features = msgspec.structs.replace(
            sensed.features, category=asked.category, category_reason="the request's header says so"
        )
        sensed = msgspec.structs.replace(sensed, features=features)
    asks = None
    if routing.rules or sensed.features.category in routing.categories:
        asks = now()
    if routing.settings.learned and (asks is None or not asks.use or any(rule.needs_learned for rule in routing.rules)):
        before = sensed.features
        sensed = yield from _sense("complexity")
        if sensed.features.category != before.category or sensed.features.category_reason != before.category_reason:
            features = msgspec.structs.replace(
                sensed.features, category=before.category, category_reason=before.category_reason
            )
            sensed = msgspec.structs.replace(sensed, features=features)
        asks = None
    return asks or now(), sensed


def _ruled(asks: Demand, facts: Facts, sensed: Sensed) -> Weighing:
    """What is kept of a choice that a rule made."""
    return Weighing(
        features=sensed.features,
        now_ms=facts.now_ms,
        draw=facts.draw,
        session_key=sensed.session_key,
        session=sensed.session,
        floor=asks.floor,
        mode=asks.mode,
        speed=asks.speed,
        rule=asks.rule,
        order=tuple(target.name for target in asks.use),
        reason=f"{asks.rule} names who answers",
    )


def _weighed(weighing: Weighing, routing: Routing, policy: Policy, asks: Demand) -> Chain:
    by_name = {target.name: target for target in routing.candidates}
    rejected = tuple(
        [(one.target, one.rejected or one.slow) for one in weighing.candidates if one.rejected or one.slow]
    )
    targets = tuple([by_name[name] for name in weighing.order[:MOST_TRIED]])
    route = f"weighed:{weighing.features.category}"
    return Chain(route, _followed(targets, policy, asks), rejected, weighing=weighing)


def _followed(targets: tuple[Target, ...], policy: Policy, asks: Demand) -> tuple[Target, ...]:
    """With the fallback behind them: where nobody of them can answer, but nobody either whom a rule forbids."""
    if not policy.fallback:
        return targets
    names = {target.name for target in targets}
    return targets + tuple(one for one in policy.fallback if one.name not in names and not asks.forbids(one.name))


def _route(named: Wanted, route: str) -> str:
    return f"{named.by} {route}" if named.by else route
