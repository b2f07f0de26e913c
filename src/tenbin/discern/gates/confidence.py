"""7. The gate on the model's own confidence, from the log-probabilities of the tokens that it produced."""

import math
from collections.abc import Sequence
from typing import Any

from tenbin.discern.gates.gate import Answer, Judgement, Question

MOST_TOKENS = 65_536


def confidence(question: Question, answer: Answer) -> Judgement:
    """How probable the model found what it said, 0..1; no chance of being right until it is calibrated.

    The probability of the whole answer with its length corrected for: the sum of the tokens' log-probabilities,
    divided by the square root of their number. The sum by itself holds every long answer to be improbable; the mean
    lets one doubtful digit drown among many sure words.
    """
    if not answer.logprobs:
        return Judgement("confidence", None, "no log-probabilities were given")
    values = [min(value, 0.0) for value in answer.logprobs[:MOST_TOKENS] if not math.isnan(value)]
    if not values:
        return Judgement("confidence", None, "no log-probability is a number")
    told = f"{len(values)} tokens, mean probability {mean_probability(values):.2f}, least {math.exp(min(values)):.2f}"
    return Judgement("confidence", corrected_probability(values), told)


LEAST = -1e6
"""A log-probability below which exp() is 0 whatever stands beside it."""


def mean_probability(logprobs: Sequence[float]) -> float:
    """The geometric mean of the tokens' probabilities: one over the perplexity."""
    return math.exp(_total(logprobs) / len(logprobs))


def corrected_probability(logprobs: Sequence[float]) -> float:
    """exp(sum / sqrt(n)): between the probability of the whole (which falls with n) and the tokens' mean."""
    return math.exp(_total(logprobs) / math.sqrt(len(logprobs)))


def _total(logprobs: Sequence[float]) -> float:
    """Their sum; a probability of nothing at all, or of less than a number can hold, counts as LEAST."""
    return math.fsum(max(one, LEAST) for one in logprobs)


def logprobs_of(content: Any) -> tuple[float, ...] | None:
    """The log-probabilities of OpenAI Chat's form (a list of objects with ``logprob``), or of a plain list of numbers.
    None where there are none.
    """
    if not isinstance(content, list | tuple):
        return None
    found = [each.get("logprob") if isinstance(each, dict) else each for each in content[:MOST_TOKENS]]
    numbers = tuple(float(each) for each in found if isinstance(each, int | float) and not isinstance(each, bool))
    return numbers or None
