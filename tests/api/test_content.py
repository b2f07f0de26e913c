"""Requests and answers are kept where that was asked for, and only there."""

import sqlite3
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tenbin.api.content import Keeper
from tenbin.config.content import ContentConfig
from tenbin.execute.clock import SystemClock
from tenbin.ledger.content import DATABASE, Content, ContentStore
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained
from tests.ledger.test_content import one
from tests.real.books import House, serving

KEY = b"k" * 32
SETTINGS: dict[str, Any] = {"store": True, "key": b64encode(KEY).decode(), "most_bytes": 2_000}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


@pytest.fixture
def house(simulator: RunningSimulator, directory: Path) -> Iterator[House]:
    with serving(chained(simulator.url, content=SETTINGS), directory) as running:
        yield running


@pytest.fixture
def caller(house: House) -> Iterator[Caller]:
    one = Caller(house.url)
    yield one
    one.http.close()


def found(house: House, directory: Path, response: Any) -> Content | None:
    content = house.running.gateway.content
    assert content is not None
    content.flush()
    with ContentStore(directory, KEY) as store:
        return store.find(response.headers["x-tenbin-request-id"])


@pytest.mark.parametrize("dialect", ["anthropic", "openai_chat"])
@pytest.mark.parametrize("model", ["one", "chat"])
@pytest.mark.parametrize("stream", [False, True])
def test_both_are_kept_as_the_client_had_them(
    house: House, caller: Caller, directory: Path, dialect: str, model: str, stream: bool
) -> None:
    response = caller.ask(dialect, model, stream=stream)
    kept = found(house, directory, response)
    assert kept is not None
    assert kept.request == response.request.content
    assert kept.answer == response.content[:2_000]
    assert (kept.answer_bytes, kept.status, kept.complete) == (len(response.content), 200, True)
    assert kept.key_id == "local"


def test_an_error_is_an_answer_and_what_is_long_is_cut(house: House, caller: Caller, directory: Path) -> None:
    kept = found(house, directory, caller.ask("anthropic", "nowhere", text="x" * 9_000))
    assert kept is not None
    assert kept.status >= 500
    assert len(kept.request) == 2_000 < kept.request_bytes


def test_counting_tokens_and_what_was_refused_before_are_not_kept(
    house: House, caller: Caller, directory: Path
) -> None:
    body = caller.body("anthropic", "one")
    del body["max_tokens"]
    assert found(house, directory, caller.http.post("/v1/messages/count_tokens", json=body)) is None
    assert found(house, directory, caller.http.post("/v1/messages", content=b"{")) is None


def test_what_has_outlived_its_days_is_deleted_at_a_start_also_when_switched_off(
    simulator: RunningSimulator, directory: Path
) -> None:
    for settings, left in (({**SETTINGS, "days": 2}, 1), ({"days": 2}, 1)):
        directory.mkdir(exist_ok=True)
        now_ms = SystemClock().now_ms()
        with ContentStore(directory, KEY) as store:
            store.purge()
            store.keep(one("old", at_ms=now_ms - 3 * 86_400_000), b"1" * 12)
            store.keep(one("young", at_ms=now_ms - 86_400_000), b"2" * 12)
        with serving(chained(simulator.url, content=settings), directory) as running:
            content = running.running.gateway.content
            if content is not None:
                content.flush()
            with ContentStore(directory, KEY) as store:
                assert store.counted()[0] == left


def test_nothing_is_kept_unless_it_is_asked_for(simulator: RunningSimulator, directory: Path) -> None:
    with serving(chained(simulator.url), directory) as running:
        caller = Caller(running.url)
        assert caller.ask("anthropic", "one").status_code == 200
        caller.http.close()
        assert running.running.gateway.content is None
    assert not (directory / DATABASE).exists()


def test_switched_on_and_off_while_it_runs(simulator: RunningSimulator, directory: Path) -> None:
    with serving(chained(simulator.url), directory) as running:
        caller = Caller(running.url)
        for settings, kept in (({}, 0), (SETTINGS, 1), ({}, 1), (SETTINGS, 2)):
            running.running.gateway.apply(chained(simulator.url, content=settings))
            assert caller.ask("anthropic", "one").status_code == 200
            running.books.new()
            content = running.running.gateway.content
            if content is not None:
                content.flush()
            with ContentStore(directory, None) as store:
                assert store.counted()[0] == kept
        caller.http.close()


def test_a_file_that_cannot_be_written_to_loses_content_and_nothing_else(
    house: House, caller: Caller, directory: Path
) -> None:
    content = house.running.gateway.content
    assert content is not None
    content.flush()
    with sqlite3.connect(directory / DATABASE) as database:
        database.execute("DROP TABLE content")
    database.close()
    assert caller.ask("anthropic", "one").status_code == 200
    assert house.books.new(1)[0].status == 200
    content.flush()
    assert content.dropped == 1


def test_behind_a_closed_keeper_nothing_waits(tmp_path: Path) -> None:
    keeper = Keeper(ContentConfig(**SETTINGS), tmp_path, SystemClock())
    keeper.close()

    class Asked:
        body = b"x"

    class Watched:
        ask, size = Asked(), 1

    keeper.note(Watched())  # type: ignore[arg-type]
    assert keeper.dropped == 1
