"""4. What a turn would cost on one candidate: the usage that is expected of it, priced by the ledger's own arithmetic.

Sums are exact in pico-USD; the buckets are rounded so that they add up to exactly what settlement would bill.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

from tenbin.config.routing import Electricity
from tenbin.core.features import Features
from tenbin.core.money import NANO_PER_USD, PICO_PER_NANO, NanoUSD
from tenbin.core.price import Price, Rates
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

Buckets: TypeAlias = tuple[NanoUSD, NanoUSD, NanoUSD, NanoUSD, NanoUSD, NanoUSD, NanoUSD]
"""Of a turn, in the order of Cost: input, cache_read, cache_write, output, reasoning, request, electricity."""


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
    warm = warm_prefix(session, target, now_ms)
    buckets = turn_buckets(price, features, warm, rules, tokens, power)
    return None if buckets is None else cost_of(buckets)


def turn_buckets(
    price: Price, features: Features, warm: Warm | None, rules: CacheRules, tokens: Tokens, power: Electricity | None
) -> Buckets | None:
    """``marginal`` as the plain numbers of a Cost, nano-USD: those of many candidates are compared before each is
    written down. ``warm``: what is so still (``warm_prefix``).
    """
    prompt, thought = features.prompt_tokens, tokens.reasoning
    rates = price.rates(prompt)
    read, short, long = _expected_prompt(features, warm, rules)
    searches = SEARCHES if features.category == "web_search" and rates.web_search is not None else 0
    cash = _split(rates, prompt - read - short - long, read, short, long, tokens.output_mean, thought, searches)
    if cash is None:
        return None
    current = 0 if power is None else _electric(power, prompt - read, tokens.output_mean + thought)
    return (*cash, current)


def cost_of(buckets: Buckets, escalation: NanoUSD = 0, coming_back: NanoUSD = 0, quota: NanoUSD = 0) -> Cost:
    """Buckets as a Cost, with what only the comparison of all candidates tells, and what of a quota is used up."""
    given, read, written, output, thought, request, current = buckets
    return Cost(
        input=given,
        cache_read=read,
        cache_write=written,
        output=output,
        reasoning=thought,
        request=request,
        electricity=current,
        escalation=escalation,
        coming_back=coming_back,
        quota=quota,
    )


def warm_prefix(session: Session | None, target: str, now_ms: int) -> Warm | None:
    """What is warm of this conversation on a target at ``now_ms``; None when nothing is."""
    return still_warm(_of_target(session, target), now_ms)


def found(rules: CacheRules, session: Session | None, target: str) -> CacheRules:
    """How a target's cache behaves as this conversation has found it: not at all where what was due did not come."""
    return rules_found(rules, _of_target(session, target))


def rules_found(rules: CacheRules, warm: Warm | None) -> CacheRules:
    """The same, given what is remembered of this conversation on the target."""
    return NEVER if warm is not None and not warm.tokens else rules


def still_warm(warm: Warm | None, now_ms: int) -> Warm | None:
    """What is remembered, if it is warm at ``now_ms``."""
    return warm if warm is not None and warm.tokens and warm.until_ms > now_ms else None


def _of_target(session: Session | None, target: str) -> Warm | None:
    if session is not None:
        for warm in session.warm:
            if warm.target == target:
                return warm
    return None


def readable(features: Features, session: Session | None, target: str, rules: CacheRules, now_ms: int) -> int:
    """Tokens of this prompt that would be read from the target's cache.

    A prompt of less than half of what is warm does not begin with it: the conversation was compacted or begun anew.
    """
    if not caches(rules, features):
        return 0
    return _readable(features, warm_prefix(session, target, now_ms), rules)


def _readable(features: Features, warm: Warm | None, rules: CacheRules) -> int:
    """The same where a cache is used at all."""
    if warm is None:
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
    read, short, long = _expected_prompt(features, warm_prefix(session, target, now_ms), rules)
    return Usage(
        input=features.prompt_tokens - read - short - long,
        cache_read=read,
        cache_write_5m=short,
        cache_write_1h=long,
        output=tokens.output_mean + tokens.reasoning,
        reasoning=tokens.reasoning,
    )


