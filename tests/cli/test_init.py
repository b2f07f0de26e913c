"""`tenbin init` writes a file that is in order, and never over another one."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_what_is_written_is_in_order(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sesame-word")
    assert run("init").exit_code == 0
    text = Path("tenbin.yaml").read_text(encoding="utf-8")
    assert "api_key: ${ANTHROPIC_API_KEY}" in text
    assert "sesame" not in text
    assert run("check").exit_code == 0


def test_a_file_that_is_there_is_kept(run: Run) -> None:
    Path("tenbin.yaml").write_text("mine", encoding="utf-8")
    result = run("init")
    assert result.exit_code == 1
    assert "already there" in result.output
    assert Path("tenbin.yaml").read_text(encoding="utf-8") == "mine"
    assert run("init", "--force").exit_code == 0
    assert Path("tenbin.yaml").read_text(encoding="utf-8") != "mine"


def test_it_can_be_printed(run: Run) -> None:
    assert run("init", "-o", "-").output.startswith("# Tenbin's configuration")
    assert not Path("tenbin.yaml").exists()


def test_a_place_that_cannot_be_written(run: Run) -> None:
    result = run("init", "-o", "none/tenbin.yaml")
    assert result.exit_code == 1
    assert "cannot be written" in result.output
