"""`tenbin keys` makes keys, and hashes that the configuration takes."""

from pathlib import Path

from tenbin.config.keys import KeyRing
from tenbin.config.load import load
from tests.cli.conftest import Run


def test_a_new_key_is_let_in_by_what_is_printed_for_the_configuration(run: Run) -> None:
    result = run("keys", "new", "--name", "alice")
    key = result.stdout.strip()
    Path("tenbin.yaml").write_text(result.stderr.partition("tenbin.yaml:\n")[2], encoding="utf-8")
    assert KeyRing(load("tenbin.yaml").keys).owner(key) == "alice"
    assert key.startswith("tb-")
    assert len(key) > 40


def test_two_keys_are_two_keys(run: Run) -> None:
    assert run("keys", "new").stdout != run("keys", "new").stdout


def test_the_hash_of_a_key(run: Run) -> None:
    key = run("keys", "new").stdout.strip()
    hashed = run("keys", "hash", input=f"{key}\n").stdout.strip()
    assert KeyRing({"bob": hashed}).owner(key) == "bob"


def test_a_key_that_can_be_guessed_is_refused(run: Run) -> None:
    result = run("keys", "hash", input="correct horse\n")
    assert result.exit_code == 1
    assert "at least 32" in result.output
