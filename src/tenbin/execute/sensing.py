"""5. What a decision asks about a request, looked up: its category by rules, its conversation, what its words say.

Quick enough for the event loop: microseconds to a millisecond, no network, no disk but for the first request's weights.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec

from tenbin.codecs.dialect import Dialect
from tenbin.config.routing import RoutingConfig
from tenbin.core.ask import Ask
from tenbin.core.features import BACKGROUND_SUFFICES, Complexity, Features, Language
from tenbin.core.price import Price
from tenbin.core.signal import Signal
from tenbin.core.sketch import Sketch, estimated_tokens
from tenbin.core.steps import Sense, Sensed
from tenbin.decide.affinity import calibrated
from tenbin.decide.categories import LONG_CONTEXT_TOKENS, agent, categorize, compaction
from tenbin.decide.choice import KnownNow, weighs
from tenbin.decide.hints import hints, session_key
from tenbin.decide.overrides import followed_tag
from tenbin.decide.policy import Policy
from tenbin.decide.weigh import Known
from tenbin.discern.language import language
from tenbin.execute.conversations import Conversations
from tenbin.execute.hearing import heard, listening

LOG = logging.getLogger("tenbin.execute")

_told: list[bool] = []
"""Not empty once it was logged that words cannot be read."""

LANGUAGE_CHARACTERS = 400
"""Of a text that its language is told from."""


class Discerner(Protocol):
    """What reads a task, a domain and a difficulty out of a request's words."""

    def complexity(self, sketch: Sketch) -> Complexity:
        """Read them."""
        ...


class Prices(Protocol):
    """What a decision asks about prices."""

    @property
    def ready(self) -> bool:
        """Whether the price table has been read."""
        ...

    def wait(self) -> None:
        """Return when it has been; may take a second at the very first start."""
        ...

    def price(self, provider: str, model: str, at_ms: int, tier: str | None = None) -> Price | None:
        """What a model costs at a moment, in a service tier."""
        ...

    def shadow(self, provider: str, model: str, at_ms: int) -> Price | None:
        """What the quota of a subscription is worth at a moment; None for a provider that is none."""
        ...


class Senses:
    """What all requests of a gateway share in sensing: its memory, what was learned, the prices.

    Without them (a gateway that weighs nothing) requests are still told apart by rules.
    """

    def __init__(
        self,
        conversations: Conversations | None = None,
        discerner: Callable[[], Discerner] | None = None,
        prices: Prices | None = None,
    ) -> None:
        """``discerner`` is called at the first request whose words are read: its weights are not loaded before."""
        self.conversations = conversations or Conversations()
        self._discerner = discerner
        self._prices = prices
        self._loaded = discerner is None

    @property
    def known(self) -> KnownNow | None:
        """What a weighing may know; None when nothing is weighed here."""
        return self._known if self._prices is not None else None

    def known_for(self, key_id: str) -> KnownNow | None:
        """The same with the evidence that counts for a key."""
        if self._prices is None or not self.conversations.evidence:
            return self.known
        return partial(self._known, key_id)

    def _known(self, key_id: str = "") -> Known:
        assert self._prices is not None
        learned = self.conversations
        return Known(
            price=self._prices.price,
            tier_price=self._prices.price,
            shadow=self._prices.shadow,
            outputs=learned.outputs,
            evidence=learned.evidence_of(key_id),
            speeds=learned.speeds,
            share=learned.share,
        )

    async def of(self, ask: Ask, codec: Dialect, policy: Policy) -> "Sensing":
        """The senses of one request. Raises Unreadable for a body that is no JSON object."""
        if self._prices is not None and not self._prices.ready:
            await asyncio.to_thread(self._prices.wait)
        if not self._loaded and _reads_words(ask.head.model, policy):
            await asyncio.to_thread(self._load)
        threshold = policy.routing.settings.long_context_tokens if policy.routing is not None else LONG_CONTEXT_TOKENS
        listens = listening(policy)
        return Sensing(ask, codec.sketch(ask.body), self.conversations, self._discerner, threshold, listens)

    def _load(self) -> None:
        """Load numpy and the weights in a thread: other requests' answers go on meanwhile. Should that fail, those who
        ask for words to be read tell of it.
        """
        assert self._discerner is not None
        with contextlib.suppress(Exception):
            self._discerner().complexity(Sketch())
        self._loaded = True


