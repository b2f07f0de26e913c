"""A program in a terminal of its own, typed at: what Claude Code does only when somebody sits in front of it."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self


class Terminal:
    """A running program; its screen is read so that it never blocks, and kept for the message of a failure."""

    def __init__(self, command: tuple[str, ...], cwd: Path, environ: Mapping[str, str]) -> None:
        self._terminal, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self._process = subprocess.Popen(
            command,
            cwd=cwd,
            env={"TERM": "xterm-256color", **environ},
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
        )
        os.close(inner)
        self.screen = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        os.close(self._terminal)

    def enter(self, line: str) -> None:
        """Type a line, wait until it stands on the screen, and press Enter."""
        before = len(self.screen)
        os.write(self._terminal, line.encode())
        self.until(lambda: len(self.screen) > before)
        self.rest()
        os.write(self._terminal, b"\r")

    def rest(self, quiet_seconds: float = 0.5) -> None:
        """Read until the screen has not changed for a while."""
        while self._read(quiet_seconds):
            pass

    def until(self, holds: Callable[[], bool], seconds: float = 60) -> None:
        """Read the screen until something holds. Raises AssertionError with the screen's end."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"it has not come to that: {self.screen[-2000:]!r}"
            assert self._process.poll() is None, f"it has ended: {self.screen[-2000:]!r}"
            self._read(0.1)

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._terminal], [], [], seconds)
        if not ready:
            return False
        try:
            self.screen += os.read(self._terminal, 65_536)
        except OSError:  # the program has closed its end
            return False
        return True
