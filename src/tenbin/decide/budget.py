"""4. Which budgets a call draws on, in which window, and the most that it can cost. Pure: time is given.

``window_of`` cuts time as the budget's time zone does; ``entries`` and ``claims`` say what is drawn on; ``worst_case``
bounds a call's cost before it is made.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tenbin.core.ask import Caller
from tenbin.core.budget import FOREVER_MS, PLAIN, Budget, Claim, Dearness, ScopeKind, WindowKind
from tenbin.core.money import PICO_PER_NANO, NanoUSD, PicoUSD
from tenbin.core.price import Price

HOUR_MS = 3_600_000

OVERHEAD_TOKENS = 1_000
"""What a provider may add to a prompt beyond the bytes that it was sent, at most (its words around tools)."""

MOST_OUTPUT = 128_000
"""Tokens of an answer whose limit neither the request nor the model's facts tell: as long as any model's sold today."""

MOST_FEW = 4_096
"""A model whose longest answer is said to be shorter than this is not believed."""

LEAST_OUTPUT = 16
"""An API may know no shorter limit (OpenAI's Responses), whatever the client has asked for."""

MOST_CONTEXT = 2_000_000
"""Tokens of a prompt that refers to what is not in it, at a model whose context window is not known."""

IMAGE_TOKENS = 50_000
"""Tokens of one image at most, whatever its bytes (OpenAI's gpt-4o-mini counts up to 48 169 for one in high detail)."""

SEARCHED_TOKENS = 40_000
"""Tokens that one server-side search may add to the prompt, at most."""


# -- windows


@lru_cache(maxsize=4_096)
def window_of(kind: WindowKind, zone: str, at_ms: int) -> tuple[int, int]:
    """UTC ms at which the window around a moment begins, and at which the next one does.

    Days, weeks (from Monday) and months begin at midnight as the zone's clocks show it, whatever their length; hours
    when the minute hand stands at twelve. Raises zoneinfo.ZoneInfoNotFoundError.
    """
    if kind == "total":
        return 0, FOREVER_MS
    local = datetime.fromtimestamp(at_ms / 1_000, ZoneInfo(zone))
    if kind == "hour":
        offset = local.utcoffset() or timedelta()
        start = at_ms - (at_ms + offset // timedelta(milliseconds=1)) % HOUR_MS
        return start, start + HOUR_MS
    first = local.date()
    if kind == "week":
        first -= timedelta(days=first.weekday())
    elif kind == "month":
        first = first.replace(day=1)
    start, end = _midnight(first, zone), _midnight(_after(first, kind), zone)
    if at_ms >= end:  # clocks were set back over midnight: the hour that comes twice belongs to the new day
        first = _after(first, kind)
        start, end = end, _midnight(_after(first, kind), zone)
    return start, end


def _after(first: date, kind: WindowKind) -> date:
    if kind == "month":
        return (first + timedelta(days=32)).replace(day=1)
    return first + timedelta(days=7 if kind == "week" else 1)


def _midnight(day: date, zone: str) -> int:
    """UTC ms; where clocks are set forward over midnight, the moment at which they are."""
    at = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return int(at.timestamp()) * 1_000


# -- what a call draws on


class Entry(NamedTuple):
    """A budget as it counts for somebody: its counter, without the window."""

    counter: str
    budget: Budget


def counter(kind: ScopeKind, name: str, budget: Budget) -> str:
    """The counter's name: whose, how long, and what tells it from another budget of the same kind and length."""
    whose = f"{kind}:{name}" if name else kind
    soft = "" if budget.hard else "/soft"
    zone = "" if budget.zone == "UTC" else f"@{budget.zone}"
    return f"{whose}/{budget.window}{soft}{zone}"


def of_caller(budgets: Iterable[Budget], caller: Caller, zone: str = "UTC") -> tuple[Entry, ...]:
    """The budgets that count whatever the caller asks: everybody's, and those of its team, user and key; ``zone`` is
    that of the budgets that stand with the key. Two of one counter are one, of the smaller limit.
    """
    names: dict[ScopeKind, tuple[str, ...]] = {
        "global": ("",),
        "team": (caller.team,),
        "user": (caller.user,),
        "key": (caller.key_id, caller.name),
    }
    found: dict[str, Budget] = {}
    for budget in budgets:
        known = names.get(budget.kind)
        if known is None or (budget.kind != "global" and not known[0]):
            continue
        if budget.kind == "global" or budget.name == "*" or budget.name in known:
            _put(found, counter(budget.kind, known[0], budget), budget)
    for own in caller.account.budgets if caller.account is not None else ():
        whose = names[own.kind][0]
        if whose:
            budget = Budget(kind=own.kind, name=whose, window=own.window, nano=own.nano, hard=own.hard, zone=zone)
            _put(found, counter(own.kind, whose, budget), budget)
    return tuple(Entry(name, budget) for name, budget in found.items())


_WAY_IN = re.compile(r"(?:landing )?(?:(?:(?:header|tag)(?:\+alias:\S*)?|alias:\S*) (?=\S))?")


def route_of(told: str) -> str:
    """The route itself, of what a receipt tells of it: without the header, tag or alias by which it was come to, and
    without word of a landing. ``header+alias:best model:fast`` draws on the budget of ``model:fast``.
    """
    if " " not in told:
        return told
    found = _WAY_IN.match(told)
    return told if found is None else told[found.end() :]


def of_call(budgets: Iterable[Budget], route: str, target: str) -> tuple[Entry, ...]:
    """The budgets that count because of where a call goes: its route's, its model's (``provider/model``)."""
    names: dict[ScopeKind, str] = {"route": route_of(route), "model": target}
    found: dict[str, Budget] = {}
    for budget in budgets:
        name = names.get(budget.kind)
        if name and (budget.name in ("*", name) or (budget.kind == "route" and route_of(budget.name) == name)):
            _put(found, counter(budget.kind, name, budget), budget)
    return tuple(Entry(name, budget) for name, budget in found.items())


def _put(found: dict[str, Budget], name: str, budget: Budget) -> None:
    known = found.get(name)
    if known is None or budget.nano < known.nano:
        found[name] = budget


def claims(entries: Sequence[Entry], at_ms: int) -> tuple[Claim, ...]:
    """What a call that begins now draws on."""
    found = []
    for name, budget in entries:
        start, end = window_of(budget.window, budget.zone, at_ms)
        whose = name[: name.rindex(f"/{budget.window}")]
        found.append(Claim(name, start, end, budget.nano, budget.hard, whose, budget.window, budget.zone))
    return tuple(found)


# -- the most that a call can cost


class Ceiling(NamedTuple):
    """Of a price from a length of prompt on: the dearest that a token can become, whichever bucket it falls in."""

    above: int
    """Prompt tokens."""
    prompt: PicoUSD
    output: PicoUSD
    web_search: PicoUSD | None
    per_request: PicoUSD


def ceilings(price: Price) -> tuple[Ceiling, ...] | None:
    """A price's, one for each of its steps; None where what every call uses has no price."""
    found = []
    for above, rates in price.steps:
        if rates.input is None or rates.output is None:
            return None
        prompt = (rates.input, rates.cache_read, rates.cache_write_5m, rates.cache_write_1h, rates.audio_input)
        output = (rates.output, rates.reasoning, rates.audio_output)
        found.append(
            Ceiling(above, _dearest(prompt), _dearest(output), rates.web_search, rates.per_request),
        )
    return tuple(found)


def _dearest(rates: Iterable[PicoUSD | None]) -> PicoUSD:
    return max(rate for rate in rates if rate is not None)


def worst_case(
    ceilings: Sequence[Ceiling],
    body_bytes: int,
    max_tokens: int | None,
    *,
    context: int | None = None,
    max_output: int | None = None,
    dearness: Dearness = PLAIN,
    images: int = 0,
    documents: bool = False,
    embeds: bool = False,
) -> NanoUSD | None:
    """The dearest that a call can become: a token for each byte of its body (no tokenizer makes more), and every answer
    as long as it may be. ``ceilings``: of all prices that it may be served at; ``context``, ``max_output``: the
    model's, in tokens, where known; ``images``: how many there are, at most; ``embeds``: it has no answer to pay for.
    None where there is no bound: it may search, and nobody knows what a search costs.
    """
    prompt = body_bytes + OVERHEAD_TOKENS
    output, searches = 0, 0
    if not embeds:
        longest = max(max_output or MOST_OUTPUT, MOST_FEW)
        output = longest if max_tokens is None else max(max_tokens, LEAST_OUTPUT)
        output = max(output, longest if dearness.output is None else dearness.output)
    if dearness is not PLAIN or images or documents:
        searches, output, images = dearness.searches, output * dearness.choices, max(images, dearness.images)
        more = prompt + images * IMAGE_TOKENS + searches * SEARCHED_TOKENS
        if dearness.refers or documents:
            more = MOST_CONTEXT
        # Of what cannot be seen here no more can be there than the model reads at once.
        prompt = max(prompt, more if context is None else min(more, context)) * (1 + searches)
    most = 0
    for ceiling in ceilings:
        if prompt <= ceiling.above and ceiling.above:
            continue
        pico = prompt * ceiling.prompt + output * ceiling.output + ceiling.per_request
        if searches:
            if ceiling.web_search is None:
                return None
            pico += searches * ceiling.web_search
        most = max(most, pico)
    return -(-most // PICO_PER_NANO)
