"""`tenbin env` writes what real shells read."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tenbin.cli.env import export
from tests.cli.conftest import Run

AWKWARD = "a b'c\"d$e\\f`g`;h"


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_a_shell_reads_back_any_value(shell: str) -> None:
    program = shutil.which(shell)
    assert program is not None
    script = f'{export("bash", "X", AWKWARD)}\nprintf %s "$X"'
    assert subprocess.run([program, "-c", script], capture_output=True, text=True, check=True).stdout == AWKWARD


def test_other_shells_have_their_own_quotes() -> None:
    assert export("fish", "X", "a'b\\c") == "set -gx X 'a\\'b\\\\c'"
    assert export("powershell", "X", "a'b$c") == "$env:X = 'a''b$c'"


def test_the_gateway_and_the_key_of_the_configuration(run: Run) -> None:
    Path("tenbin.yaml").write_text("listen: '[::1]:4100'\nmaster_key: 0123456789abcdef\n", encoding="utf-8")
    lines = run("env", "--shell", "bash").output.splitlines()
    assert "export ANTHROPIC_BASE_URL='http://[::1]:4100'" in lines
    assert "export ANTHROPIC_AUTH_TOKEN=0123456789abcdef" in lines
    assert "export OPENAI_BASE_URL='http://[::1]:4100/v1'" in lines
    assert "export CLAUDE_CODE_GATEWAY_HINT_HEADERS=1" in lines


def test_a_key_of_ones_own_counts_more(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENBIN_KEY", "tb-mine")
    assert "ANTHROPIC_AUTH_TOKEN=tb-mine" in run("env", "--shell", "bash").output


def test_the_shell_is_the_users_own(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert run("env").output.startswith("set -gx ANTHROPIC_BASE_URL 'http://127.0.0.1:4000'")