def _expected_prompt(features: Features, warm: Warm | None, rules: CacheRules) -> tuple[int, int, int]:
    """Tokens of the prompt that would be read from the cache, written to it for short, and for long."""
    if not caches(rules, features):
        return 0, 0, 0
    read = _readable(features, warm, rules) if warm is not None else 0
    if not rules.counts_writes:
        return read, 0, 0
    prompt = features.prompt_tokens
    end = prompt - prompt % rules.step
    if rules.writes == "marked" and features.unmarked_share:
        end -= int(prompt * features.unmarked_share)
        if end < max(rules.minimum, read):
            return read, 0, 0
    if not rules.long(features.cache_1h):
        return read, end - read, 0
    # What a mark of an hour ends is written for long, what follows it for short.
    short = min(int(prompt * features.short_share) - (prompt - end), end - read) if features.short_share else 0
    short = max(short, 0)
    return read, short, end - read - short


def priced(price: Price, usage: Usage, electricity: NanoUSD = 0) -> Cost | None:
    """A usage as a Cost: its buckets, each the rounded sum up to it less that of those before, so that together they
    are ``price.cost(usage)`` to the nano-USD. None when a bucket used has no price.

    Audio tokens are not expected of anybody and not told apart here.
    """
    cash = _split(
        price.rates(usage.prompt),
        usage.input,
        usage.cache_read,
        usage.cache_write_5m,
        usage.cache_write_1h,
        usage.output - usage.reasoning,
        usage.reasoning,
        usage.web_searches,
    )
    return None if cash is None else cost_of((*cash, electricity))


def _split(
    rates: Rates, given: int, read: int, short: int, long: int, output: int, thought: int, searches: int
) -> tuple[NanoUSD, NanoUSD, NanoUSD, NanoUSD, NanoUSD, NanoUSD] | None:
    """The buckets of so many tokens of each kind; see ``priced``. None when one that is used has no price."""
    unknown = (
        (given and rates.input is None)
        or (read and rates.cache_read is None)
        or (short and rates.cache_write_5m is None)
        or (long and rates.cache_write_1h is None)
        or (output and rates.output is None)
        or (thought and rates.reasoning is None)
        or (searches and rates.web_search is None)
    )
    if unknown:
        return None
    pico = PICO_PER_NANO // 2 + given * (rates.input or 0)
    first = pico // PICO_PER_NANO
    pico += read * (rates.cache_read or 0)
    second = pico // PICO_PER_NANO
    pico += short * (rates.cache_write_5m or 0) + long * (rates.cache_write_1h or 0)
    third = pico // PICO_PER_NANO
    pico += output * (rates.output or 0)
    fourth = pico // PICO_PER_NANO
    pico += thought * (rates.reasoning or 0)
    fifth = pico // PICO_PER_NANO
    pico += searches * (rates.web_search or 0)
    if rates.per_request and (given or read or short or long or output or thought or searches):
        pico += rates.per_request
    last = pico // PICO_PER_NANO
    return first, second - first, third - second, fourth - third, fifth - fourth, last - fifth


def electricity(power: Electricity, usage: Usage) -> NanoUSD:
    """watts x hours x USD per kWh, the hours from how fast the model answers; what it has in its cache it need not read
    again.
    """
    return _electric(power, usage.prompt - usage.cache_read, usage.output)


def _electric(power: Electricity, unread: int, output: int) -> NanoUSD:
    reading, answering = electric_rates(power)
    return round((unread * reading + output * answering) / PICO_PER_NANO)


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
    return dict(
        zip(
            costs,
            escalation([(-chances[name], name, cost.turn) for name, cost in costs.items()], redone),
            strict=True,
        )
    )


def escalation(candidates: Sequence[tuple[float, str, NanoUSD]], redone: float) -> list[NanoUSD]:
    """The same for (chance, negative; name; cost of the turn) each, in their order."""
    expected = [0] * len(candidates)
    cheapest: NanoUSD | None = None
    equals: NanoUSD | None = None
    last = 1.0
    for place in sorted(range(len(candidates)), key=candidates.__getitem__):
        negative, _, turn = candidates[place]
        if negative != last:
            # Those before were more able than this one, and not only listed before it.
            if equals is not None and (cheapest is None or equals < cheapest):
                cheapest = equals
            equals, last = None, negative
        if cheapest is not None:
            expected[place] = round((1 + negative) * redone * cheapest)
        total = turn + expected[place]
        if equals is None or total < equals:
            equals = total
    return expected


def completed(cost: Cost, escalation: NanoUSD, coming_back: NanoUSD) -> Cost:
    """A marginal cost with what only the comparison of all candidates tells."""
    return msgspec.structs.replace(cost, escalation=escalation, coming_back=coming_back)
