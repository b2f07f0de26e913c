"""Starts the simulator: in the foreground for a person, in a background thread for a test."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any
from urllib.request import Request, urlopen

import uvicorn

from tenbin.simulator.clock import Clock
from tenbin.simulator.server import Simulator
from tenbin.simulator.wire import Protocol

_BACKLOG = 2048


def _config(simulator: Simulator) -> uvicorn.Config:
    return uvicorn.Config(
        simulator,
        http=Protocol,
        loop="uvloop",
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        backlog=_BACKLOG,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


def serve(
    host: str = "127.0.0.1",
    port: int = 4010,
    log_size: int = 1000,
    announce: Callable[[str], object] = print,
) -> None:
    """Serve the simulator until interrupted; port 0 takes a free one. `announce` is told the address.

    Raises OSError if the address is taken.
    """
    listener = _listen(host, port)
    listener.listen(_BACKLOG)  # before the address is told: who reads it may connect at once
    address, actual = listener.getsockname()[:2]
    announce(f"provider simulator on http://{address}:{actual}")
    uvicorn.Server(_config(Simulator(log_size=log_size))).run(sockets=[listener])


class RunningSimulator:
    """A simulator in a background thread on a free port of 127.0.0.1; use it in a `with` statement.

    `clock`: its own sense of time; real time if none is given.
    """

    def __init__(self, port: int = 0, log_size: int = 1000, clock: Clock | None = None) -> None:
        self.simulator = Simulator(clock, log_size)
        self._listener = _listen("127.0.0.1", port)
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        """Where it listens, without a slash at the end."""
        self._server = uvicorn.Server(_config(self.simulator))
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],), daemon=True)

    def __enter__(self) -> RunningSimulator:
        # The socket listens from here on, so a client that is early waits instead of being refused.
        self._listener.listen(_BACKLOG)
        self._thread.start()
        self.control("GET", "state")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(5)
        self._listener.close()

    def control(self, method: str, name: str, body: Any = None) -> Any:
        """Call the control endpoint `name` and return its answer. Raises urllib.error.HTTPError if it "
        "refuses."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}/_simulator/{name}", data, {"content-type": "application/json"}, method=method)
        with urlopen(request, timeout=10) as response:
            return json.load(response)

    def script(self, model: str = "*", /, *scripts: Mapping[str, Any], **script: Any) -> None:
        """Queue scripts for the next requests for `model` (`*`: any): dicts, or one script as keywords."""
        queued: Sequence[Any] = [*scripts, script] if script or not scripts else scripts
        self.control("POST", "scripts", {"model": model, "scripts": list(queued)})

    def requests(self) -> list[dict[str, Any]]:
        """Return the log of received requests, oldest first: see `LogEntry`."""
        result: list[dict[str, Any]] = self.control("GET", "requests")
        return result

    def clear(self) -> None:
        """Forget the received requests and all waiting scripts."""
        self.control("DELETE", "requests")
        self.control("DELETE", "scripts")

    def reset(self) -> None:
        """Forget everything: requests, scripts, caches, limits, models."""
        self.control("POST", "reset", {})

    def advance(self, seconds: float) -> None:
        """Move the simulator's clock forward."""
        self.control("POST", "clock", {"advance": seconds})
