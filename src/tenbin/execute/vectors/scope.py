"""6. The vectors of one scope in memory: a matrix that grows by doubling, searched row by row.

``scan`` may run in another thread while entries come and go: what it finds is only candidates, which ``judge`` looks up
anew. Everything else runs in one thread.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tenbin.discern.embedding.embedder import Vector
from tenbin.execute.vectors.index import Neighbour, WrongDimension, cosines, nearest_first

FIRST_ROWS = 16
SPARE = 8
"""Candidates beyond those asked for: 32 bits may rank what is equally near otherwise than 64."""

Tickets = NDArray[np.int64]
"""Numbers of additions, unique within a scope: rows move when others are removed, tickets do not."""


class Part(NamedTuple):
    """Some rows of a scope as they were."""

    tickets: Tickets
    rows: NDArray[np.intp]
    vectors: NDArray[np.float32]

    def scan(self, vector: Vector, k: int) -> Tickets:
        """Tickets of those that are probably nearest: a few more than ``k``."""
        near = np.vecdot(self.vectors[self.rows], vector)
        wanted = min(k + SPARE, near.size)
        found: Tickets = self.tickets[np.argsort(near)[near.size - wanted :]]
        return found


class ScopeVectors:
    """A scope's entries, each with its vector and the time until which it lives."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self.size = 0
        self._vectors = np.empty((FIRST_ROWS, dimension), np.float32)
        self._until = np.empty(FIRST_ROWS, np.int64)
        self._tickets = np.empty(FIRST_ROWS, np.int64)
        self._entries: list[str] = []
        self._rows: dict[str, int] = {}
        self._row_of_ticket: dict[int, int] = {}
        self._next = 0

    def check(self, vector: Vector) -> None:
        """Raises WrongDimension."""
        if vector.shape != (self.dimension,):
            raise WrongDimension(vector.size, self.dimension)

    def add(self, entry: str, vector: Vector, until_ms: int) -> int:
        """Keep a vector; returns its ticket. Raises WrongDimension."""
        self.check(vector)
        self.remove(entry)
        row = self.size
        if row == len(self._until):
            self._grow()
        self._vectors[row] = vector
        self._until[row] = until_ms
        self._tickets[row] = ticket = self._next
        self._next += 1
        self._entries.append(entry)
        self._rows[entry] = self._row_of_ticket[ticket] = row
        self.size = row + 1
        return ticket

    def remove(self, entry: str) -> int | None:
        """Forget an entry; returns its ticket, None where it is not here. The last row takes its place."""
        row = self._rows.pop(entry, None)
        if row is None:
            return None
        ticket = int(self._tickets[row])
        del self._row_of_ticket[ticket]
        last = self.size - 1
        if row != last:
            moved = self._entries[row] = self._entries[last]
            self._vectors[row] = self._vectors[last]
            self._until[row] = self._until[last]
            self._tickets[row] = self._tickets[last]
            self._rows[moved] = self._row_of_ticket[int(self._tickets[row])] = row
        self._entries.pop()
        self.size = last
        if len(self._until) > FIRST_ROWS and last < len(self._until) // 4:
            self._resize(len(self._until) // 2)
        return ticket

    def oldest(self) -> str:
        """The entry that was added first. Raises ValueError when there is none."""
        return self._entries[int(np.argmin(self._tickets[: self.size]))]

    def entries(self) -> list[str]:
        """Their names."""
        return list(self._entries)

    def passed(self, now_ms: int) -> list[str]:
        """Entries whose time has passed."""
        return [self._entries[row] for row in np.flatnonzero(self._until[: self.size] <= now_ms)]

    @property
    def bytes(self) -> int:
        """Of the matrix, rows not used yet included."""
        return self._vectors.nbytes

    def scan(self, vector: Vector, k: int, now_ms: int) -> Tickets:
        """Tickets of the entries that are probably nearest: a few more than ``k``."""
        # Taken in this order: size grows after the rows are there, and arrays that were outgrown stay as they are.
        size = self.size
        vectors, until, tickets = self._vectors, self._until, self._tickets
        size = min(size, len(until), len(vectors), len(tickets))
        # Not `@`: that is shared out among threads, which wait for each other for milliseconds where cores are busy.
        near = np.vecdot(vectors[:size], vector)
        near[until[:size] <= now_ms] = -2.0
        wanted = min(k + SPARE, size)
        rows = np.argpartition(near, size - wanted)[size - wanted :] if wanted < size else np.arange(size)
        found: Tickets = tickets[rows].copy()
        return found

    def judge(self, vector: Vector, tickets: Sequence[int] | Tickets, k: int, now_ms: int) -> list[Neighbour]:
        """The nearest ``k`` of the candidates that still live, with their exact similarities."""
        rows = [
            row for ticket in dict.fromkeys(map(int, tickets)) if (row := self._row_of_ticket.get(ticket)) is not None
        ]
        rows = [row for row in rows if self._until[row] > now_ms]
        near = cosines(self._vectors[rows], vector)
        found = [Neighbour(self._entries[row], float(one)) for row, one in zip(rows, near, strict=True)]
        return nearest_first(found, k)

    def batch(self, tickets: Sequence[int]) -> tuple[Tickets, NDArray[np.float32]]:
        """A copy of the vectors of those tickets that are still here."""
        here = [ticket for ticket in tickets if ticket in self._row_of_ticket]
        rows = [self._row_of_ticket[ticket] for ticket in here]
        return np.array(here, np.int64), self._vectors[rows]

    def part(self, tickets: Iterable[int]) -> Part:
        """Those additions for a scan in another thread."""
        rows = self._row_of_ticket
        here = [ticket for ticket in tickets if ticket in rows]
        return Part(np.array(here, np.int64), np.array([rows[ticket] for ticket in here], np.intp), self._vectors)

    def tickets(self) -> list[int]:
        """Of all entries, oldest first."""
        return sorted(self._row_of_ticket)

    def holds(self, ticket: int) -> bool:
        """Is that addition still here?"""
        return ticket in self._row_of_ticket

    def _grow(self) -> None:
        self._resize(2 * len(self._until))

    def _resize(self, rows: int) -> None:
        """New arrays: a scan in another thread keeps those that it has."""
        size = self.size
        vectors = np.empty((rows, self.dimension), np.float32)
        until, tickets = np.empty(rows, np.int64), np.empty(rows, np.int64)
        vectors[:size], until[:size], tickets[:size] = self._vectors[:size], self._until[:size], self._tickets[:size]
        self._vectors, self._until, self._tickets = vectors, until, tickets
