"""4. Which conversation a request belongs to, what is remembered of it, and whether it stays where it is.

What is remembered is a fold of its settled receipts, the same live and from the ledger.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from tenbin.core.features import Features
from tenbin.core.money import NanoUSD, format_usd
from tenbin.core.price import Price
from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.session import NEW, Session, Warm
from tenbin.core.weighing import Cost
from tenbin.decide.cache_rules import CacheRules
from tenbin.decide.cost import warm_prefix
from tenbin.decide.outlook import REMEMBERED, Outlook

MOST_WARM = 4
"""Targets of which a warm prefix is remembered, the latest first."""
LONGEST_ID = 128
"""Characters of a client's id for a conversation; longer ones are hashed."""
MARGIN = 0.15
"""A switch away from a warm cache must save more than this share of what it puts at stake: what it pays to be read
anew, and what it hopes to save later. Estimates of tokens are off by about as much. Assumed."""
ESTIMATE_OFF = 4.0
"""An estimate of a prompt that is off by more than this, either way, was of another prompt."""
STEP_AHEAD_TURNS = 3
"""A price step that the prompt will cross within so many turns is worth telling."""

FindRules = Callable[[str, str], CacheRules]
"""(provider, model) -> how its prompt cache behaves."""


def session_key(key_id: str, session: str | None, agent: str = "", origin: str = "", *, aside: bool = False) -> str:
    """The name under which a conversation is remembered; empty when there is nothing to tell it by.

    ``session`` is the client's id for it, else ``origin`` (a hash of its beginning) stands for it; ``agent`` tells
    sub-agents apart, whose prompts are their own. Scoped by the caller's key: an id from a client is never proof of who
    it is. ``aside``: a request of the client's own beside the conversation (a title, a probe).
    """
    name = session or (f"origin:{origin}" if origin else "")
    if not name:
        return ""
    parts = [_short(key_id), _short(name)]
    if agent or aside:
        parts.append(_short(agent))
    if aside:
        parts.append("aside")
    return "|".join(parts)


def _short(name: str) -> str:
    if len(name) <= LONGEST_ID and "|" not in name:
        return name
    return "hash:" + blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def fold(session: Session | None, receipt: Receipt, find: FindRules) -> Session:
    """The conversation after one more settled receipt. Attempts that reached no model change nothing."""
    session = session or NEW
    if receipt.operation != "generate":
        return session
    features = receipt.weighing.features if receipt.weighing is not None else None
    for attempt in receipt.attempts:
        # A judge (number 0) reads a prompt of its own.
        if attempt.number and attempt.usage.prompt and not attempt.usage.input_estimated:
            warm = _warmed(session, attempt, find(attempt.provider, attempt.model), features)
            if warm is not None:
                others = tuple(w for w in session.warm if w.target != warm.target)
                session = msgspec.structs.replace(session, warm=(warm, *others)[:MOST_WARM])
    last = receipt.last
    if last is None or last.outcome not in ("answered", "cut", "cancelled") or not last.usage.prompt:
        return session
    session = _answered(session, last)
    if features is not None:
        session = _learning(session, features)
        if features.prompt_tokens and not last.usage.input_estimated:
            session = _calibrating(session, last.usage.prompt, features.prompt_tokens)
    if features is not None and features.compaction:
        # The next prompt begins with the summary instead: what is warm now is of no more use.
        session = msgspec.structs.replace(session, warm=(), prompt_tokens=0)
    return session


def _answered(session: Session, last: Attempt) -> Session:
    session = msgspec.structs.replace(
        session, requests=session.requests + 1, output_tokens=session.output_tokens + last.usage.output
    )
    if last.started_at_ms < session.at_ms:
        return session  # Overtaken by a later request of the same conversation.
    target, prompt = f"{last.provider}/{last.model}", last.usage.prompt
    grown = prompt - session.prompt_tokens if session.prompt_tokens else 0
    return msgspec.structs.replace(
        session,
        target=target,
        at_ms=last.started_at_ms,
        prompt_tokens=prompt,
        growth_tokens=session.growth_tokens + max(grown, 0),
        switches=session.switches + (session.target not in ("", target)),
    )


def calibrated(features: Features, session: Session | None) -> Features:
    """The features with the prompt's length corrected by how far estimates of this conversation were off before.

    What is weighed, and so stands on the receipt, are these features: ``fold`` corrects the correction.
    """
    if session is None or session.tokens_per_estimate == 1.0:
        return features
    return msgspec.structs.replace(features, prompt_tokens=round(features.prompt_tokens * session.tokens_per_estimate))


def _calibrating(session: Session, counted: int, weighed_tokens: int) -> Session:
    ratio = session.tokens_per_estimate * counted / weighed_tokens
    if not 1 / ESTIMATE_OFF <= ratio <= ESTIMATE_OFF:
        return session
    return msgspec.structs.replace(session, tokens_per_estimate=ratio)


def _learning(session: Session, features: Features) -> Session:
    """How hard the conversation is and how much of it is tools' work: means in which the latest count most."""
    part = 1 / min(session.weighed + 1, REMEMBERED)
    a, b, c, d = (mean + part * (now - mean) for mean, now in zip(session.suffices, features.suffices, strict=True))
    by_tools = session.by_tools + part * (features.in_tool_loop - session.by_tools)
    return msgspec.structs.replace(session, weighed=session.weighed + 1, by_tools=by_tools, suffices=(a, b, c, d))


