"""Two gateways that share a cache: one answers for the other in other words; a lost server costs a miss."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tenbin.simulator import RunningSimulator
from tests.execute.cache.test_meaning import PATIENCE, QUESTION, SAME, asked, loaded
from tests.execute.conftest import chained
from tests.real.books import House, serving, wait_until
from tests.real.postgres_server import PostgresServer
from tests.real.redis_server import VALKEY, RedisServer

SECRET = "one secret for all gateways of a house"


@contextlib.contextmanager
def two_gateways(url: str, folder: Path, store: str, **semantic: Any) -> Iterator[tuple[House, House]]:
    cache = {
        "exact": "serve",
        "store": store,
        "store_ms": 10_000,
        "secret": SECRET,
        "semantic": {**PATIENCE, "mode": "serve", **semantic},
    }
    config = chained(url, cache=cache)
    with serving(config, folder / "one") as one, serving(config, folder / "two") as two:
        loaded(one)
        loaded(two)
        yield one, two


def test_what_one_learned_in_redis_the_other_finds(simulator: RunningSimulator, tmp_path: Path) -> None:
    with RedisServer(tmp_path) as redis, two_gateways(simulator.url, tmp_path, redis.address) as (one, two):
        first = asked(one, QUESTION)
        headers = asked(two, SAME)
        assert (headers["x-tenbin-cache"], headers["tier"], headers["entry"]) == ("hit", "semantic", first["entry"])
        assert len(simulator.requests()) == 1


def test_vectors_in_postgresql_and_answers_in_redis(simulator: RunningSimulator, tmp_path: Path) -> None:
    with (
        RedisServer(tmp_path) as redis,
        PostgresServer() as postgres,
        two_gateways(simulator.url, tmp_path, redis.address, index=postgres.address) as (one, two),
    ):
        first = asked(one, QUESTION)
        asked(two, "What is a binary tree good for?")  # from then on it is connected
        headers = asked(two, SAME)
        assert (headers["x-tenbin-cache"], headers["tier"], headers["entry"]) == ("hit", "semantic", first["entry"])


def test_a_valkey_shares_what_is_the_same(simulator: RunningSimulator, tmp_path: Path) -> None:
    with (
        RedisServer(tmp_path, program=VALKEY) as valkey,
        two_gateways(simulator.url, tmp_path, valkey.address) as (one, two),
    ):
        first = asked(one, QUESTION)
        same = asked(two, QUESTION)
        assert (same["x-tenbin-cache"], same["tier"], same["entry"]) == ("hit", "exact", first["entry"])
        other = asked(two, SAME)
        assert (other["x-tenbin-cache"], other["why"]) == ("miss", "no question like it")


def test_a_server_that_is_lost_costs_a_miss(simulator: RunningSimulator, tmp_path: Path) -> None:
    with RedisServer(tmp_path) as redis, two_gateways(simulator.url, tmp_path, redis.address) as (one, two):
        asked(one, QUESTION)
        redis.kill()
        assert asked(two, SAME)["x-tenbin-cache"] == "miss"
        redis.start()
        wait_until(lambda: asked(one, QUESTION, temperature=0)["x-tenbin-cache"] == "hit", "a kept answer")


def test_an_embedder_at_a_provider_is_paid_for(simulator: RunningSimulator, tmp_path: Path) -> None:
    semantic = {**PATIENCE, "mode": "serve", "embedders": ["openai/text-embedding-3-small"]}
    with serving(chained(simulator.url, cache={"semantic": semantic}), tmp_path) as house:
        asked(house, QUESTION)
        asked(house, QUESTION.upper())
        wait_until(lambda: len(simulator.requests()) == 4, "two answers and two vectors")
        receipts = house.books.new(4)
    paid = [receipt for receipt in receipts if receipt.route == "semantic_cache"]
    assert [(receipt.operation, receipt.key_id) for receipt in paid] == [("embed", "local")] * 2
    assert all(receipt.usage.input > 0 for receipt in paid)
