"""4. What a choice adds to the rest of the conversation, against staying where it is: a cheaper model goes on being
cheaper, but whoever comes back finds the old cache lapsed and writes the whole prompt anew.

Expected values in closed form: within one price step a turn's cost is a straight line in its prompt, so a stretch of
turns costs so many times the mean of its ends. docs/true-cost.md has the formulas with worked examples.
"""

from collections.abc import Sequence

import msgspec

from tenbin.config.routing import Electricity
from tenbin.core.features import Features
from tenbin.core.money import PICO_PER_NANO, NanoUSD
from tenbin.core.price import Price, Rates
from tenbin.core.session import Session
from tenbin.decide.cache_rules import CacheRules
from tenbin.decide.cost import electric_rates, readable, warm_prefix
from tenbin.decide.expectation import Tokens
from tenbin.decide.outlook import Outlook, forbidden
from tenbin.decide.quality import at_heights, heights_of

NO_TURNS = 1e-9
"""Fewer than this are none."""


class Prospect(msgspec.Struct, frozen=True, gc=False):
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
    power: Electricity | None = None
    """Of a model on one's own machine."""
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
    return rests_of_conversation(stay, [candidate], session, features, outlook, now_ms)[0]


def rests_of_conversation(
    stay: Prospect | None,
    candidates: Sequence[Prospect],
    session: Session | None,
    features: Features,
    outlook: Outlook,
    now_ms: int,
    floor: float = 0.0,
) -> list[NanoUSD]:
    """The same for several candidates at once, in their order: what is common to them is worked out once.

    ``floor``: the least share of the strongest's quality that is let answer; the strongest is one of those given.
    """
    if stay is None or outlook.turns <= 0:
        return [0] * len(candidates)
    growth = max(outlook.growth, 1.0)
    ahead = Ahead(
        features.prompt_tokens + growth,
        growth,
        features.cache_marks > 0,
        features.cache_1h,
        outlook,
        features.unmarked_share,
    )
    warm = warm_prefix(session, stay.target, now_ms)
    prefix = readable(features, session, stay.target, stay.rules, now_ms) if warm is not None else 0
    still = outlook.alive(warm.until_ms - now_ms) if warm is not None else 0.0
    returning = _Returning(stay, prefix, still)
    detour = min(1.0, outlook.turns) * ahead.coming_back(returning, 0)
    chances = _chances(stay, candidates, outlook)
    strongest = max(chances.values(), default=1.0)
    here = chances.get(stay.target)
    barred = forbidden(here / strongest, floor) if here is not None else 0.0
    added = []
    for candidate in candidates:
        if candidate.target == stay.target:
            added.append(0)
            continue
        returns = outlook.returns
        there = chances.get(candidate.target)
        if here is not None and there is not None:
            returns = outlook.returning(here - there, forbidden(there / strongest, floor) - barred)
        turns, back = _turns_away(candidate, returns, ahead)
        onward = ahead.stretch(candidate, turns) - ahead.stretch(stay, turns)
        onward += back * ahead.coming_back(returning, turns) if back else 0.0
        added.append(round(min(detour, onward) / PICO_PER_NANO))
    return added


def _chances(stay: Prospect, candidates: Sequence[Prospect], outlook: Outlook) -> dict[str, float]:
    """How likely each suffices for a turn to come; without those of whose ability nothing is known."""
    heights = heights_of(outlook.suffices) if outlook.suffices else None
    if heights is None:
        return {}
    return {one.target: at_heights(heights, one.ability) for one in (stay, *candidates) if one.ability is not None}


def _turns_away(candidate: Prospect, returns: float, ahead: "Ahead") -> tuple[float, float]:
    """How many turns the conversation would go on at the candidate, and the chance that it then comes back, when each
    turn needs the old model by the chance ``returns``.
    """
    most = ahead.outlook.turns
    back = 1 - (1 - returns) ** most
    turns = back / returns if returns > 0 else most
    if candidate.context is not None:
        room = max((candidate.context - ahead.prompt) / ahead.growth + 1, 0.0)
        if room < turns:
            return room, 1.0
    return turns, back


class _Returning(msgspec.Struct, frozen=True, gc=False):
    """What a conversation finds that comes back to where it was."""

    stay: Prospect
    prefix: int
    """Tokens that are warm there now."""
    still: float
    """Chance that they still are when the next request comes, unread."""


class _Line(msgspec.Struct, frozen=True, gc=False):
    """What a turn costs where the one before was at the same place: pico-USD, ``fixed + sloped x prompt``."""

    fixed: float
    sloped: float
    read: float
    """For a token that is read from the cache, and ..."""
    new: float
    """... for one that is not."""
    answer: float
    """The part of ``fixed`` that is no prompt."""
    cached: bool


