"""`tenbin serve`, as a process of its own: what it says, when it refuses to start, how it ends."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tenbin.simulator import RunningSimulator
from tests.cli.conftest import Spawn

KEY = "0123456789abcdef"


class Serving:
    """A gateway that runs, and what it has said so far."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.said = ""
        self.port = int(self.until(r"http://127\.0\.0\.1:(\d+)")[1])

    def until(self, pattern: str) -> re.Match[str]:
        """Read on until it has said this."""
        assert self.process.stdout is not None
        while (found := re.search(pattern, self.said)) is None:
            line = self.process.stdout.readline()
            assert line, f"it ended after saying:\n{self.said}"
            self.said += line
        return found

    def ask(self, path: str, body: Any = None) -> tuple[int, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        data = None if body is None else json.dumps(body)
        connection.request("GET" if body is None else "POST", path, data, {"content-type": "application/json"})
        answer = connection.getresponse()
        content = json.loads(answer.read())
        connection.close()
        return answer.status, content


@contextmanager
def serving(*arguments: str, **environ: str) -> Iterator[Serving]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tenbin.cli", "serve", "--port", "0", *arguments],
        env=os.environ | environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield Serving(process)
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=60)


def configure(url: str, model: str = "claude-haiku-5-5") -> None:
    text = f"""
discover: false
local_model: false
providers: {{work: {{profile: anthropic, api_key: sesame-word, base_url: {url}/anthropic}}}}
models: {{quick: [work/{model}]}}
"""
    Path("tenbin.yaml").write_text(text, encoding="utf-8")


QUESTION = {"model": "quick", "max_tokens": 20, "messages": [{"role": "user", "content": "Hello"}]}


def test_it_says_what_it_found_and_serves_it() -> None:
    with RunningSimulator() as simulator:
        configure(simulator.url)
        with serving() as gateway:
            gateway.until("tenbin code --url")
            assert "+ work: from the configuration" in gateway.said
            assert re.search(r"quick +-> work/claude-haiku-5-5", gateway.said)
            status, answer = gateway.ask("/v1/messages", QUESTION)
            assert (status, answer["model"]) == (200, "claude-haiku-5-5")
            gateway.process.send_signal(signal.SIGTERM)
            assert gateway.process.wait(60) == 0
        assert "sesame" not in gateway.said


def test_the_commands_that_it_tells_to_try_work() -> None:
    """Each curl line, run by a shell as it stands there."""
    with RunningSimulator() as simulator:
        configure(simulator.url)
        with serving() as gateway:
            gateway.until("tenbin code --url")
            lines = re.findall(r"^  (curl .+)$", gateway.said, flags=re.MULTILINE)
            assert len(lines) == 2
            for line in lines:
                said = subprocess.run(["sh", "-c", f"{line} -sS"], capture_output=True, text=True, check=True).stdout
                assert json.loads(said)["model"] == "claude-haiku-5-5"


def test_a_changed_file_is_taken_over_and_a_broken_one_is_not() -> None:
    with RunningSimulator() as simulator:
        configure(simulator.url)
        with serving("--log-level", "info") as gateway:
            gateway.until("tenbin code --url")
            configure(simulator.url, "claude-sonnet-5-5")
            gateway.process.send_signal(signal.SIGHUP)
            gateway.until("has been reloaded")
            assert gateway.ask("/v1/messages", QUESTION)[1]["model"] == "claude-sonnet-5-5"
            Path("tenbin.yaml").write_text("lisen: x\n", encoding="utf-8")
            gateway.process.send_signal(signal.SIGHUP)
            gateway.until("tenbin.yaml:1:1: lisen: .*Did you mean listen")
            assert gateway.ask("/v1/messages", QUESTION)[1]["model"] == "claude-sonnet-5-5"


def test_what_is_found_in_the_environment_is_told_without_the_key(spawn: Spawn) -> None:
    with serving("--no-local-model", OPENAI_API_KEY="sesame-word") as gateway:
        gateway.until("tenbin code --url")
    assert "+ openai: the API key in OPENAI_API_KEY" in gateway.said
    assert "- no API key in ANTHROPIC_API_KEY" in gateway.said
    assert "- no Ollama server at 127.0.0.1:11434" in gateway.said
    assert "sesame" not in gateway.said


def test_in_japanese() -> None:
    with serving("--no-local-model", "--no-discover", LANG="ja_JP.UTF-8") as gateway:
        gateway.until("tenbin code --url")
    assert "見つかったもの" in gateway.said
    assert "振り分け" in gateway.said


@pytest.mark.slow
def test_with_nothing_at_all_the_embedded_model_answers() -> None:
    with serving() as gateway:
        gateway.until("embedded model smollm2-135m is ready")
        status, answer = gateway.ask("/v1/messages", QUESTION | {"model": "claude-opus-5-5"})
        assert status == 200
        assert answer["content"][0]["text"]
        assert answer["usage"]["output_tokens"] <= 20


def test_an_open_address_needs_a_key(spawn: Spawn) -> None:
    refused = spawn("serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.returncode == 1
    assert "no master_key is set" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_open_gateway_cannot_lose_its_key_by_a_changed_file() -> None:
    with RunningSimulator() as simulator:
        configure(simulator.url)
        text = Path("tenbin.yaml").read_text(encoding="utf-8")
        Path("tenbin.yaml").write_text(f"master_key: {KEY}\n{text}", encoding="utf-8")
        with serving("--host", "0.0.0.0") as gateway:
            gateway.until("tenbin code --url")
            assert gateway.ask("/v1/messages", QUESTION)[0] == 401
            Path("tenbin.yaml").write_text(text, encoding="utf-8")
            gateway.process.send_signal(signal.SIGHUP)
            gateway.until("stays in force.\n.*no master_key is set")
            assert gateway.ask("/v1/messages", QUESTION)[0] == 401


def test_what_a_running_gateway_does_not_take_over_is_told() -> None:
    with RunningSimulator() as simulator:
        configure(simulator.url)
        with serving("--log-level", "info") as gateway:
            gateway.until("tenbin code --url")
            text = Path("tenbin.yaml").read_text(encoding="utf-8")
            Path("tenbin.yaml").write_text(f"listen: 127.0.0.1:4999\n{text}", encoding="utf-8")
            gateway.process.send_signal(signal.SIGHUP)
            gateway.until("changed `listen` takes effect at the next start")


def test_a_port_that_is_taken_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = subprocess.run(
            [sys.executable, "-m", "tenbin.cli", "serve", "--no-local-model", "--port", port],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert said.returncode == 1
    assert f"Cannot listen at 127.0.0.1:{port}: Address already in use." in said.stderr
    assert "--port" in said.stderr


def test_a_broken_file_stops_the_start(spawn: Spawn) -> None:
    Path("tenbin.yaml").write_text("lisen: x\nmodels: {a: []}\n", encoding="utf-8")
    refused = spawn("serve")
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1] == "2 mistakes."
    assert refused.stdout == ""


def test_two_gateways_do_not_share_a_ledger(spawn: Spawn) -> None:
    with serving("--no-local-model") as gateway:
        gateway.until("tenbin code --url")
        refused = spawn("serve", "--no-local-model", "--port", "0")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert refused.stderr.strip()
