"""6. A server that answers are shared through may be gone: told once, then left alone; nobody waits for it."""

from collections.abc import Callable

from tenbin.execute.clock import Clock

FIRST_PAUSE_MS = 250
LONGEST_PAUSE_MS = 10_000
TOO_LATE = "no answer in time"
"""Why it is left alone, where it is there but hangs."""


class StoreUnavailable(Exception):
    """A shared store did not do what it was asked to. Whoever asked goes on without: a miss, or nothing stored."""


class StoreRefused(StoreUnavailable):
    """It answered, and said no: the message is the server's own."""


class Availability:
    """Whether a server is asked at all. After a failure it is left alone, twice as long each time; then one request may
    try while the others still go without.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        tell: Callable[[str], None],
        *,
        meanwhile: str = "requests go on without it",
        longest_pause_ms: int = LONGEST_PAUSE_MS,
    ) -> None:
        """``name`` is how the server is spoken of, without its password; ``tell`` is given a sentence at a change;
        ``meanwhile``: what happens until it is back.
        """
        self.name = name
        self._clock = clock
        self._tell = tell
        self._meanwhile = meanwhile
        self._longest_pause_ms = longest_pause_ms
        self._pause_ms = 0
        self._closed_until_ms = 0
        self._trying = False
        """While it is down: one request is finding out whether it is back. What others say was begun before."""

    @property
    def down(self) -> bool:
        """Did the last attempt fail?"""
        return self._pause_ms > 0

    def check(self) -> None:
        """Before each attempt. Raises StoreUnavailable while the server is left alone."""
        if not self._pause_ms:
            return
        now = self._clock.now_ms()
        if now < self._closed_until_ms:
            raise StoreUnavailable(f"{self.name} does not answer")
        self._closed_until_ms = now + self._pause_ms
        self._trying = True

    def failed(self, why: str) -> StoreUnavailable:
        """It could not be reached, or did not answer in time; returns what to raise."""
        if not self._pause_ms:
            self._tell(f"{self.name} does not answer ({why}): {self._meanwhile} until it does.")
        if not self._pause_ms or self._trying:
            self._trying = False
            self._pause_ms = min(max(FIRST_PAUSE_MS, 2 * self._pause_ms), self._longest_pause_ms)
            self._closed_until_ms = self._clock.now_ms() + self._pause_ms
        return StoreUnavailable(f"{self.name}: {why}")

    def answered(self) -> None:
        """It did answer."""
        if self._trying:
            self._trying, self._pause_ms = False, 0
            self._tell(f"{self.name} answers again.")
