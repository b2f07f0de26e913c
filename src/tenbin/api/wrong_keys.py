"""1. Who guesses keys: wrong ones are counted by address and altogether, and past a limit answered with 429.

A right key is looked up before anything is counted, so that nobody can lock somebody else out; a key holds 256 random
bits, so that guesses are to be seen rather than to be feared.
"""

import ipaddress
import logging

from tenbin.core.problems import Problem

LOG = logging.getLogger("tenbin.api")

WINDOW_MS = 60_000
MOST_EVERYWHERE = 1_000
"""Wrong keys in a window, from all addresses together."""
MOST_ADDRESSES = 4_096
"""Addresses that are counted apart at the same time; the one that was silent longest gives way."""
MOST_LINES = 10
"""Lines of the log in a window that tell of it."""


class WrongKeys:
    """Counts of wrong keys."""

    def __init__(self) -> None:
        self.seen = 0
        """Since the start."""
        self.limited = 0
        """Of these, answered with 429."""
        self._addresses: dict[str, list[int]] = {}
        """By address, [beginning of its window in UTC ms, wrong keys in it]; the one seen last comes last."""
        self._began_ms = 0
        self._count = 0
        self._lines = 0

    def counted(self, problem: Problem, address: str, most: int, now_ms: int) -> Problem:
        """Count one. What to answer: ``problem``, or past ``most`` of an address, or too many altogether, 429."""
        self.seen += 1
        if not 0 <= now_ms - self._began_ms < WINDOW_MS:
            self._began_ms, self._count, self._lines = now_ms, 0, 0
        self._count += 1
        place = _network(address)
        own = self._addresses.pop(place, None)
        if own is None or not 0 <= now_ms - own[0] < WINDOW_MS:
            own = [now_ms, 0]
        own[1] += 1
        self._addresses[place] = own
        if len(self._addresses) > MOST_ADDRESSES:
            del self._addresses[next(iter(self._addresses))]
        if own[1] == most + 1:
            self._tell(f"from {place or 'an unknown address'}", most)
        if own[1] > most:
            return self._refused(own[0] + WINDOW_MS - now_ms)
        if self._count == MOST_EVERYWHERE + 1:
            self._tell("from several addresses", MOST_EVERYWHERE)
        if self._count > MOST_EVERYWHERE:
            return self._refused(self._began_ms + WINDOW_MS - now_ms)
        return problem

    def _tell(self, where: str, most: int) -> None:
        self._lines += 1
        if self._lines <= MOST_LINES:
            LOG.warning(
                "More than %d wrong keys within a minute %s: somebody guesses, or a client is set up wrong.",
                most,
                where,
            )

    def _refused(self, left_ms: int) -> Problem:
        self.limited += 1
        return Problem(
            status=429,
            code="rate_limit_error",
            message="This key is not known here, and there have been too many wrong ones. Check it before you try "
            "again; a right key is let in at once.",
            param="authorization",
            retry_after_ms=max(left_ms, 1),
            should_retry=False,
        )


def _network(address: str) -> str:
    """What is counted as one: an address, of IPv6 the /64 that usually is one customer's."""
    if ":" not in address:
        return address
    try:
        found = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found) >> 64 << 64, 64)))