class Ahead:
    """The turns to come, as far as all targets have them alike. Amounts are pico-USD."""

    __slots__ = ("_alive", "_lines", "growth", "long", "marks", "outlook", "prompt", "unmarked")

    def __init__(
        self, prompt: float, growth: float, marks: bool, long: bool, outlook: Outlook, unmarked: float = 0.0
    ) -> None:
        """``prompt``: of the next turn, tokens; each is by ``growth`` longer. ``marks``: the client asks for caching,
        and ``long`` for the long life; the share ``unmarked`` of a prompt stands behind the last mark.
        """
        self.unmarked = unmarked
        self.prompt = prompt
        self.growth = growth
        self.marks = marks
        self.long = long
        self.outlook = outlook
        self._lines: dict[str | tuple[str, int, bool], _Line] = {}
        self._alive: dict[int, float] = {}

    def stretch(self, prospect: Prospect, turns: float) -> float:
        """So many turns from the next one on, the first of them finding the cache as this turn leaves it."""
        first, total, done = self.prompt, 0.0, 0.0
        if turns > NO_TURNS and _bend(prospect, first) is None:
            line = self.line(prospect, first)
            return turns * (line.fixed + line.sloped * (first + self.growth * max(turns - 1, 0.0) / 2))
        while turns - done > NO_TURNS:
            first = self.prompt + self.growth * done
            count = turns - done
            bend = _bend(prospect, first)
            if bend is not None:
                count = min(count, (bend - first) // self.growth + 1)
            line = self.line(prospect, first)
            middle = first + self.growth * max(count - 1, 0.0) / 2
            total += count * (line.fixed + line.sloped * middle)
            done += count
        return total

    def line(self, prospect: Prospect, prompt: float) -> _Line:
        """A turn from this prompt's length on, up to the next bend: its prompt is mostly read, or all written anew when
        people took too long.
        """
        price = prospect.price
        key: str | tuple[str, int, bool]
        if len(price.steps) == 1 and prompt >= prospect.rules.minimum:
            key, rates = prospect.target, price.steps[0][1]
        else:
            rates = price.rates(int(prompt))
            key = (prospect.target, id(rates), prompt < prospect.rules.minimum)
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = self._line(prospect, rates, prompt)
        return line

    def _line(self, prospect: Prospect, rates: Rates, prompt: float) -> _Line:
        rules, tokens = prospect.rules, prospect.tokens
        reading, answering = electric_rates(prospect.power) if prospect.power is not None else (0.0, 0.0)
        answer = tokens.output_mean * ((rates.output or 0) + answering) + rates.per_request
        answer += tokens.reasoning * ((rates.reasoning or 0) + answering)
        marked = rules.writes == "automatic" or (rules.writes == "marked" and self.marks)
        if not marked or prompt < rules.minimum:
            plain = (rates.input or 0) + reading
            return _Line(answer, plain, plain, plain, answer, False)
        long = rules.long(self.long)
        new = rates.input or 0
        if rules.counts_writes:
            new = (rates.cache_write_1h if long else rates.cache_write_5m) or 0
        read, written = float(rates.cache_read or 0), new + reading
        if self.unmarked and rules.writes == "marked":
            plain = (rates.input or 0) + reading
            read += self.unmarked * (plain - read)
            written += self.unmarked * (plain - written)
        life = rules.long_life_ms if long else rules.life_ms
        alive = self._alive.get(life)
        if alive is None:
            alive = self._alive[life] = self.outlook.alive(life)
        fixed = answer + alive * self.growth * (written - read)
        return _Line(fixed, alive * read + (1 - alive) * written, read, written, answer, True)

    def coming_back(self, returning: _Returning, away: float) -> float:
        """What the first turn back costs more, after so many turns elsewhere beside this one, than had it stayed."""
        prompt = self.prompt + self.growth * away
        line = self.line(returning.stay, prompt)
        if not line.cached:
            return 0.0
        still = float(returning.still ** (away + 1))
        saved = still * min(returning.prefix, prompt) * (line.new - line.read)
        return prompt * line.new - saved - (line.fixed - line.answer + line.sloped * prompt)


def _bend(prospect: Prospect, prompt: float) -> float | None:
    """Where the line of a turn's cost bends next: a price step, or the length from which on a prompt is cached."""
    shortest = prospect.rules.minimum - 1
    bend = shortest if prompt <= shortest else None
    for start, _ in prospect.price.steps[1:]:
        if start >= prompt and start and (bend is None or start < bend):
            bend = start
    return bend
