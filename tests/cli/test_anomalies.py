"""`tenbin anomalies` as people and programs see it."""

import json
from pathlib import Path

import pytest

from tenbin.core.usage import Usage
from tenbin.execute.clock import SystemClock
from tests.cli.conftest import Run
from tests.ledger.making import a_book, a_receipt, an_attempt

DAY_MS = 86_400_000


@pytest.fixture
def directory(workplace: Path, tmp_path: Path) -> Path:
    """A dollar a day on the twenty days before today, and forty of one key the day before yesterday."""
    now, folder = SystemClock().now_ms(), tmp_path / "ledger"
    noon = now - now % DAY_MS + DAY_MS // 2
    with a_book(folder) as book:
        for back in range(1, 21):
            at, dollars = noon - back * DAY_MS, 40 if back == 2 else 1 + back % 3 / 10
            attempt = an_attempt(started_at_ms=at, usage=Usage(input=round(dollars * 500_000)))
            book.settle(a_receipt(f"req_{back}", attempt, arrived_at_ms=at, key_id="key_a"))
    return folder


def test_a_day_out_of_the_usual(run: Run, directory: Path) -> None:
    told = run("anomalies").output
    assert "everybody" in told
    assert "critical" in told
    assert "key key_a" in told
    assert "$40.00" in told
    assert "mean + 3 sd + robust" in told
    assert "key key_a +$38." in told
    assert "21 days are known." in told


def test_in_japanese(run: Run, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    told = run("anomalies").output
    for words in ("全体", "重大", "鍵 key_a", "頑健", "主な要因"):
        assert words in told
    assert "異常はありません" in run("anomalies", "--days", "1").output


def test_for_programs(run: Run, directory: Path) -> None:
    told = json.loads(run("anomalies", "--json", "--by", "model").stdout)
    assert told["days_known"] == 21
    assert [(one["scope"], one["severity"], one["length"]) for one in told["anomalies"]] == [
        ("global", "critical", "day"),
        ("model", "critical", "day"),
    ]
    assert {rule["rule"] for rule in told["anomalies"][0]["rules"]} == {"mean_3sd", "robust"}
    assert told["anomalies"][0]["spent_usd"] == "40.000000000"


def test_nothing_out_of_the_usual(run: Run, directory: Path) -> None:
    assert "Nothing out of the usual in 1 day." in run("anomalies", "--days", "1").output
    assert "Nothing out of the usual" in run("anomalies", "--least", "100").output


def test_bad_input_and_no_ledger(run: Run, workplace: Path) -> None:
    assert run("anomalies", "--least", "much").exit_code == 2
    result = run("anomalies")
    assert result.exit_code == 1
    assert "there is no ledger" in result.output
