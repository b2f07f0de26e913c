"""6. Marks for a provider's prompt cache are set on a translated request, and what the answer tells of them is kept."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import msgspec

from tenbin.codecs.dialect import Dialect
from tenbin.codecs.splice import splice
from tenbin.core.ask import Ask
from tenbin.core.conversation import Conversation
from tenbin.core.facts import PriceOf
from tenbin.core.problems import Unreadable
from tenbin.core.target import Target
from tenbin.core.usage import Usage
from tenbin.decide.cache_rules import CacheRules
from tenbin.decide.prompt_caching.blocks import Block, blocks, static_end, turns_end
from tenbin.decide.prompt_caching.forecast import NOTHING_CONTINUED, Continued, Seen, outlook_of, seen_again
from tenbin.decide.prompt_caching.placing import Placed, has_marks, marked, placed

MOST_PREFIXES = 20_000
"""Remembered, over all targets; the one that has not been seen for longest goes first."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

FindRules = Callable[[str, str], CacheRules]

SHORTEST_BYTES = 1_500
"""Of a body: 512 tokens, the least that any provider caches, at three bytes each."""

LONGEST_KEY = 64
"""Characters of a ``prompt_cache_key`` (OpenAI's limit)."""

SHORTEST_KEYED = 1_024
"""Tokens of a shared beginning that is worth a cache key of its own (OpenAI's least)."""


class Marks(NamedTuple):
    """What was placed on one attempt's prompt."""

    target: str
    marks: tuple[Placed, ...]
    prefixes: tuple[bytes, ...]
    """Of the marks, in their order."""


