"""A gateway in front of a simulator, both real servers in threads of this process, and a client of plain HTTP."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tenbin.config.model import Config
from tenbin.core.receipt import Receipt
from tenbin.simulator import RunningSimulator
from tests.real.books import Books, House, configured, serving

PRICE = {"input": 3, "output": 15, "cache_read": 0.3, "cache_write_5m": 3.75, "cache_write_1h": 6}
"""USD a million tokens."""


def chained(url: str, **keys: Any) -> Config:
    """Two priced providers, one that never states usage, one without a price, and one that nobody serves."""
    providers: dict[str, dict[str, Any]] = {
        "anthropic": {"base_url": f"{url}/anthropic", "models": {"claude-sonnet-4-6": {"price": PRICE}}},
        "openai": {"base_url": f"{url}/openai/v1", "dialect": "openai_chat", "models": {"gpt-4o": {"price": PRICE}}},
        "messy": {"base_url": f"{url}/messy/v1", "dialect": "openai_chat", "models": {"mess": {"price": PRICE}}},
        "unpriced": {"base_url": f"{url}/vllm/v1", "dialect": "openai_chat"},
        "dead": {"base_url": "http://127.0.0.1:1", "dialect": "anthropic"},
    }
    fields: dict[str, Any] = {
        "providers": {name: {"api_key": "sk-own", **row} for name, row in providers.items()},
        "models": {
            "one": ["anthropic/claude-sonnet-4-6"],
            "chain": ["anthropic/claude-sonnet-4-6", "openai/gpt-4o"],
            "chat": ["openai/gpt-4o"],
            "crossed": ["openai/gpt-4o", "anthropic/claude-sonnet-4-6"],
            "silent": ["messy/mess"],
            "unpriced": ["unpriced/some-model"],
            "nowhere": ["dead/x"],
            "saved": ["dead/x", "anthropic/claude-sonnet-4-6"],
        },
        "retries": {"per_target": 1, "base_ms": 1, "max_pause_ms": 1000},
        "cooldown": {"after_failures": 1_000_000, "seconds": 0},
        "timeouts": {"connect": 2, "first_byte": 0.6, "idle": 0.4, "total": 10},
        "ledger": {"sync_ms": 5},
        **keys,
    }
    return configured(**fields)


class Caller:
    """Asks the gateway in both dialects."""

    def __init__(self, url: str) -> None:
        self.http = httpx2.Client(base_url=url, timeout=20, trust_env=False)

    def body(self, dialect: str, model: str, text: str = "Hello", **fields: Any) -> dict[str, Any]:
        body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
        if dialect == "anthropic":
            body.setdefault("max_tokens", 500)
        elif fields.get("stream"):
            body.setdefault("stream_options", {"include_usage": True})
        return body

    def path(self, dialect: str) -> str:
        return "/v1/messages?beta=true" if dialect == "anthropic" else "/v1/chat/completions"

    def ask(
        self, dialect: str, model: str, text: str = "Hello", headers: dict[str, str] | None = None, **fields: Any
    ) -> httpx2.Response:
        return self.http.post(self.path(dialect), json=self.body(dialect, model, text, **fields), headers=headers)


def events(response: httpx2.Response) -> list[Any]:
    """The data of each event of a stream, decoded; ``[DONE]`` as it is."""
    assert response.headers["content-type"].startswith("text/event-stream")
    found = []
    for block in response.text.replace("\r\n", "\n").split("\n\n"):
        data = "\n".join(line[5:].strip() for line in block.split("\n") if line.startswith("data:"))
        if data:
            found.append(data if data == "[DONE]" else json.loads(data))
    return found


def said(response: httpx2.Response, dialect: str, stream: bool) -> str:
    """The words of an answer."""
    if dialect == "anthropic":
        if not stream:
            return "".join(block.get("text", "") for block in response.json()["content"])
        return "".join(event.get("delta", {}).get("text", "") for event in events(response) if event != "[DONE]")
    if not stream:
        return response.json()["choices"][0]["message"]["content"]
    chunks = [event for event in events(response) if event != "[DONE]"]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk.get("choices", [])]
    return "".join(delta.get("content") or "" for delta in deltas)


def truth(entry: dict[str, Any]) -> tuple[int, int]:
    """(prompt tokens, output tokens) that the simulator says it really used."""
    usage = entry["usage"]
    prompt = sum(
        usage.get(name, 0) for name in ("input", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write")
    )
    return prompt, usage.get("output", 0)


def counted(receipt: Receipt) -> list[tuple[int, int]]:
    """(prompt tokens, output tokens) of each attempt."""
    return [(attempt.usage.prompt, attempt.usage.output) for attempt in receipt.attempts]


@pytest.fixture(scope="session")
def simulator_running() -> Iterator[RunningSimulator]:
    with RunningSimulator() as running:
        yield running


@pytest.fixture
def simulator(simulator_running: RunningSimulator) -> RunningSimulator:
    """The simulator, without memory of earlier tests."""
    simulator_running.reset()
    return simulator_running


@pytest.fixture(scope="session")
def house(simulator_running: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with serving(chained(simulator_running.url), tmp_path_factory.mktemp("ledger")) as running:
        yield running


@pytest.fixture
def caller(house: House, simulator: RunningSimulator) -> Iterator[Caller]:
    """A client of the gateway; neither the receipts nor the failures of earlier tests count any more."""
    one = Caller(house.url)
    for model in ("one", "chat"):
        assert one.ask("anthropic", model).status_code == 200, "an answer ends a cooldown"
    simulator.reset()
    house.books.new()
    yield one
    one.http.close()


@pytest.fixture
def books(house: House, caller: Caller) -> Books:
    return house.books


@pytest.fixture(autouse=True)
def nothing_failed_inside(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No test, whatever it does to the gateway, may make it log an exception of its own. (Of an answer that is cut off
    the simulator's own server logs an error.)
    """
    with caplog.at_level(logging.WARNING):
        yield
    failures = [
        record
        for record in caplog.get_records("call")
        if record.exc_info or (record.levelno >= logging.ERROR and record.name != "uvicorn.error")
    ]
    assert not failures, [record.getMessage() for record in failures]
