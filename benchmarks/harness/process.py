"""Starts the processes a run needs, each on its core, and ends those it started and no other."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

GATEWAY_CORE = 0
LOAD_CORE = 1


class DidNotStart(Exception):
    """A process ended or stayed silent instead of becoming ready; the message has the end of its log."""


@dataclass
class Running:
    """A started process. `ready_s` is the wall time from start to the first good answer."""

    pid: int
    port: int
    ready_s: float
    log: Path


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int, path: str | None) -> bool:
    """Whether GET `path` is answered with 200 right now; without a path, whether GET / is answered at all."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path or "/")
        return connection.getresponse().status == 200 or path is None
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def running(
    command: list[str],
    *,
    core: int,
    port: Callable[[str], int | None],
    ready_path: str | None,
    log: Path,
    environment: dict[str, str] | None = None,
    directory: Path | None = None,
    patience_s: float = 120.0,
) -> Iterator[Running]:
    """Runs `command` on `core` until the block ends.

    `port` finds the port in what the process has printed so far (some choose their own); the process is ready when
    GET `ready_path` is answered with 200 (at all, if it is None).

    Raises:
        DidNotStart: it ended, or was not ready within `patience_s`.
    """
    with log.open("wb") as sink:
        started = time.monotonic()
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            cwd=directory,
            start_new_session=True,
        )
    try:
        while True:
            found = port(log.read_text(errors="replace"))
            if found is not None and answers(found, ready_path):
                break
            if process.poll() is not None:
                raise DidNotStart(f"ended with status {process.returncode}: {_tail(log)}")
            if time.monotonic() - started > patience_s:
                raise DidNotStart(f"not ready after {patience_s:.0f} s: {_tail(log)}")
            time.sleep(0.01)
        yield Running(process.pid, found, time.monotonic() - started, log)
    finally:
        _end(process)


def _tail(log: Path) -> str:
    return log.read_text(errors="replace").strip()[-800:] or "(it printed nothing)"


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ends the process and what it started: they are a session of their own."""
    for kind, patience_s in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, kind)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
