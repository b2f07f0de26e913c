"""`tenbin import` writes a file that is in order, says what is not in it, and shows no key to anybody else."""

import json
import sqlite3
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Run, Spawn

SECRET = "sk-in-plain-text-0123456789"
CCR = {
    "APIKEY": "$CCR_KEY",
    "Providers": [
        {"name": "a", "api_base_url": "https://a.example/v1/chat/completions", "api_key": SECRET, "models": ["m"]}
    ],
    "Router": {"default": "a,m"},
    "CUSTOM_ROUTER_PATH": "/home/user/router.js",
}
LITELLM = {"model_list": [{"model_name": "fast", "litellm_params": {"model": "groq/x", "api_key": SECRET}}]}


@pytest.fixture(autouse=True)
def files(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCR_KEY", "0123456789abcdef")
    Path("config.json").write_text(json.dumps(CCR), encoding="utf-8")
    Path("config.yaml").write_text(yaml.safe_dump(LITELLM), encoding="utf-8")


@pytest.mark.parametrize(("kind", "file"), [("ccr", "config.json"), ("litellm", "config.yaml")])
def test_what_is_written_is_in_order(kind: str, file: str, run: Run) -> None:
    result = run("import", kind, file)
    assert result.exit_code == 0
    assert "Wrote tenbin.yaml: 1 providers" in result.output
    assert run("check").exit_code == 0
    assert SECRET in Path("tenbin.yaml").read_text(encoding="utf-8")
    assert SECRET not in result.output


def test_a_file_that_holds_keys_is_for_its_owner_only(run: Run) -> None:
    run("import", "ccr", "config.json")
    assert Path("tenbin.yaml").stat().st_mode & 0o777 == 0o600
    Path("tenbin.yaml").chmod(0o644)
    assert run("import", "ccr", "config.json", "--force").exit_code == 0
    assert Path("tenbin.yaml").stat().st_mode & 0o777 == 0o600


def test_keys_can_be_left_to_variables(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("import", "ccr", "config.json", "--no-plain-keys")
    assert SECRET not in Path("tenbin.yaml").read_text(encoding="utf-8")
    assert "export A_API_KEY=" in result.output
    assert "Not set in this shell: A_API_KEY\n" in result.output
    assert run("check").exit_code == 1
    monkeypatch.setenv("A_API_KEY", SECRET)
    assert run("check").exit_code == 0


def test_what_is_not_carried_over_is_listed(run: Run) -> None:
    output = run("import", "ccr", "config.json").output
    assert "Not carried over:\n  - CUSTOM_ROUTER_PATH: the custom router is JavaScript" in output


def test_for_programs(run: Run) -> None:
    said = json.loads(run("import", "ccr", "config.json", "--json").output)
    assert (said["ok"], said["output"], said["counts"]) == (True, "tenbin.yaml", {"providers": 1, "models": 0})
    assert said["variables"] == {"CCR_KEY": True}
    assert [note["keys"] for note in said["notes"] if note["kind"] == "lost"] == [["CUSTOM_ROUTER_PATH"]]
    assert "text" not in said


def test_it_can_be_printed(spawn: Spawn) -> None:
    said = spawn("import", "litellm", "config.yaml", "-o", "-")
    assert said.returncode == 0
    assert yaml.safe_load(said.stdout)["models"] == {"fast": ["groq/x"]}
    assert "Keys in plain text:" in said.stderr
    assert not Path("tenbin.yaml").exists()
    printed = json.loads(spawn("import", "litellm", "config.yaml", "-o", "-", "--json").stdout)
    assert printed["text"] == said.stdout
    assert printed["output"] is None


def test_the_routers_own_file_is_found(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".claude-code-router").mkdir()
    (tmp_path / ".claude-code-router" / "config.json").write_text(json.dumps(CCR), encoding="utf-8")
    assert run("import", "ccr").exit_code == 0


def test_a_file_that_is_there_is_kept(run: Run) -> None:
    Path("tenbin.yaml").write_text("mine", encoding="utf-8")
    result = run("import", "ccr", "config.json")
    assert result.exit_code == 1
    assert "already there" in result.output
    assert Path("tenbin.yaml").read_text(encoding="utf-8") == "mine"


def test_mistakes_are_told_with_their_place(run: Run) -> None:
    Path("config.json").write_text('{\n "Providers": 7\n}', encoding="utf-8")
    result = run("import", "ccr", "config.json")
    assert result.exit_code == 1
    assert "config.json:2:2: Providers: this must be a list, not the number 7. Write" in result.output
    assert not Path("tenbin.yaml").exists()
    said = json.loads(run("import", "ccr", "config.json", "--json").output)
    assert said["ok"] is False
    assert said["mistakes"][0]["key"] == "Providers"


def test_a_file_that_cannot_be_read(run: Run) -> None:
    assert "cannot be read: No such file" in run("import", "litellm", "gone.yaml").output
    Path("config.yaml").write_bytes(b"model_list: \xff")
    assert "is not UTF-8" in run("import", "litellm", "config.yaml").output


def test_the_database_of_version_3_is_known(run: Run) -> None:
    with sqlite3.connect("config.sqlite") as connection:
        connection.execute("create table settings (name)")
    connection.close()
    result = run("import", "ccr", "config.sqlite")
    assert result.exit_code == 1
    assert "database of claude-code-router 3" in result.output


def test_a_place_that_cannot_be_written(run: Run) -> None:
    assert "cannot be written" in run("import", "ccr", "config.json", "-o", "none/tenbin.yaml").output


def test_it_speaks_japanese(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    assert "引き継がれないもの:" in run("import", "ccr", "config.json").output
