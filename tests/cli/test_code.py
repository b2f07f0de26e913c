"""`tenbin code` starts Claude Code so that it finds the gateway, and ends as it does."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tenbin.cli.code import find_claude, only_embedded
from tenbin.config.findings import EMBEDDED_MODEL
from tenbin.config.load import parse
from tenbin.running import RunningGateway
from tests.cli.conftest import Spawn

SHOW = """#!/bin/sh
"{python}" -c 'import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]))' "$@"
exit 7
"""


@pytest.fixture
def claude(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of that name on PATH that shows how it was started, and ends with 7."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "claude"
    program.write_text(SHOW.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def started(said: "subprocess.CompletedProcess[str]") -> tuple[list[str], dict[str, str]]:
    arguments, environ = json.loads(said.stdout)
    return arguments, environ


@pytest.mark.usefixtures("claude")
def test_a_running_gateway_is_used(spawn: Spawn, data_dir: Path) -> None:
    config = parse("discover: false\nproviders: {openai: {}}\ndefault: [openai/x]", environ={})
    with RunningGateway(config, data_dir) as gateway:
        said = spawn("code", "--url", gateway.url, "-p", "hi there", "--model", "x", ANTHROPIC_API_KEY="sesame")
    arguments, environ = started(said)
    assert said.returncode == 7
    assert arguments == ["-p", "hi there", "--model", "x"]
    assert environ["ANTHROPIC_BASE_URL"] == gateway.url
    assert environ["ANTHROPIC_AUTH_TOKEN"] == "tb-local"
    assert environ["CLAUDE_CODE_GATEWAY_HINT_HEADERS"] == "1"
    assert environ["CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY"] == "1"
    assert "ANTHROPIC_API_KEY" not in environ, "two credentials would be sent, and one of them to the wrong place"


@pytest.mark.usefixtures("claude")
def test_a_gateway_is_started_where_none_runs_and_ended_with_claude_code(spawn: Spawn) -> None:
    port = free_port()
    Path("tenbin.yaml").write_text(f"listen: 127.0.0.1:{port}\ndiscover: false\nproviders: {{openai: {{}}}}\n")
    said = spawn("code", "--continue")
    assert said.returncode == 7
    assert started(said)[0] == ["--continue"]
    assert f"No gateway runs at http://127.0.0.1:{port}" in said.stderr
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))  # nobody is left there


@pytest.mark.usefixtures("claude")
def test_a_gateway_that_cannot_start_is_told(spawn: Spawn) -> None:
    text = f"listen: 127.0.0.1:{free_port()}\nlocal_model: false\n"
    Path("tenbin.yaml").write_text(text, encoding="utf-8")
    with RunningGateway(parse(text, environ={}), Path(os.environ["TENBIN_HOME"])):  # has the ledger already
        said = spawn("code")
    assert said.returncode == 1
    assert "The gateway did not start" in said.stderr
    assert "Traceback" not in said.stderr


@pytest.mark.usefixtures("claude")
def test_a_ledger_that_cannot_be_written_is_told(spawn: Spawn) -> None:
    Path("tenbin.yaml").write_text(f"listen: 127.0.0.1:{free_port()}\nlocal_model: false\n", encoding="utf-8")
    Path(os.environ["TENBIN_HOME"]).write_text("a file, not a folder", encoding="utf-8")
    said = spawn("code")
    assert said.returncode == 1
    assert "Set TENBIN_HOME to another one" in said.stderr


@pytest.mark.usefixtures("claude")
def test_somebody_else_at_the_address_is_not_given_a_key(spawn: Spawn) -> None:
    from tenbin.simulator import RunningSimulator

    with RunningSimulator() as simulator:
        said = spawn("code", "--url", simulator.url)
    assert said.returncode == 1
    assert "not Tenbin" in said.stderr


@pytest.mark.usefixtures("claude")
def test_a_gateway_elsewhere_is_not_started(spawn: Spawn) -> None:
    said = spawn("code", "--url", "http://gateway.invalid:4000")
    assert said.returncode == 1
    assert "No gateway answers" in said.stderr


def test_the_bundled_claude_code_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = find_claude()
    assert found is not None
    assert found.parent.name == "_bundled"


def test_only_embedded() -> None:
    assert only_embedded([EMBEDDED_MODEL, f"local/{EMBEDDED_MODEL}"])
    assert only_embedded([EMBEDDED_MODEL, "auto", f"local/{EMBEDDED_MODEL}"])
    assert not only_embedded(["auto", f"local/{EMBEDDED_MODEL}", "ollama/x"])
    assert not only_embedded([EMBEDDED_MODEL, "ollama/x"])
    assert not only_embedded([])


@pytest.mark.slow
def test_claude_code_itself_talks_to_the_embedded_model(spawn: Spawn, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real program, the real model, one command."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    Path("tenbin.yaml").write_text(f"listen: 127.0.0.1:{free_port()}\ndiscover: false\n", encoding="utf-8")
    said = spawn("code", "-p", "Name one colour of the rainbow.", "--output-format", "json", DISABLE_AUTOUPDATER="1")
    assert said.returncode == 0, said.stderr
    assert "Only the embedded model is here" in said.stderr
    result = json.loads(said.stdout)
    assert not result["is_error"]
    assert result["result"]
    assert result["usage"]["output_tokens"] > 0
