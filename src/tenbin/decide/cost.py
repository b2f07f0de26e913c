"""4. What a turn would cost on one candidate: the usage that is expected of it, priced by the ledger's own arithmetic.

Sums are exact in pico-USD; the buckets are rounded so that they add up to exactly what settlement would bill.
"""

from collections.abc import Mapping

import msgspec

from tenbin.config.routing import Electricity
from tenbin.core.features import Features
from tenbin.core.money import NANO_PER_USD, PICO_PER_NANO, NanoUSD
from tenbin.core.price import Price
from tenbin.core.session import Session, Warm
from tenbin.core.usage import Usage
from tenbin.core.weighing import Cost
from tenbin.decide.cache_rules import NEVER, CacheRules
from tenbin.decide.expectation import Tokens

SEARCHES = 1
"""Web searches expected of a request whose category is web search. Assumed."""
READS_FASTER = 10
"""A model on one's own machine reads its prompt so many times as fast as it answers. Assumed."""
WATT_SECONDS_PER_KWH = 3_600_000


def marginal(
    price: Price,
    features: Features,
    session: Session | None,
    target: str,
    rules: CacheRules,
    tokens: Tokens,
    now_ms: int,
    *,
    power: Electricity | None = None,
) -> Cost | None:
    """What this turn would cost on ``target`` (``provider/model``), given what is warm there at ``now_ms`` (UTC).

    ``price`` is that of this moment and service tier; ``power`` belongs to a model on one's own machine. Escalation and
    the cost of coming back are added once all candidates are known. None when a bucket that would be used has no price.
    """
    usage = expected_usage(features, session, target, rules, tokens, now_ms)
    if features.category == "web_search" and price.rates(usage.prompt).web_search is not None:
        usage = msgspec.structs.replace(usage, web_searches=SEARCHES)
    return priced(price, usage, electricity(power, usage) if power is not None else 0)


def warm_prefix(session: Session | None, target: str, now_ms: int) -> Warm | None:
    """What is warm of this conversation on a target at ``now_ms``; None when nothing is."""
    if session is not None:
        for warm in session.warm:
            if warm.target == target:
                return warm if warm.tokens and warm.until_ms > now_ms else None
    return None


def found(rules: CacheRules, session: Session | None, target: str) -> CacheRules:
    """How a target's cache behaves as this conversation has found it: not at all where what was due did not come."""
    if session is not None:
        for warm in session.warm:
            if warm.target == target:
                return rules if warm.tokens else NEVER
    return rules


def readable(features: Features, session: Session | None, target: str, rules: CacheRules, now_ms: int) -> int:
    """Tokens of this prompt that would be read from the target's cache.

    A prompt of less than half of what is warm does not begin with it: the conversation was compacted or begun anew.
    """
    warm = warm_prefix(session, target, now_ms)
    if warm is None or not caches(rules, features):
        return 0
    if rules.effort_breaks and warm.effort is not None and warm.effort != features.effort:
        return 0
    if 2 * features.prompt_tokens < warm.tokens:
        return 0
    tokens = min(warm.tokens, features.prompt_tokens)
    tokens -= tokens % rules.step
    return tokens if tokens >= rules.minimum else 0


def caches(rules: CacheRules, features: Features) -> bool:
    """Whether a prompt cache would be used for this request at all."""
    if features.prompt_tokens < rules.minimum:
        return False
    return rules.writes == "automatic" or (rules.writes == "marked" and features.cache_marks > 0)


def expected_usage(
    features: Features, session: Session | None, target: str, rules: CacheRules, tokens: Tokens, now_ms: int
) -> Usage:
    """The usage that is expected of this turn on a target: read what is warm, write the rest where it is written."""
    output = tokens.output_mean + tokens.reasoning
    prompt = features.prompt_tokens
    if not caches(rules, features):
        return Usage(input=prompt, output=output, reasoning=tokens.reasoning)
    read = readable(features, session, target, rules, now_ms)
    if not rules.counts_writes:
        return Usage(input=prompt - read, cache_read=read, output=output, reasoning=tokens.reasoning)
    written = prompt - prompt % rules.step - read
    long = rules.long(features.cache_1h)
    return Usage(
        input=prompt - read - written,
        cache_read=read,
        cache_write_5m=0 if long else written,
        cache_write_1h=written if long else 0,
        output=output,
        reasoning=tokens.reasoning,
    )


def priced(price: Price, usage: Usage, electricity: NanoUSD = 0) -> Cost | None:
    """A usage as a Cost: its buckets, each the rounded sum up to it less that of those before, so that together they
    are ``price.cost(usage)`` to the nano-USD. None when a bucket used has no price.

    Audio tokens are not expected of anybody and not told apart here.
    """
    rates = price.rates(usage.prompt)
    used = usage.prompt or usage.output or usage.web_searches
    parts = (
        (usage.input, rates.input),
        (usage.cache_read, rates.cache_read),
        (usage.cache_write_5m, rates.cache_write_5m),
        (usage.cache_write_1h, rates.cache_write_1h),
        (usage.output - usage.reasoning, rates.output),
        (usage.reasoning, rates.reasoning),
        (usage.web_searches, rates.web_search),
    )
    pico, sums = PICO_PER_NANO // 2, list[NanoUSD]()
    for count, rate in parts:
        if count:
            if rate is None:
                return None
            pico += count * rate
        sums.append(pico // PICO_PER_NANO)
    if used and rates.per_request:
        sums[-1] = (pico + rates.per_request) // PICO_PER_NANO
    given, read, _, written, output, thought, request = sums
    return Cost(
        input=given,
        cache_read=read - given,
        cache_write=written - read,
        output=output - written,
        reasoning=thought - output,
        request=request - thought,
        electricity=electricity,
    )


def electricity(power: Electricity, usage: Usage) -> NanoUSD:
    """watts x hours x USD per kWh, the hours from how fast the model answers; what it has in its cache it need not read
    again.
    """
    reading, answering = electric_rates(power)
    return round(((usage.prompt - usage.cache_read) * reading + usage.output * answering) / PICO_PER_NANO)


def electric_rates(power: Electricity) -> tuple[float, float]:
    """Electricity for a token that is read and for one that is answered, pico-USD."""
    kwh = power.watts / power.tokens_per_second / WATT_SECONDS_PER_KWH
    answering = kwh * power.usd_per_kwh * NANO_PER_USD * PICO_PER_NANO
    return answering / READS_FASTER, answering


def escalations(costs: Mapping[str, Cost], chances: Mapping[str, float], redone: float = 1.0) -> dict[str, NanoUSD]:
    """For each candidate: the chance that its answer is not good enough, times what doing it again costs on the
    cheapest candidate that is more likely to succeed, that one's own escalation included.

    ``chances`` are those that an answer is good enough, 0..1, for every candidate in ``costs``; ``redone`` is the share
    of bad answers that are in fact noticed and done again. The most able one has nobody to go to: 0.
    """
    expected: dict[str, NanoUSD] = {}
    stronger: list[tuple[float, NanoUSD]] = []
    for name in sorted(costs, key=lambda name: (-chances[name], name)):
        above = [total for chance, total in stronger if chance > chances[name]]
        expected[name] = round((1 - chances[name]) * redone * min(above)) if above else 0
        stronger.append((chances[name], costs[name].turn + expected[name]))
    return expected


def completed(cost: Cost, escalation: NanoUSD, coming_back: NanoUSD) -> Cost:
    """A marginal cost with what only the comparison of all candidates tells."""
    return msgspec.structs.replace(cost, escalation=escalation, coming_back=coming_back)
