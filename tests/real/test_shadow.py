"""A small real model as the judge of shadow evaluation: whatever it says, the verdict has its form and its price."""

from pathlib import Path

import msgspec

from tenbin.config.experiments import ShadowConfig
from tenbin.config.findings import EMBEDDED_MODEL, Findings, build
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller
from tests.execute.judge_server import judging
from tests.execute.test_exchange_weighed import LARGE, SMALL
from tests.execute.test_shadow import EASY, answered, both, configuration, prefers_strong
from tests.real.books import serving, wait_until

JUDGE = f"local/{EMBEDDED_MODEL}"


def test_the_embedded_model_judges(tmp_path: Path) -> None:
    with RunningSimulator() as simulator, judging(prefers_strong) as unused:
        config = msgspec.structs.replace(
            configuration(simulator, unused), local_model=True, shadow=ShadowConfig(share=1.0, judge=JUDGE)
        )
        with serving(build(config, Findings(embedded=True), {}), tmp_path) as house:
            model = house.running.gateway.local_model
            assert model is not None
            wait_until(lambda: model.ready, "the embedded model to be loaded")
            answered(simulator)
            caller = Caller(house.url)
            assert caller.ask("anthropic", "auto", EASY).status_code == 200
            live, shadow = both(house)
            caller.http.close()
    found = shadow.shadow
    assert found is not None
    assert (found.of_request, found.cheap, found.strong, found.judge) == (live.request_id, SMALL, LARGE, JUDGE)
    strong, *judged = shadow.attempts
    assert judged, found.fault
    for attempt in judged:
        assert (attempt.provider, attempt.outcome, attempt.cost_nano) == ("local", "answered", 0)
        assert attempt.usage.prompt > 100
        assert not attempt.usage.estimated
    assert shadow.billed_nano == strong.billed_nano
    if found.preferred:
        assert (found.preferred in ("cheap", "strong", "tie"), found.fault, len(judged)) == (True, "", 2)
    else:
        assert found.fault == "the judge's answer names none of the two"
