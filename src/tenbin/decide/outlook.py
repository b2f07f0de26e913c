"""4. How a conversation is expected to go on: how many requests are still to come, how the prompt grows, and whether
what is warm in a prompt cache will still be when the next one arrives.
"""

from functools import lru_cache
from math import erf, exp, log, sqrt
from typing import NamedTuple

import msgspec

from tenbin.core.features import Features
from tenbin.core.session import NEW, Session
from tenbin.decide.output_priors import AGENT, ASKED_ONCE, CHAT, ONCE, PEOPLE, TOOLS, Gap, Going

REMEMBERED = 20
"""Requests over which a conversation's means reach back."""
PRIOR_REQUESTS = 4
"""So many requests of the conversation itself weigh as much as the table's growth."""
PRIOR_WEIGHED = 4
"""This request says as much of those to come as so many of the conversation's before."""
PRIOR_RETURNS = 10
"""So many requests without a switch halve the chance that one is needed."""


OWN_WORDS = 0.5
"""How much a turn's own words say of its difficulty, beside the turns before it. Assumed: within one kind of work a
reading's order is close to chance (docs/quality.md), and each change of mind writes a long prompt anew."""


FLOOR_SPREAD = 0.2
"""Of what a model lacks to the strongest's quality: how far that is off from turn to turn, on average. Measured with
the shipped weights on thirty prompts to coding agents of ten kinds (zen-tradings/coding-routing-benchmark), read as in
a conversation: 0.18, 0.21 and 0.25 for a local model, Haiku and Sonnet against Opus."""


def forbidden(share: float, floor: float) -> float:
    """The chance that a later turn falls below the floor, where a model has this share of the strongest's quality.

    Shares are taken to spread about the expected one as Laplace's distribution has it.
    """
    scale = FLOOR_SPREAD * (1 - share)
    if scale <= 0:
        return 0.0 if share >= floor else 1.0
    away = (share - floor) / scale
    return 0.5 * exp(-away) if away >= 0 else 1 - 0.5 * exp(away)


class Outlook(NamedTuple):
    """What is expected of the rest of a conversation."""

    turns: float
    """Requests still to come after this one."""
    growth: float
    """Tokens by which each prompt is longer than the one before."""
    by_tools: float
    """Share of those requests that follow at once, with a tool's result."""
    returns: float
    """Chance that a request needs the model that the conversation came from, each time; where nothing is known of the
    two models' quality."""
    switched: float = 0.0
    """The same, as this conversation's own switches tell it."""
    suffices: tuple[float, ...] = ()
    """For each tier, weakest first: the chance 0..1 that it suffices for a request to come."""

    def returning(self, gap: float, forbidden: float = 0.0) -> float:
        """The chance that a request must go back to a model that is better by ``gap`` (of the chance 0..1 to be good
        enough): on so many the other would disappoint, and by the chance ``forbidden`` the floor does not let it
        answer. What is needed changes when people speak, not between tools.
        """
        disappoints = max(gap, 0.0)
        needed = disappoints + max(forbidden, 0.0) * (1 - disappoints)
        return min(self.switched + needed * (1 - self.by_tools), 1.0)

    def alive(self, life_ms: float) -> float:
        """The chance that the next request comes within so many milliseconds of the answer's beginning."""
        if life_ms <= 0:
            return 0.0
        return self.by_tools * _within(TOOLS, life_ms) + (1 - self.by_tools) * _within(PEOPLE, life_ms)


def outlook(session: Session | None, features: Features) -> Outlook:
    """The expected rest of the conversation that this request belongs to.

    After a request that compacts it, or one in the background, nothing of its prompt comes back.
    """
    session = session or NEW
    going = _going(session, features)
    known = max(session.requests - 1, 0)
    growth = (going.growth * PRIOR_REQUESTS + session.growth_tokens) / (PRIOR_REQUESTS + known)
    # There and back are two switches.
    switched = session.switches / 2 / (PRIOR_RETURNS + session.requests)
    returns = switched + going.returns * PRIOR_RETURNS / (PRIOR_RETURNS + session.requests)
    if features.compaction or features.category == "background":
        turns = 0.0
    else:
        turns = min(going.start + going.each * max(session.requests, features.turn - 1), going.most)
    past = min(session.weighed, REMEMBERED)
    suffices = features.suffices
    if past:
        a, b, c, d = suffices
        e, f, g, h = session.suffices
        of, all_of = PRIOR_WEIGHED, PRIOR_WEIGHED + past
        suffices = (
            (a * of + e * past) / all_of,
            (b * of + f * past) / all_of,
            (c * of + g * past) / all_of,
            (d * of + h * past) / all_of,
        )
    by_tools = (going.by_tools * PRIOR_WEIGHED + session.by_tools * past) / (PRIOR_WEIGHED + past)
    return Outlook(turns, growth, by_tools, min(returns, 1.0), switched, suffices)


def in_its_conversation(features: Features, session: Session | None) -> Features:
    """A coding agent's request with its difficulty read in the light of its conversation: half by its own words, half
    by the mean of what was read before. Others, and the first of a conversation, by their words alone.
    """
    if session is None or not session.weighed or not features.agent or not features.learned:
        return features
    a, b, c, d = (
        OWN_WORDS * now + (1 - OWN_WORDS) * mean for now, mean in zip(features.suffices, session.suffices, strict=True)
    )
    return msgspec.structs.replace(features, suffices=(a, b, c, d))


def _going(session: Session, features: Features) -> Going:
    if features.agent:
        return AGENT
    alone = features.turn <= 1 and not session.requests and features.task in ASKED_ONCE
    return ONCE if alone else CHAT


@lru_cache(maxsize=1_024)
def _within(gap: Gap, life_ms: float) -> float:
    return 0.5 * (1 + erf(log(life_ms / gap.median_ms) / gap.deviation / sqrt(2)))
