"""A gateway in front of a provider that keeps what it is sent and answers with any bytes."""

from collections.abc import Iterator

import pytest

from tests.execute.conftest import PRICE, Caller
from tests.real.books import House, configured, serving
from tests.security.listener import Listener, answer_of


@pytest.fixture(scope="session")
def listening() -> Iterator[Listener]:
    with Listener() as one:
        yield one


@pytest.fixture
def provider(listening: Listener) -> Listener:
    """The provider, without memory of earlier tests."""
    listening.requests.clear()
    listening.answer = answer_of()
    return listening


@pytest.fixture(scope="session")
def house(listening: Listener, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    row = {"base_url": listening.url, "api_key": "sk-own-of-the-gateway", "models": {"m": {"price": PRICE}}}
    config = configured(
        providers={
            "same": {**row, "dialect": "anthropic"},
            "chat": {**row, "dialect": "openai_chat"},
            "responses": {**row, "dialect": "openai_responses"},
        },
        models={"one": ["same/m"], "chat": ["chat/m"], "told": ["responses/m"]},
        retries={"per_target": 0},
        cooldown={"after_failures": 1_000_000, "seconds": 0},
        timeouts={"connect": 2, "first_byte": 2, "idle": 2, "total": 10},
        limits={"header_seconds": 0.5, "body_seconds": 1},
        ledger={"sync_ms": 5},
    )
    with serving(config, tmp_path_factory.mktemp("attacked")) as running:
        yield running


@pytest.fixture
def caller(house: House, provider: Listener) -> Iterator[Caller]:
    house.books.new()
    one = Caller(house.url)
    yield one
    one.http.close()
