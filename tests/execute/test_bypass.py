"""A middle proxy that is down is gone past, with the provider's own key, and used again when it is back."""

import socket
from pathlib import Path
from typing import Any

import msgspec

from tenbin.config.model import Cooldown
from tenbin.execute.bypass import circuit_name
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller
from tests.real.books import configured, serving


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def behind(middle: str, url: str) -> Any:
    direct = {"base_url": f"{url}/anthropic", "api_key": "sk-direct", "headers": {"x-way": "direct"}}
    return configured(
        providers={"anthropic": {"base_url": f"{middle}/middle", "api_key": "sk-middle", "direct": direct}},
        models={"one": ["anthropic/claude-sonnet-4-6"]},
        retries={"per_target": 0},
        cooldown={"after_failures": 2, "seconds": 300},
    )


def test_a_dead_middle_proxy_is_gone_past_within_the_same_attempt(simulator: RunningSimulator, tmp_path: Path) -> None:
    port = free_port()
    with serving(behind(f"http://127.0.0.1:{port}", simulator.url), tmp_path) as house:
        caller, gateway = Caller(house.url), house.running.gateway
        for _ in range(3):
            assert caller.ask("anthropic", "one").status_code == 200
        receipts = house.books.new(3)
        assert [[attempt.outcome for attempt in one.attempts] for one in receipts] == [["answered"]] * 3
        for entry in simulator.requests():
            assert dict(entry["headers"])["x-api-key"] == "sk-direct", "the proxy's key stays with the proxy"
            assert (dict(entry["headers"])["x-way"], entry["path"]) == ("direct", "/anthropic/v1/messages")
        rows = {row.target: row.state for row in gateway.targets()}
        assert rows[circuit_name("anthropic")] == "open"
        assert rows["anthropic/claude-sonnet-4-6"] == "closed"
        with RunningSimulator(port=port) as middle:  # it comes back, and its cooldown is over
            gateway.world.policy = msgspec.structs.replace(
                gateway.world.policy, cooldown=Cooldown(after_failures=2, seconds=0)
            )
            health = gateway.world.health[circuit_name("anthropic")]
            gateway.world.health[circuit_name("anthropic")] = msgspec.structs.replace(health, closed_until_ms=1)
            assert caller.ask("anthropic", "one").status_code == 200
            assert [dict(entry["headers"])["x-api-key"] for entry in middle.requests()] == ["sk-middle"]
        assert circuit_name("anthropic") not in gateway.world.health
        caller.http.close()


def test_a_middle_proxy_that_answers_is_believed(simulator: RunningSimulator, tmp_path: Path) -> None:
    with serving(behind(simulator.url, simulator.url), tmp_path) as house:
        caller = Caller(house.url)
        for script, status in (({"close_before_response": True}, 502), ({"status": 503}, 503)):
            simulator.script("*", script)
            assert caller.ask("anthropic", "one").status_code == status
        assert len(simulator.requests()) == 2, "what may have arrived is not sent again"
        caller.http.close()


def test_an_error_hides_both_keys(simulator: RunningSimulator, tmp_path: Path) -> None:
    with serving(behind(f"http://127.0.0.1:{free_port()}", simulator.url), tmp_path) as house:
        caller = Caller(house.url)
        simulator.script("*", {"status": 400, "message": "sk-direct and sk-middle are known here"})
        refused = caller.ask("anthropic", "one")
        assert refused.status_code == 400
        assert "(key) and (key) are known here" in refused.text
        caller.http.close()


def test_a_call_of_tenbins_own_goes_past_it_too(simulator: RunningSimulator, tmp_path: Path) -> None:
    """Else a proxy that is down would close the circuits of targets that answer."""
    ladder = [
        {"target": "anthropic/claude-haiku-5-5", "samples": 1, "accept": 0.7},
        {"target": "anthropic/claude-opus-5-5"},
    ]
    own = {
        "base_url": f"http://127.0.0.1:{free_port()}/middle",
        "api_key": "sk-middle",
        "direct": {"base_url": f"{simulator.url}/anthropic", "api_key": "sk-direct"},
    }
    config = configured(
        providers={"anthropic": own},
        cascades={"up": {"ladder": ladder, "skip": False, "opinions_usd": 1.0}},
        cooldown={"after_failures": 1, "seconds": 300},
    )
    with serving(config, tmp_path) as house:
        caller, gateway = Caller(house.url), house.running.gateway
        simulator.script("claude-haiku-5-5", *[{"text": "The capital of France is Paris."}] * 2)
        assert caller.ask("anthropic", "up", "What is the capital of France?").status_code == 200
        caller.http.close()
        receipt = house.books.one()
        asked = [one for one in receipt.attempts if one.purpose == "agreement"]
        assert [one.outcome for one in asked] == ["answered"]
        states = {row.target: row.state for row in gateway.targets()}
        assert states["anthropic/claude-haiku-5-5"] == "closed"
        assert all(dict(entry["headers"])["x-api-key"] == "sk-direct" for entry in simulator.requests())
