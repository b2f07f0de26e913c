"""A budget that empties at a real gateway: answers degrade first, new turns stop last, and none is stopped inside."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from click.testing import CliRunner

from tenbin.cli.commands import tenbin
from tenbin.config.landing import STANDARD
from tenbin.config.model import Config
from tenbin.decide.candidates import resolve
from tenbin.decide.landing import effects, landed
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller
from tests.real.books import House, configured, serving

OPUS, SONNET, HAIKU = "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"
USD = {OPUS: (5, 25), SONNET: (3, 15), HAIKU: (0.5, 2.5)}
TURN = [{"role": "user", "content": "Go."}]
CALL = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "seen"}
IN_TURN = [*TURN, {"role": "assistant", "content": [CALL]}, {"role": "user", "content": [RESULT]}]
CHAT_IN_TURN = [
    *TURN,
    {
        "role": "assistant",
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "c", "content": "seen"},
]
"""What is sent to spend, whatever is stopped."""
TOOLS = [{"name": "look", "input_schema": {"type": "object"}}]
LANDING = "x-tenbin-landing"

Serve = Callable[..., "Gateway"]


class Gateway:
    """A gateway, and a client of it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.caller = Caller(house.url)
        self.spent = 0

    def ask(self, model: str = OPUS, *, session: str = "s1", **fields: Any) -> httpx2.Response:
        body = {"model": model, "max_tokens": 1_000, "messages": TURN, **fields}
        return self.caller.http.post("/v1/messages", json=body, headers={"x-claude-code-session-id": session})

    def spend(self, share: float) -> None:
        """Fill a budget of one dollar to here: calls of the model ``fee`` cost a hundredth each."""
        self.spent += sum(receipt.billed_nano or 0 for receipt in self.house.books.new())
        for _ in range(round(share * 100) - round(self.spent / 10_000_000)):
            body = {"model": "fee", "messages": CHAT_IN_TURN}
            done = self.caller.http.post("/v1/chat/completions", json=body, headers={"x-tenbin-cache": "off"})
            assert done.status_code == 200, done.text
        self.spent += sum(receipt.billed_nano or 0 for receipt in self.house.books.new())


@pytest.fixture
def serve(simulator: RunningSimulator, tmp_path: Path) -> Iterator[Serve]:
    """Starts gateways in front of the simulator; everybody's budget of this month is a dollar."""
    with ExitStack() as stack:

        def begin(landing: Any = True, **keys: Any) -> Gateway:
            models = {name: {"price": {"input": cost[0], "output": cost[1]}} for name, cost in USD.items()}
            fee = {"price": {"input": 0, "output": 0, "per_request": 0.01}}
            gratis = {"price": {"input": 0, "output": 0}}
            spending = {"budgets": [{"scope": "global", "window": "month", "usd": 1.0}], "landing": landing}
            config = configured(
                **{
                    "providers": {
                        "anthropic": {"base_url": f"{simulator.url}/anthropic", "api_key": "k", "models": models},
                        "openai": {
                            "base_url": f"{simulator.url}/openai/v1",
                            "api_key": "k",
                            "models": {"fee": fee, "gratis": gratis},
                        },
                    },
                    "models": {"fee": ["openai/fee"]},
                    "spending": spending,
                    **keys,
                }
            )
            gateway = Gateway(stack.enter_context(serving(config, tmp_path)))
            stack.callback(gateway.caller.http.close)
            return gateway

        yield begin


def filling(gateway: Gateway, shares: tuple[float, ...]) -> list[tuple[float, str]]:
    """Which model answers a new turn for Opus at each share."""
    found = []
    for share in shares:
        gateway.spend(share)
        answer = gateway.ask(session=f"s{share}")
        found.append((share, answer.headers.get("x-tenbin-model", str(answer.status_code))))
    return found


def test_a_budget_empties(serve: Serve, simulator: RunningSimulator) -> None:
    """Opus, then Sonnet, then Haiku, then no new turn; what was done stands on each receipt."""
    gateway = serve({"stages": _stages(), "stop_at": 0.97})
    shares = (0.0, 0.6, 0.81, 0.91, 0.98)
    assert filling(gateway, shares) == list(zip(shares, (OPUS, OPUS, SONNET, HAIKU, "429"), strict=True))


def _stages() -> list[dict[str, Any]]:
    return [
        {"at": 0.8, "models": {"*opus*": SONNET}, "effort": "medium"},
        {"at": 0.9, "models": {"*sonnet*": HAIKU}, "max_tokens": 500},
    ]


