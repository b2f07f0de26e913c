"""The official SDKs, two majors of each, at a gateway with plans: they wait as they are told, and see their limits."""

from collections.abc import Iterator

import pytest

from tenbin.config.keys import hash_key
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import chained
from tests.real.books import House, serving
from tests.real.sdk import Client, ClientFailed

NAMES = [f"{kind}-{plan}-{age}" for kind in ("anthropic", "openai") for plan in ("minute", "day") for age in (0, 1)]


def key(name: str) -> str:
    return f"tb-{name}-" + "x" * 40


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with RunningSimulator() as simulator:
        config = chained(
            simulator.url,
            keys={name: hash_key(key(name)) for name in NAMES},
            plans={
                "named": {"minute": {"requests_per_minute": 60, "burst": 1}, "day": {"requests_per_day": 1}},
                "keys": {name: name.split("-")[1] for name in NAMES},
            },
        )
        with serving(config, tmp_path_factory.mktemp("planned")) as house:
            yield house


def limit_header(kind: str, what: str) -> str:
    return f"anthropic-ratelimit-requests-{what}" if kind == "anthropic" else f"x-ratelimit-{what}-requests"


@pytest.mark.parametrize("kind", ["anthropic", "openai"])
def test_sdks_wait_for_the_minute_and_not_for_the_day(kind: str, planned: House, sdk: Client) -> None:
    age = int(sdk.old)
    model = "one" if kind == "anthropic" else "chat"
    planned.books.new()
    sdk.of(planned, key(f"{kind}-minute-{age}"))
    first = sdk.play("limited", kind=kind, model=model, prompt="Hello", retries=3)
    assert first["headers"][limit_header(kind, "limit")] == "1"
    assert first["headers"][limit_header(kind, "remaining")] == "0"
    second = sdk.play("limited", kind=kind, model=model, prompt="Hello", retries=3)
    assert second["headers"][limit_header(kind, "limit")] == "1"
    statuses = [receipt.status for receipt in planned.books.new()]
    assert statuses == [200, 429, 200], "refused once, and let in when it came back as it was told"

    sdk.of(planned, key(f"{kind}-day-{age}"))
    sdk.play("limited", kind=kind, model=model, prompt="Hello", retries=3)
    with pytest.raises(ClientFailed) as failed:
        sdk.play("limited", kind=kind, model=model, prompt="Hello", retries=3)
    assert failed.value.told["class"] == "RateLimitError"
    assert "the day's 1 requests are used up" in failed.value.told["message"]
    assert [receipt.status for receipt in planned.books.new()] == [200, 429], "it did not come back today"
