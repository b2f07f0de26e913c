"""What can be configured of hedged requests: the next target of a chain is asked too when the first one is slow."""

from typing import Annotated

import msgspec

from tenbin.config.section import OneOrMore, Price, Section

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Percentile = Annotated[float, msgspec.Meta(ge=50, le=99.9)]


class HedgingConfig(Section, frozen=True):
    """Asks the next target of a chain too when the first one has not begun to answer in time; whichever begins first
    answers the client, and the other one is cancelled. Off unless ``after_ms`` or ``percentile`` is set."""

    after_ms: OneOrMore | None = None
    """How long to wait for the first word of an answer (for all of it, where it is not streamed)."""
    percentile: Percentile | None = None
    """Wait as long as this percentage of the target's latest answers took to begin, once twenty have been measured;
    until then ``after_ms``."""
    least_ms: OneOrMore = 500
    """Under ``percentile``: never hedge sooner than this."""
    share: Share = 0.05
    """At most this share of requests is hedged."""
    usd_per_day: Price = 1.0
    """What answers that were not needed may cost in a day (UTC), USD. A second target is asked only if the dearer of
    the two answers still fits."""
    models: list[str] = []
    """Names under ``models`` whose requests are hedged. Default: all of them."""
