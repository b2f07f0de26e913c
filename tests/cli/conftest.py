"""What the tests of the commands share: a folder to work in, and two ways to run a command."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tenbin.cli.commands import tenbin

Run = Callable[..., Result]
Spawn = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, with a home and a ledger of its own; nothing of this machine is found."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TENBIN_HOME", str(tmp_path / "ledger"))
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    return folder


@pytest.fixture
def run() -> Run:
    """Run a command in this process. What nobody foresaw fails the test."""

    def call(*arguments: str, input: str | None = None) -> Result:  # noqa: A002
        result = CliRunner().invoke(tenbin, arguments, input=input)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


@pytest.fixture
def spawn(workplace: Path) -> Spawn:
    """Run a command as users do, in a process of its own."""

    def call(*arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "tenbin.cli", *arguments],
            env=os.environ | environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )

    return call
