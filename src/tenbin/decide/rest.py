"""4. What a choice adds to the rest of the conversation, against staying where it is: a cheaper model goes on being
cheaper, but whoever comes back finds the old cache lapsed and writes the whole prompt anew.

Expected values in closed form: within one price step a turn's cost is a straight line in its prompt, so a stretch of
turns costs so many times the mean of its ends. docs/true-cost.md has the formulas with worked examples.
"""

from typing import NamedTuple

from tenbin.core.features import Features
from tenbin.core.money import PICO_PER_NANO, NanoUSD
from tenbin.core.price import Price, Rates
from tenbin.core.session import Session
from tenbin.decide.cache_rules import CacheRules
from tenbin.decide.cost import readable, warm_prefix
from tenbin.decide.expectation import Tokens
from tenbin.decide.outlook import Outlook
from tenbin.decide.quality import suffices_at


class Prospect(NamedTuple):
    """A candidate as the rest of a conversation would see it."""

    target: str
    """``provider/model``."""
    price: Price
    """At this moment; later off-peak hours are not foreseen."""
    rules: CacheRules
    tokens: Tokens
    """Of each answer to come, as of this one."""
    context: int | None = None
    """Longest prompt it takes, where known: a conversation that outgrows it must come back."""
    electricity: NanoUSD = 0
    """Of each turn."""
    ability: float | None = None
    """On the tiers' scale (``Quality.ability``), where known: the less able than where the conversation comes from, the
    sooner it must come back."""


def rest_of_conversation(
    stay: Prospect | None,
    candidate: Prospect,
    session: Session | None,
    features: Features,
    outlook: Outlook,
    now_ms: int,
) -> NanoUSD:
    """What choosing ``candidate`` for this turn adds to the expected cost of the turns after it, against choosing
    ``stay``, who has answered so far (None: nobody); negative when it saves.

    The better of two ways on: to come back with the next turn, or to go on there until a turn needs the old model.
    """
    if stay is None or candidate.target == stay.target or outlook.turns <= 0:
        return 0
    growth = max(outlook.growth, 1.0)
    caching = _Caching(features.cache_marks > 0, features.cache_1h)
    ahead = _Ahead(features.prompt_tokens + growth, growth, caching, outlook)
    returning = _Returning(stay, readable(features, session, stay.target, stay.rules, now_ms), 0)
    warm = warm_prefix(session, stay.target, now_ms)
    if warm is not None:
        returning = returning._replace(left_ms=warm.until_ms - now_ms)
    detour = min(1.0, outlook.turns) * ahead.coming_back(returning, 0)
    turns, back = _turns_away(candidate, stay, ahead)
    onward = ahead.stretch(candidate, turns) - ahead.stretch(stay, turns) + back * ahead.coming_back(returning, turns)
    return round(min(detour, onward) / PICO_PER_NANO)


def _turns_away(candidate: Prospect, stay: Prospect, ahead: "_Ahead") -> tuple[float, float]:
    """How many turns the conversation would go on at the candidate, and the chance that it then comes back."""
    outlook = ahead.outlook
    returns = outlook.returns
    if candidate.ability is not None and stay.ability is not None:
        here = suffices_at(outlook.suffices, stay.ability)
        returns = outlook.returning(here - suffices_at(outlook.suffices, candidate.ability))
    back = 1 - (1 - returns) ** outlook.turns
    turns = back / returns if returns > 0 else outlook.turns
    if candidate.context is not None:
        room = max((candidate.context - ahead.prompt) / ahead.growth + 1, 0.0)
        if room < turns:
            return room, 1.0
    return turns, back


class _Caching(NamedTuple):
    """Which caches the turns ahead would use."""

    marks: bool
    long: bool

    def used(self, rules: CacheRules, prompt: float) -> bool:
        """Whether a prompt of this length would be cached."""
        return prompt >= rules.minimum and (rules.writes == "automatic" or (rules.writes == "marked" and self.marks))

    def life_ms(self, rules: CacheRules) -> int:
        return rules.long_life_ms if self.long and rules.long_life_ms else rules.life_ms

    def write(self, rules: CacheRules, rates: Rates) -> int:
        """Pico-USD for a token of the prompt that is not read from the cache."""
        if not rules.counts_writes:
            return rates.input or 0
        return (rates.cache_write_1h if self.long and rules.long_life_ms else rates.cache_write_5m) or 0


class _Returning(NamedTuple):
    """What a conversation finds that comes back to where it was."""

    stay: Prospect
    prefix: int
    """Tokens that are warm there now."""
    left_ms: int
    """For how long they still are, unread."""


class _Ahead(NamedTuple):
    """The turns to come, as far as all targets have them alike. Amounts are pico-USD."""

    prompt: float
    """Of the next turn, tokens."""
    growth: float
    caching: _Caching
    outlook: Outlook

    def stretch(self, prospect: Prospect, turns: float) -> float:
        """So many turns from the next one on, the first of them finding the cache as this turn leaves it."""
        # Where the line bends: each price step, and the length from which on a prompt is cached.
        bends = sorted({start for start, _ in prospect.price.steps[1:]} | {prospect.rules.minimum - 1})
        total, done = 0.0, 0.0
        while turns - done > 1e-9:
            first = self.prompt + self.growth * done
            count = turns - done
            bend = next((at for at in bends if at >= first), None)
            if bend is not None:
                count = min(count, (bend - first) // self.growth + 1)
            last = first + self.growth * max(count - 1, 0.0)
            rates = prospect.price.rates(int(last))
            total += count * (self.turn(prospect, rates, first) + self.turn(prospect, rates, last)) / 2
            done += count
        return total

    def turn(self, prospect: Prospect, rates: Rates, prompt: float) -> float:
        """One turn where the one before was at the same place."""
        tokens = prospect.tokens
        answer = tokens.output_mean * (rates.output or 0) + tokens.reasoning * (rates.reasoning or 0)
        rest = rates.per_request + prospect.electricity * PICO_PER_NANO
        return self.staying(prospect.rules, rates, prompt) + answer + rest

    def staying(self, rules: CacheRules, rates: Rates, prompt: float) -> float:
        """The prompt's side of such a turn: mostly read, or all written anew when people took too long."""
        if not self.caching.used(rules, prompt):
            return prompt * (rates.input or 0)
        new = self.caching.write(rules, rates)
        alive = self.outlook.alive(self.caching.life_ms(rules))
        before = max(prompt - self.growth, 0.0)
        warm = before * (rates.cache_read or 0) + (prompt - before) * new
        return alive * warm + (1 - alive) * prompt * new

    def coming_back(self, returning: _Returning, away: float) -> float:
        """What the first turn back costs more, after so many turns elsewhere beside this one, than had it stayed."""
        stay = returning.stay
        prompt = self.prompt + self.growth * away
        rates = stay.price.rates(int(prompt))
        if not self.caching.used(stay.rules, prompt):
            return 0.0
        new = self.caching.write(stay.rules, rates)
        still = float(self.outlook.alive(returning.left_ms) ** (away + 1))
        prefix = min(returning.prefix, prompt)
        warm = prefix * (rates.cache_read or 0) + (prompt - prefix) * new
        return still * warm + (1 - still) * prompt * new - self.staying(stay.rules, rates, prompt)
