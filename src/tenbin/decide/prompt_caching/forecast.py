"""4. Will a prefix be sent again while it is warm, and does writing it pay? Counted from one's own traffic, and before
there is any, from how conversations usually go on (decide.outlook).
"""

from collections.abc import Mapping
from math import exp
from typing import NamedTuple

import msgspec

from tenbin.core.conversation import Conversation, Text
from tenbin.core.price import Rates
from tenbin.decide.cache_rules import CacheRules
from tenbin.decide.outlook import Outlook
from tenbin.decide.output_priors import AGENT, CHAT, ONCE

MEMORY_MS = 3_600_000.0
"""A prefix's rate fades with this time constant: traffic of an hour ago says little of the next five minutes."""
HORIZON_MS = 3_600_000.0
"""How far ahead the traffic of a shared beginning is counted."""
PRIOR_ASKED = 4
"""Requests of one's own that weigh as much as what is usual. Assumed."""
MOST_CHANCE = 0.995
LONG_LEAD = 0.1
"""The hour must save this share of its write's price more than five minutes do: it is paid at once, its use is a guess.
Assumed."""


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What is remembered of one prefix at one model: a fold of the requests that began with it."""

    at_ms: int
    """UTC ms of the latest one."""
    weight: float
    """Number of requests, faded."""
    tokens: int
    warm_until_ms: int = 0
    """UTC ms until which the provider holds it, as far as its answers told; 0 when it does not."""

    def rate(self, now_ms: int) -> float:
        """Requests to come per millisecond. The latest one is the one at hand: it predicts itself no further."""
        faded = self.weight * exp(-max(now_ms - self.at_ms, 0) / MEMORY_MS)
        return max(faded - 1.0, 0.0) / MEMORY_MS


def seen_again(before: Seen | None, now_ms: int, tokens: int) -> Seen:
    """The memory of a prefix after one more request with it."""
    if before is None:
        return Seen(now_ms, 1.0, tokens)
    faded = before.weight * exp(-max(now_ms - before.at_ms, 0) / MEMORY_MS)
    return Seen(max(now_ms, before.at_ms), faded + 1.0, tokens, before.warm_until_ms)


class Following(NamedTuple):
    """The requests that are expected to send a prefix again."""

    requests: float
    alive: Mapping[str, float]
    """By life (``5m``, ``1h``): the chance that each comes before the entry has lapsed."""


class Paying(NamedTuple):
    """Whether and how a prefix is worth writing."""

    life: str
    """``5m``, ``1h``; empty where no write pays."""
    gain: float
    """Expected, in prices of one plain input token for each token of the prefix."""


NOT_PAYING = Paying("", 0.0)


class Continued(msgspec.Struct, frozen=True, gc=False):
    """How often the requests that share one beginning were followed by another of the same conversation."""

    asked: int = 0
    followed: int = 0


NOTHING_CONTINUED = Continued()


def outlook_of(conversation: Conversation, known: Continued) -> Outlook:
    """How a conversation is expected to go on, from its shape and from what became of others with its beginning."""
    people = sum(
        turn.role == "user" and any(isinstance(one, Text) for one in turn.parts) for turn in conversation.turns
    )
    going = AGENT if conversation.tools else CHAT if people > 1 else ONCE
    turns = min(going.start + going.each * max(len(conversation.turns) // 2, 0), going.most)
    chance = turns / (1 + turns)
    # The request at hand is among those that were asked, and nothing has followed it yet.
    asked = max(known.asked - 1, 0)
    chance = min((chance * PRIOR_ASKED + known.followed) / (PRIOR_ASKED + asked), MOST_CHANCE)
    return Outlook(min(chance / (1 - chance), going.most), going.growth, going.by_tools, going.returns)


def by_conversation(ahead: Outlook, lives: Mapping[str, float]) -> Following:
    """What the conversation's own next requests will send. ``lives``: ms, by life."""
    return Following(ahead.turns, {life: ahead.alive(ms) for life, ms in lives.items()})


def by_traffic(own: Following, rate: float, lives: Mapping[str, float]) -> Following:
    """What ``own`` and all others that share the prefix will send: these come at random, ``rate`` a millisecond, so
    that none comes for ``t`` ms with chance e^(-rate * t).
    """
    if rate <= 0:
        return own
    alive = {life: 1 - (1 - own.alive[life]) * exp(-rate * ms) for life, ms in lives.items()}
    return Following(own.requests + rate * HORIZON_MS, alive)


def pays(rates: Rates, rules: CacheRules, following: Following) -> Paying:
    """The best life for a prefix. Of n requests to come each reads it, at the price r, if it is still alive (chance a),
    and else writes it anew, at w; without a cache all of them pay 1: it gains n (1 - a r - (1 - a) w) - (w - 1), r and
    w being this model's own multipliers of plain input. Nothing where a price is unknown.
    """
    best, least = NOT_PAYING, 0.0
    if not rates.input or rates.cache_read is None:
        return best
    read = rates.cache_read / rates.input
    for life, price in (("5m", rates.cache_write_5m), ("1h", rates.cache_write_1h)):
        alive = following.alive.get(life)
        if price is None or alive is None or (life == "1h" and not rules.long_life_ms):
            continue
        write = price / rates.input
        gain = following.requests * (1 - alive * read - (1 - alive) * write) - (write - 1)
        if gain > (least + LONG_LEAD * write if best.life else least):
            best, least = Paying(life, gain), gain
    return best
