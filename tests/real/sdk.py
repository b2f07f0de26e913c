"""The official SDKs in a process of their own, so that two majors of each can be asked the same."""

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.real.books import House

OLD_SDKS = Path(sys.prefix) / "old-sdks"
"""Where ``tools/setup dev`` installs the older majors."""

Seen = dict[str, Any]


class ClientFailed(Exception):
    """What the client met; ``told`` holds class, status, message, body, request_id and code."""

    def __init__(self, told: Seen) -> None:
        super().__init__(f"{told['class']}: {told['message']}")
        self.told = told


class Client:
    """A process with one version of both SDKs."""

    def __init__(self, old: bool) -> None:
        self.old = old
        self._url = ""
        self._key = "any"

    def __enter__(self) -> "Client":
        environ = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        if self.old:
            assert OLD_SDKS.is_dir(), f"{OLD_SDKS} is missing: run tools/setup dev"
            environ["PYTHONPATH"] = str(OLD_SDKS)
        worker = Path(__file__).with_name("sdk_worker.py")
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error::DeprecationWarning:__main__", str(worker)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environ,
            text=True,
        )
        found = self.play("versions", model="")
        newest = {name: importlib.metadata.version(name) for name in ("anthropic", "openai")}
        for name, version in found.items():
            older = int(version.split(".")[0]) < int(newest[name].split(".")[0])
            assert older == self.old, f"{name} {version} is not the version that is to be tested"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def of(self, house: House, key: str = "any") -> None:
        """Speak to this gateway from now on."""
        self._url, self._key = house.url, key

    def play(self, scenario: str, *, model: str, prompt: str = "", **more: Any) -> Any:
        """Play a scenario of sdk_worker.py and return what the client saw. Raises ClientFailed."""
        asked = {"scenario": scenario, "url": self._url, "key": self._key, "model": model, "prompt": prompt, **more}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the client's process ended in {scenario} ({self._process.wait()})"
        answer = json.loads(line)
        if "error" in answer:
            raise ClientFailed(answer["error"])
        return answer["seen"]
