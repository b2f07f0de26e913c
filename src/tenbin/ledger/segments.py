"""7. The journal's files on disk: claimed by one gateway, numbered by time, read back frame by frame."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from tenbin.ledger.records import (
    CARRIED,
    OPENED,
    PROGRESS,
    SETTLED,
    Frame,
    Opened,
    Progress,
    decode_opened,
    decode_progress,
    decode_request_id,
    frames,
)

SUFFIX = ".journal"
DATABASE = "ledger.sqlite"
JOURNAL = "journal"
LOCK = "lock"


class LedgerUnusable(Exception):
    """The ledger's directory can't be used; carries what is wrong and what to do, for the person who starts Tenbin."""


class Position(NamedTuple):
    """A place in the journal: which segment, and how many bytes into it."""

    segment: int
    offset: int


class Claim:
    """The exclusive right to a directory, as long as it is held or the process lives."""

    def __init__(self, directory: Path) -> None:
        """Raises LedgerUnusable when the directory can't be written or another process has it."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            (directory / JOURNAL).mkdir(mode=0o700, exist_ok=True)
            self._file = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LedgerUnusable(
                f"the ledger can't be kept in {directory}: {error.strerror}. Make it a directory that this user can "
                f"write, or name another one: ledger.directory in tenbin.yaml, or TENBIN_HOME."
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._file, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise LedgerUnusable(
                f"{directory} is in use by another gateway (process {holder}). Stop that one, or give this one a "
                f"directory of its own: ledger.directory in tenbin.yaml, or TENBIN_HOME."
            ) from error
        with contextlib.suppress(OSError):  # On a full disk the lock holds all the same, only without our name on it.
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let another process have the directory."""
        os.close(self._file)


def segment_path(directory: Path, number: int) -> Path:
    """Where a segment lies; ``directory`` is the journal's."""
    return directory / f"{number:016d}{SUFFIX}"


def segment_numbers(directory: Path) -> list[int]:
    """The segments that are there, oldest first."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    return sorted(
        int(name[: -len(SUFFIX)]) for name in names if name.endswith(SUFFIX) and name[: -len(SUFFIX)].isdigit()
    )


def sync_directory(directory: Path) -> None:
    """Make the names in a directory survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_segment(directory: Path, number: int) -> Iterator[Frame]:
    """All whole frames of a segment that nobody writes any more."""
    return frames(segment_path(directory, number).read_bytes())


class Unsettled(NamedTuple):
    """A request that was in flight when its gateway died."""

    opened: Opened
    progress: Progress | None


def unsettled(directory: Path) -> list[Unsettled]:
    """The requests that were opened and never settled, in the order in which they were opened.

    Only the newest segment that holds a CARRIED mark and those after it are read: what was in flight before stands
    there too.
    """
    numbers = segment_numbers(directory)
    begin = len(numbers)
    while begin > 0:
        begin -= 1
        if any(frame.kind == CARRIED for frame in read_segment(directory, numbers[begin])):
            break
    waiting: dict[str, Opened] = {}
    latest: dict[tuple[str, int], Progress] = {}
    for number in numbers[begin:]:
        for frame in read_segment(directory, number):
            # What another version wrote and this one can't read is left alone: nothing can be settled from it.
            with contextlib.suppress(msgspec.MsgspecError):
                _note(frame, waiting, latest)
    return [Unsettled(o, latest.get((o.request_id, o.number))) for o in waiting.values()]


def _note(frame: Frame, waiting: dict[str, Opened], latest: dict[tuple[str, int], Progress]) -> None:
    if frame.kind == OPENED:
        opened = decode_opened(frame.payload)
        waiting[opened.request_id] = opened
    elif frame.kind == PROGRESS:
        progress = decode_progress(frame.payload)
        latest[progress.request_id, progress.number] = progress
    elif frame.kind == SETTLED:
        waiting.pop(decode_request_id(frame.payload).request_id, None)
