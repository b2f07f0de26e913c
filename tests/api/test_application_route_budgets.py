"""A hard budget of a route at a real gateway: whatever leads into the route, its calls draw on it."""

from pathlib import Path

import pytest

from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained
from tests.real.books import serving


@pytest.mark.parametrize("scope", ["route:model:one", "route:*"])
def test_no_way_into_a_route_leads_past_its_budget(simulator: RunningSimulator, tmp_path: Path, scope: str) -> None:
    more = {
        "spending": {"budgets": [{"scope": scope, "window": "day", "usd": 0.0095}]},
        "routing": {"aliases": {"best": "one"}},
    }
    for _ in range(2):  # also after a restart
        simulator.reset()
        with serving(chained(simulator.url, **more), tmp_path) as house:
            caller = Caller(house.url)
            statuses = []
            for name, headers in [("one", {}), ("best", {}), ("chat", {"x-tenbin-model": "one"})] * 4:
                statuses.append(caller.ask("anthropic", name, headers=headers).status_code)
            assert statuses[-3:] == [429, 429, 429], statuses
            spent = sum(receipt.billed_nano or 0 for receipt in house.books.new())
            assert spent <= 9_500_000
            caller.http.close()
