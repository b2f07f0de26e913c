"""1. Keeps what clients ask and are answered, where the configuration says so: noted as it goes by, sealed and written
in a thread of its own, behind the answer.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue

from tenbin.config.content import ContentConfig
from tenbin.config.problem import ConfigError
from tenbin.core.ask import Ask
from tenbin.execute.clock import Clock
from tenbin.execute.world import Client
from tenbin.ledger.content import DATABASE, NONCE_BYTES, Content, ContentStore, ContentUnusable, key_from

LOG = logging.getLogger("tenbin.api")

MOST_WAITING_BYTES = 67_108_864
"""Of requests and answers that wait to be written; what comes on top is not kept, and counted."""
PURGE_SECONDS = 3_600.0
"""How often what has outlived its days is deleted, beside each start."""
DAY_MS = 86_400_000

Headers = list[tuple[bytes, bytes]]


class Kept:
    """A client whose answer is kept as it goes by."""

    __slots__ = ("_client", "_most", "_parts", "ask", "complete", "size", "status")

    def __init__(self, ask: Ask, client: Client, most: int) -> None:
        self.ask = ask
        self._client = client
        self._most = most
        self._parts: list[bytes] = []
        self.size = 0
        """Bytes of the answer, kept or not."""
        self.status = 0
        self.complete = False

    async def start(self, status: int, headers: Headers) -> None:
        """As the client's own."""
        self.status = status
        await self._client.start(status, headers)

    async def write(self, data: bytes) -> None:
        """As the client's own."""
        self._keep(data)
        await self._client.write(data)

    async def finish(self, data: bytes = b"") -> None:
        """As the client's own."""
        self._keep(data)
        self.complete = True
        await self._client.finish(data)

    async def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """As the client's own."""
        self.status, self.complete = status, True
        self._keep(body)
        await self._client.respond(status, headers, body)

    def _keep(self, data: bytes) -> None:
        room = self._most - self.size
        if room > 0:
            self._parts.append(data[:room])
        self.size += len(data)

    def content(self) -> Content:
        """What is to be sealed."""
        ask = self.ask
        return Content(
            request_id=ask.request_id,
            at_ms=ask.arrived_at_ms,
            key_id=ask.caller.key_id,
            path=ask.path,
            request=ask.body[: self._most],
            status=self.status,
            answer=b"".join(self._parts),
            request_bytes=len(ask.body),
            answer_bytes=self.size,
            complete=self.complete,
        )


class Keeper:
    """The thread that writes, and what waits for it."""

    def __init__(self, settings: ContentConfig, directory: Path, clock: Clock) -> None:
        """Raises ContentUnusable."""
        self.settings = settings
        self._clock = clock
        self._key = key_from(settings, clock.bits)
        self._directory = directory
        ContentStore(directory, self._key).close()
        self._queue: SimpleQueue[Kept | Callable[[], None] | None] = SimpleQueue()
        self._waiting = 0
        """Bytes; changed by the loop when something is put, and by the thread when it is done."""
        self._lock = threading.Lock()
        self.dropped = 0
        """Requests that were not kept: too much waited, or the file could not be written to."""
        self._told = self._closed = False
        self._purge_at_ns = 0
        self._thread = threading.Thread(target=self._run, name="content", daemon=True)
        self._thread.start()

    def watching(self, ask: Ask, client: Client) -> Kept:
        """A client to answer in its place; ``note`` it when its request is over."""
        return Kept(ask, client, self.settings.most_bytes)

    def note(self, kept: Kept) -> None:
        """Write it down, soon. Nothing is raised, and nobody waits."""
        size = len(kept.ask.body) + min(kept.size, self.settings.most_bytes)
        with self._lock:
            if self._closed or self._waiting + size > MOST_WAITING_BYTES:
                self.dropped += 1
                return
            self._waiting += size
        self._queue.put(kept)

    def flush(self) -> None:
        """Return when all that was noted so far is written."""
        done = threading.Event()
        self._queue.put(done.set)
        done.wait()

    def close(self) -> None:
        """Write what waits, then stop."""
        with self._lock:
            self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        with ContentStore(self._directory, self._key) as store:
            self._purge(store)
            while True:
                try:
                    work = self._queue.get(timeout=PURGE_SECONDS)
                except Empty:
                    self._purge(store)
                    continue
                if work is None:
                    return
                if isinstance(work, Kept):
                    self._write(store, work)
                else:
                    work()
                self._purge_if_due(store)

    def _write(self, store: ContentStore, kept: Kept) -> None:
        size = len(kept.ask.body) + min(kept.size, self.settings.most_bytes)
        try:
            nonce = b"".join(self._clock.bits().to_bytes(10, "big") for _ in range(2))[:NONCE_BYTES]
            store.keep(kept.content(), nonce)
        except sqlite3.Error as error:
            self.dropped += 1
            if not self._told:
                LOG.warning("%s cannot be written to, and content is lost: %s", store.path, error)
            self._told = True
        except Exception:
            self.dropped += 1
            LOG.exception("the content of request %s could not be kept", kept.ask.request_id)
        finally:
            with self._lock:
                self._waiting -= size

    def _purge_if_due(self, store: ContentStore) -> None:
        if self._clock.monotonic_ns() >= self._purge_at_ns:
            self._purge(store)

    def _purge(self, store: ContentStore) -> None:
        self._purge_at_ns = self._clock.monotonic_ns() + int(PURGE_SECONDS * 1e9)
        try:
            gone = store.purge(before_ms=self._clock.now_ms() - self.settings.days * DAY_MS)
        except sqlite3.Error as error:
            LOG.warning("%s: what is older than content.days could not be deleted: %s", store.path, error)
        else:
            if gone:
                LOG.info("The content of %d requests was deleted after %d days.", gone, self.settings.days)


class ContentParts:
    """The keeper of one gateway, as its configuration says."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory, self._clock = directory, clock
        self._keeper: Keeper | None = None

    def apply(self, settings: ContentConfig) -> Keeper | None:
        """The keeper under a configuration; None where nothing is kept. Raises ConfigError."""
        if self._keeper is not None and self._keeper.settings == settings:
            return self._keeper
        keeper = None
        try:
            if settings.store:
                keeper = Keeper(settings, self._directory, self._clock)
            elif (self._directory / DATABASE).exists():
                # Switched off again: what was kept is deleted in its time all the same.
                with ContentStore(self._directory, None) as store:
                    store.purge(before_ms=self._clock.now_ms() - settings.days * DAY_MS)
        except (ContentUnusable, sqlite3.Error) as error:
            raise ConfigError.of("content", str(error), "docs/content.md says what it needs.") from error
        self.close()
        self._keeper = keeper
        return keeper

    def close(self) -> None:
        """Write what waits, then stop."""
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None
