"""6. The same question in other words: looked for among the questions of its partition, judged, and kept an eye on.

A partition holds only questions with which all but the last words is equal. What is wrong is told (a report, a
comparison with a fresh answer) and counted against its scope's error budget.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tenbin.config.caching import SemanticCache
from tenbin.decide.caching.error_budget import Standing, Verdict, told
from tenbin.decide.caching.partition import Question
from tenbin.decide.caching.serving import judge
from tenbin.discern.embedding.embedder import Vector
from tenbin.discern.guard import check
from tenbin.execute.cache.agreement import verdict_of
from tenbin.execute.cache.entry import Entry
from tenbin.execute.cache.memory import Held
from tenbin.execute.clock import Clock
from tenbin.execute.embedding import Embedding
from tenbin.execute.vectors.index import Index, WrongDimension

if TYPE_CHECKING:
    from tenbin.execute.remote_embedding import Payer

LOG = logging.getLogger("tenbin.execute")

CANDIDATES = 5
"""Nearest questions that are judged: the guard passes over a wrong nearest one and finds the right one behind it."""
PATIENCE_MS = 5_000
"""For a vector that nobody waits for."""
MOST_RAISED = 10_000
"""Entries whose threshold was raised that are remembered."""


class Found(msgspec.Struct, frozen=True):
    """What was found of a question."""

    held: Held | None = None
    """The entry that would be served."""
    entry: str = ""
    """The nearest one that was judged, served or not."""
    similarity: float | None = None
    why: str = ""
    """Why none is served; empty where one is."""


class Memory(msgspec.Struct):
    """What is remembered over a restart."""

    standings: dict[str, Standing] = {}
    """By scope."""
    raised: dict[str, float] = {}
    """By entry: the least cosine that it demands since an answer of it was told to be wrong."""


class Meaning:
    """The semantic part of a gateway's cache."""

    def __init__(
        self,
        settings: SemanticCache,
        embedding: Embedding,
        index: Index,
        clock: Clock,
        file: Path,
        find: Callable[[str], Awaitable[Held | None]],
    ) -> None:
        """``find`` looks an entry up by its id; ``file`` keeps what is remembered over a restart."""
        self.settings = settings
        self._embedding = embedding
        self._index = index
        self._clock = clock
        self._file = file
        self._find = find
        self._memory = _read(file)

    async def look(self, question: Question, base: str, payer: "Payer | None", *, relaxed: bool = False) -> Found:
        """The best entry of the partition ``base``, within the configured time. ``relaxed``: money is short."""
        settings = self.settings
        try:
            async with asyncio.timeout(settings.look_up_ms / 1_000):
                embedded = await self._embedding.of(question.text, payer, budget_ms=settings.look_up_ms)
                if embedded.vector is None:
                    return Found(why=embedded.why)
                scope = _scope(base, embedded.embedder)
                near = await self._index.nearest(scope, embedded.vector, CANDIDATES)
                first: Found | None = None
                for neighbour in near:
                    held = await self._find(neighbour.entry)
                    if held is None or not held.entry.question or held.entry.partition != base:
                        await self._index.remove(neighbour.entry)
                        continue
                    serving = judge(
                        neighbour.similarity,
                        check(held.entry.question, question.text),
                        embedder=embedded.embedder,
                        language=embedded.language,
                        profile=settings.profile,
                        least_similarity=max(settings.least_similarity, self._memory.raised.get(neighbour.entry, 0.0)),
                        budget_critical=relaxed,
                    )
                    if serving.serve:
                        return Found(held, neighbour.entry, neighbour.similarity)
                    # Not the words that differ: the cached question may be somebody else's.
                    why = serving.why.partition(":")[0]
                    first = first or Found(None, neighbour.entry, neighbour.similarity, why)
        except TimeoutError:
            return Found(why="looking took too long")
        except WrongDimension as wrong:
            return Found(why=str(wrong))
        return first or Found(why="no question like it")

    async def learn(self, entry: Entry, payer: "Payer | None" = None) -> None:
        """Let an entry be found by its question. Nobody waits for it."""
        await self._embedding.prepare()
        embedded = await self._embedding.of(entry.question, payer, budget_ms=PATIENCE_MS)
        if embedded.vector is not None:
            try:
                await self._index.add(
                    _scope(entry.partition, embedded.embedder), entry.id, embedded.vector, entry.expires_ms
                )
            except WrongDimension as wrong:
                LOG.warning("%s", wrong)

    async def forget(self, entry: str) -> None:
        """An entry is there no more."""
        await self._index.remove(entry)

    async def compare(self, scope: str, cached: str, fresh: str) -> Verdict | None:
        """Whether a cached answer says what a fresh one says, and count it; None where that cannot be told."""
        verdict = await verdict_of(self._vector, cached, fresh)
        if verdict is not None:
            await self.tell(scope, verdict)
        return verdict

    async def _vector(self, text: str) -> tuple[str, Vector | None]:
        embedded = await self._embedding.of(text, None, budget_ms=PATIENCE_MS)
        return embedded.embedder, embedded.vector

    # -- trust

    def may_serve(self, scope: str) -> bool:
        """Whether the scope's error budget is not used up."""
        return self.standing(scope).serving

    def standing(self, scope: str) -> Standing:
        """How a scope's answers by meaning have done."""
        return self._memory.standings.get(scope, Standing())

    @property
    def standings(self) -> dict[str, Standing]:
        """By scope."""
        return self._memory.standings

    async def tell(self, scope: str, verdict: Verdict) -> None:
        """Count a verdict."""
        before = self.standing(scope)
        after = told(before, verdict, self.settings.error_budget)
        self._memory.standings[scope] = after
        if before.serving and not after.serving:
            LOG.warning(
                "The cache answers %s by meaning no more: %g of %g were wrong.", scope, after.wrong, after.judged
            )
        await self._keep()

    async def demand(self, entry: str, least: float) -> None:
        """An answer of this entry was wrong: from now on a question must be as much like its own as ``least``."""
        raised = self._memory.raised
        raised[entry] = max(least, raised.pop(entry, 0.0))
        while len(raised) > MOST_RAISED:
            del raised[next(iter(raised))]
        await self._index.remove(entry)
        await self._keep()

    async def _keep(self) -> None:
        data = msgspec.json.encode(self._memory)
        await asyncio.to_thread(_write, self._file, data)

    async def prepare(self) -> None:
        """Load the embedders."""
        await self._embedding.prepare()

    async def close(self) -> None:
        """Let go of threads and connections."""
        await self._embedding.close()
        await self._index.close()


def _scope(base: str, embedder: str) -> str:
    return f"{base}:{embedder}"


def _read(file: Path) -> Memory:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Memory)
    except FileNotFoundError:
        return Memory()
    except (OSError, msgspec.MsgspecError) as error:
        LOG.warning("What was learned of the cache's errors cannot be read, it begins anew: %s", error)
        return Memory()


def _write(file: Path, data: bytes) -> None:
    try:
        new = file.with_suffix(".new")
        new.write_bytes(data)
        new.replace(file)
    except OSError as error:
        LOG.warning("What was learned of the cache's errors cannot be kept: %s", error)
