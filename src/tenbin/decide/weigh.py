"""4. The weighing on one page: every candidate's true cost and expected quality, the cheapest that is good enough, and
whether the conversation had better stay where it is. Pure: what holds now and what was learned come in as Known.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from tenbin.core.ask import Ask
from tenbin.core.facts import Facts, PriceOf
from tenbin.core.features import Features
from tenbin.core.money import NanoUSD, nano_from_usd
from tenbin.core.price import Price
from tenbin.core.session import Session
from tenbin.core.signal import Signal
from tenbin.core.target import Target
from tenbin.core.weighing import Candidate, Opinion, Quality, StepUp, Weighing
from tenbin.decide import expectation, exploration, quality, step_up, strong_share
from tenbin.decide.affinity import Moment, moment, weigh_switch
from tenbin.decide.cache_rules import CacheRules
from tenbin.decide.capability import Admission, admit
from tenbin.decide.cost import Buckets, cost_of, escalation, rules_found, still_warm, turn_buckets
from tenbin.decide.evidence import NO_EVIDENCE, EvidenceTable
from tenbin.decide.expectation import UNTAUGHT, Outputs, Tokens
from tenbin.decide.health import available
from tenbin.decide.outlook import Outlook, in_its_conversation, outlook
from tenbin.decide.own_router import consult, follow
from tenbin.decide.policy import Policy
from tenbin.decide.rest import Prospect, rests_of_conversation
from tenbin.decide.routing import Demand, Kind, Routing
from tenbin.decide.selection import SAME, Selection, select
from tenbin.decide.strong_share import NOTHING_SEEN, StrongShare

NOTICED = 0.5
"""Share of answers that are not good enough which somebody notices and has done again. Assumed."""

Speeds: TypeAlias = Mapping[str, float]


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What a weighing may know besides the request, its conversation and the policy."""

    price: PriceOf
    tier_price: Callable[[str, str, int, str], Price | None] | None = None
    """The same in a service tier; None where all are taken to cost the same."""
    shadow: PriceOf | None = None
    """What the quota of those that are subscriptions is worth; None where nothing of that is known."""
    outputs: Outputs = UNTAUGHT
    evidence: EvidenceTable = NO_EVIDENCE
    """Of one's own judged answers, as far as they count for the caller's key (``routing.learning``)."""
    speeds: Speeds = {}
    """By target: measured tokens of output per second."""
    share: StrongShare = NOTHING_SEEN
    """How hard recent requests were, for ``strong_share``."""


class _Draft(msgspec.Struct, gc=False):
    """A candidate that is eligible, while it is being priced."""

    target: Target
    kind: Kind
    price: Price | None
    tokens: Tokens
    quality: Quality
    rules: CacheRules
    """How its cache behaves, as this conversation has found it."""
    buckets: Buckets | None
    """None where the price of something that it would use is not known."""
    worth: Price | None = None
    """What a subscription's quota is worth."""
    quota: NanoUSD = 0
    escalation: NanoUSD = 0
    coming_back: NanoUSD = 0


def weigh(
    policy: Policy,
    routing: Routing,
    facts: Facts,
    known: Known,
    *,
    ask: Ask,
    features: Features,
    session: Session | None,
    session_key: str,
    demand: Demand,
    opinion: Opinion | None = None,
    signals: Sequence[Signal] = (),
) -> Weighing:
    """Choose among the routing's candidates. An empty ``order`` means that nobody is eligible; the reasons say why.

    ``opinion``: what the router of one's own has said of this request already; it is not asked again. ``signals``: what
    the request tells of the conversation's last answer.
    """
    ahead = outlook(session, features)
    targets, refused = _eligible(policy, routing, facts, ask, features, demand)
    drafts = _drafts(targets, routing, facts, known, features, session)
    stay = None
    if session is not None and session.target:
        stay = next((draft for draft in drafts if draft.target.name == session.target), None)
    held_to = 0.0 if demand.mode == "quality" or routing.settings.strong_share is not None else demand.floor
    _compare(drafts, stay, session, features, ahead, facts.now_ms, held_to)
    now = moment(session, features, ahead, facts.now_ms, stay.price if stay is not None else None)
    settings = routing.settings
    stepping = step_up.step(settings.step_up, session, signals, in_tool_loop=features.in_tool_loop, cheap=now.cheap)
    weighing = Weighing(
        features=features,
        now_ms=facts.now_ms,
        draw=facts.draw,
        session_key=session_key,
        session=session,
        floor=demand.floor,
        mode=demand.mode,
        speed=demand.speed,
        cap_nano=None if settings.turn_usd is None else nano_from_usd(repr(settings.turn_usd)),
        strong=_strong(known, settings.strong_share, features),
        cheap_moment=now.cheap,
        moment=now.words,
        margin=settings.switch_margin,
        rule=demand.rule,
        candidates=(
            *[_candidate(draft, known) for draft in drafts],
            *[Candidate(target=name, rejected=reason) for name, reason in refused],
        ),
        step_up=stepping,
        # Where the ladder has the word nothing is tried out, and no chance of it is logged.
        exploration=exploration.asked(settings.exploration) if settings.exploration.share and not stepping else None,
    )
    if routing.router is not None:
        if opinion is None:
            seen = _selected(weighing).candidates
            opinion = consult(routing.router, settings.router or "", features, seen)
        weighing = msgspec.structs.replace(weighing, opinion=opinion)
    return choose(weighing)


