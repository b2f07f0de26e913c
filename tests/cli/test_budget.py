"""`tenbin budget` as people see it: from a ledger alone, and beside a running gateway."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tenbin.core.usage import Usage
from tenbin.execute.clock import SystemClock
from tenbin.simulator import RunningSimulator
from tests.cli.conftest import Run
from tests.execute.conftest import chained
from tests.ledger.making import a_book, a_receipt, an_attempt
from tests.real.books import serving

DAY_MS = 86_400_000

CONFIG = """
discover: false
listen: 127.0.0.1:1
providers:
  acme:
    base_url: http://127.0.0.1:1
    dialect: openai_chat
    models:
      anvil-1: {price: {input: 2, output: 10}}
      feather: {price: {input: 0.5, output: 2}}
models:
  auto: [acme/anvil-1, acme/feather]
routing:
  abilities: {anvil-1: 2.0, feather: 1.0}
"""


def configure(workplace: Path, *budgets: str) -> None:
    lines = "".join(f"\n    - {one}" for one in budgets)
    (workplace / "tenbin.yaml").write_text(CONFIG + (f"spending:\n  budgets:{lines}\n" if budgets else ""))


@pytest.fixture
def directory(workplace: Path, tmp_path: Path) -> Path:
    """A ledger of 120 dollars this minute: 90 of the team ``search``, 30 of nobody's."""
    now, folder = SystemClock().now_ms(), tmp_path / "ledger"
    with a_book(folder) as book:
        for number, (dollars, changes) in enumerate(
            ((90, {"team": "search", "user": "ann"}), (30, {"key_id": "key_b"}))
        ):
            attempt = an_attempt(started_at_ms=now, usage=Usage(input=dollars * 500_000))
            book.settle(a_receipt(f"req_{number}", attempt, arrived_at_ms=now, **changes))
    return folder


def test_a_budget_with_its_bar_its_pace_and_what_to_do(run: Run, workplace: Path, directory: Path) -> None:
    configure(
        workplace, "{scope: global, window: month, usd: 100}", '{scope: "team:*", window: total, usd: 900, hard: false}'
    )
    told = run("budget").output
    assert "everybody: $100.00 a month (hard)" in told
    assert "120.0%  $120.00 spent, $20.00 over" in told
    assert "far too fast" in told
    assert "team search: $900.00 in all (soft)" in told
    assert "█" in told
    assert "acme/feather" in told
    assert "switching saves" in told
    assert "Switch the response cache on" in told
    assert "No gateway answers" in run("budget").stderr


