"""One configuration, two gateways: the real claude-code-router with its config.json, and Tenbin with what was imported
from it. Both are asked the same, and the simulator behind them says who was asked for what.
"""

import contextlib
import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tenbin.config.importing.ccr import read
from tenbin.config.load import parse
from tenbin.simulator import RunningSimulator
from tests.config.importing.test_ccr import OTHERWISE, ROUTER, SAME
from tests.real.books import House, serving
from tests.real.loopback import Loopback
from tests.real.peers import KEY, Peer, claude_code_router

# The first run on a machine installs it.
pytestmark = pytest.mark.timeout(900)

PATHS = {
    "openrouter": "/openrouter/api/v1/chat/completions",
    "deepseek": "/deepseek/chat/completions",
    "ollama": "/vllm/v1/chat/completions",
    "gemini": "/gemini/v1beta/openai/chat/completions",
    "claude": "/anthropic/v1/messages",
}
"""Where the simulator stands for each provider of the router's rules."""


@dataclass(frozen=True)
class Both:
    """The old gateway and the new one, in front of the same simulator."""

    loopback: Loopback
    simulator: RunningSimulator
    peer: Peer
    house: House

    def first_asked(self, url: str, request: dict[str, Any]) -> tuple[str, str]:
        """(path, model) of the first request that came to the simulator, when a gateway was asked."""

        def ask() -> list[dict[str, Any]]:
            self.simulator.reset()
            connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
            headers = {"content-type": "application/json", "anthropic-version": "2023-06-01", "x-api-key": KEY}
            headers["user-agent"] = "claude-cli/2.1.330 (external, cli)"
            connection.request("POST", "/v1/messages?beta=true", json.dumps(request), headers)
            answer = connection.getresponse()
            said = answer.read()
            connection.close()
            entries = [entry for entry in self.simulator.requests() if entry["method"] == "POST"]
            assert entries, f"nobody was asked: {answer.status} {said[:500]!r} {self.peer.log()}"
            return entries

        entry = self.loopback.run(ask)[0]
        return entry["path"], entry["model"]


@pytest.fixture(scope="module")
def both(loopback: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with contextlib.ExitStack() as stack:
        simulator = loopback.run(lambda: stack.enter_context(RunningSimulator()))
        work = tmp_path_factory.mktemp("router")
        settings = {"Providers": [row(simulator.url, name) for name in PATHS], "Router": ROUTER}
        peer = stack.enter_context(claude_code_router(loopback, loopback.free_port(), work, simulator.url, settings))
        text = (work / ".claude-code-router" / "config.json").read_text(encoding="utf-8")
        config = parse(read(text, "config.json").text, environ={})
        ledger: Path = tmp_path_factory.mktemp("ledger")
        house = loopback.run(lambda: stack.enter_context(serving(config, ledger)))
        yield Both(loopback, simulator, peer, house)


def row(url: str, name: str) -> dict[str, Any]:
    models = [target.partition(",")[2] for target in ROUTER.values() if str(target).startswith(f"{name},")]
    written = {"name": name, "api_base_url": url + PATHS[name], "api_key": "any", "models": [*models, "another"]}
    return {**written, "transformer": {"use": ["Anthropic"]}} if name == "claude" else written


def target(rule: str) -> tuple[str, str]:
    """What one of the router's rules says, as the simulator sees it."""
    provider, _, model = ROUTER[rule].partition(",")
    return PATHS[provider], model


@pytest.mark.parametrize("name", SAME)
def test_both_ask_the_same_model(both: Both, name: str) -> None:
    assert both.first_asked(both.house.url, SAME[name]) == both.first_asked(both.peer.url, SAME[name])


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_rule_that_is_wrong_today_is_the_routers_alone(both: Both, name: str) -> None:
    request, before, after = OTHERWISE[name]
    assert both.first_asked(both.peer.url, request) == target(before)
    assert both.first_asked(both.house.url, request) == target(after)
