"""What is remembered of targets that fail is bounded, whatever names clients think of."""

import pytest

from tenbin.execute import target_health
from tests.execute.conftest import Caller
from tests.real.books import House


def test_the_names_of_failed_targets_do_not_pile_up(
    caller: Caller, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    health = house.running.gateway.world.health
    for name in list(health):
        del health[name]
    monkeypatch.setattr(target_health, "MOST_UNWELL", 3)
    for number in range(8):
        assert caller.ask("anthropic", f"dead/{number}").status_code == 502
    assert set(health) == {"dead/5", "dead/6", "dead/7"}