class PromptCaching:
    """The memory of prefixes, of one process. Used from the event loop only."""

    def __init__(self, price: PriceOf, rules: FindRules) -> None:
        self._price = price
        self._rules = rules
        self.everywhere = False
        """Also for clients of the provider's own dialect."""
        self._seen: OrderedDict[tuple[str, bytes], Seen] = OrderedDict()
        self._continued: OrderedDict[tuple[str, bytes], Continued] = OrderedDict()
        self._open: OrderedDict[tuple[str, bytes], tuple[str, bytes]] = OrderedDict()
        """Ends of prompts whose conversation may go on, with the beginning that they count for."""

    def place(
        self, conversation: Conversation, target: Target, now_ms: int, size: int
    ) -> tuple[Conversation, Marks | None]:
        """The conversation with marks where they pay, and what to tell ``settle`` once the answer is there.

        A conversation that bears marks stays as it is; so does one for a provider that takes none, but that OpenAI's
        models are given a key for what it shares with others. ``size``: bytes of the client's body; what is too short
        for any cache is not looked at.
        """
        if size < SHORTEST_BYTES:
            return conversation, None
        quirks = target.quirks
        if quirks.prompt_cache_key and conversation.session is None:
            return self._keyed(conversation), None
        if not quirks.cache_control or has_marks(conversation):
            return conversation, None
        rules = self._rules(target.provider, target.model)
        price = self._price(target.provider, target.model, now_ms)
        if rules.writes != "marked" or price is None:
            return conversation, None
        found = blocks(conversation)
        static, end = static_end(found), turns_end(found)
        if end is None or end.tokens < rules.minimum:
            return conversation, None
        name = target.name
        beginning = (name, static.prefix if static is not None else b"")
        if (name, end.prefix) not in self._open:
            self._count(found, name, beginning)
        known = self._continued.get(beginning, NOTHING_CONTINUED)
        _keep(self._open, (name, end.prefix), beginning)
        for shared in (static, end) if static is not None else (end,):
            key = (name, shared.prefix)
            _keep(self._seen, key, seen_again(self._seen.get(key), now_ms, shared.tokens))
        marks = placed(
            found,
            lambda prefix: self._seen.get((name, prefix)),
            rules,
            price.rates(end.tokens),
            outlook_of(conversation, known),
            now_ms,
        )
        prefixes = {block.place: block.prefix for block in found}
        return marked(conversation, marks), Marks(name, marks, tuple(prefixes[mark.place] for mark in marks))

    def _count(self, found: Sequence[Block], name: str, beginning: tuple[str, bytes]) -> None:
        """Count a prompt that is new, and the conversation that it goes on with. The same one again (a try after a
        failure, a client that repeats itself) is no conversation that went on.
        """
        for block in found:
            if (followed := self._open.pop((name, block.prefix), None)) is not None:
                known = self._continued.get(followed, NOTHING_CONTINUED)
                _keep(self._continued, followed, msgspec.structs.replace(known, followed=known.followed + 1))
        known = self._continued.get(beginning, NOTHING_CONTINUED)
        _keep(self._continued, beginning, msgspec.structs.replace(known, asked=known.asked + 1))

    def in_bytes(
        self, body: bytes, ask: Ask, target: Target, codec: Dialect, now_ms: int
    ) -> tuple[bytes, Marks | None]:
        """The same for a body that passes through: only what is added changes in it. ``codec``: of its dialect.

        For Anthropic itself and OpenAI itself, and where ``everywhere`` is set; a client that sends marks or a key of
        its own is left alone. So is a body that cannot be read here: it passes through unread otherwise, and its
        provider may know more words.
        """
        if not self.everywhere or len(body) < SHORTEST_BYTES:
            return body, None
        try:
            return self._in_bytes(body, ask, target, codec, now_ms)
        except Unreadable:
            return body, None

    def _in_bytes(
        self, body: bytes, ask: Ask, target: Target, codec: Dialect, now_ms: int
    ) -> tuple[bytes, Marks | None]:
        if codec.name == "anthropic" and target.quirks.safeguards and b'"cache_control"' not in body:
            # Imported here: most gateways never mark what passes through.
            from tenbin.codecs.anthropic_messages.marking import with_marks

            _, placed = self.place(codec.read(ask.body), target, now_ms, len(body))
            if placed is None:
                return body, None
            static = next((mark.life for mark in placed.marks if mark.place.kind != "turn"), None)
            last = next((mark.life for mark in reversed(placed.marks) if mark.place.kind == "turn"), None)
            return with_marks(body, static, last), placed
        if codec.name != "anthropic" and target.quirks.prompt_cache_key and b'"prompt_cache_key"' not in body:
            conversation = codec.read(ask.body)
            key = conversation.session or ask.session or self._keyed(conversation).session
            if key is not None:
                return splice(body, {"prompt_cache_key": msgspec.json.encode(key[:LONGEST_KEY])}), None
        return body, None

    def settle(self, marks: Marks, target: Target, usage: Usage, now_ms: int) -> None:
        """Learn from an answer what the provider holds now: what it says to have read or written."""
        if not usage.cache_read and not usage.cache_write_5m and not usage.cache_write_1h:
            return
        rules = self._rules(target.provider, target.model)
        for mark, prefix in zip(marks.marks, marks.prefixes, strict=True):
            key = (marks.target, prefix)
            before = self._seen.get(key) or Seen(now_ms, 0.0, mark.tokens)
            until = now_ms + (rules.long_life_ms if mark.life == "1h" else rules.life_ms)
            until = max(until, before.warm_until_ms)
            _keep(self._seen, key, msgspec.structs.replace(before, warm_until_ms=until))

    def _keyed(self, conversation: Conversation) -> Conversation:
        static = static_end(blocks(msgspec.structs.replace(conversation, turns=())))
        if static is None or static.tokens < SHORTEST_KEYED:
            return conversation
        return msgspec.structs.replace(conversation, session=f"tenbin-{static.prefix.hex()}")


def _keep(memory: "OrderedDict[_Key, _Value]", key: _Key, value: _Value) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > MOST_PREFIXES:
        memory.popitem(last=False)
