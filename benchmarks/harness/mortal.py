"""A simulated provider with an invoice, and gateways that are killed and started again on the same folder."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from benchmarks.harness.contestants.tenbin import COMMAND
from benchmarks.harness.process import DidNotStart, answers

PATIENCE_S = 60.0


class Provider:
    """The simulator in a process of its own."""

    def __init__(self, port: int) -> None:
        self.port = port

    def control(self, method: str, name: str, body: Any = None) -> Any:
        """Call a control endpoint; JSON, or the bytes of what is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, f"/_simulator/{name}", data, {"content-type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"the simulator refused {name}: {text[:300]!r}")
            return json.loads(text) if "csv" not in (answer.getheader("content-type") or "") else text
        finally:
            connection.close()

    def invoice(self) -> dict[str, Any]:
        """The invoice, once no call is under way any more."""
        deadline = time.monotonic() + PATIENCE_S
        while (found := self.control("GET", "invoice"))["open"] and time.monotonic() < deadline:
            time.sleep(0.1)
        told: dict[str, Any] = found
        return told


@contextlib.contextmanager
def provider(home: Path, port: int, prices: dict[str, dict[str, str]]) -> Iterator[Provider]:
    """The simulator, told its prices, until the block ends. Raises DidNotStart."""
    log = home / "simulator.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "tenbin.simulator", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        _wait(process, port, "/_simulator/state", log)
        made = Provider(port)
        made.control("POST", "prices", prices)
        yield made
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


class Gateway:
    """`tenbin serve` on a folder that outlives it."""

    def __init__(self, home: Path, port: int, configuration: dict[str, Any]) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home, self.port, self.kills = home, port, 0
        self.data = home / "data"
        self.file = home / "tenbin.yaml"
        self.file.write_text(yaml.safe_dump({"listen": f"127.0.0.1:{port}", **configuration}, sort_keys=False))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers. Raises DidNotStart."""
        command = [str(COMMAND), "serve", "--config", str(self.file), "--data-dir", str(self.data)]
        command += ["--no-local-model", "--log-level", "warning"]
        log = self.home / "gateway.log"
        with log.open("ab") as sink:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT)
        _wait(self._process, self.port, "/health/liveness", log)

    def kill(self) -> None:
        """kill -9, and start it again."""
        self._end(signal.SIGKILL)
        self.kills += 1
        self.start()

    def stop(self) -> None:
        """Let it come to an orderly end."""
        self._end(signal.SIGTERM)

    def tell(self, *arguments: str) -> Any:
        """What a command of Tenbin's says of its folder, as JSON. Raises RuntimeError with what it complains of."""
        command = [str(COMMAND), *arguments, "--data-dir", str(self.data), "--config", str(self.file), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return json.loads(done.stdout)

    def _end(self, kind: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(kind)
            process.wait(PATIENCE_S)


def _wait(process: "subprocess.Popen[bytes]", port: int, path: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not answers(port, path):
        if process.poll() is not None or time.monotonic() > deadline:
            raise DidNotStart(log.read_text(errors="replace")[-800:])
        time.sleep(0.02)
