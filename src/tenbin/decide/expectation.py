"""4. How many tokens an answer is expected to have: from the kind of task, from what the ledger has taught, from this
conversation so far, and never more than the request allows. What was learned is a fold of settled receipts.
"""

from collections.abc import Mapping
from math import log2
from types import MappingProxyType

import msgspec

from tenbin.core.features import Features
from tenbin.core.receipt import Receipt
from tenbin.core.session import Session
from tenbin.core.usage import Usage
from tenbin.decide.output_priors import (
    AGENT_STEP,
    BACKGROUND,
    COMPACTION,
    MOST_SHARED_BACK,
    TASKS,
    Length,
    thinking_ratio,
)

BUCKETS_PER_DOUBLING = 4
"""Of a histogram: a quantile is off by at most a fifth."""
REMEMBERED = 1_000
"""Answers in a histogram; beyond that all counts are halved, so that it follows what changes."""
PRIOR_ANSWERS = 10
"""So many answers weigh as much as the table."""
PRIOR_OF_CONVERSATION = 6
"""So many answers of the conversation itself weigh as much as everything else."""
PRIOR_THINKING_TOKENS = 5_000
"""So many tokens of answers weigh as much as the table's share of thinking."""
MOST_THINKERS = 256
"""(target, effort) of which the share of thinking is remembered; the one that came first is forgotten."""


class Tokens(msgspec.Struct, frozen=True, gc=False):
    """What an answer is expected to have."""

    output_mean: int
    """Tokens of the answer, thinking not counted."""
    output_p90: int
    """Nine of ten answers have no more."""
    reasoning: int
    """Tokens of thinking, beside those."""