def _warmed(session: Session, attempt: Attempt, rules: CacheRules, features: Features | None) -> Warm | None:
    """What the attempt left in its target's cache; None when nothing."""
    usage, target = attempt.usage, f"{attempt.provider}/{attempt.model}"
    written = usage.cache_write_5m + usage.cache_write_1h
    tokens = usage.prompt if rules.writes == "automatic" else usage.cache_read + written
    tokens -= tokens % rules.step
    if rules.writes == "never" or tokens < max(rules.minimum, 1):
        return None
    before = next((warm for warm in session.warm if warm.target == target), None)
    if _missed(before, attempt, rules):
        tokens = 0
    if usage.cache_write_5m or rules.writes == "automatic":
        # Of a prefix written for both lives, the whole is there only as long as its shorter-lived end.
        life = rules.long_life_ms if usage.cache_write_1h and not usage.cache_write_5m else rules.life_ms
    elif usage.cache_write_1h:
        life = rules.long_life_ms or rules.life_ms
    else:
        life = before.life_ms if before is not None else rules.life_ms
    # A provider counts an entry's life from its use; the beginning of the answer is the first sign of that.
    used_at_ms = attempt.started_at_ms + int(attempt.first_byte_ms or 0)
    if before is not None and before.until_ms - before.life_ms > used_at_ms:
        return None  # Used again since, by a request that overtook this one.
    effort = features.effort if features is not None else None
    return Warm(target=target, tokens=tokens, until_ms=used_at_ms + life, life_ms=life, effort=effort)


def _missed(before: Warm | None, attempt: Attempt, rules: CacheRules) -> bool:
    """Whether something should have been read and was not. Some providers promise no hit: until one comes, what such a
    conversation writes is not counted on.
    """
    usage = attempt.usage
    if before is None or rules.writes != "automatic" or not rules.tells_reads:
        return False
    if usage.cache_read or usage.cache_write_5m or usage.cache_write_1h:
        return False
    there = before.until_ms - before.life_ms <= attempt.started_at_ms < before.until_ms
    return not before.tokens or (there and 2 * usage.prompt >= before.tokens)


class Moment(NamedTuple):
    """What makes this a cheap moment to switch, or will make one soon."""

    cheap: bool
    """Switching costs no warm cache now."""
    words: str


def moment(
    session: Session | None, features: Features, outlook: Outlook, now_ms: int, price: Price | None = None
) -> Moment:
    """Whether this is a cheap moment to switch, and why; ``price`` is that of the target that has answered so far."""
    if session is None or not session.requests:
        return Moment(True, "the conversation begins here, nothing of it is warm anywhere")
    if features.compaction:
        return Moment(True, "the conversation is being compacted, what is warm will not be used again")
    warm = warm_prefix(session, session.target, now_ms)
    if warm is None:
        idle = max(now_ms - session.at_ms, 0) // 60_000
        return Moment(True, f"nothing of the conversation is warm any more after {idle} min")
    if 2 * features.prompt_tokens < warm.tokens:
        return Moment(True, "the prompt no longer begins with what is warm")
    ahead = step_ahead(price, features.prompt_tokens, outlook) if price is not None else None
    if ahead is not None:
        return Moment(False, ahead)
    return Moment(False, f"{warm.tokens:,} tokens are warm on {session.target}")


def step_ahead(price: Price, prompt: int, outlook: Outlook) -> str | None:
    """In words: the price step that the prompt is about to cross; None when there is none near."""
    for start, _ in price.steps[1:]:
        if prompt <= start < prompt + STEP_AHEAD_TURNS * outlook.growth:
            return f"its price steps up above {start:,} tokens, the prompt has {prompt:,}"
    return None


class Stay(NamedTuple):
    """Whether the conversation stays, and why, in words."""

    stays: bool
    reason: str


def weigh_switch(
    session: Session | None,
    features: Features,
    now: Moment,
    stay: Cost | None,
    best: str,
    cost: Cost | None,
    *,
    margin: float = MARGIN,
) -> Stay:
    """Whether a conversation stays where it was, when ``best`` (``provider/model``) would otherwise be chosen.

    ``stay`` is the cost where it was, None when it can't stay: not eligible, not well, not good enough. Within a loop
    of tools it stays in any case; with a warm cache unless the switch saves more than the margin.
    """
    if session is None or not session.target:
        return Stay(False, now.words)
    if best == session.target:
        return Stay(True, f"stays on {best}: {now.words}")
    if stay is None:
        return Stay(False, f"{session.target} can't go on, so it switches to {best}")
    if features.in_tool_loop:
        return Stay(True, f"stays on {session.target}: it is at work with its tools")
    if cost is None:
        return Stay(True, f"stays on {session.target}: what {best} costs is unknown")
    saved = stay.total - cost.total
    needed = 0 if now.cheap else round(margin * at_stake(cost))
    if saved > needed:
        return Stay(False, f"switches to {best}, which saves {format_usd(saved)} over the rest: {now.words}")
    if saved > 0:
        return Stay(
            True,
            f"stays on {session.target}: a switch to {best} would save {format_usd(saved)}, "
            f"less than the margin of {format_usd(needed)}: {now.words}",
        )
    return Stay(
        True, f"stays on {session.target}: a switch to {best} would cost {format_usd(-saved)} more: {now.words}"
    )


def at_stake(cost: Cost) -> NanoUSD:
    """What a switch pays at once to be read anew, and what it hopes of later turns."""
    return cost.input + cost.cache_write + abs(cost.coming_back)
