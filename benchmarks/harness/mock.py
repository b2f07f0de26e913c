"""Compiles and runs the mock provider (mock_upstream.c), which every gateway forwards to."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness.process import LOAD_CORE, Running, free_port, running

SOURCE = Path(__file__).parent.parent / "mock_upstream.c"


class MissingTool(Exception):
    """A program the harness needs is not installed; the message says how to get it."""


def require_tools() -> None:
    """Checks that gcc, wrk and taskset are there.

    Raises:
        MissingTool: one is not.
    """
    packages = {"gcc": "gcc", "wrk": "wrk", "taskset": "util-linux"}
    missing = [package for tool, package in packages.items() if shutil.which(tool) is None]
    if missing:
        raise MissingTool(f"install these first: apt-get install -y {' '.join(missing)}")


def compiled(work: Path) -> Path:
    """The mock's binary, compiled when the source is newer."""
    binary = work / "mock_upstream"
    if not binary.exists() or binary.stat().st_mtime < SOURCE.stat().st_mtime:
        subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-o", str(binary), str(SOURCE)], check=True)
    return binary


@contextlib.contextmanager
def mock_upstream(work: Path) -> Iterator[Running]:
    """The mock, running on the load generator's core."""
    port = free_port()
    command = [str(compiled(work)), str(port)]
    log = work / "mock.log"
    with running(command, core=LOAD_CORE, port=lambda _: port, ready_path="/", log=log) as mock:
        yield mock
