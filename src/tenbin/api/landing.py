"""2. The checkpoint at which a soft landing stands: a request goes on with less, or a new turn waits."""

from tenbin.api.admission import Visit
from tenbin.core.ask import Ask
from tenbin.core.problems import Problem
from tenbin.execute.clock import Clock
from tenbin.execute.landing import SoftLanding


class LandingCheckpoint:
    """What is left of the budgets that count the caller."""

    name = "landing"

    def __init__(self, landing: SoftLanding, clock: Clock) -> None:
        self.landing = landing
        self._clock = clock

    async def let_in(self, ask: Ask, visit: Visit) -> Ask | Problem:
        """The request with what is done about it on it, or why it waits."""
        return self.landing.land(ask, visit.codec, self._clock.now_ms())
