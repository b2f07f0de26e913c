"""How long a look by meaning takes: the embedders, the vector indexes, and both together (`benchmarks/run lookups`).

One look at a time on an event loop, as a miss has it, texts that differ each time. Wall time and this process' CPU
time, medians. Embedders are loaded in processes of their own, so that the memory of each is its own.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import uvloop

from benchmarks.harness import machine, report
from tenbin.discern.embedding.embedder import Vectors
from tenbin.discern.embedding.registry import load, names
from tenbin.execute.clock import SystemClock
from tenbin.execute.embedding import Embedding
from tenbin.execute.vectors.index import Index
from tenbin.execute.vectors.memory import MemoryIndex
from tenbin.execute.vectors.opening import open_index

TEXTS = {
    "short English (about 15 tokens)": "How do I {} a list of numbers in Python without {} the original one?",
    "English, 100 tokens": "How do I {} this? "
    + "The report says that sales in the north fell again this year. " * 7
    + "{}",
    "Japanese, one sentence": "{}番の新幹線で東京から大阪まで行くには、{}円の切符で何時間かかりますか？",
}
WORDS = ("sort", "reverse", "split", "copy", "join", "filter", "shuffle", "group", "print", "compare", "store", "send")
DIMENSION = 384
NEAR = 5
"""Neighbours that are asked for, as the cache does."""


class Taken(NamedTuple):
    """Milliseconds of one look."""

    wall: float
    cpu: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--looks", type=int, default=200, help="looks for each line (default 200)")
    parser.add_argument("--sizes", default="1000,10000,50000", help="entries of a scope (default %(default)s)")
    parser.add_argument("--graph", type=int, default=100_000, help="entries of a scope with a graph (0: none)")
    parser.add_argument("--servers", action="store_true", help="also Redis and PostgreSQL, from the tests' wheels")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--publish", action="store_true", help="also write the tables to docs/embedders.md")
    parser.add_argument("--embedder", help=argparse.SUPPRESS)


def run(chosen: argparse.Namespace) -> int:
    """Measures and prints the tables."""
    if chosen.embedder:
        print(json.dumps(_embedder(chosen.embedder, chosen.looks)))
        return 0
    sizes = [int(size) for size in chosen.sizes.split(",")]
    found = [_in_its_own_process(name, chosen.looks) for name in names()]
    rows, indexes = _embedder_rows(found), uvloop.run(_indexes(chosen, sizes))
    whole = uvloop.run(_whole(chosen.looks))
    tables = "\n\n".join(["\n".join(rows), "\n".join(_index_rows(indexes)), "\n".join(_whole_rows(whole))])
    print(tables)
    if chosen.json is not None:
        figures = {"machine": machine.describe(), "embedders": found, "indexes": indexes, "whole": whole}
        chosen.json.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if chosen.publish:
        report.publish("lookups", tables, report.PAGE.with_name("embedders.md"))
    return 0


# -- embedders


def _texts(form: str, count: int) -> list[str]:
    """Texts of a kind, no two alike."""
    return [form.format(f"{WORDS[n % len(WORDS)]} {n}", WORDS[n // len(WORDS) % len(WORDS)]) for n in range(count)]


def _in_its_own_process(name: str, looks: int) -> dict[str, object]:
    command = [sys.executable, "-m", "benchmarks.harness.lookups", "--embedder", name, "--looks", str(looks)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, object] = json.loads(done.stdout)
    return figures


def _embedder(name: str, looks: int) -> dict[str, object]:
    before, began = _resident_mb(), time.perf_counter()
    made = load(name)
    loaded = time.perf_counter() - began
    figures: dict[str, object] = {"name": name, "id": made.id, "dimension": made.dimension, "load_s": loaded}
    for kind, form in TEXTS.items():
        texts = _texts(form, looks + 3)
        for text in texts[:3]:
            made.embed([text])
        taken = [_timed(partial(made.embed, [text])) for text in texts[3:]]
        figures[kind] = _median(taken)._asdict()
    figures["memory_mb"] = _resident_mb() - before
    return figures


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1_000_000


def _timed(work: Callable[[], object]) -> Taken:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Taken((time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3)


async def _timed_async(work: Awaitable[object]) -> Taken:
    wall, cpu = time.perf_counter(), time.process_time()
    await work
    return Taken((time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3)


def _median(taken: Sequence[Taken]) -> Taken:
    return Taken(statistics.median(one.wall for one in taken), statistics.median(one.cpu for one in taken))


# -- indexes


def _clustered(size: int) -> Vectors:
    """Unit vectors in groups of about twenty, as questions have."""
    drawn = np.random.default_rng(0)
    centres = drawn.standard_normal((max(1, size // 20), DIMENSION), np.float32)
    rows = centres[drawn.integers(0, len(centres), size)] + 0.6 * drawn.standard_normal((size, DIMENSION), np.float32)
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    return rows


async def _indexes(chosen: argparse.Namespace, sizes: Sequence[int]) -> list[dict[str, object]]:
    clock = SystemClock()
    figures = [await _index("memory, read through", MemoryIndex(clock), size, chosen.looks) for size in sizes]
    if chosen.graph:
        graph = MemoryIndex(clock, most_entries=chosen.graph)
        figures.append(await _index("memory, graph (usearch)", graph, chosen.graph, chosen.looks))
    if chosen.servers:
        # Imported here: the servers come with the tests' wheels.
        from tests.real.postgres_server import PostgresServer
        from tests.real.redis_server import RedisServer

        with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder)) as redis, PostgresServer() as postgres:
            for kind, server in (("Redis, vector set", redis), ("PostgreSQL, pgvector", postgres)):
                for size in sizes[:2]:
                    index = open_index(server.address, clock=clock, seconds=30)
                    figures.append(await _index(kind, index, size, chosen.looks))
    return figures


async def _index(kind: str, index: Index, size: int, looks: int) -> dict[str, object]:
    vectors = _clustered(size)
    began, cpu = time.perf_counter(), time.process_time()
    for number in range(size):
        await index.add(f"{size}", f"{size}-{number}", vectors[number])
    if isinstance(index, MemoryIndex):
        await index.built()
    added = Taken((time.perf_counter() - began) * 1e3 / size, (time.process_time() - cpu) * 1e3 / size)
    drawn = np.random.default_rng(1)
    asked = vectors[drawn.integers(0, size, looks)] + 0.02 * drawn.standard_normal((looks, DIMENSION), np.float32)
    asked /= np.linalg.norm(asked, axis=1)[:, None]
    taken, right = [], 0
    for vector in asked:
        taken.append(await _timed_async(index.nearest(f"{size}", vector, NEAR)))
        near = await index.nearest(f"{size}", vector, NEAR)
        right += near[0].entry == f"{size}-{int(np.argmax(np.vecdot(vectors, vector)))}"
    await index.close()
    return {
        "index": kind,
        "entries": size,
        "nearest": _median(taken)._asdict(),
        "add": added._asdict(),
        "first_found": right / looks,
    }


# -- both together


async def _whole(looks: int) -> list[dict[str, object]]:
    """A look as a miss has it: language, embedder, index; 10 000 entries in the scope."""
    index, vectors = MemoryIndex(SystemClock()), _clustered(10_000)
    for number, vector in enumerate(vectors):
        await index.add("scope", str(number), vector)
    figures: list[dict[str, object]] = []
    for name, kind in (("minilm", "short English (about 15 tokens)"), ("multilingual-e5", "Japanese, one sentence")):
        embedding = Embedding([name], budget_ms=10_000)
        await embedding.prepare()

        async def look(text: str, embedding: Embedding = embedding) -> None:
            found = await embedding.of(text)
            assert found.vector is not None, found.why
            await index.nearest("scope", found.vector, NEAR)

        texts = _texts(TEXTS[kind], looks)
        await look("Which way is north?" if name == "minilm" else "北はどちらですか")
        first = [await _timed_async(look(text)) for text in texts]
        again = [await _timed_async(look(text)) for text in texts]
        figures.append({"look": f"{name}: {kind}", **_median(first)._asdict()})
        figures.append({"look": f"{name}: a text whose vector is known", **_median(again)._asdict()})
        await embedding.close()
    await index.close()
    return figures


# -- tables


def _embedder_rows(found: Sequence[dict]) -> list[str]:
    kinds = list(TEXTS)
    lines = [
        f"| embedder | dimension | load | memory | {' | '.join(kinds)} |",
        f"| --- | --: | --: | --: | {' | '.join('--:' for _ in kinds)} |",
    ]
    for one in found:
        times = " | ".join(f"{one[kind]['wall']:.1f} ms ({one[kind]['cpu']:.1f})" for kind in kinds)
        size = f"{one['dimension']} | {one['load_s']:.1f} s | {one['memory_mb']:.0f} MB"
        lines.append(f"| {one['name']} | {size} | {times} |")
    return lines


def _index_rows(indexes: Sequence[dict]) -> list[str]:
    lines = ["| index | entries | look (CPU) | add (CPU) | nearest found |", "| --- | --: | --: | --: | --: |"]
    for one in indexes:
        look, add = one["nearest"], one["add"]
        lines.append(
            f"| {one['index']} | {one['entries']:,} | {look['wall']:.2f} ms ({look['cpu']:.2f}) | "
            f"{add['wall']:.3f} ms ({add['cpu']:.3f}) | {one['first_found']:.1%} |"
        )
    return lines


def _whole_rows(whole: Sequence[dict]) -> list[str]:
    lines = ["| look among 10,000 entries | p50 (CPU) |", "| --- | --: |"]
    return lines + [f"| {one['look']} | {one['wall']:.1f} ms ({one['cpu']:.1f}) |" for one in whole]


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    add_arguments(options)
    sys.exit(run(options.parse_args()))
