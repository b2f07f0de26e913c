"""6. How the process keeps its memory: settings of the allocator and the collector that fit many short requests."""

import ctypes
import gc
import re
import sys
from pathlib import Path

COLLECT_AFTER = (50_000, 20, 50)
"""The collector's thresholds. A request leaves no circle of references behind (a test holds it to that), so there is
little to find; Python's default of 700 looks every few requests.
"""

_M_ARENA_MAX = -8
"""From glibc's malloc.h."""

_MADV_DONTNEED = 4
"""From Linux' mman.h: the same number on all its machines but one (alpha)."""

_MAPPING = re.compile(
    r"^(?P<start>[0-9a-f]+)-(?P<end>[0-9a-f]+) r--p \S+ \S+ \d+ +(?P<path>/.*)$"
    r"(?:\n[A-Z]\w+:.*)*?\nRss: +(?P<resident>\d+) kB(?:\n[A-Z]\w+:.*)*?\nAnonymous: +(?P<anonymous>\d+) kB",
    re.MULTILINE,
)
"""A mapping that can only be read (proc(5), smaps): its file, and how much of it is in memory."""


def share_one_arena() -> None:
    """Keep glibc from giving each thread an arena of its own, which costs 10 MB under load and gains nothing where
    threads take turns. To be called before threads are started; does nothing where there is no glibc.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_ARENA_MAX, 1)


def settle_collector() -> None:
    """What is alive now lives as long as the process: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def let_go_of_file(path: str) -> int:
    """Give back the memory of what has been read of a mapped file, of a library say that has built its tables from it;
    the bytes given back, 0 where it can't be done.

    Only of mappings that nothing has been written into: what is looked at again is read again.
    """
    given = 0
    try:
        smaps = Path("/proc/self/smaps").read_text()
        madvise = ctypes.CDLL(None, use_errno=True).madvise
    except (OSError, AttributeError):
        return 0
    for mapping in _MAPPING.finditer(smaps):
        if mapping["path"] == path and mapping["anonymous"] == "0":
            start, end = int(mapping["start"], 16), int(mapping["end"], 16)
            if madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED) == 0:
                given += int(mapping["resident"]) * 1024
    return given
