"""4. Whether the next target of a chain is to be asked as well when the first one is slow to begin, and after how long.

Pure: how slow is slow, and whether one more may be afforded, stand among the facts.
"""

import math
from collections.abc import Sequence

from tenbin.config.hedging import HedgingConfig
from tenbin.core.ask import Ask
from tenbin.core.facts import Facts
from tenbin.core.steps import Hedge
from tenbin.core.target import Target
from tenbin.decide.allowance import exhausted
from tenbin.decide.candidates import Chain

MEASURED = 20
"""Answers of a target from which on a percentile of its times is believed."""


def slow_after(times_ms: Sequence[float], settings: HedgingConfig) -> int | None:
    """The time to the beginning of an answer beyond which a target is slow, ms; None where too little is measured.

    The smallest of the times that at least ``percentile`` per cent of them do not exceed (the nearest rank).
    """
    if settings.percentile is None or len(times_ms) < MEASURED:
        return None
    rank = math.ceil(settings.percentile / 100 * len(times_ms))
    return max(math.ceil(sorted(times_ms)[rank - 1]), settings.least_ms)


def hedge_of(
    ask: Ask,
    facts: Facts,
    settings: HedgingConfig,
    chain: Chain,
    targets: Sequence[Target],
    position: int,
    attempt: int,
) -> Hedge | None:
    """Who is asked beside the target at this position, with which attempt number, and when; None: nobody.

    What was weighed is not hedged: the next candidate is no equal, and its prompt cache is cold.
    """
    if not facts.hedges or position + 1 >= len(targets) or ask.operation != "generate" or chain.weighing is not None:
        return None
    if settings.models and ask.head.model not in settings.models:
        return None
    second = targets[position + 1]
    after_ms = settings.after_ms
    if settings.percentile is not None:
        after_ms = facts.slow_ms.get(targets[position].name, after_ms)
    if after_ms is None or exhausted(second, facts):
        return None
    if facts.deadline_ms is not None and facts.now_ms + after_ms >= facts.deadline_ms:
        return None
    return Hedge(target=second, attempt=attempt + 1, after_ms=after_ms)
