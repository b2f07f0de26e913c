"""The settings of allocator and collector do what they say, in a process of their own."""

import subprocess
import sys

SCRIPT = """
import gc, threading
from pathlib import Path
from tenbin.execute.memory import settle_collector, share_one_arena

{first}
def use():
    kept.append([bytes(1000) for _ in range(2000)])
    ready.wait()
kept, ready = [], threading.Barrier(9)
threads = [threading.Thread(target=use) for _ in range(8)]
for thread in threads: thread.start()
ready.wait()
import ctypes
ctypes.CDLL(None).malloc_stats()
settle_collector()
assert gc.get_freeze_count() > 1000
"""


def arenas(first: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(first=first)], capture_output=True, text=True, check=True
    )
    return done.stderr.count("Arena ")


def test_threads_share_one_arena() -> None:
    assert arenas("") > 1
    assert arenas("share_one_arena()") == 1
