"""The command line as a whole: what it lists is there, it is quick to help, and it never shows a stack trace."""

import re
import subprocess
import sys

import click
import pytest

import tenbin
from tenbin import cli
from tenbin.cli.commands import COMMANDS, load_command
from tests.cli.conftest import Run


def test_the_version(run: Run) -> None:
    assert run("--version").output == f"tenbin {tenbin.__version__}\n"


def test_the_overview_lists_every_command(run: Run) -> None:
    output = run("--help").output
    for name, said in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(said)}$", output, flags=re.MULTILINE)
    assert "Exit codes" in output


@pytest.mark.parametrize("name", COMMANDS)
def test_the_overview_and_the_commands_own_help_agree(name: str, run: Run) -> None:
    """The overview's sentence is written apart, so that no module is loaded for it; the help begins alike."""
    help_text = run(name, "--help").output
    first_word = COMMANDS[name].split()[0]
    assert re.search(rf"\n\n  {first_word}", help_text), f"{name}: {COMMANDS[name]}"
    assert "Examples:" in help_text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name: str) -> None:
    context = click.Context(load_command(name))
    silent = [
        option.name
        for option in load_command(name).get_params(context)
        if isinstance(option, click.Option) and not option.help
    ]
    assert not silent


def test_help_loads_nothing_of_the_gateway() -> None:
    code = "import sys; from tenbin.cli import main\ntry: main()\nexcept SystemExit: pass\nprint(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True).stdout
    loaded = set(said.splitlines()[-1].split())
    assert "click" in loaded
    assert not loaded & {"asyncio", "uvicorn", "msgspec", "yaml", "tenbin.app", "http.client", "genai_prices"}


def test_an_unknown_command_is_told_with_the_one_that_was_meant(run: Run) -> None:
    result = run("srve")
    assert result.exit_code == 2
    assert "Did you mean serve?" in result.output


def test_an_interrupted_command_ends_as_shells_expect(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: object) -> None:
        raise click.Abort

    monkeypatch.setattr("tenbin.cli.commands.tenbin.main", interrupted)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130


def test_what_nobody_foresaw_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(**_: object) -> None:
        raise ZeroDivisionError("a\nb")

    monkeypatch.setattr("tenbin.cli.commands.tenbin.main", broken)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert said.startswith("This is a mistake in Tenbin itself: ZeroDivisionError: a\n")
    assert "Traceback" not in said
    monkeypatch.setenv("TENBIN_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        cli.main()