def test_what_was_done_is_told(serve: Serve, simulator: RunningSimulator, tmp_path: Path) -> None:
    gateway = serve()
    gateway.spend(0.92)
    simulator.reset()
    answer = gateway.ask(max_tokens=32_000, output_config={"effort": "high"})
    assert answer.status_code == 200
    assert answer.headers[LANDING].startswith("stage=3; budget=global/month; share=0.92")
    assert "substitutes,floor,tier,effort,max_tokens,cache,background,user_limits" in answer.headers[LANDING]
    (sent,) = simulator.requests()
    assert sent["body"]["model"] == HAIKU
    assert (sent["body"]["max_tokens"], sent["body"]["output_config"]) == (16_000, {"effort": "low"})
    receipt = gateway.house.books.one()
    assert receipt.requested_model == OPUS, "the receipt says what was asked for"
    assert receipt.route == "landing family:claude-"
    name, told = receipt.trace[0]
    assert name == "landing"
    assert (told["stage"], told["turn_stage"], told["budget"], told["effort"]) == (3, 3, "global/month", "low")
    assert tuple(told["effects"]) == effects(STANDARD, told["stage"], told["turn_stage"]).words
    explained = CliRunner().invoke(
        tenbin, ["explain", "--request", receipt.request_id, "--data-dir", str(tmp_path)], env={"LC_ALL": "C"}
    )
    assert "Soft landing: stage 3, global/month is 92 % used: cheaper models, " in explained.output


def test_the_receipt_leads_to_the_same_decision_again(serve: Serve) -> None:
    """The configuration whose hash it bears, and what its trace keeps of the landing, are all that was decided by."""
    gateway = serve()
    gateway.spend(0.83)
    gateway.ask()
    receipt = gateway.house.books.one()
    told = receipt.trace[0][1]
    inside = gateway.house.running.gateway
    done = effects(STANDARD, told["stage"], told["turn_stage"])
    policy = landed(inside.world.policy, done, inside.prices.price, receipt.arrived_at_ms)
    chain = resolve(receipt.requested_model, policy)
    assert receipt.attempts[-1].model == SONNET
    assert (chain.route, chain.targets[0].model) == (receipt.route, SONNET)
    assert receipt.policy == policy.hash


def test_less_is_asked_of_nobody_while_there_is_enough(serve: Serve, simulator: RunningSimulator) -> None:
    gateway = serve()
    gateway.spend(0.5)
    answer = gateway.ask()
    assert LANDING not in answer.headers
    assert gateway.house.books.one().trace[0][0] == "call"


def test_a_turn_ends_with_the_model_that_it_began_with(serve: Serve) -> None:
    gateway = serve({"stages": _stages()[:1]})
    gateway.spend(0.7)
    assert gateway.ask().headers["x-tenbin-model"] == OPUS
    gateway.spend(0.85)
    inside = gateway.ask(messages=IN_TURN, tools=TOOLS)
    assert inside.headers["x-tenbin-model"] == OPUS
    assert LANDING not in inside.headers, "nothing is done for it"
    assert gateway.ask().headers["x-tenbin-model"] == SONNET
    assert gateway.ask(messages=IN_TURN, tools=TOOLS).headers["x-tenbin-model"] == SONNET
    assert gateway.ask(messages=IN_TURN, tools=TOOLS, session="another").headers["x-tenbin-model"] == OPUS


def test_a_stage_may_change_turns_inside(serve: Serve) -> None:
    gateway = serve({"stages": [{**_stages()[0], "inside_turns": True}]})
    gateway.spend(0.85)
    assert gateway.ask(messages=IN_TURN, tools=TOOLS).headers["x-tenbin-model"] == SONNET


def test_it_stops_between_turns_and_inside_one_only_at_the_limit(serve: Serve) -> None:
    gateway = serve({"stages": [{"at": 0.97, "cache": True}]})
    gateway.spend(0.98)
    refused = gateway.ask(HAIKU)
    assert refused.status_code == 429
    error = refused.json()["error"]
    assert error["type"] == "billing_error"
    assert "this month's budget for everybody: $0.98 of $1.00 spent · resets" in error["message"]
    assert refused.headers["x-should-retry"] == "false"
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["anthropic-ratelimit-unified-status"] == "rejected"
    assert "anthropic-ratelimit-unified-representative-claim" not in refused.headers
    assert refused.headers[LANDING].startswith("stage=1; refused; budget=global/month")
    assert gateway.ask(HAIKU, messages=IN_TURN, tools=TOOLS).status_code == 200
    stopped = gateway.ask(HAIKU, messages=IN_TURN, tools=TOOLS, max_tokens=20_000)
    assert (stopped.status_code, stopped.json()["error"]["type"]) == (429, "billing_error")
    assert stopped.headers["anthropic-ratelimit-unified-status"] == "rejected"
    first = next(one for one in gateway.house.books.new() if one.outcome == "failed")
    assert (first.status, first.failure, first.attempts) == (429, "over_budget", ())
    assert first.trace[0] == ["refused", "landing", "billing_error"]


