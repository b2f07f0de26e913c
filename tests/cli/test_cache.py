"""`tenbin cache` against a gateway that runs: what was saved, what is held, what is taken out, and by whom."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from tenbin.config.keys import hash_key
from tenbin.simulator import RunningSimulator
from tests.cli.conftest import Run
from tests.execute.conftest import Caller, chained
from tests.real.books import House, serving

MASTER, ANN = "tb-master-key-of-this-test", "tb-key-of-ann-in-this-test-1234567"


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator() as running:
        yield running


@pytest.fixture
def house(simulator: RunningSimulator, tmp_path: Path, workplace: Path) -> Iterator[House]:
    keys: dict[str, Any] = {"cache": {"exact": "serve"}, "master_key": MASTER, "keys": {"ann": hash_key(ANN)}}
    with serving(chained(simulator.url, **keys), tmp_path / "ledger") as running:
        listen = running.url.removeprefix("http://")
        (workplace / "tenbin.yaml").write_text(yaml.safe_dump({"listen": listen, "master_key": MASTER}))
        yield running


def ask(house: House, text: str, tag: str = "") -> httpx2.Response:
    caller = Caller(house.url)
    headers = {"authorization": f"Bearer {ANN}", **({"x-tenbin-cache-tags": tag} if tag else {})}
    response = caller.ask("anthropic", "one", text, headers=headers)
    caller.http.close()
    assert response.status_code == 200
    return response


def told(result: Any) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_stats_tell_what_was_saved(house: House, run: Run) -> None:
    first = ask(house, "One")
    for text in ("One", "One", "Two"):
        ask(house, text)
    house.books.new(4)
    report = told(run("cache", "stats", "--by", "model", "--by", "tier", "--json"))
    assert (report["all"]["exact"], report["all"]["misses"], report["all"]["hit_rate"]) == (2, 2, 0.5)
    cost = float(first.headers["x-tenbin-cost"])
    assert float(report["all"]["saved_usd"]) == pytest.approx(2 * cost)
    assert {(one["model"], one["tier"], one["requests"]) for one in report["by"]} == {
        ("one", "exact", 2),
        ("one", "", 2),
    }
    assert report["not_answered"] == [{"result": "miss", "why": "no entry", "requests": 2}]
    assert report["gateway"]["sizes"]["memory"]["entries"] == 2
    words = run("cache", "stats").output
    assert "50.0%" in words
    assert "memory: 2 entries" in words


def test_entries_are_shown_purged_and_reported(house: House, run: Run) -> None:
    first = ask(house, "One", tag="faq").headers["x-tenbin-cache-entry"]
    second = ask(house, "Two").headers["x-tenbin-cache-entry"]
    third = ask(house, "Three").headers["x-tenbin-cache-entry"]
    listed = told(run("cache", "inspect", "--json"))
    assert {one["id"] for one in listed} == {first, second, third}
    assert {one["scope"] for one in listed} == {"key:ann"}
    assert first in run("cache", "inspect", "--tag", "faq").output
    assert told(run("cache", "purge", "--tag", "faq", "--json"))["removed"] == [first]
    assert ask(house, "One").headers["x-tenbin-cache"] == "miss"
    assert told(run("cache", "report", second, "--json"))["removed"] == [second]
    assert ask(house, "Two").headers["x-tenbin-cache"] == "miss"
    assert run("cache", "report", "0" * 32).exit_code == 1
    assert told(run("cache", "purge", third[:10], "--json"))["removed"] == [third]
    assert run("cache", "purge").exit_code == 2
    assert told(run("cache", "purge", "--scope", "key:ben", "--json"))["removed"] == []
    assert len(told(run("cache", "purge", "--all", "--json"))["removed"]) == 2


def test_one_key_does_not_see_all_keys_entries(house: House, run: Run) -> None:
    caller = Caller(house.url)
    for path in ("/cache", "/cache/entries"):
        assert caller.http.get(path).status_code == 401
        assert caller.http.get(path, headers={"authorization": f"Bearer {ANN}"}).status_code == 403
        assert caller.http.get(path, headers={"authorization": f"Bearer {MASTER}"}).status_code == 200
    refused = caller.http.delete("/cache/entries?all=true", headers={"authorization": f"Bearer {ANN}"})
    assert refused.status_code == 403
    unsaid = caller.http.delete("/cache/entries", headers={"authorization": f"Bearer {MASTER}"})
    assert unsaid.status_code == 400
    metrics = caller.http.get("/metrics", headers={"authorization": f"Bearer {MASTER}"}).text
    assert "tenbin_cache_entries 0.0" in metrics
    caller.http.close()


def test_feedback_on_a_hit_kills_its_entry(house: House, run: Run) -> None:
    ask(house, "One")
    hit = ask(house, "One")
    house.books.new(2)
    told_of = told(run("feedback", hit.headers["x-tenbin-request-id"], "bad", "--json"))
    assert told_of["entry"] == hit.headers["x-tenbin-cache-entry"]
    assert ask(house, "One").headers["x-tenbin-cache"] == "miss"


def test_explain_and_ledger_say_where_an_answer_came_from(house: House, run: Run) -> None:
    first, hit = ask(house, "One"), ask(house, "One")
    house.books.new(2)
    said = run("explain", "--request", hit.headers["x-tenbin-request-id"]).output
    assert f"Answered from the cache (the same request, entry {first.headers['x-tenbin-cache-entry']}" in said
    assert (
        "The cache had no answer: no entry." in run("explain", "--request", first.headers["x-tenbin-request-id"]).output
    )
    rows = told(run("ledger", "--json"))
    assert [row["cache"] for row in rows] == ["exact", ""]


def test_nobody_is_there(run: Run, workplace: Path) -> None:
    (workplace / "tenbin.yaml").write_text("listen: 127.0.0.1:1\n")
    result = run("cache", "inspect")
    assert result.exit_code == 1
    assert "No gateway answers" in result.output
