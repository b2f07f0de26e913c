"""A simulator for each test module, emptied before each test, and a plain HTTP client for it."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tenbin.simulator import RunningSimulator


@pytest.fixture(scope="module")
def _running() -> Iterator[RunningSimulator]:
    with RunningSimulator() as running:
        yield running


@pytest.fixture
def simulator(_running: RunningSimulator) -> RunningSimulator:
    _running.reset()
    return _running


class Client:
    """Sends requests in each dialect and reads the answers, knowing nothing but HTTP, JSON and lines."""

    def __init__(self, url: str) -> None:
        self.http = httpx2.Client(base_url=url, timeout=20)
        self.headers = {"x-api-key": "sk-test", "authorization": "Bearer sk-test", "anthropic-version": "2023-06-01"}

    def post(self, path: str, body: Any, extra: dict[str, str] | None = None, /, **script: Any) -> httpx2.Response:
        sent = {**self.headers, **(extra or {})}
        if script:
            sent["x-simulate"] = json.dumps(script)
        return self.http.post(path, json=body, headers={name: value for name, value in sent.items() if value})

    def messages(self, text: str = "Hello", /, **fields: Any) -> httpx2.Response:
        """Send a Messages request; `simulate` is the script, `headers` are added or, empty, left out."""
        script, headers = fields.pop("simulate", {}), fields.pop("headers", {})
        body = {"model": "claude-sonnet-4-6", "max_tokens": 1000, "messages": [{"role": "user", "content": text}]}
        return self.post("/v1/messages?beta=true", {**body, **fields}, headers, **script)

    def chat(self, text: str = "Hello", /, **fields: Any) -> httpx2.Response:
        """Send a Chat Completions request to `path`; `simulate` is the script."""
        script, path = fields.pop("simulate", {}), fields.pop("path", "/v1/chat/completions")
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}
        return self.post(path, {**body, **fields}, **script)

    def responses(self, text: Any = "Hello", /, **fields: Any) -> httpx2.Response:
        """Send a Responses request to `path`; `simulate` is the script."""
        script, path = fields.pop("simulate", {}), fields.pop("path", "/v1/responses")
        return self.post(path, {"model": "gpt-5", "input": text, **fields}, **script)

    def ollama(self, text: str = "Hello", /, **fields: Any) -> httpx2.Response:
        """Send an Ollama chat; `simulate` is the script."""
        script = fields.pop("simulate", {})
        body = {"model": "llama3.2", "messages": [{"role": "user", "content": text}]}
        return self.post("/api/chat", {**body, **fields}, **script)


def events(response: httpx2.Response) -> list[Any]:
    """Return the data of all events of an SSE body, `[DONE]` and comments left out."""
    lines = response.text.replace("\r\n", "\n").split("\n")
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ") and line != "data: [DONE]"]


@pytest.fixture
def client(simulator: RunningSimulator) -> Iterator[Client]:
    made = Client(simulator.url)
    yield made
    made.http.close()
