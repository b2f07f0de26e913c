"""Other gateways, their real packages at pinned versions, run as servers behind Tenbin.

They are large: they are installed once for all clones, in the user's cache (``~/.cache/tenbin-test-peers``).
"""

import fcntl
import http.client
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from benchmarks.harness import peers
from tests.real.books import wait_until
from tests.real.loopback import Loopback

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tenbin-test-peers"
KEY = "sk-peer-0123456789abcdef"


def installed(name: str) -> Path:
    """Where a peer is; it is installed first if need be. Raises AssertionError, saying what is missing."""
    if name in peers.NODE_PEERS:
        for tool in ("node", "npm"):
            assert shutil.which(tool), f"{name} needs {tool}: install Node.js 20 or newer"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two test runs at a time, one installs and the other waits
        failures = peers.install([name], CACHE)
    assert not failures, f"{name} could not be installed: {failures[name]}"
    return CACHE / name


class Peer:
    """A running gateway, in the network of ``loopback``."""

    def __init__(
        self, loopback: Loopback, command: list[str], port: int, environ: dict[str, str], work: Path, ready: str
    ) -> None:
        self._loopback = loopback
        self._command = command
        self._environ = {"PATH": os.environ["PATH"], "HOME": str(work), **environ}
        self._work = work
        self._port = port
        self._ready = ready
        self.url = f"http://127.0.0.1:{port}"

    def __enter__(self) -> "Peer":
        self._log = (self._work / "log").open("w")
        self._process = self._loopback.run(self._start)
        try:
            wait_until(lambda: self._loopback.run(self._answers), f"{self._command[0]} to be ready", 180)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            self._command,
            cwd=self._work,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _answers(self) -> bool:
        assert self._process.poll() is None, f"{self._command[0]} ended: {self.log()}"
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", self._ready, headers={"authorization": f"Bearer {KEY}"})
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def log(self) -> str:
        """The end of what it wrote."""
        return (self._work / "log").read_text(errors="replace")[-3000:]


def litellm(
    loopback: Loopback, port: int, work: Path, simulator: str, settings: Mapping[str, Any] | None = None
) -> Peer:
    """LiteLLM's proxy, with one model of each dialect, ``behind-openai`` and ``behind-anthropic``, unless ``settings``
    say something else. Its configuration stands in ``litellm.yaml`` below ``work``.
    """
    place = installed("litellm")
    providers = {"behind-openai": ("openai/gpt-4o", f"{simulator}/openai/v1")}
    providers["behind-anthropic"] = ("anthropic/claude-sonnet-4-6", f"{simulator}/anthropic")
    models = [
        {"model_name": name, "litellm_params": {"model": model, "api_base": base, "api_key": "any"}}
        for name, (model, base) in providers.items()
    ]
    switches = {"telemetry": False, "use_chat_completions_url_for_anthropic_messages": True}
    written = {"model_list": models, "litellm_settings": switches, "general_settings": {"master_key": KEY}}
    written |= settings or {}
    (work / "litellm.yaml").write_text(yaml.safe_dump(written))
    command = [str(place / "bin" / "litellm"), "--config", str(work / "litellm.yaml")]
    command += ["--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    environ = {"LITELLM_MODE": "PRODUCTION", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    return Peer(loopback, command, port, environ, work, "/health/readiness")


def claude_code_router(
    loopback: Loopback, port: int, work: Path, simulator: str, settings: Mapping[str, Any] | None = None
) -> Peer:
    """claude-code-router 2, with one OpenAI provider, ``simulated``, unless ``settings`` say something else. Its
    configuration stands in ``.claude-code-router/config.json`` below ``work``.
    """
    package = installed("claude-code-router") / "node_modules" / "@musistudio" / "claude-code-router"
    directory = work / ".claude-code-router"
    directory.mkdir(parents=True)
    provider = {
        "name": "simulated",
        "api_base_url": f"{simulator}/openai/v1/chat/completions",
        "api_key": "any",
        "models": ["gpt-4o"],
    }
    written = {
        "HOST": "127.0.0.1",
        "PORT": port,
        "LOG": False,
        "APIKEY": KEY,
        "NON_INTERACTIVE_MODE": True,
        "Providers": [provider],
        "Router": {"default": "simulated,gpt-4o"},
        **(settings or {}),
    }
    (directory / "config.json").write_text(json.dumps(written))
    command = ["node", str(package / "dist" / "cli.js"), "start"]
    return Peer(loopback, command, port, {"NODE_ENV": "production"}, work, "/health")


Start = Callable[[Loopback, int, Path, str], Peer]
