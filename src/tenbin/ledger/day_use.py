"""7. How many requests and tokens keys have used since a moment: what their plans' days are taken up from."""

import contextlib
import sqlite3
from collections.abc import Callable, Collection
from pathlib import Path

from tenbin.ledger.migrations import SchemaTooNew, applied
from tenbin.ledger.queries import reading


class LedgerSilent(Exception):
    """The ledger cannot tell just now; carries why."""


_USE = """
SELECT r.key_id, count(*), coalesce(sum(
    (SELECT max(a.input + a.cache_read + a.cache_write_5m + a.cache_write_1h + a.output)
    FROM attempts a WHERE a.request = r.id)), 0)
FROM requests r WHERE r.arrived_at_ms >= ? AND r.operation IN ({operations})
    AND (r.attempts > 0 OR r.outcome = 'answered') {only} GROUP BY r.key_id
"""
"""As tenbin.decide.limits counts a receipt."""


def used_since(
    database: sqlite3.Connection, since_ms: int, operations: Collection[str], key_id: str | None = None
) -> dict[str, tuple[int, int]]:
    """By key id, the requests that arrived since then (UTC ms) and count, and their tokens; of one key alone where one
    is named.
    """
    if not applied(database):
        return {}
    words = ", ".join("?" for _ in operations)
    query = _USE.format(operations=words, only="AND r.key_id = ?" if key_id is not None else "")
    values = (since_ms, *operations, *((key_id,) if key_id is not None else ()))
    return {key: (requests, tokens) for key, requests, tokens in database.execute(query, values)}


class DayUse:
    """Asks the ledger for all keys at once, the first time; then only for those that were counted elsewhere since."""

    def __init__(self, path: Path, flush: Callable[[], bool], operations: Collection[str]) -> None:
        """``flush``: have the database take all that is settled; False when it does not."""
        self._path = path
        self._flush = flush
        self._operations = operations
        self._known: dict[int, dict[str, tuple[int, int]]] = {}
        """By the day's beginning, what there was when it was first asked for."""
        self._moved: set[str] = set()

    def moved(self, key_id: str) -> None:
        """This key has been used without being counted by whoever asks."""
        self._moved.add(key_id)

    def __call__(self, key_id: str, since_ms: int) -> tuple[int, int]:
        """(requests, tokens) of a key since then. Blocks. Raises LedgerSilent."""
        if key_id in self._moved:
            self._moved.discard(key_id)
            return self._asked(since_ms, key_id).get(key_id, (0, 0))
        known = self._known.get(since_ms)
        if known is None:
            if len(self._known) >= 64:  # one for each time zone, and the days that are over
                self._known.clear()
            known = self._known[since_ms] = self._asked(since_ms, None)
        return known.get(key_id, (0, 0))

    def _asked(self, since_ms: int, key_id: str | None) -> dict[str, tuple[int, int]]:
        try:
            if not self._flush():
                raise LedgerSilent("its database does not take the receipts")
            with contextlib.suppress(FileNotFoundError), reading(self._path) as database:
                return used_since(database, since_ms, self._operations, key_id)
        except (OSError, SchemaTooNew, sqlite3.Error) as error:
            raise LedgerSilent(str(error)) from error
        return {}
