"""6. A question's vector, off the event loop and within its time: which embedder reads its language, and what it made.

Whatever is in the way (no embedder for the language, one that is still loading, too many waiting, too late) is told in
words and means that the same meaning is not looked for. Nobody waits longer than was agreed.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from tenbin.core.features import Language
from tenbin.discern.embedding.embedder import Embedder, EmbedderMissing, Vector
from tenbin.discern.embedding.registry import UnknownEmbedder, load
from tenbin.discern.language import language
from tenbin.execute.sensing import LANGUAGE_CHARACTERS

if TYPE_CHECKING:
    from tenbin.execute.remote_embedding import Payer, RemoteEmbedder

LOG = logging.getLogger("tenbin.execute")

BUDGET_MS = 50
MOST_WAITING = 64
"""Texts that wait for their vector at a time; one more is not embedded."""
MOST_KEPT = 4_096
"""Vectors kept in memory by the hash of their text: a few MB."""

LANGUAGES: dict[Language, str] = {"en": "English", "ja": "Japanese", "other": "this language"}


class Embedded(NamedTuple):
    """A text's vector, or why it has none."""

    vector: Vector | None
    embedder: str = ""
    """The id of what made it; vectors of two embedders are never compared."""
    language: Language = "en"
    """What the text was taken for."""
    why: str = ""
    """Why there is no vector."""


class _Work(NamedTuple):
    done: "asyncio.Future[Embedded]"
    thread: "Future[Embedded] | None"
    """Of an embedder in this process: what can be dropped as long as it has not begun."""


Key: TypeAlias = tuple[str, bytes]


