"""The same question in other words, with the real embedder: served, shadowed, reported, never across what differs."""

import asyncio
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tenbin.app import Gateway
from tenbin.execute.cache.meaning import Meaning
from tenbin.execute.cache.store import Selection
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained
from tests.real.books import House, serving, wait_until
from tests.real.redis_server import RedisServer

QUESTION, SAME, OTHER = "What does a hash table do?", "What do hash tables do?", "What does a binary tree do?"
PATIENCE = {"look_up_ms": 20_000, "shadow_share": 0.0}


def house_with(url: str, directory: Path, more: dict[str, Any] | None = None, **semantic: Any) -> Any:
    cache = {"exact": "serve", "store_ms": 10_000, "semantic": {**PATIENCE, **semantic}, **(more or {})}
    return serving(chained(url, cache=cache), directory)


@pytest.fixture
def meaning_house(simulator: RunningSimulator, tmp_path: Path) -> Iterator[House]:
    with house_with(simulator.url, tmp_path, mode="serve") as house:
        loaded(house)
        yield house


def loaded(house: House) -> Meaning:
    cache = house.running.gateway.cache
    assert cache is not None
    assert cache.meaning is not None
    wait_until(lambda: len(cache.meaning._embedding.embedders) == 2, "the embedders")  # type: ignore[union-attr]
    return cache.meaning


def asked(house: House, text: str, learned: bool = True, **fields: Any) -> dict[str, str]:
    """The cache's headers; an answer that is kept can be found by its question when this returns."""
    caller = Caller(house.url)
    response = caller.ask("anthropic", "one", text, **fields)
    caller.http.close()
    assert response.status_code == 200
    if response.headers["x-tenbin-cache"] == "miss" and learned:
        time.sleep(0.3)
    return {name.removeprefix("x-tenbin-cache-"): value for name, value in response.headers.items() if "cache" in name}


def on_loop(house: House, work: Coroutine[Any, Any, Any]) -> Any:
    """Done on the gateway's own event loop."""
    loop = house.running._loop
    assert loop is not None
    return asyncio.run_coroutine_threadsafe(work, loop).result(20)


def test_other_words_are_answered_and_other_questions_are_not(
    meaning_house: House, simulator: RunningSimulator
) -> None:
    first = asked(meaning_house, QUESTION)
    same, other = asked(meaning_house, SAME), asked(meaning_house, OTHER)
    assert (same["x-tenbin-cache"], same["tier"], same["entry"]) == ("hit", "semantic", first["entry"])
    assert float(same["similarity"]) > 0.9
    assert other["x-tenbin-cache"] == "miss"
    japanese = asked(meaning_house, "ハッシュ表とは何ですか")
    assert asked(meaning_house, "ハッシュ表って何ですか?")["entry"] == japanese["entry"]
    assert len(simulator.requests()) == 3
    tiers = [receipt.cached.tier for receipt in meaning_house.books.new() if receipt.cached is not None]
    assert tiers == ["", "semantic", "", "", "semantic"]


@pytest.mark.parametrize(
    "change", [{"system": "Be brief."}, {"temperature": 0}, {"max_tokens": 7}, {"model": "chain"}], ids=str
)
def test_all_but_the_last_words_must_be_equal(
    meaning_house: House, simulator: RunningSimulator, change: dict[str, Any]
) -> None:
    asked(meaning_house, QUESTION)
    caller = Caller(meaning_house.url)
    response = caller.http.post("/v1/messages", json={**caller.body("anthropic", "one", SAME), **change})
    assert response.headers["x-tenbin-cache"] == "miss"
    caller.http.close()


def test_personal_data_and_now_are_never_compared(meaning_house: House, simulator: RunningSimulator) -> None:
    for text, why in [
        ("What does taro@example.co.jp do for a living?", "personal or security data (mail address)"),
        ("What is the latest release of Python?", "about now"),
    ]:
        headers = asked(meaning_house, text)
        assert headers["why"] == f"not by meaning: {why}"


def test_in_shadow_the_provider_is_asked_and_answers_are_compared(simulator: RunningSimulator, tmp_path: Path) -> None:
    with house_with(simulator.url, tmp_path, mode="shadow") as house:
        meaning = loaded(house)
        simulator.script("*", {"text": "It maps keys to values."}, {"text": "It maps keys to values."})
        asked(house, QUESTION)
        headers = asked(house, SAME)
        assert (headers["x-tenbin-cache"], headers["why"]) == ("miss", "shadow")
        wait_until(lambda: meaning.standing("key:local").right == 1, "the comparison")
        receipts = house.books.new(2)
        assert [receipt.cached.shadow for receipt in receipts if receipt.cached is not None] == [False, True]
        assert len(simulator.requests()) == 2


