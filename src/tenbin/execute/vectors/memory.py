"""6. The vector index of a gateway that is alone: all scopes in this process, small ones read through, large ones by a
graph that is built beside the work.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from tenbin.discern.embedding.embedder import Vector
from tenbin.execute.clock import Clock, start_task
from tenbin.execute.vectors.approximate import Graph, GraphMissing
from tenbin.execute.vectors.index import NEVER_MS, Neighbour
from tenbin.execute.vectors.scope import Part, ScopeVectors, Tickets

LOG = logging.getLogger("tenbin.execute")

MOST_READ_THROUGH = 50_000
"""Entries of a scope from which on it has a graph. Without the library for one, its oldest entries give way."""
MOST_ENTRIES = 200_000
"""Of all scopes together: with 384 numbers each 300 MB. The oldest of the scope that was used longest ago gives way."""
NUMBERS_ON_THE_LOOP = 4_000_000
"""Read through at once on the event loop, about 0.25 ms; more goes to the index's own thread."""
BUILT_AT_ONCE = 32
"""Entries that are linked before a search gets its turn."""
LEFT_OUT = 1_000
"""Entries that the graph may lack while it is used: they are read through beside it."""
SWEEP_MS = 5_000
"""At most so often a scope is looked through for entries whose time has passed."""
SWEPT_AT_ONCE = 500


class _Scope:
    """A scope's vectors and, where it is large, their graph with the tickets that are still to be linked."""

    def __init__(self, dimension: int) -> None:
        self.vectors = ScopeVectors(dimension)
        self.graph: Graph | None = None
        self.unlinked: dict[int, None] = {}
        self.building = False
        self.swept_ms = 0


class MemoryIndex:
    """All scopes in memory. Belongs to one event loop."""

    def __init__(
        self,
        clock: Clock,
        tell: Callable[[str], None] = LOG.warning,
        *,
        most_read_through: int = MOST_READ_THROUGH,
        most_entries: int = MOST_ENTRIES,
    ) -> None:
        """``tell`` is given a sentence for the operator, once."""
        self._clock = clock
        self._tell = tell
        self._most_read_through = most_read_through
        self._most_entries = most_entries
        self._scopes: OrderedDict[str, _Scope] = OrderedDict()
        self._scope_of: dict[str, str] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vectors")
        self._no_graphs = False
        self._closed = False
        self._builders: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._scope_of)

    async def add(self, scope: str, entry: str, vector: Vector, until_ms: int = NEVER_MS) -> None:
        """Keep a unit vector until a time (UTC ms). Raises WrongDimension."""
        held = self._scopes.get(scope)
        if held is None:
            held = _Scope(vector.size)
        held.vectors.check(vector)
        self._remove(entry)
        self._scopes[scope] = held
        self._scopes.move_to_end(scope)
        ticket = held.vectors.add(entry, vector, until_ms)
        self._scope_of[entry] = scope
        if held.graph is not None:
            held.unlinked[ticket] = None
        self._sweep(held, self._clock.now_ms())
        if held.vectors.size > self._most_read_through and held.graph is None:
            self._begin_graph(held)
        if held.graph is not None:
            self._keep_building(held)
        elif held.vectors.size > self._most_read_through:
            self._remove(held.vectors.oldest())
        if len(self._scope_of) > self._most_entries:
            self._remove(next(iter(self._scopes.values())).vectors.oldest())

    async def nearest(self, scope: str, vector: Vector, k: int) -> list[Neighbour]:
        """The ``k`` nearest living entries of a scope, nearest first. Raises WrongDimension."""
        held = self._scopes.get(scope)
        if held is None:
            return []
        held.vectors.check(vector)
        self._scopes.move_to_end(scope)
        now = self._clock.now_ms()
        self._sweep(held, now)
        if held.graph is None and held.vectors.size * held.vectors.dimension <= NUMBERS_ON_THE_LOOP:
            return held.vectors.judge(vector, held.vectors.scan(vector, k, now), k, now)
        search: Callable[[], Tickets] = partial(held.vectors.scan, vector, k, now)
        if held.graph is not None and len(held.unlinked) <= LEFT_OUT:
            search = partial(_search, held.graph, held.vectors.part(held.unlinked), vector, k)
        tickets = await asyncio.get_running_loop().run_in_executor(self._thread, search)
        return held.vectors.judge(vector, tickets, k, now)

    async def remove(self, entry: str) -> None:
        """Forget an entry, wherever it is; one that is not there is no error."""
        self._remove(entry)

    def _remove(self, entry: str) -> None:
        scope = self._scope_of.pop(entry, None)
        held = self._scopes.get(scope) if scope is not None else None
        if scope is None or held is None:
            return
        ticket = held.vectors.remove(entry)
        if held.graph is not None and ticket is not None:
            held.unlinked.pop(ticket, None)
            self._thread.submit(held.graph.remove, ticket)
        if held.vectors.size == 0:
            del self._scopes[scope]

    async def clear(self, scope: str) -> None:
        """Forget a scope."""
        held = self._scopes.pop(scope, None)
        if held is not None:
            for entry in held.vectors.entries():
                self._scope_of.pop(entry, None)

    async def count(self, scope: str) -> int:
        """Entries of a scope."""
        held = self._scopes.get(scope)
        return held.vectors.size if held is not None else 0

    async def built(self) -> None:
        """Return when all graphs hold what they are to hold."""
        while self._builders:
            await asyncio.wait(set(self._builders))

    async def close(self) -> None:
        """End its thread."""
        self._closed = True
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _sweep(self, held: _Scope, now_ms: int) -> None:
        if now_ms - held.swept_ms >= SWEEP_MS:
            held.swept_ms = now_ms
            for entry in held.vectors.passed(now_ms)[:SWEPT_AT_ONCE]:
                self._remove(entry)

    def _begin_graph(self, held: _Scope) -> None:
        if self._no_graphs:
            return
        try:
            held.graph = Graph(held.vectors.dimension)
        except GraphMissing as missing:
            self._no_graphs = True
            self._tell(
                f"A scope of the semantic cache has more than {self._most_read_through} entries: its oldest give way "
                f"from now on. For more, install usearch ({missing})."
            )
            return
        held.unlinked = dict.fromkeys(held.vectors.tickets())

    def _keep_building(self, held: _Scope) -> None:
        if not held.building and held.unlinked and not self._closed:
            held.building = True
            builder = start_task(self._build(held), name="vector graph")
            self._builders.add(builder)
            builder.add_done_callback(self._builders.discard)

    async def _build(self, held: _Scope) -> None:
        """Link what is not linked yet, a handful at a time."""
        graph, loop = held.graph, asyncio.get_running_loop()
        try:
            while graph is not None and held.unlinked and not self._closed:
                first = [ticket for ticket, _ in zip(held.unlinked, range(BUILT_AT_ONCE), strict=False)]
                tickets, vectors = held.vectors.batch(first)
                await loop.run_in_executor(self._thread, graph.add, tickets, vectors)
                for ticket in first:
                    held.unlinked.pop(ticket, None)
                for ticket in map(int, tickets):
                    if not held.vectors.holds(ticket):  # it went while it was being linked
                        self._thread.submit(graph.remove, ticket)
        except RuntimeError:
            if not self._closed:
                raise
        finally:
            held.building = False


def _search(graph: Graph, beside: Part, vector: Vector, k: int) -> Tickets:
    """The graph's candidates, and those among what it does not hold yet."""
    found: Tickets = np.concatenate([graph.search(vector, k), beside.scan(vector, k)])
    return found
