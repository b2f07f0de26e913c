"""The simulator's clock: real time plus what a test has added, so that a cache can grow old in no time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """Seconds since the epoch (UTC), which a test can move forward.

    `source` gives real time; a test may pass its own.
    """

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._offset = 0.0

    def now(self) -> float:
        """Return the simulated time in seconds since the epoch."""
        return self._source() + self._offset

    def advance(self, seconds: float) -> None:
        """Move time forward by `seconds`; affects cache lifetimes and limits, not delays on the wire."""
        self._offset += seconds

    def rfc3339(self, ahead: float = 0.0) -> str:
        """Return the time `ahead` seconds from now as RFC 3339, whole seconds."""
        return datetime.fromtimestamp(self.now() + ahead, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
