"""Exploration through the real gateway: others are tried, their chances are kept, and the draw decides again alike."""

from collections import Counter
from pathlib import Path

import pytest

from tenbin.decide.exploration import propensity
from tenbin.decide.weigh import choose
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller
from tests.execute.test_exchange_weighed import LARGE, MIDDLE, SESSION, SMALL, configuration
from tests.real.books import receipts_in, serving


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_others_that_are_good_enough_are_tried(simulator: RunningSimulator, tmp_path: Path, share: float) -> None:
    settings = {"exploration": {"share": share, "max_usd": 1.0}, "floor": 0.95, "abilities": {SMALL: 2.9, MIDDLE: 3}}
    with serving(configuration(simulator, **settings), tmp_path) as house:
        caller = Caller(house.url)
        for number in range(30):
            assert caller.ask("anthropic", "auto", f"What is the capital of country {number}?").status_code == 200
        for _ in range(2):
            caller.ask("anthropic", "auto", "What is the capital of France?", headers=SESSION)
        caller.http.close()
        house.books.new(32)
    receipts = receipts_in(tmp_path)
    weighings = [receipt.weighing for receipt in receipts if receipt.weighing is not None]
    assert len(weighings) == 32
    assert all(choose(weighing) == weighing for weighing in weighings)
    answered = Counter(f"{receipt.attempts[-1].provider}/{receipt.attempts[-1].model}" for receipt in receipts[:30])
    if not share:
        assert all(weighing.exploration is None for weighing in weighings)
        assert len(answered) == 1
        return
    assert len(answered) > 1
    assert set(answered) <= {SMALL, MIDDLE, LARGE}
    for weighing in weighings[:31]:
        assert weighing.exploration is not None
        assert dict(weighing.exploration.propensities)[weighing.order[0]] == propensity(weighing) > 0
    held = weighings[31]
    assert held.session is not None
    assert held.exploration is not None
    assert not held.exploration.propensities, "the conversation has begun"
