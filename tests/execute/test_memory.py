"""The settings of allocator and collector do what they say, and memory is given back, in a process of their own."""

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


TABLES = """
import os
from tenbin.codecs.tokens import count_text, tables_file
from tenbin.execute.memory import let_go_of_file

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

assert tables_file() is None
tokens = count_text("The scale weighs each token once.")
file = os.path.realpath(tables_file())
before = resident()
given = let_go_of_file(file)
assert given > 10_000_000, given
assert before - resident() > 0.9 * given, (before, resident())
assert count_text("The scale weighs each token once.") == tokens
assert count_text("Ein anderer Satz, 日本語 und Zahlen: 12345.") > 10
assert let_go_of_file("/nowhere") == 0
"""


def test_the_tokenizers_file_leaves_memory_once_its_tables_are_built() -> None:
    done = subprocess.run([sys.executable, "-c", TABLES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
