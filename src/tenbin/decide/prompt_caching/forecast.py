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
MOST_READS = 50.0
"""Expected reads beyond this change no decision."""
PRIOR_ASKED = 4
"""Requests of one's own that weigh as much as what is usual. Assumed."""
MOST_CHANCE = 0.995
LONG_LEAD = 1.1
"""The hour must promise this much more than five minutes: it is paid at once, and its use is a guess. Assumed."""


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


class Paying(NamedTuple):
    """Whether and how a prefix is worth writing."""

    life: str
    """``5m``, ``1h``; empty where no write pays."""
    gain: float
    """Expected, in prices of one plain input token for each token written."""
    reads: float
    """How often it is expected to be read before it lapses."""


NOT_PAYING = Paying("", 0.0, 0.0)


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


def reads_by_rate(rate: float, life_ms: float) -> float:
    """Expected reads of an entry that lives ``life_ms`` after each use, if requests come at random at this rate: each
    is in time with chance 1 - e^(-rate * life), so their number is geometric.
    """
    lapses = exp(-rate * life_ms)
    return min((1 - lapses) / lapses, MOST_READS) if lapses > 0 else MOST_READS


def reads_by_conversation(ahead: Outlook, life_ms: float) -> float:
    """Expected reads by the conversation's own next requests: each must come in time, and there must be one."""
    alive = ahead.alive(life_ms)
    going_on = ahead.turns / (1 + ahead.turns)
    each = alive * going_on
    return min(each / (1 - each), MOST_READS) if each < 1 else MOST_READS


def pays(rates: Rates, rules: CacheRules, reads: Mapping[str, float]) -> Paying:
    """The best life for a prefix, from its expected reads in each (``5m``, ``1h``): a read saves 1 - r of a plain
    token's price, the write costs w - 1 more, r and w this model's own multipliers. Nothing where a price is unknown.
    """
    best = NOT_PAYING
    if not rates.input or rates.cache_read is None:
        return best
    for life, write in (("5m", rates.cache_write_5m), ("1h", rates.cache_write_1h)):
        if write is None or life not in reads or (life == "1h" and not rules.long_life_ms):
            continue
        gain = reads[life] * (1 - rates.cache_read / rates.input) - (write / rates.input - 1)
        if gain > (best.gain * LONG_LEAD if best.life else 0.0):
            best = Paying(life, gain, reads[life])
    return best
