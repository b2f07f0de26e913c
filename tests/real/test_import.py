"""One configuration, two gateways: the real claude-code-router or LiteLLM with its own, and Tenbin with what was
imported from it. Both are asked the same, and the simulator behind them says who was asked for what.
"""

import contextlib
import http.client
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tenbin.config.importing import ccr, litellm
from tenbin.config.load import parse
from tenbin.simulator import RunningSimulator
from tests.config.importing.test_ccr import OTHERWISE, ROUTER, SAME
from tests.real import peers
from tests.real.books import House, serving
from tests.real.loopback import Loopback
from tests.real.peers import KEY, Peer

# The first run on a machine installs them.
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

    def asked(self, url: str, path: str, request: dict[str, Any], broken: Sequence[str] = ()) -> list[tuple[str, str]]:
        """(path, model) of the requests that came to the simulator, in order and each once, when a gateway was asked.
        The models of ``broken`` do not answer.
        """

        def ask() -> list[dict[str, Any]]:
            self.simulator.reset()
            for model in broken:
                self.simulator.script(model, *[{"status": 500}] * 20)
            connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
            headers = {"content-type": "application/json", "anthropic-version": "2023-06-01", "x-api-key": KEY}
            headers |= {"authorization": f"Bearer {KEY}", "user-agent": "claude-cli/2.1.330 (external, cli)"}
            connection.request("POST", path, json.dumps(request), headers)
            connection.getresponse().read()
            connection.close()
            return [entry for entry in self.simulator.requests() if entry["method"] == "POST"]

        return list(dict.fromkeys((entry["path"], entry["model"]) for entry in self.loopback.run(ask)))

    def turn(self, url: str, request: dict[str, Any]) -> tuple[str, str]:
        """Who is asked first for a turn of Claude Code."""
        return self.asked(url, "/v1/messages?beta=true", request)[0]

    def chat(self, url: str, model: str, broken: Sequence[str] = ()) -> list[tuple[str, str]]:
        """Who is asked for a question in OpenAI's dialect."""
        request = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
        return self.asked(url, "/v1/chat/completions", request, broken)


@pytest.fixture(scope="module")
def both(loopback: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with contextlib.ExitStack() as stack:
        simulator = loopback.run(lambda: stack.enter_context(RunningSimulator()))
        work = tmp_path_factory.mktemp("router")
        settings = {"Providers": [row(simulator.url, name) for name in PATHS], "Router": ROUTER}
        peer = stack.enter_context(
            peers.claude_code_router(loopback, loopback.free_port(), work, simulator.url, settings)
        )
        text = (work / ".claude-code-router" / "config.json").read_text(encoding="utf-8")
        config = parse(ccr.read(text, "config.json").text, environ={})
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
    assert both.turn(both.house.url, SAME[name]) == both.turn(both.peer.url, SAME[name])


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_rule_that_is_wrong_today_is_the_routers_alone(both: Both, name: str) -> None:
    request, before, after = OTHERWISE[name]
    assert both.turn(both.peer.url, request) == target(before)
    assert both.turn(both.house.url, request) == target(after)


def deployment(name: str, model: str, base: str, **more: Any) -> dict[str, Any]:
    return {"model_name": name, "litellm_params": {"model": model, "api_base": base, "api_key": "any", **more}}


@pytest.fixture(scope="module")
def both_proxies(loopback: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """LiteLLM with names, two deployments of one, fallbacks, an alias and a wildcard."""
    with contextlib.ExitStack() as stack:
        simulator = loopback.run(lambda: stack.enter_context(RunningSimulator()))
        openai, anthropic = f"{simulator.url}/openai/v1", f"{simulator.url}/anthropic"
        settings = {
            "model_list": [
                deployment("plain", "openai/gpt-4o", openai),
                deployment("claude", "anthropic/claude-sonnet-4-6", anthropic),
                deployment("pair", "openai/gpt-4.1", openai, order=2),
                deployment("pair", "openai/gpt-4.1-mini", openai, order=1),
                deployment("last", "openai/gpt-4o-mini", openai),
                deployment("relay/*", "openai/*", openai),
            ],
            "litellm_settings": {"telemetry": False, "num_retries": 0, "default_fallbacks": ["last"]},
            "router_settings": {
                "fallbacks": [{"plain": ["claude"]}],
                "model_group_alias": {"other-name": "plain"},
                "disable_cooldowns": True,
            },
        }
        work = tmp_path_factory.mktemp("litellm")
        peer = stack.enter_context(peers.litellm(loopback, loopback.free_port(), work, simulator.url, settings))
        text = (work / "litellm.yaml").read_text(encoding="utf-8")
        config = parse(litellm.read(text, "litellm.yaml").text, environ={})
        ledger: Path = tmp_path_factory.mktemp("ledger")
        house = loopback.run(lambda: stack.enter_context(serving(config, ledger)))
        yield Both(loopback, simulator, peer, house)


CHAT, MESSAGES = "/openai/v1/chat/completions", "/anthropic/v1/messages"


@pytest.mark.parametrize(
    ("name", "broken", "asked"),
    [
        ("plain", [], [(CHAT, "gpt-4o")]),
        ("claude", [], [(MESSAGES, "claude-sonnet-4-6")]),
        ("other-name", [], [(CHAT, "gpt-4o")]),
        ("pair", [], [(CHAT, "gpt-4.1-mini")]),
        ("relay/gpt-4.1", [], [(CHAT, "gpt-4.1")]),
        ("plain", ["gpt-4o"], [(CHAT, "gpt-4o"), (MESSAGES, "claude-sonnet-4-6")]),
        ("claude", ["claude-sonnet-4-6"], [(MESSAGES, "claude-sonnet-4-6"), (CHAT, "gpt-4o-mini")]),
    ],
)
def test_names_and_fallbacks_lead_to_the_same_models(
    both_proxies: Both, name: str, broken: list[str], asked: list[tuple[str, str]]
) -> None:
    assert both_proxies.chat(both_proxies.peer.url, name, broken) == asked
    assert both_proxies.chat(both_proxies.house.url, name, broken) == asked
