"""`tenbin ledger reconcile`: what it tells, what it writes, and that doing it again changes nothing."""

import json
from pathlib import Path

import pytest

from tenbin.core.usage import Usage
from tests.cli.conftest import Run
from tests.ledger.making import NOON_MS, a_book, a_receipt, an_attempt


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A ledger with an exact row of 3,000,000 nano-USD, and an estimated one of 30,000."""
    folder = tmp_path / "ledger"
    with a_book(folder) as book:
        book.settle(a_receipt("req_1", an_attempt(upstream_request_id="up_1")))
        cut = Usage(input=10, output=1, output_estimated=True)
        book.settle(a_receipt("req_2", an_attempt(upstream_request_id="up_2", usage=cut, outcome="cut")))
        assert book.flush()
    return folder


STATEMENT = f"""request_id,time,model,cost_usd
up_1,{NOON_MS},anvil-1,0.003
up_2,{NOON_MS},anvil-1,0.00009
elsewhere,{NOON_MS},anvil-1,0.5
"""


def test_differences_are_told_then_written_then_gone(run: Run, directory: Path, workplace: Path) -> None:
    Path("november.csv").write_text(STATEMENT)
    command = ("ledger", "reconcile", "--statement", "november.csv")
    looked = run(*command)
    assert looked.exit_code == 0
    assert "req_2/1  acme/anvil-1  cut  $0.00003 -> $0.00009" in looked.output
    assert "line 4  elsewhere  anvil-1" in looked.output
    assert "--apply" in looked.output
    first = json.loads(run(*command, "--apply", "--json").output)
    assert first["differing"][0]["difference_nano"] == 60_000
    assert first["corrections_written"] == 1
    assert first["ledger"] == {
        "billed_nano": 3_030_000,
        "corrected_nano": 60_000,
        "total_nano": 3_090_000,
        "unknown_cost": 0,
        "estimated": 0,
    }
    again = json.loads(run(*command, "--apply", "--json").output)
    assert (again["differing"], again["corrections_written"]) == ([], 0)
    assert again["ledger"] == first["ledger"]
    (sums,) = json.loads(run("ledger", "--by", "provider", "--json").output)
    assert (sums["cost_usd"], sums["corrected_usd"]) == ("0.003090000", "0.000060000")


def test_what_is_not_charged(run: Run, directory: Path, workplace: Path) -> None:
    Path("november.csv").write_text(f"id,time,cost\nnone,{NOON_MS},1\n")
    command = ("ledger", "reconcile", "--statement", "november.csv", "--provider", "acme", "--json", "--apply")
    first = json.loads(run(*command).output)
    assert (len(first["not_on_statement"]), first["taken_as_free"]) == (2, 1)
    assert first["ledger"]["total_nano"] == 3_000_000
    assert json.loads(run(*command, "--not-charged-is-free").output)["ledger"]["total_nano"] == 0


def test_tokens_are_priced_by_the_configuration(run: Run, directory: Path, workplace: Path) -> None:
    Path("tenbin.yaml").write_text(
        "providers:\n  acme:\n    dialect: openai_chat\n    base_url: http://127.0.0.1:9\n    api_key: sk-x\n"
        "    models: {anvil-1: {price: {input: 2, output: 10}}}\n"
    )
    Path("november.jsonl").write_text('{"id": "up_2", "input_tokens": 10, "output_tokens": 7}\n')
    told = json.loads(run("ledger", "reconcile", "--statement", "november.jsonl", "--json").output)
    assert told["differing"][0]["statement_nano"] == 90_000


def test_japanese(run: Run, directory: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    Path("november.csv").write_text(STATEMENT)
    assert "台帳になし" in run("ledger", "reconcile", "--statement", "november.csv").output


@pytest.mark.parametrize(
    ("text", "more", "words"),
    [
        (b"\xff\xfe", (), "is not UTF-8"),
        (b"id,cost\na,dear\n", (), "line 2: 'dear' is no amount"),
        (b"id,cost\na,1\n", ("--provider", "nobody"), "no attempt at nobody"),
    ],
)
def test_mistakes_are_told(
    run: Run, directory: Path, workplace: Path, text: bytes, more: tuple[str, ...], words: str
) -> None:
    Path("s.csv").write_bytes(text)
    result = run("ledger", "reconcile", "--statement", "s.csv", *more)
    assert result.exit_code == 1
    assert words in result.output


def test_no_ledger_yet(run: Run, workplace: Path) -> None:
    Path("s.csv").write_text("id,cost\na,1\n")
    result = run("ledger", "reconcile", "--statement", "s.csv")
    assert result.exit_code == 1
    assert "there is no ledger" in result.output