def test_what_costs_nothing_is_not_stopped(serve: Serve) -> None:
    gateway = serve({"stages": [{"at": 0.9, "models": {"*sonnet*": "openai/gratis"}}]})
    gateway.spend(0.98)
    assert gateway.ask("openai/gratis").status_code == 200
    assert gateway.ask(SONNET).headers["x-tenbin-model"] == "gratis"
    assert gateway.ask(HAIKU).status_code == 429


def test_an_openai_client_is_told_in_its_own_words(serve: Serve) -> None:
    gateway = serve()
    gateway.spend(0.98)
    body = {"model": HAIKU, "messages": TURN}
    refused = gateway.caller.http.post("/v1/chat/completions", json=body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "insufficient_quota")
    assert not [name for name in refused.headers if "unified" in name]


def test_what_is_not_needed_waits(serve: Serve) -> None:
    stage = {"at": 0.8, "pause": {"names": ["*haiku*"]}}
    gateway = serve({"stages": [stage]})
    gateway.spend(0.85)
    waiting = gateway.ask(HAIKU)
    assert waiting.status_code == 429
    assert "Requests of this kind wait until the budget begins anew" in waiting.json()["error"]["message"]
    assert gateway.ask(OPUS).status_code == 200
    assert gateway.ask(HAIKU, messages=IN_TURN, tools=TOOLS).status_code == 200


@pytest.mark.parametrize(
    ("share", "status", "passed"),
    [(0.3, "allowed", None), (0.8, "allowed_warning", "0.75"), (0.96, "allowed_warning", "0.95")],
)
def test_claude_code_is_told_how_full_its_budget_is(
    serve: Serve, share: float, status: str, passed: str | None
) -> None:
    """By the gateway contract that comes with it; also where nothing lands."""
    gateway = serve(landing=False)
    gateway.spend(share)
    answer = gateway.ask(HAIKU)
    unified = {
        name.removeprefix("anthropic-ratelimit-unified-"): value
        for name, value in answer.headers.items()
        if "unified" in name
    }
    resets = unified.pop("overage-reset")
    assert unified.pop("reset") == resets
    assert unified.pop("overage-surpassed-threshold", None) == passed
    assert unified == {
        "status": status,
        "representative-claim": "overage",
        "overage-status": status,
        "overage-utilization": f"{share:.2f}",
    }


def test_a_cached_answer_is_found_by_what_was_asked_and_no_degraded_one_is_kept(
    serve: Serve, simulator: RunningSimulator
) -> None:
    gateway = serve(cache={"exact": "serve"})
    asked: dict[str, Any] = {"max_tokens": 32_000}
    gateway.ask(HAIKU, **asked)
    gateway.spend(0.92)
    assert gateway.ask(HAIKU, **asked).headers["x-tenbin-cache"] == "hit"
    other = {**asked, "messages": [{"role": "user", "content": "Another."}]}
    for _ in range(2):
        assert gateway.ask(HAIKU, **other).headers["x-tenbin-cache"] == "miss"


def test_daily_limits_of_users_are_halved(serve: Serve) -> None:
    plans = {"keys": {"local": "small"}, "named": {"small": {"requests_per_day": 200}}}
    gateway = serve({"stages": [{"at": 0.9, "user_limits": 0.5}]}, plans=plans)
    left = "anthropic-ratelimit-requests-remaining"
    before = gateway.ask(HAIKU).headers
    gateway.spend(0.91)
    after = gateway.ask(HAIKU).headers
    assert int(before[left]) == 199
    assert int(after[left]) < 100


def test_own_spending_rests(serve: Serve, simulator: RunningSimulator) -> None:
    """No shadow evaluation is begun; a slow target is given no second one."""
    gateway = serve({"stages": [{"at": 0.7, "background": True}]}, hedging={"after_ms": 1, "share": 1.0})
    world = gateway.house.running.gateway.world
    assert world.policy.hedging is not None
    gateway.spend(0.75)
    simulator.reset()
    gateway.ask(HAIKU)
    assert gateway.house.books.one().trace[0][1]["effects"] == ["background"]
    assert world.landing is not None
    assert world.landing.no_background(world.clock.now_ms())


def test_a_reload_changes_the_stages(serve: Serve) -> None:
    gateway = serve({"stages": _stages()[:1]})
    gateway.spend(0.85)
    assert gateway.ask().headers["x-tenbin-model"] == SONNET
    running = gateway.house.running
    config = running.gateway.config
    running.call(lambda: running.gateway.apply(_without_landing(config)))
    assert gateway.ask().headers["x-tenbin-model"] == OPUS


def _without_landing(config: Config) -> Config:
    return msgspec.structs.replace(config, spending=msgspec.structs.replace(config.spending, landing=False))


def test_vectors_keep_their_model(serve: Serve) -> None:
    gateway = serve({"stages": [{"at": 0.0, "models": {"*": HAIKU}}]})
    answer = gateway.caller.http.post("/v1/embeddings", json={"model": "openai/text-embedding-3-small", "input": "x"})
    assert LANDING not in answer.headers
    assert HAIKU not in answer.text