def _strong(known: Known, share: float | None, features: Features) -> bool | None:
    """Which side of the share for the strongest the request is on; None where there is none."""
    return None if share is None else strong_share.strong(known.share, share, strong_share.score(features))


def _as_yet(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """As they were before anybody was found too slow."""
    if not any(one.slow for one in candidates):
        return candidates
    return tuple(msgspec.structs.replace(one, slow="") if one.slow else one for one in candidates)


def _selected(weighing: Weighing) -> Selection:
    return select(
        _as_yet(weighing.candidates),
        floor=weighing.floor,
        mode=weighing.mode,
        speed=weighing.speed,
        cap=weighing.cap_nano,
        strong=weighing.strong,
    )


def choose(weighing: Weighing) -> Weighing:
    """The choice from what a weighing holds: live for the first time, and again whenever a decision is replayed."""
    selected = _selected(weighing)
    candidates = weighing.candidates
    if selected.candidates is not candidates:
        slow = {one.target: one.rejected for one in selected.candidates if one.rejected}
        candidates = tuple(
            one if one.rejected or one.slow == slow.get(one.target, "") else _marked(one, slow) for one in candidates
        )
    by_router = False
    if weighing.opinion is not None:
        selected = follow(weighing.opinion, selected)
        by_router = selected.reason == f"router {weighing.opinion.router}"
    order, reason, session, stayed = selected.order, selected.reason, weighing.session, False
    if order and session is not None and session.target and not by_router:
        by_name = {one.target: one for one in candidates if not one.rejected and not one.slow}
        where = by_name.get(session.target)
        enough = (
            where is not None and where.quality is not None and where.quality.value >= _least(by_name, selected.floor)
        )
        stay = weigh_switch(
            session,
            weighing.features,
            Moment(weighing.cheap_moment, weighing.moment),
            where.cost if where is not None and enough else None,
            order[0],
            by_name[order[0]].cost,
            margin=weighing.margin,
        )
        stayed = stay.stays
        if stayed and session.target != order[0]:
            order = (session.target, *(name for name in order if name != session.target))
            reason = stay.reason
        else:
            reason = f"{stay.reason}; {reason}"
    chosen = msgspec.structs.replace(weighing, candidates=candidates, order=order, reason=reason, stayed=stayed)
    if weighing.exploration is not None:
        chosen = exploration.explored(chosen)
    return chosen if weighing.step_up is None or by_router else _stepped(chosen, weighing.step_up)


def _stepped(chosen: Weighing, asked: StepUp) -> Weighing:
    """The choice with the rung first that the ladder asks for, where it can answer."""
    session = chosen.session
    if session is None or not chosen.order:
        return chosen
    able = {one.target: one for one in chosen.candidates if not one.rejected and not one.slow}
    taken, order = step_up.follow(asked, chosen.order, able, session)
    told = step_up.words(taken) if taken.taken else f"no step up to {taken.rung}: {taken.refused}"
    return msgspec.structs.replace(
        chosen,
        step_up=taken,
        order=order,
        reason=told if taken.targets and taken.taken else f"{told}; {chosen.reason}",
        stayed=order[0] == session.target,
    )


def _marked(candidate: Candidate, slow: Mapping[str, str]) -> Candidate:
    return msgspec.structs.replace(candidate, slow=slow.get(candidate.target, ""))


def _least(candidates: Mapping[str, Candidate], floor: float) -> float:
    """The least quality that is good enough: the floor's share of the strongest's whose price is known."""
    priced = [one for one in candidates.values() if one.cost is not None] or list(candidates.values())
    return floor * max(one.quality.value for one in priced if one.quality is not None) - SAME


def _eligible(
    policy: Policy, routing: Routing, facts: Facts, ask: Ask, features: Features, demand: Demand
) -> tuple[tuple[Target, ...], list[tuple[str, str]]]:
    """Who may be chosen for this request, and why each of the others may not."""
    refused: list[tuple[str, str]] = []
    allowed = routing.candidates
    if demand.restricts:
        reasons = {target.name: demand.forbids(target.name) for target in allowed}
        allowed = tuple(target for target in allowed if not reasons[target.name])
        refused = [(name, reason) for name, reason in reasons.items() if reason]
    fit = admitted(allowed, ask, features, routing)
    refused += fit.rejected
    targets = fit.targets
    if facts.health:
        well = [one for one in targets if available(facts.health.get(one.name), facts.now_ms, policy.cooldown)]
        if well:  # Else somebody has to try.
            refused += [(one.name, "it has failed several times and rests") for one in targets if one not in well]
            targets = tuple(well)
    if routing.spared:
        cheap = routing.cheap(targets)
        refused += [(one.name, "too dear while a budget lands") for one in targets if one not in cheap]
        targets = cheap
    return targets, refused


def admitted(targets: tuple[Target, ...], ask: Ask, features: Features, routing: Routing) -> Admission:
    """Those of the routing's targets that have what the request needs."""
    kinds = routing.kinds
    return admit(
        targets,
        ask.head,
        features,
        client=ask.dialect,
        local=lambda target: kinds[target.name].local,
        known=routing.abilities.row,
        ample=lambda target: kinds[target.name].ample,
    )


def _drafts(
    targets: tuple[Target, ...],
    routing: Routing,
    facts: Facts,
    known: Known,
    features: Features,
    session: Session | None,
) -> list[_Draft]:
    """What this turn by itself would cost on each of the targets, and how good it would be."""
    now, outputs, tier = facts.now_ms, known.outputs, features.service_tier
    answer = expectation.of_request(outputs, session, features)
    read = in_its_conversation(features, session)
    heights = quality.heights_of(read.suffices)
    left = {warm.target: warm for warm in session.warm} if session is not None else {}
    drafts = []
    for target in targets:
        name, kind = target.name, routing.kinds[target.name]
        if tier and known.tier_price is not None and target.dialects[0].startswith("openai"):
            # Who speaks another dialect is not sent it (codecs).
            price = known.tier_price(target.provider, target.model, now, tier)
        else:
            price = known.price(target.provider, target.model, now)
        worth = None
        if kind.subscription and known.shadow is not None:
            worth = known.shadow(target.provider, target.model, now)
        tokens = expectation.of_target(answer, outputs, features, name, target.max_output)
        position = None if kind.placed else _position(price if worth is None else worth)
        good = quality.expected(
            name, read, known.evidence, routing.abilities, price=position, now_ms=now, heights=heights
        )
        rules, warm, buckets = kind.rules, left.get(name), None
        if warm is not None:
            rules, warm = rules_found(rules, warm), still_warm(warm, now)
        if price is not None:
            buckets = turn_buckets(price, features, warm, rules, tokens, kind.power)
        draft = _Draft(target, kind, price, tokens, good, rules, buckets, worth)
        if worth is not None:
            draft.quota = sum(turn_buckets(worth, features, warm, rules, tokens, None) or ())
        drafts.append(draft)
    return drafts


def _position(price: Price | None) -> float | None:
    """USD per million tokens, three of input for one of output: where a model of unknown name stands among others."""
    if price is None:
        return None
    rates = price.rates(0)
    return (3 * (rates.input or 0) + (rates.output or 0)) / 4 / 1_000_000


def _compare(
    drafts: list[_Draft],
    stay: _Draft | None,
    session: Session | None,
    features: Features,
    ahead: Outlook,
    now_ms: int,
    floor: float,
) -> None:
    """Add to each priced candidate what only the comparison tells: doing it again, the rest of the conversation."""
    priced = [draft for draft in drafts if draft.buckets is not None]
    again = escalation(
        [(-one.quality.value, one.target.name, sum(one.buckets or ()) + one.quota) for one in priced], NOTICED
    )
    for draft, nano in zip(priced, again, strict=True):
        draft.escalation = nano
    before = _prospect(stay) if stay is not None and ahead.turns > 0 else None
    if before is None:
        return
    prospects = [prospect for draft in priced if (prospect := _prospect(draft)) is not None]
    rests = rests_of_conversation(before, prospects, session, features, ahead, now_ms, floor)
    for draft, nano in zip(priced, rests, strict=True):
        draft.coming_back = nano


def _prospect(draft: _Draft) -> Prospect | None:
    if draft.price is None:
        return None
    target, kind = draft.target, draft.kind
    price = draft.price if draft.worth is None else draft.worth
    return Prospect(target.name, price, draft.rules, draft.tokens, target.context, kind.power, draft.quality.ability)


def _candidate(draft: _Draft, known: Known) -> Candidate:
    name, buckets = draft.target.name, draft.buckets
    speed = known.speeds.get(name) or draft.kind.tokens_per_second
    tokens = draft.tokens.output_mean + draft.tokens.reasoning
    return Candidate(
        target=name,
        cost=None if buckets is None else cost_of(buckets, draft.escalation, draft.coming_back, draft.quota),
        quality=draft.quality,
        expected_ms=round(1_000 * tokens / speed) if speed else None,
        price=draft.price.label if draft.price is not None else "",
    )