class Embedding:
    """The embedders of a gateway, asked in their order. Belongs to one event loop."""

    def __init__(
        self,
        names: Sequence[str],
        remote: Sequence["RemoteEmbedder"] = (),
        tell: Callable[[str], None] = LOG.warning,
        *,
        budget_ms: int = BUDGET_MS,
        most_waiting: int = MOST_WAITING,
        most_kept: int = MOST_KEPT,
        threads: int = 1,
    ) -> None:
        """``names``: of embedders in this process, which come before ``remote`` ones. Of all, the first that covers a
        text's language is asked. ``tell`` is given a sentence for the operator, once.
        """
        self._local: dict[str, Embedder | None] = dict.fromkeys(names)
        self._remote = tuple(remote)
        self._tell = tell
        self._budget_ms = budget_ms
        self._most_waiting = most_waiting
        self._most_kept = most_kept
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="embedding")
        self._loading: asyncio.Future[None] | None = None
        self._kept: OrderedDict[Key, Embedded] = OrderedDict()
        self._under_way: dict[Key, _Work] = {}
        self._waiters: dict[Key, int] = {}
        self._told: set[str] = set()

    async def prepare(self) -> None:
        """Load the embedders of this process; what cannot be loaded is told and left out."""
        if self._loading is None:
            loop = asyncio.get_running_loop()
            self._loading = loop.run_in_executor(self._threads, self._load)
        await self._loading

    @property
    def embedders(self) -> tuple[str, ...]:
        """Ids of those that can be asked, as far as they are known yet."""
        local = [one.id for one in self._local.values() if one is not None]
        return (*local, *(one.id for one in self._remote))

    async def of(self, text: str, payer: "Payer | None" = None, *, budget_ms: int | None = None) -> Embedded:
        """The vector of a text, within ``budget_ms``; ``payer`` is on whose account a remote embedder is asked."""
        spoken = language(text[:LANGUAGE_CHARACTERS])
        if self._loading is None:
            self._loading = asyncio.get_running_loop().run_in_executor(self._threads, self._load)
        budget = (self._budget_ms if budget_ms is None else budget_ms) / 1000
        for embedder in self._local.values():
            if embedder is not None and spoken in embedder.languages:
                key = (embedder.id, _digest(text))
                kept = self._known(key)
                return kept if kept is not None else await self._in_time(key, self._begin(key, embedder, text), budget)
        if not self._loading.done():
            return Embedded(None, language=spoken, why="the embedder is still being loaded")
        for remote in self._remote:
            if spoken in remote.languages:
                key = (remote.id, _digest(text))
                kept = self._known(key)
                return (
                    kept if kept is not None else await self._in_time(key, self._ask(key, remote, text, payer), budget)
                )
        return Embedded(None, language=spoken, why=f"no embedder reads {LANGUAGES[spoken]}")

    async def close(self) -> None:
        """End its threads; what is under way in them is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    # -- in this process

    def _load(self) -> None:
        for name in self._local:
            try:
                self._local[name] = load(name)
            except (EmbedderMissing, UnknownEmbedder) as missing:
                self._say(str(missing))
            except Exception as error:  # noqa: BLE001 - code of other packages: the gateway goes on without it
                self._say(f"The embedder {name} cannot be loaded: {type(error).__name__}: {error}")

    def _say(self, words: str) -> None:
        if words not in self._told:
            self._told.add(words)
            self._tell(words)

    def _begin(self, key: Key, embedder: Embedder, text: str) -> _Work | None:
        work = self._under_way.get(key)
        if work is None and len(self._under_way) < self._most_waiting:
            thread = self._threads.submit(_embed, embedder, text)
            work = _Work(asyncio.wrap_future(thread), thread)
            self._add(key, work)
        return work

    # -- elsewhere

    def _ask(self, key: Key, remote: "RemoteEmbedder", text: str, payer: "Payer | None") -> _Work | None:
        work = self._under_way.get(key)
        if work is None and len(self._under_way) < self._most_waiting:
            work = _Work(remote.begin(text, language(text[:LANGUAGE_CHARACTERS]), payer), None)
            self._add(key, work)
        return work

    # -- both

    def _known(self, key: Key) -> Embedded | None:
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
        return kept

    def _add(self, key: Key, work: _Work) -> None:
        self._under_way[key] = work
        work.done.add_done_callback(lambda done: self._ended(key, work, done))

    def _ended(self, key: Key, work: _Work, done: "asyncio.Future[Embedded]") -> None:
        if self._under_way.get(key) is work:
            del self._under_way[key]
        if done.cancelled():
            return
        error = done.exception()
        if error is not None:
            self._say(f"The embedder {key[0]} failed: {type(error).__name__}: {error}"[:300])
        elif done.result().vector is not None or done.result().why == TOO_LONG:
            self._kept[key] = done.result()
            if len(self._kept) > self._most_kept:
                self._kept.popitem(last=False)

    async def _in_time(self, key: Key, work: _Work | None, seconds: float) -> Embedded:
        """Wait for it as long as was agreed. What nobody waits for any more is dropped, if it has not begun."""
        if work is None:
            return Embedded(None, key[0], why="too many texts wait for the embedder")
        self._waiters[key] = self._waiters.get(key, 0) + 1
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(work.done)
        except TimeoutError:
            return Embedded(None, key[0], why="the embedder was too slow")
        except Exception as error:  # noqa: BLE001 - code of other packages, told by `_ended`
            return Embedded(None, key[0], why=f"the embedder failed: {type(error).__name__}")
        finally:
            self._waiters[key] -= 1
            if not self._waiters[key]:
                del self._waiters[key]
                if not work.done.done() and work.thread is not None and work.thread.cancel():
                    del self._under_way[key]


_UNIT = 1e-3
"""By how much the length of a vector may differ from 1."""
TOO_LONG = "the text is longer than the embedder reads"


def _embed(embedder: Embedder, text: str) -> Embedded:
    spoken = language(text[:LANGUAGE_CHARACTERS])
    if not embedder.fits(text):
        return Embedded(None, embedder.id, spoken, TOO_LONG)
    import numpy as np  # here: a gateway without the semantic cache need not load it

    vector = embedder.embed([text])[0]
    length = float(np.linalg.norm(vector))
    if not 0.0 < length < np.inf:  # also where it is not a number
        return Embedded(None, embedder.id, spoken, "the embedder gave no vector")
    if abs(length - 1.0) > _UNIT:  # a longer one would be like everything
        vector = (vector / length).astype(np.float32)
    return Embedded(vector, embedder.id, spoken)


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
