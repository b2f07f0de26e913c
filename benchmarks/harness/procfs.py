"""What a tree of processes has cost so far, read from /proc: CPU time of every thread, and resident memory."""

import os
import time
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def _fields(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third on (state, ppid, ...), or None if the process is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return stat[stat.rindex(")") + 2 :].split()


def tree(root: int) -> list[int]:
    """The ids of `root` and all its living descendants."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := _fields(int(entry))):
            children.setdefault(int(fields[1]), []).append(int(entry))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting.extend(children.get(pid, ()))
    return found


def cpu_ms(root: int) -> float:
    """CPU time in ms that the tree under `root` has used: user and system time of all its threads, living or ended,
    and of the children already waited for (proc(5): utime, stime, cutime, cstime)."""
    ticks = 0
    for pid in tree(root):
        if fields := _fields(pid):
            ticks += sum(int(field) for field in fields[11:15])
    return 1000.0 * ticks / TICKS_PER_SECOND


def rss_mb(root: int) -> float:
    """Resident memory of the tree under `root` in MB (10^6 bytes). Pages shared between processes count once for
    each, so a master with workers looks a little larger than it is."""
    kilobytes = 0
    for pid in tree(root):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        for line in status.splitlines():
            if line.startswith("VmRSS:"):
                kilobytes += int(line.split()[1])
    return kilobytes * 1024 / 1e6


def settled_cpu_ms(root: int, limit_s: float = 3.0) -> float:
    """CPU time once the tree has come to rest, so that work done behind the answer (ledger, logs) is counted too.

    At rest: less than 10 ms used within 200 ms. After `limit_s` it is taken as it is.
    """
    deadline = time.monotonic() + limit_s
    used = cpu_ms(root)
    while time.monotonic() < deadline:
        time.sleep(0.2)
        now = cpu_ms(root)
        if now - used < 10.0:
            return now
        used = now
    return used


def calibration_ms(core: int) -> float:
    """CPU time in ms that a fixed loop takes on `core` right now: how disturbed the machine is by its neighbours."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        started = time.process_time()
        total = 0
        for number in range(1_000_000):
            total += number & 7
        return 1000.0 * (time.process_time() - started)
    finally:
        os.sched_setaffinity(0, allowed)
