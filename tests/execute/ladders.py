"""A ladder of two simulated rungs behind a real gateway, asked in three dialects: what its tests have in common."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tenbin.core.receipt import Attempt, Receipt
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import PRICE, Caller, chained, events, said
from tests.real.books import House, serving

LOW, TOP = "gpt-4o", "claude-sonnet-4-6"
LADDER = [{"target": f"openai/{LOW}"}, {"target": f"anthropic/{TOP}"}]
GOOD = "The capital of France is Paris."
TOP_SAYS = "It is Paris, says the upper rung."
QUESTION = "What is the capital of France?"

WAYS = [(dialect, stream) for dialect in ("anthropic", "openai_chat", "openai_responses") for stream in (False, True)]
ways = pytest.mark.parametrize(("dialect", "stream"), WAYS)
chat_ways = pytest.mark.parametrize(("dialect", "stream"), [way for way in WAYS if way[0] != "openai_responses"])


@pytest.fixture(scope="module", name="house")
def ladder_house(simulator_running: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    cascades = {
        "up": {"ladder": LADDER, "skip": False},
        "down": {"ladder": LADDER[::-1], "skip": False},
        "judged": {
            "ladder": [{**one, "prior": 0.6, "accept": 0.99} for one in LADDER],
            "skip": False,
            "judge_top": True,
        },
        "late": {"ladder": LADDER, "skip": False, "max_wait_ms": 150},
        "lateup": {"ladder": LADDER, "skip": False, "max_wait_ms": 150, "late": "climb"},
        "asking": {
            "ladder": [
                {**LADDER[0], "samples": 1, "judge": {"target": "anthropic/judge-model"}, "accept": 0.75},
                LADDER[1],
            ],
            "skip": False,
            "opinions_usd": 1.0,
        },
    }
    config = chained(
        simulator_running.url,
        cascades=cascades,
        ping_seconds=0.05,
        timeouts={"connect": 2, "first_byte": 2, "idle": 0.5, "total": 10},
        retries={"per_target": 0},
    )
    with serving(config, tmp_path_factory.mktemp("ladder")) as running:
        yield running


@pytest.fixture(name="caller")
def ladder_caller(house: House, simulator: RunningSimulator) -> Iterator[Caller]:
    one = Caller(house.url)
    simulator.script(TOP, *[{"text": TOP_SAYS}] * 9)
    house.books.new()
    yield one
    one.http.close()


def ask(caller: Caller, dialect: str, stream: bool, model: str = "up", **fields: Any) -> httpx2.Response:
    if dialect != "openai_responses":
        return caller.ask(dialect, model, fields.pop("text", QUESTION), stream=stream, **fields)
    body = {"model": model, "input": fields.pop("text", QUESTION), "stream": stream, **fields}
    return caller.http.post("/v1/responses", json=body)


def words(response: httpx2.Response, dialect: str, stream: bool) -> str:
    if dialect != "openai_responses":
        return said(response, dialect, stream)
    if not stream:
        return "".join(part["text"] for item in response.json()["output"] for part in item.get("content", ()))
    return "".join(event["delta"] for event in events(response) if event.get("type") == "response.output_text.delta")


def complete(response: httpx2.Response, dialect: str) -> bool:
    """The stream came to its proper end."""
    last = events(response)[-1]
    if dialect == "openai_chat":
        return bool(last == "[DONE]")
    return last["type"] in ("message_stop", "response.completed")


def check_paid_once(receipt: Receipt, simulator: RunningSimulator) -> None:
    """Every call that the simulator served is on the receipt, priced by the list, and nothing else is."""
    served = simulator.requests()
    assert len(receipt.attempts) == len(served)
    assert sorted(one.number for one in receipt.attempts) == list(range(1, len(served) + 1))
    for attempt in receipt.attempts:
        usage = attempt.usage
        cost = (usage.input * PRICE["input"] + usage.output * PRICE["output"]) * 1000
        if attempt.model != "judge-model":
            assert attempt.cost_nano == cost
    known = [attempt.cost_nano for attempt in receipt.attempts]
    if None not in known:
        assert receipt.cost_nano == sum(one or 0 for one in known)


def rung(receipt: Receipt, number: int) -> Attempt:
    return next(one for one in receipt.attempts if one.rung == number and not one.purpose)
