"""CPU time and memory of a tree of processes, on real processes."""

import os
import subprocess
import sys

from benchmarks.harness import procfs


def test_the_tree_holds_grandchildren_and_their_cpu_time() -> None:
    """A shell that starts a Python that uses CPU: read at the shell, before and after its child has ended."""
    burn = "sum(range(20_000_000)); print('done', flush=True); input()"
    shell = subprocess.Popen(
        ["sh", "-c", f'"{sys.executable}" -c "{burn}"; echo ended; read nothing'],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with shell:
        assert shell.stdout is not None
        assert shell.stdin is not None
        assert shell.stdout.readline() == "done\n"
        assert len(procfs.tree(shell.pid)) == 2
        alive = procfs.cpu_ms(shell.pid)
        assert alive > 50
        assert procfs.rss_mb(shell.pid) > 5
        shell.stdin.write("\n")
        shell.stdin.flush()
        assert shell.stdout.readline() == "ended\n"
        assert procfs.tree(shell.pid) == [shell.pid]
        assert procfs.cpu_ms(shell.pid) >= alive
        shell.stdin.write("\n")


def test_a_process_that_is_gone_costs_nothing() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert procfs.cpu_ms(ended.pid) == 0
    assert procfs.rss_mb(ended.pid) == 0


def test_calibration_leaves_the_process_on_its_cores() -> None:
    before = os.sched_getaffinity(0)
    assert procfs.calibration_ms(min(before)) > 0
    assert os.sched_getaffinity(0) == before