class Histogram(msgspec.Struct, frozen=True, gc=False):
    """Lengths of answers, in buckets that grow by a fifth each. Bounded, whatever is folded in."""

    count: int = 0
    total: int = 0
    """Tokens."""
    buckets: tuple[int, ...] = ()

    def added(self, tokens: int) -> "Histogram":
        """With one more answer."""
        index = _bucket(tokens)
        counts = list(self.buckets) + [0] * (index + 1 - len(self.buckets))
        counts[index] += 1
        if self.count + 1 < REMEMBERED:
            return Histogram(self.count + 1, self.total + tokens, tuple(counts))
        halved = tuple(n // 2 for n in counts)
        count = sum(halved)
        return Histogram(count, (self.total + tokens) * count // (self.count + 1), halved)

    def quantile(self, share: float) -> float:
        """The length that this share of the answers does not exceed; 0 when there are none."""
        wanted, seen = share * self.count, 0
        for index, n in enumerate(self.buckets):
            seen += n
            if n and seen >= wanted:
                return float(2 ** ((index + 1) / BUCKETS_PER_DOUBLING) - 1)
        return 0.0


class Thinking(msgspec.Struct, frozen=True, gc=False):
    """How much one model thinks at one effort."""

    reasoning: int = 0
    answer: int = 0
    """Tokens of each, together."""


class Outputs(msgspec.Struct, frozen=True):
    """What the ledger has taught about the length of answers."""

    lengths: Mapping[str, Histogram] = MappingProxyType({})
    """By kind of request and task (``length_key``): answers without thinking."""
    thinking: Mapping[str, Thinking] = MappingProxyType({})
    """By ``provider/model`` and effort, or how thinking was asked for without one."""


UNTAUGHT = Outputs()


def length_key(features: Features) -> str:
    """Which answers are alike in length: of one kind of request and one task."""
    if features.compaction:
        return "compaction"
    if features.category == "background":
        return "background"
    return f"{'agent' if features.agent else features.category}:{features.task}"


def fold(outputs: Outputs, features: Features, usage: Usage, target: str = "") -> Outputs:
    """With one more answer, whose usage the provider stated; ``target`` is the ``provider/model`` that gave it."""
    if usage.output_estimated or not usage.output:
        return outputs
    answer = usage.output - usage.reasoning
    key = length_key(features)
    lengths = {**outputs.lengths, key: outputs.lengths.get(key, Histogram()).added(answer)}
    if not target:
        return Outputs(lengths, outputs.thinking)
    key = _thinking_key(target, features)
    known = outputs.thinking.get(key, Thinking())
    thinking = {**outputs.thinking, key: Thinking(known.reasoning + usage.reasoning, known.answer + answer)}
    if thinking[key].answer > REMEMBERED * PRIOR_THINKING_TOKENS:
        thinking[key] = Thinking(thinking[key].reasoning // 2, thinking[key].answer // 2)
    return Outputs(lengths, _bounded(thinking))


def fold_receipt(outputs: Outputs, receipt: Receipt) -> Outputs:
    """With what a settled receipt teaches; one that was not weighed, or not answered in full, teaches nothing."""
    last = receipt.last
    if receipt.weighing is None or receipt.outcome != "answered" or last is None:
        return outputs
    return fold(outputs, receipt.weighing.features, last.usage, f"{last.provider}/{last.model}")


def expected(
    outputs: Outputs,
    session: Session | None,
    features: Features,
    target: str,
    most: int | None = None,
) -> Tokens:
    """What an answer of ``target`` (``provider/model``) is expected to have; ``most``: what the model can give."""
    return of_target(of_request(outputs, session, features), outputs, features, target, most)


def of_request(outputs: Outputs, session: Session | None, features: Features) -> tuple[float, float]:
    """(mean, ninth decile) of an answer's tokens without thinking, whoever gives it."""
    prior = _prior(features)
    learned = outputs.lengths.get(length_key(features))
    mean, p90 = prior.mean, prior.p90
    if learned is not None and learned.count:
        weight = learned.count / (learned.count + PRIOR_ANSWERS)
        mean += weight * (learned.total / learned.count - mean)
        p90 += weight * (learned.quantile(0.9) - p90)
    if session is not None and session.requests and not features.compaction and features.category != "background":
        so_far = session.output_tokens / session.requests / (1 + _ratio(outputs, session.target, features))
        blended = mean + (so_far - mean) * session.requests / (session.requests + PRIOR_OF_CONVERSATION)
        p90 *= blended / mean if mean else 1.0
        mean = blended
    return mean, max(mean, p90)


def of_target(
    answer: tuple[float, float], outputs: Outputs, features: Features, target: str, most: int | None = None
) -> Tokens:
    """The same for one target, with its thinking, within what the request and the model allow."""
    mean, p90 = answer
    limit = features.max_tokens
    if most is not None and (limit is None or most < limit):
        limit = most
    length, upper, thought = round(mean), round(p90), round(mean * _ratio(outputs, target, features))
    if limit is not None and thought + max(length, upper) > limit:
        # Thinking comes first, the answer is what is cut.
        thought = min(thought, limit)
        length, upper = min(length, limit - thought), min(upper, limit - thought)
    return Tokens(length, upper, thought)


def _prior(features: Features) -> Length:
    if features.compaction:
        return COMPACTION
    if features.category == "background":
        return BACKGROUND
    if features.agent:
        return AGENT_STEP
    length = TASKS[features.task]
    repeated = length.share * min(features.prompt_tokens, MOST_SHARED_BACK)
    if repeated <= length.mean:
        return length
    return Length(repeated, repeated * length.p90 / length.mean, length.share, length.source)


def _ratio(outputs: Outputs, target: str, features: Features) -> float:
    """Tokens of thinking for each token of answer: the table's, moved towards what the ledger has seen."""
    prior = thinking_ratio(target, features.effort, features.task, features.thinking)
    if not outputs.thinking:
        return prior
    seen = outputs.thinking.get(_thinking_key(target, features))
    if seen is None:
        return prior
    return (prior * PRIOR_THINKING_TOKENS + seen.reasoning) / (PRIOR_THINKING_TOKENS + seen.answer)


def _bucket(tokens: int) -> int:
    return int(BUCKETS_PER_DOUBLING * log2(tokens + 1))


def _thinking_key(target: str, features: Features) -> str:
    return f"{target} {features.effort or features.thinking}"


def _bounded(thinking: dict[str, Thinking]) -> dict[str, Thinking]:
    if len(thinking) > MOST_THINKERS:
        del thinking[next(iter(thinking))]
    return thinking
