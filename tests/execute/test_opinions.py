"""Other opinions on a held answer, from real servers: second samples, a judge's mark, and what goes wrong with them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tenbin.core.gating import Gating
from tenbin.core.receipt import Receipt
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import PRICE, Caller, chained, said
from tests.execute.judge_server import Judging, judging
from tests.real.books import House, serving

LOW, TOP = "gpt-4o", "claude-sonnet-4-6"
GOOD, TOP_SAYS = "The capital of France is Paris.", "So says the upper rung."
QUESTION = "What is the capital of France?"


@pytest.fixture(scope="module")
def judge() -> Iterator[Judging]:
    with judging(lambda answer, _: "9" if "Paris" in answer else "0") as running:
        yield running


def configuration(simulator: RunningSimulator, judge: Judging, **settings: Any) -> Any:
    rung = {"target": f"openai/{LOW}", "accept": 0.8, "prior": 0.8}
    providers = {
        "anthropic": {"base_url": f"{simulator.url}/anthropic", "models": {TOP: {"price": PRICE}}},
        "openai": {
            "base_url": f"{simulator.url}/openai/v1",
            "dialect": "openai_chat",
            "models": {LOW: {"price": PRICE}},
        },
        "judge": {"base_url": judge.url, "dialect": "openai_chat", "models": {"wise": {"price": PRICE}}},
    }
    asking = {**rung, "judge": {"target": "judge/wise", "rubric": ["It names Paris."], "timeout_ms": 500}}
    return chained(
        simulator.url,
        providers={name: {"api_key": "sk-own", **row} for name, row in providers.items()},
        models={},
        cascades={
            "judged": {
                "ladder": [asking, {"target": f"anthropic/{TOP}"}],
                "skip": False,
                "opinions_usd": 1,
                **settings,
            },
            "twice": {
                "ladder": [{**rung, "samples": 2}, {"target": f"anthropic/{TOP}"}],
                "skip": False,
                "opinions_usd": 1,
                **settings,
            },
        },
    )


@pytest.fixture(scope="module")
def house(
    simulator_running: RunningSimulator, judge: Judging, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    with serving(configuration(simulator_running, judge), tmp_path_factory.mktemp("opinions")) as running:
        yield running


def asked(house: House, simulator: RunningSimulator, model: str, *texts: str) -> tuple[str, Receipt, Gating]:
    simulator.reset()
    simulator.script(LOW, *({"text": text} for text in texts))
    simulator.script(TOP, {"text": TOP_SAYS})
    house.books.new()
    caller = Caller(house.url)
    response = caller.ask("openai_chat", model, QUESTION)
    caller.http.close()
    receipt = house.books.one()
    gating = receipt.attempts[0].gating
    assert gating is not None
    return said(response, "openai_chat", False), receipt, gating


def scores(gating: Gating) -> dict[str, float | None]:
    return {name: score for name, score, _ in gating.parts}


def test_a_judges_mark_counts_and_is_paid_for(house: House, simulator: RunningSimulator, judge: Judging) -> None:
    text, receipt, gating = asked(house, simulator, "judged", GOOD)
    assert text == GOOD
    assert scores(gating)["judge"] == 0.9
    second = receipt.attempts[1]
    assert (second.purpose, second.rung, second.model) == ("judge", 1, "wise")
    assert second.cost_nano == (1_000 * PRICE["input"] + 40 * PRICE["output"]) * 1000
    assert receipt.last == receipt.attempts[0], "a judge does not answer"
    assert receipt.billed_nano == sum(one.billed_nano or 0 for one in receipt.attempts)
    prompt = "".join(message["content"] for message in judge.bodies[-1]["messages"])
    assert "It names Paris." in prompt
    assert QUESTION in prompt


def test_a_bad_mark_sends_the_question_up(house: House, simulator: RunningSimulator) -> None:
    text, receipt, gating = asked(house, simulator, "judged", "The capital of France is London.")
    assert text == TOP_SAYS
    assert scores(gating)["judge"] == 0.0
    assert [(one.rung, one.purpose) for one in receipt.attempts] == [(1, ""), (1, "judge"), (2, "")]
    assert [one.number for one in receipt.attempts] == [1, 2, 3]


def test_a_judge_that_is_too_slow_says_nothing(house: House, simulator: RunningSimulator, judge: Judging) -> None:
    judge.held.clear()
    try:
        text, receipt, gating = asked(house, simulator, "judged", GOOD)
    finally:
        judge.held.set()
    assert scores(gating)["judge"] is None
    assert receipt.attempts[1].failure == "timeout"
    assert receipt.attempts[1].usage.input > 0, "it has read the question, and that is paid for"
    assert text == (GOOD if gating.passed else TOP_SAYS)


def test_samples_that_agree_and_that_do_not(house: House, simulator: RunningSimulator) -> None:
    same = asked(house, simulator, "twice", "It is 42.", "42", "The answer is 42.")[2]
    other = asked(house, simulator, "twice", "It is 42.", "17", "It is 99.")[2]
    agreed, differed = scores(same)["agreement"], scores(other)["agreement"]
    assert agreed is not None
    assert differed is not None
    assert agreed > 0.7 > differed
    assert same.score is not None
    assert other.score is not None
    assert same.score > other.score


def test_a_sample_is_drawn_with_some_chance(house: House, simulator: RunningSimulator) -> None:
    asked(house, simulator, "twice", "It is 42.", "42", "42")
    bodies = [entry["body"] for entry in simulator.requests()]
    assert [body.get("temperature") for body in bodies[:3]] == [None, 0.4, 0.4]


def test_nobody_is_asked_beyond_the_money(simulator: RunningSimulator, judge: Judging, tmp_path: Path) -> None:
    with serving(configuration(simulator, judge, opinions_usd=0.0), tmp_path) as running:
        for model in ("judged", "twice"):
            receipt = asked(running, simulator, model, GOOD, GOOD, GOOD)[1]
            assert not any(one.purpose for one in receipt.attempts)
