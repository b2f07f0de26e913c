"""Where Tenbin's CPU time goes: py-spy samples it under load; the stacks are summed up by function and by file."""

import argparse
import re
import subprocess
import sys
import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.harness import report
from benchmarks.harness.contestants.base import BENCHMARKS, Place
from benchmarks.harness.contestants.tenbin import Tenbin
from benchmarks.harness.load import Sums, drive, end_mark
from benchmarks.harness.mock import mock_upstream
from benchmarks.harness.points import CHAT, LOAD_TITLES, MESSAGES, MESSAGES_TO_CHAT, Load, Route
from benchmarks.harness.process import LOAD_CORE, Running
from benchmarks.harness.session import gateway

PY_SPY = BENCHMARKS.parent / ".venv" / "bin" / "py-spy"
RESULTS = BENCHMARKS / "results"
PROFILED: tuple[tuple[Load, Route], ...] = (("small", CHAT), ("ticked", MESSAGES), ("ticked", MESSAGES_TO_CHAT))
WAITING = {
    ("Condition.wait", "threading.py"),
    ("wait", "threading.py"),
    ("_worker", "concurrent/futures/thread.py"),
}
"""Where a thread waits for work, which py-spy cannot always tell from working: these samples are left out."""

_FRAME = re.compile(r"(?P<function>.+) \((?P<file>[^()]+?)(:(?P<line>\d+))?\)$")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--seconds", type=int, default=10, help="how long each load is sampled (default 10)")
    parser.add_argument("--rate", type=int, default=500, help="samples per second (default 500)")
    parser.add_argument("--native", action="store_true", help="also unwind C (uvloop, httptools, SQLite)")
    parser.add_argument("--top", type=int, default=25, help="functions in the table (default 25)")
    parser.add_argument("--publish", action="store_true", help="also write the tables to docs/benchmarks.md")


def run(chosen: argparse.Namespace, work: Path) -> int:
    """Profiles each load, prints its tables, and leaves raw stacks and a flame graph in results/."""
    tenbin = Tenbin()
    if not PY_SPY.exists():
        print(f"{PY_SPY} does not exist: install py-spy", file=sys.stderr)
        return 2
    if reason := tenbin.missing():
        print(f"tenbin: {reason}", file=sys.stderr)
        return 1
    RESULTS.mkdir(exist_ok=True)
    sections: list[str] = []
    with mock_upstream(work) as mock, gateway(tenbin, work, mock.port) as (process, place):
        for load, route in PROFILED:
            name = f"profile-{load}-{route.name.replace('->', '-to-')}"
            raw = RESULTS / f"{name}.raw.txt"
            sums = _sample(tenbin, process, place, load, route, raw, "raw", chosen)
            _sample(tenbin, process, place, load, route, RESULTS / f"{name}.svg", "flamegraph", chosen)
            head = f"### {LOAD_TITLES[load]}, {route.name}: {sums.requests} requests sampled"
            sections.append(f"{head}\n\n{tables(raw.read_text(), chosen.top)}")
            print(f"\n{sections[-1]}", flush=True)
            print(f"\nraw stacks: {raw}; flame graph: {raw.parent / name}.svg", file=sys.stderr)
    if chosen.publish:
        begun = f"Tenbin {tenbin.version()}, {datetime.now(UTC):%Y-%m-%d} (UTC), self time by py-spy."
        report.publish("profile", "\n\n".join([begun, *sections]))
    return 0


def _sample(
    tenbin: Tenbin,
    process: Running,
    place: Place,
    load: Load,
    route: Route,
    into: Path,
    form: str,
    chosen: argparse.Namespace,
) -> Sums:
    """Loads the gateway while py-spy, on the load generator's core, samples it."""
    command = ["taskset", "-c", str(LOAD_CORE), str(PY_SPY), "record", "--pid", str(process.pid), "--format", form]
    command += [
        "--duration",
        str(chosen.seconds),
        "--rate",
        str(chosen.rate),
        "--output",
        str(into),
        "--threads",
        "--nonblocking",
    ]
    command += ["--native"] if chosen.native else []

    def spy() -> None:
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            print(f"py-spy failed: {done.stderr[-500:]}", file=sys.stderr)

    spying = threading.Thread(target=spy)
    spying.start()
    sums = drive(
        process.port,
        tenbin.request(load, route, place),
        mark=end_mark(load, route.client),
        connections=16,
        seconds=chosen.seconds + 1,
        core=LOAD_CORE,
        work=place.work,
    )
    spying.join()
    return sums


def tables(raw: str, top: int) -> str:
    """Three Markdown tables of self time from collapsed stacks (`thread;frame;frame count` a line): by function, by
    file, by thread. What only waits is left out."""
    functions: Counter[str] = Counter()
    files: Counter[str] = Counter()
    threads: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        if not stack or not count.isdigit():
            continue
        frames = stack.split(";")
        if len(frames) < 2:
            continue  # nothing but the thread's name: py-spy looked while the stack was changing
        function, file = _named(frames[-1])
        if (function, file) in WAITING:
            continue
        functions[f"{function} | {file}"] += int(count)
        files[file] += int(count)
        threads[frames[0].rpartition(": ")[2]] += int(count)
    total = sum(threads.values())

    def table(head: str, rows: list[tuple[str, int]]) -> str:
        rule = " | ".join("---" for _ in head.split(" | "))
        shares = [f"| {100 * count / total:.1f} % | {name} |" for name, count in rows]
        return "\n".join([f"| self time | {head} |", f"| --: | {rule} |", *shares])

    return "\n\n".join(
        [
            table("function | file", functions.most_common(top)),
            table("file", files.most_common(top // 2)),
            table("thread", threads.most_common()),
        ]
    )


def _named(frame: str) -> tuple[str, str]:
    """Function and short file of a frame as py-spy writes it: `parse (/x/src/tenbin/codecs/sse.py:40)`."""
    found = _FRAME.match(frame)
    if not found:
        return frame, "?"
    if found["function"] == "Runner.run":
        return "(the event loop in C: polling, system calls)", "uvloop"
    file = re.sub(r".*/(?:site-packages|src|lib/python3\.\d+)/", "", found["file"])
    return found["function"], file