def test_a_used_up_budget_falls_back_to_shadow_and_that_survives_a_restart(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    with house_with(simulator.url, tmp_path, mode="serve") as house:
        meaning = loaded(house)
        asked(house, QUESTION)
        assert asked(house, SAME)["x-tenbin-cache"] == "hit"
        on_loop(house, meaning.tell("key:local", "wrong"))
        headers = asked(house, "What do hash tables do, then?")
        assert (headers["x-tenbin-cache"], headers["why"]) == ("miss", "the error budget is used up")
    with house_with(simulator.url, tmp_path, mode="serve") as house:
        assert not loaded(house).may_serve("key:local")
        assert loaded(house).may_serve("key:somebody")


def test_a_report_kills_the_entry_and_its_question_is_found_no_more(
    meaning_house: House, simulator: RunningSimulator
) -> None:
    first = asked(meaning_house, QUESTION)
    assert asked(meaning_house, SAME)["x-tenbin-cache"] == "hit"
    gateway: Gateway = meaning_house.running.gateway
    assert gateway.cache is not None
    assert on_loop(meaning_house, gateway.cache.report(first["entry"]))
    assert asked(meaning_house, QUESTION)["x-tenbin-cache"] == "miss"
    after = asked(meaning_house, SAME)
    assert (after["x-tenbin-cache"], after["why"]) == ("miss", "not alike enough")
    assert gateway.cache.meaning is not None
    assert gateway.cache.meaning.standing("key:local").wrong == 1


def test_two_gateways_share_answers_by_meaning_through_one_redis(simulator: RunningSimulator, tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        shared = {"store": server.address, "secret": "s" * 32}
        with (
            house_with(simulator.url, tmp_path / "one", shared, mode="serve") as one,
            house_with(simulator.url, tmp_path / "other", shared, mode="serve") as other,
        ):
            loaded(one)
            loaded(other)
            first = asked(one, QUESTION)
            again = asked(other, SAME)
            assert (again["x-tenbin-cache"], again["entry"]) == ("hit", first["entry"])
            assert asked(other, OTHER)["x-tenbin-cache"] == "miss"


def test_who_waits_for_one_that_was_answered_by_meaning_is_told_so(
    meaning_house: House, simulator: RunningSimulator
) -> None:
    simulator.script("*", {"text": "It maps keys to values."}, {"text": "Anew."}, {"text": "Anew."})
    first = asked(meaning_house, QUESTION)["entry"]
    other = asked(meaning_house, OTHER, headers={"x-tenbin-cache": "exact"})["entry"]
    cache = meaning_house.running.gateway.cache
    assert cache is not None
    answer = cache.memory.get(first, 0)
    assert answer is not None
    on_loop(meaning_house, cache.remove(Selection(entry=other)))
    threads = ThreadPoolExecutor()
    for headers, expected in (({"x-tenbin-cache": "exact"}, "miss"), ({}, "hit")):
        assert on_loop(meaning_house, cache.flights.join(other, 1)) == "lead"
        waits = threads.submit(asked, meaning_house, OTHER, headers=headers)
        wait_until(lambda: bool(cache.flights._flights[other].waiting), "the one that waits")
        assert meaning_house.running._loop is not None
        meaning_house.running._loop.call_soon_threadsafe(cache.flights.land, other, answer.entry)
        found = waits.result(20)
        assert found["x-tenbin-cache"] == expected
        assert found.get("tier") == ("semantic" if expected == "hit" else None)
        on_loop(meaning_house, cache.remove(Selection(entry=other)))


@pytest.mark.parametrize("relaxes", [False, True])
def test_a_landing_takes_questions_for_the_same_that_are_less_alike(
    simulator: RunningSimulator, tmp_path: Path, relaxes: bool
) -> None:
    """What the strict profile asks a provider for is answered once a budget is nearly spent."""
    spending = {
        "budgets": [{"scope": "global", "window": "month", "usd": 1}],
        "landing": {"stages": [{"at": 0.5, "cache": relaxes, "background": True}]},
    }
    cache = {"store_ms": 10_000, "semantic": {**PATIENCE, "mode": "serve", "profile": "strict"}}
    with serving(chained(simulator.url, cache=cache, spending=spending), tmp_path) as house:
        loaded(house)
        first = asked(house, QUESTION)
        simulator.script(output_tokens=40_000)
        asked(house, "Spend.", headers={"x-tenbin-cache": "off"}, max_tokens=50_000)
        house.books.new()
        found = asked(house, "Explain what hash tables do.", learned=False)
        if relaxes:
            assert (found["x-tenbin-cache"], found["entry"]) == ("hit", first["entry"])
        else:
            assert (found["x-tenbin-cache"], found["why"]) == ("miss", "not alike enough")
