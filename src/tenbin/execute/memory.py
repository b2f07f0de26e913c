"""6. How the process keeps its memory: settings of the allocator and the collector that fit many short requests."""

import ctypes
import gc
import sys

COLLECT_AFTER = (50_000, 20, 50)
"""The collector's thresholds. A request leaves no circle of references behind (a test holds it to that), so there is
little to find; Python's default of 700 looks every few requests.
"""

_M_ARENA_MAX = -8
"""From glibc's malloc.h."""


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