def test_in_japanese(run: Run, workplace: Path, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    configure(workplace, "{scope: global, window: month, usd: 100}")
    told = run("budget").output
    for words in (
        "全体: 1 か月 $100.00 (上限厳守)",
        "使用 $120.00、超過 $20.00",
        "大幅に超過ペース",
        "30 日中 ",
        "節約です",
    ):
        assert words in told


def test_for_programs(run: Run, workplace: Path, directory: Path) -> None:
    configure(workplace, "{scope: global, window: month, usd: 100}", "{scope: 'team:search', window: day, usd: 0}")
    told = json.loads(run("budget", "--json").stdout)
    assert (told["gateway"], told["more"]) == (False, 0)
    whole, team = told["budgets"]
    assert (whole["budget"], whole["spent_usd"], whole["left_usd"], whole["live"]) == (
        "global/month",
        "120.000000000",
        "-20.000000000",
        False,
    )
    assert whole["pace"]["word"] == "critical"
    assert {"switch", "cache", "user_limits"} <= {one["kind"] for one in whole["actions"]}
    assert (team["limit_usd"], team["pace"]["ratio"], team["share"]) == ("0.000000000", None, 1.0)


def test_some_of_them(run: Run, workplace: Path, directory: Path) -> None:
    configure(workplace, "{scope: global, window: month, usd: 999}", '{scope: "team:*", window: week, usd: 900}')
    assert "everybody" not in run("budget", "team:").stdout
    short = run("budget", "--limit", "1").stdout
    assert "team search" not in short
    assert "1 more: --limit shows them." in short


def test_a_moment_in_the_past(run: Run, workplace: Path, directory: Path) -> None:
    configure(workplace, "{scope: global, window: total, usd: 999}")
    assert "$0.00 spent" in run("budget", "--at", "2026-01-05").stdout
    assert "$0.00 spent" in run("budget", "--at", "3d").stdout
    assert "$120.00 spent" in run("budget", "--at", "0").stdout
    for wrong, said in (("2999-01-01", "in the past"), ("soon", "no length of time")):
        late = run("budget", "--at", wrong)
        assert late.exit_code == 2
        assert said in late.output


def test_a_picture(run: Run, workplace: Path, directory: Path) -> None:
    configure(
        workplace,
        "{scope: global, window: month, usd: 100}",
        '{scope: "team:*", window: hour, usd: 900}',
        "{scope: global, window: total, usd: 999}",
    )
    assert run("budget", "--svg", "pace.svg").exit_code == 0
    drawn = ElementTree.parse(workplace / "pace.svg").getroot()
    titles = [found.text for found in drawn.iter("{http://www.w3.org/2000/svg}title")]
    assert titles == ["everybody: $100.00 a month (hard)", "team search: $900.00 an hour (hard)"]
    assert run("budget", "--svg", "nowhere/pace.svg").exit_code == 1


def test_without_budgets_it_says_how_to_set_one(run: Run, workplace: Path, directory: Path) -> None:
    configure(workplace)
    told = run("budget").stdout
    assert "$120.00 was spent so far" in told
    assert "scope: global, window: month, usd: 200" in told


def test_without_a_ledger(run: Run, workplace: Path) -> None:
    configure(workplace, "{scope: global, window: month, usd: 100}")
    result = run("budget")
    assert result.exit_code == 1
    assert "there is no ledger" in result.output


def test_allotments_of_the_store_of_keys(run: Run, workplace: Path, directory: Path) -> None:
    configure(workplace)
    assert run("keys", "create", "laptop", "--budget", "month=50").exit_code == 0
    told = run("budget").stdout
    assert "key laptop (key_" in told
    assert "$50.00 a month (hard)" in told


def test_beside_a_running_gateway(run: Run, workplace: Path, tmp_path: Path) -> None:
    import httpx2

    budgets = [{"scope": "global", "window": "month", "usd": 5}]
    folder = tmp_path / "ledger"
    with (
        RunningSimulator() as simulator,
        serving(chained(simulator.url, spending={"budgets": budgets}), folder) as house,
    ):
        body = {"model": "one", "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}
        assert httpx2.post(f"{house.url}/v1/messages", json=body, timeout=20, trust_env=False).status_code == 200
        (receipt,) = house.books.new(1)
        assert receipt.billed_nano
        configure(workplace, "{scope: global, window: month, usd: 5}")
        told = json.loads(run("budget", "--url", house.url, "--json").stdout)
        (line,) = told["budgets"]
        assert (told["gateway"], line["live"], line["reserved_usd"]) == (True, True, "0.000000000")
        assert float(line["spent_usd"]) == pytest.approx(receipt.billed_nano / 1e9)
        assert run("budget", "--url", house.url).stderr == ""


def test_a_gateway_that_tells_only_the_master_key(run: Run, workplace: Path, tmp_path: Path) -> None:
    configure(workplace, "{scope: global, window: month, usd: 5}")
    with RunningSimulator() as simulator:
        config = chained(simulator.url, master_key="a-master-key-of-the-tests")
        with serving(config, tmp_path / "elsewhere") as house, a_book(tmp_path / "ledger") as book:
            book.settle(a_receipt())
            assert book.flush()
            assert "only the master key" in run("budget", "--url", house.url).stderr
