"""`tenbin content`: what is kept is shown to who has the key, and deleted by who has the folder."""

import json
from base64 import b64encode
from pathlib import Path

import pytest

from tenbin.config.content import key_of
from tenbin.execute.clock import SystemClock
from tenbin.ledger.content import ContentStore
from tests.cli.conftest import Run
from tests.ledger.test_content import KEY, one

REQUEST = b'{"model":"one","messages":[{"role":"user","content":"quincunx \\u001b[31m red"}]}'


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    folder = tmp_path / "ledger"
    folder.mkdir()
    now_ms = SystemClock().now_ms()
    with ContentStore(folder, KEY) as store:
        for days, key_id in ((0, "bob"), (5, "bob"), (40, "alice")):
            content = one(f"req_{days}", at_ms=now_ms - days * 86_400_000, key_id=key_id, words=REQUEST)
            store.keep(content, bytes([days]) * 12)
    Path("tenbin.yaml").write_text(f"content: {{store: true, key: {b64encode(KEY).decode()}}}\n", encoding="utf-8")
    return folder


def test_one_is_shown(run: Run, directory: Path) -> None:
    shown = run("content", "show", "req_5").output
    assert "quincunx" in shown
    assert "\x1b" not in shown
    row = json.loads(run("content", "show", "req_5", "--json").output)
    assert (row["request"], row["key_id"], row["status"]) == (REQUEST.decode(), "bob", 200)


def test_what_cannot_be_shown_is_told(run: Run, directory: Path) -> None:
    assert run("content", "show", "req_7").exit_code == 1
    Path("tenbin.yaml").write_text(
        f"content: {{store: true, key: {b64encode(b'o' * 32).decode()}}}\n", encoding="utf-8"
    )
    told = run("content", "show", "req_5")
    assert told.exit_code == 1
    assert "another key" in told.output
    assert "quincunx" not in told.output
    Path("tenbin.yaml").write_text("content: {key_file: nowhere/x.key}\n", encoding="utf-8")
    assert run("content", "show", "req_5").exit_code == 1
    assert not Path("nowhere").exists()


def test_it_is_deleted_by_age_request_key_or_all(run: Run, directory: Path) -> None:
    assert json.loads(run("content", "purge", "--json").output)["deleted"] == 1
    assert json.loads(run("content", "purge", "--older", "4d", "--json").output) | {"oldest": 0} == {
        "deleted": 1, "left": 1, "oldest": 0,
    }  # fmt: skip
    assert json.loads(run("content", "purge", "--request", "req_5", "--json").output)["deleted"] == 0
    assert "1 deleted, 0 left" in run("content", "purge", "--key-id", "bob").output
    assert run("content", "purge", "--all", "--older", "1d").exit_code == 2


def test_a_key_is_made(run: Run) -> None:
    made = {run("content", "key").output.strip() for _ in range(3)}
    assert len(made) == 3
    assert all(key_of(text) is not None for text in made)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("content: {store: true}", "under a key only"),
        ("content: {store: true, key: abc}", "no key of 32 bytes"),
        (f"content: {{store: true, key: {b64encode(KEY).decode()}, key_file: x}}", "named twice"),
        ("content: {store: true, days: 0}", "days"),
    ],
)
def test_mistakes_are_told_by_check_without_the_key(run: Run, text: str, words: str) -> None:
    Path("tenbin.yaml").write_text(text + "\n", encoding="utf-8")
    told = run("check")
    assert told.exit_code == 1
    assert words in told.output
    assert b64encode(KEY).decode() not in told.output


def test_where_nothing_was_ever_kept(run: Run) -> None:
    told = run("content", "purge")
    assert told.exit_code == 1
    assert "never switched on" in told.output
