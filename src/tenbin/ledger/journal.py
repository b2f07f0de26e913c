"""7. The journal: what is written before anything is promised, so that a crash loses nothing.

One ``os.write`` for each record into the page cache, which outlives the process; a thread of its own has the disk take
it every ``sync_ms``, begins new segments, and writes what a full disk has kept waiting.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from tenbin.ledger.records import CARRIED, SETTLED, frame
from tenbin.ledger.segments import Position, segment_numbers, segment_path, sync_directory

SEGMENT_BYTES = 16 * 1024 * 1024
"""A new segment is begun when this one is larger; what is applied to the database is deleted by whole segments."""

WAITING_BYTES = 64 * 1024 * 1024
"""How much may wait in memory while the disk takes nothing."""

_SLICE_BYTES = 1024 * 1024
"""What is written of it at once, so that a request never waits long for the lock."""


class Clock(Protocol):
    """What the ledger needs of the clock."""

    def now_ms(self) -> int:
        """UTC, milliseconds since the epoch."""
        ...


class Journal:
    """Appends framed records. ``append`` never waits for the disk's flush and never raises; any thread may call it.

    ``carry`` gives the frames of all that is in flight: each new segment begins with them, so that older ones may go.
    """

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        *,
        sync_ms: int,
        carry: Callable[[], Iterable[bytes]],
        on_sync: Callable[[], None] = lambda: None,
        segment_bytes: int = SEGMENT_BYTES,
        waiting_bytes: int = WAITING_BYTES,
    ) -> None:
        """Begin the first segment. Raises OSError when that can't be done."""
        self.directory = directory
        self._clock = clock
        self._sync_seconds = sync_ms / 1000
        self._carry = carry
        self._on_sync = on_sync
        self._segment_bytes = segment_bytes
        self._waiting_limit = waiting_bytes
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._waiting = bytearray()
        self._troubles: dict[str, str] = {}
        self._unnamed = True
        """The current segment's name is not known to be on the disk."""
        self.lost = 0
        """Settled records that found no room even in memory."""
        self.number, self._file = self._create()
        self.written = 0
        """Bytes of the current segment."""
        self.synced_number = self.number
        """The newest segment that the disk has, with all that was carried over into it."""
        self._dirty = False
        self._spoilt = False
        self._thread: threading.Thread | None = None

    def begin(self, first: Iterable[bytes]) -> None:
        """Write the first records (what recovery settled) and the mark that nothing older is in flight; then start."""
        for data in first:
            self._write(data)
        self._write(frame(CARRIED, None))
        self._thread = threading.Thread(target=self._run, name="tenbin-journal", daemon=True)
        self._thread.start()

    def append(self, data: bytes, kind: int) -> None:
        """Write one frame, or keep it for later when the disk takes nothing."""
        with self._lock:
            self._write(data, kind)
        if not self._dirty:
            self._dirty = True
            self._wake.set()

    def position(self) -> Position:
        """Where the next frame will stand; everything before is there to be read."""
        with self._lock:
            return Position(self.number, self.written)

    def troubles(self) -> list[str]:
        """What is wrong just now, in words."""
        found = list(self._troubles.values())
        if self._waiting:
            found.append(f"{len(self._waiting)} bytes of the journal wait in memory for the disk")
        if self.lost:
            found.append(f"{self.lost} receipts are lost: the disk took nothing and the memory set aside was full")
        return found

    @property
    def waiting(self) -> int:
        """Bytes that the disk has not taken yet."""
        return len(self._waiting)

    def sync(self) -> None:
        """Have the disk take all that is written, now."""
        with self._lock:
            file, number, unnamed = os.dup(self._file), self.number, self._unnamed
            self._dirty = self._unnamed = False
        try:
            os.fdatasync(file)
            if unnamed:
                sync_directory(self.directory)
            self.synced_number = number
            self._troubles.pop("sync", None)
        except OSError as error:
            # A second try would report success although the kernel has dropped the pages: go on in a new segment.
            self._spoilt = True
            self._unnamed |= unnamed
            self._troubles["sync"] = f"the disk did not take the journal: {error.strerror}"
        finally:
            os.close(file)

    def close(self) -> None:
        """Write and sync what is there, and stop. The segment stays."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            self._drain()
        self.sync()
        os.close(self._file)

    def _write(self, data: bytes, kind: int = SETTLED) -> None:
        """With the lock held (or before the thread runs)."""
        if not self._waiting:
            try:
                taken = os.write(self._file, data)
            except OSError as error:
                self._troubles["write"] = f"the journal can't be written: {error.strerror}"
                taken = 0
            self.written += taken
            if taken == len(data):
                return
            # The rest of a frame goes before anything else: its head may already stand in the file.
            self._waiting += memoryview(data)[taken:]
        elif len(self._waiting) + len(data) <= self._waiting_limit:
            self._waiting += data
        elif kind == SETTLED:
            self.lost += 1

    def _drain(self) -> None:
        """Write what waits, with the lock held: as much as the disk takes, one slice at most."""
        if not self._waiting:
            return
        try:
            taken = os.write(self._file, memoryview(self._waiting)[:_SLICE_BYTES])
        except OSError as error:
            self._troubles["write"] = f"the journal can't be written: {error.strerror}"
            return
        self.written += taken
        del self._waiting[:taken]
        if not self._waiting:
            self._troubles.pop("write", None)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            self._stop.wait(self._sync_seconds)
            before = len(self._waiting)
            while self._waiting:
                with self._lock:
                    self._drain()
                if len(self._waiting) >= before:
                    break
                before = len(self._waiting)
            self._keep_name()
            self.sync()
            if (self.written > self._segment_bytes or self._spoilt) and not self._waiting:
                self._rotate()
            if self._waiting:
                self._wake.set()
            self._on_sync()

    def _keep_name(self) -> None:
        """Give the segment its name back when somebody has deleted it: what it holds may not be applied yet."""
        if os.fstat(self._file).st_nlink:
            self._troubles.pop("name", None)
            return
        path = segment_path(self.directory, self.number)
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._lock:
                file = _open(path)
                size = 0
                while piece := os.pread(self._file, _SLICE_BYTES, size):
                    size += os.write(file, piece)
                self.written = size
                old, self._file = self._file, file
                self._unnamed = True
            os.close(old)
        except OSError as error:
            self._troubles["name"] = f"the journal was deleted and can't be put back: {error.strerror}"

    def _rotate(self) -> None:
        """Go on in a new segment, which begins with all that is in flight."""
        try:
            number, file = self._create()
        except OSError as error:
            self._troubles["rotate"] = f"a new journal segment can't be begun: {error.strerror}"
            return
        self._troubles.pop("rotate", None)
        with self._lock:
            if self._waiting:  # The old segment ends within a frame: its rest must go there first.
                os.close(file)
                segment_path(self.directory, number).unlink(missing_ok=True)
                return
            old, self._file, self.number, self.written = self._file, file, number, 0
            self._write(b"".join(self._carry()) + frame(CARRIED, None))
            self._spoilt = False
        with contextlib.suppress(OSError):
            os.fdatasync(old)
        os.close(old)
        self.sync()

    def _create(self) -> tuple[int, int]:
        """A new segment's number and file. Numbers rise, even when the clock goes back."""
        numbers = segment_numbers(self.directory)
        number = max(self._clock.now_ms(), numbers[-1] + 1 if numbers else 0)
        file = _open(segment_path(self.directory, number))
        self._unnamed = True
        return number, file


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
