"""4. Where the marks of Anthropic's prompt cache are set for a client that set none: after what conversations share,
after what is warm now, and after the last turn, each only where the forecast says that its write pays.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from tenbin.core.conversation import Conversation
from tenbin.core.price import Rates
from tenbin.decide.cache_rules import CacheRules
from tenbin.decide.outlook import Outlook
from tenbin.decide.prompt_caching.blocks import Block, Mark, Place, static_end, turns_end
from tenbin.decide.prompt_caching.forecast import Following, Paying, Seen, by_conversation, by_traffic, pays

MOST_MARKS = 4
"""In one request; Anthropic refuses a fifth (protocol, 2026-11)."""

Recall = Callable[[bytes], Seen | None]
"""What is remembered of a prefix, by its digest."""


class Placed(NamedTuple):
    """One mark."""

    place: Place
    life: Mark
    tokens: int
    """Of the prompt up to it, estimated."""
    reason: str


def placed(
    found: Sequence[Block], recall: Recall, rules: CacheRules, rates: Rates, ahead: Outlook, now_ms: int
) -> tuple[Placed, ...]:
    """The marks for a prompt that has none, in its order; empty where none pays.

    ``ahead``: how the conversation is expected to go on.
    """
    if not found or rules.writes != "marked":
        return ()
    lives = {"5m": float(rules.life_ms)}
    if rules.long_life_ms:
        lives["1h"] = float(rules.long_life_ms)
    own = by_conversation(ahead, lives)
    warm = _warm(found, recall, now_ms)
    marks: dict[Place, Placed] = {}
    static = static_end(found)
    if static is not None and static.tokens >= rules.minimum:
        shared = recall(static.prefix)
        following = by_traffic(own, shared.rate(now_ms) if shared is not None else 0.0, lives)
        paying = pays(rates, rules, following)
        if paying.life:
            marks[static.place] = _mark(static, paying, following)
    last = turns_end(found)
    if last is not None and last.tokens >= rules.minimum:
        paying = pays(rates, rules, own)
        if paying.life:
            marks[last.place] = _mark(last, paying, own)
    if warm is not None and warm.place not in marks:
        # Without a mark where the entry ends it is only found within 20 blocks before a later one; and where writing
        # more does not pay, this mark alone reads what is there.
        marks[warm.place] = Placed(warm.place, "5m", warm.tokens, "it is warm")
    return _long_first([marks[one.place] for one in found if one.place in marks])


def marked(conversation: Conversation, marks: Sequence[Placed]) -> Conversation:
    """The conversation with these marks."""
    if not marks:
        return conversation
    lives = {mark.place: mark.life for mark in marks}
    tools = tuple(
        msgspec.structs.replace(tool, cache=lives[place]) if (place := Place("tool", index)) in lives else tool
        for index, tool in enumerate(conversation.tools)
    )
    system = tuple(
        msgspec.structs.replace(part, cache=lives[place]) if (place := Place("system", index)) in lives else part
        for index, part in enumerate(conversation.system)
    )
    turns = list(conversation.turns)
    for place, life in lives.items():
        if place.kind == "turn":
            turn = turns[place.at]
            parts = list(turn.parts)
            parts[place.part] = msgspec.structs.replace(parts[place.part], cache=life)
            turns[place.at] = msgspec.structs.replace(turn, parts=tuple(parts))
    return msgspec.structs.replace(conversation, tools=tools, system=system, turns=tuple(turns))


def has_marks(conversation: Conversation) -> bool:
    """The client has set marks itself: they are left as they are."""
    return (
        any(tool.cache is not None for tool in conversation.tools)
        or any(part.cache is not None for part in conversation.system)
        or any(part.cache is not None for turn in conversation.turns for part in turn.parts)
    )


def _warm(found: Sequence[Block], recall: Recall, now_ms: int) -> Block | None:
    """The longest prefix that the provider holds now."""
    for block in reversed(found):
        if not block.markable:
            continue
        known = recall(block.prefix)
        if known is not None and known.warm_until_ms > now_ms:
            return block
    return None


def _mark(block: Block, paying: Paying, following: Following) -> Placed:
    life: Mark = "1h" if paying.life == "1h" else "5m"
    reason = (
        f"{following.requests:.1f} requests are expected to send it again, {following.alive[paying.life]:.0%} in time"
    )
    return Placed(block.place, life, block.tokens, reason)


def _long_first(marks: list[Placed]) -> tuple[Placed, ...]:
    """With no hour behind five minutes: Anthropic wants the longer lives first (protocol, 2026-11)."""
    after: list[Placed] = []
    long = False
    for mark in reversed(marks[-MOST_MARKS:]):
        long = long or mark.life == "1h"
        after.append(mark._replace(life="1h") if long else mark)
    return tuple(reversed(after))