def _reads_words(model: str, policy: Policy) -> bool:
    """Whether the words of a request for this name are most likely read: it is weighed, and not by rules alone."""
    name = policy.aliases.get(model, model)
    if policy.cascades is not None and name in policy.cascades.ladders:
        return policy.routing is None or policy.routing.settings.learned
    return policy.routing is not None and policy.routing.settings.learned and weighs(name, policy)


class Sensing:
    """The senses of one request."""

    def __init__(
        self,
        ask: Ask,
        sketch: Sketch,
        conversations: Conversations,
        discerner: Callable[[], Discerner] | None,
        long_context_tokens: int,
        listens: RoutingConfig | None = None,
    ) -> None:
        self._ask = ask
        self.sketch = sketch
        self._conversations = conversations
        self._discerner = discerner
        self._long_context_tokens = long_context_tokens
        self._listens = listens
        self._sensed: Sensed | None = None

    def perform(self, step: Sense) -> Sensed:
        """What is known now. ``complexity`` knows what ``request`` knew."""
        before = self._sensed or self._request()
        self._sensed = before if step.name == "request" else self._complexity(before)
        return self._sensed

    def _request(self) -> Sensed:
        ask, sketch = self._ask, self.sketch
        given = hints(ask.headers)
        category, reason = categorize(sketch, given, ask.head, self._long_context_tokens)
        aside = category in ("background", "web_search")
        key = session_key(ask.caller.key_id, given, ask.head.session, sketch, aside=aside)
        spoken: Language = language((sketch.user or sketch.first_user or sketch.system)[:LANGUAGE_CHARACTERS])
        features = Features(
            category=category,
            category_reason=reason,
            prompt_tokens=estimated_tokens(sketch),
            max_tokens=sketch.max_tokens,
            effort=sketch.effort,
            thinking=sketch.thinking,
            language=spoken,
            turn=max(sketch.user_turns, 1),
            in_tool_loop=sketch.in_tool_loop,
            tools=len(sketch.tools),
            agent=agent(sketch, given),
            compaction=compaction(sketch, given),
            service_tier=sketch.service_tier,
            cache_marks=sketch.cache_marks,
            cache_1h=sketch.cache_1h,
            unmarked_share=sketch.unmarked_share,
            short_share=sketch.short_share,
            model_turns=sketch.model_turns,
        )
        if category == "background":
            features = msgspec.structs.replace(features, suffices=BACKGROUND_SUFFICES)
        session = self._conversations.session(key)
        return Sensed(
            features=calibrated(features, session),
            session_key=key,
            session=session,
            model_tag=followed_tag(sketch, given),
            signals=heard(sketch, session, self._listens) if self._listens is not None else (),
        )

    @property
    def signals(self) -> tuple[Signal, ...]:
        """What the request tells of the conversation's last answer."""
        return self._sensed.signals if self._sensed is not None else ()

    def _read_words(self) -> Complexity | None:
        """What the words say; None when nobody can read them. Whatever goes wrong in reading, the request goes on."""
        if self._discerner is None:
            return None
        try:
            return self._discerner().complexity(self.sketch)
        except Exception:
            if not _told:
                # Once, with its cause; it would be the same for every request.
                _told.append(True)
                LOG.exception("the words of a request could not be read; rules alone decide until the next start")
            return None

    def _complexity(self, before: Sensed) -> Sensed:
        key = before.session_key
        found = self._conversations.complexity(key, self.sketch)
        if found is None:
            found = self._read_words()
            if found is None:
                return before
            self._conversations.keep(key, self.sketch, found)
        features = msgspec.structs.replace(
            before.features,
            task=found.task,
            task_chance=found.task_chance,
            domain=found.domain,
            domain_chance=found.domain_chance,
            options=found.options,
            language=found.language,
            suffices=found.suffices,
            learned=found.model,
            judged=found.judged,
        )
        return msgspec.structs.replace(before, features=features)

    def keep(self, features: Features) -> None:
        """Remember what a judge said of this turn: it holds for all that its tools bring back, and is asked once."""
        sensed = self._sensed
        if not features.judged or sensed is None or sensed.features.judged:
            return
        found = self._conversations.complexity(sensed.session_key, self.sketch)
        if found is not None:
            found = msgspec.structs.replace(found, suffices=features.suffices, judged=features.judged)
            self._conversations.keep(sensed.session_key, self.sketch, found)
