"""`tenbin breaker` against a gateway that runs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tenbin.config.keys import hash_key
from tenbin.simulator import RunningSimulator
from tests.cli.conftest import Run
from tests.execute.conftest import Caller, chained
from tests.real.books import House, serving

MASTER, ANN = "tb-master-key-of-this-test", "tb-key-of-ann-in-this-test-1234567"
BREAKER = {"hourly_usd": 100, "key": {"hourly_usd": 0.0001}}


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator() as running:
        yield running


@pytest.fixture
def house(simulator: RunningSimulator, tmp_path: Path, workplace: Path) -> Iterator[House]:
    keys: dict[str, Any] = {"master_key": MASTER, "keys": {"ann": hash_key(ANN), "bob": hash_key(ANN + "b")}}
    with serving(chained(simulator.url, spending={"breaker": BREAKER}, **keys), tmp_path / "ledger") as running:
        listen = running.url.removeprefix("http://")
        (workplace / "tenbin.yaml").write_text(yaml.safe_dump({"listen": listen, "master_key": MASTER}))
        yield running


def ask(house: House) -> int:
    caller = Caller(house.url)
    status = caller.ask("anthropic", "one", headers={"authorization": f"Bearer {ANN}"}).status_code
    caller.http.close()
    return status


def test_it_shows_who_is_stopped_and_lets_them_through(house: House, run: Run) -> None:
    calm = run("breaker")
    assert calm.exit_code == 0
    assert "all keys together: closed" in calm.output
    assert ask(house) == 200
    house.books.new(1)
    assert ask(house) == 429
    shown = run("breaker").output
    assert "key ann: OPEN" in shown
    assert "why: hourly" in shown
    assert "refused: 1 requests" in shown
    assert "tenbin breaker reset" in shown
    state = json.loads(run("breaker", "--json").output)
    assert [(one["key"], one["state"]) for one in state["scopes"]] == [(None, "closed"), ("ann", "open")]
    assert "Nothing was stopped" in run("breaker", "reset", "--key", "bob").output
    unknown = run("breaker", "reset", "--key", "anne")
    assert unknown.exit_code == 1
    assert "No key is called 'anne'" in unknown.output
    assert ask(house) == 429
    done = run("breaker", "reset", "--key", "ann")
    assert done.exit_code == 0
    assert "Closed: key ann" in done.output
    assert ask(house) == 200


def test_it_speaks_japanese(house: House, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    assert "全体" in run("breaker").output


def test_a_wrong_key_is_told(house: House, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENBIN_KEY", ANN)
    refused = run("breaker", "reset")
    assert refused.exit_code == 1
    assert "master_key" in refused.output


def test_without_a_gateway_that_is_said(run: Run) -> None:
    nobody = run("breaker", "--url", "http://127.0.0.1:1")
    assert nobody.exit_code == 1
    assert "No gateway answers" in nobody.output


def test_one_that_is_off_says_how_to_switch_it_on(simulator: RunningSimulator, tmp_path: Path, run: Run) -> None:
    with serving(chained(simulator.url), tmp_path / "other") as house:
        shown = run("breaker", "--url", house.url)
        assert shown.exit_code == 0
        assert "hourly_usd" in shown.output
        assert run("breaker", "reset", "--url", house.url).exit_code == 1
