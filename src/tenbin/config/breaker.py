"""What can be configured of the breaker: how much spending, and how sudden, stops all further spending for a while."""

from typing import Annotated

import msgspec

from tenbin.config.section import OneOrMore, Section

USD = Annotated[float, msgspec.Meta(gt=0)]


class VelocityConfig(Section, frozen=True):
    """Trips when spending is suddenly much faster than usual."""

    times: Annotated[float, msgspec.Meta(gt=1)] = 10.0
    """So many times the usual rate."""
    minutes: Annotated[int, msgspec.Meta(ge=1, le=60)] = 5
    """Over so many minutes. Usual is the mean of those stretches of as many minutes in the 24 hours before in which
    anything was spent, once there have been twelve."""
    floor_usd: USD = 1.0
    """Less than this in those minutes never trips it, USD."""


class BreakerRules(Section, frozen=True):
    """Limits of what may be spent before it trips."""

    hourly_usd: USD | None = None
    """In any 60 minutes, USD. Default: no limit."""
    daily_usd: USD | None = None
    """In any 24 hours, USD. Default: no limit."""
    velocity: VelocityConfig | None = None
    """Trips when spending is suddenly much faster than usual. Default: it does not; ``{}`` has it do so."""


class BreakerConfig(Section, frozen=True):
    """Stops all calls that cost money when something has run away. Off unless a rule is set. It looks at what is
    settled: a limit that no request may ever pass is a budget."""

    hourly_usd: USD | None = None
    """What all keys together may spend in any 60 minutes, USD. Default: no limit."""
    daily_usd: USD | None = None
    """In any 24 hours, USD. Default: no limit."""
    velocity: VelocityConfig | None = None
    """Trips when spending is suddenly much faster than usual. Default: it does not; ``{}`` has it do so."""
    key: BreakerRules = BreakerRules()
    """The same for each key by itself: only that key's requests are refused."""
    cool_minutes: OneOrMore = 15
    """How long everything is refused, at least; then one request at a time is let through, and what it finds closes the
    breaker or opens it again."""

    @property
    def rules(self) -> BreakerRules:
        """Those for all keys together."""
        return BreakerRules(hourly_usd=self.hourly_usd, daily_usd=self.daily_usd, velocity=self.velocity)

    @property
    def on(self) -> bool:
        """Whether any rule is set."""
        return self.rules != BreakerRules() or self.key != BreakerRules()
