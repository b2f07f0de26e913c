"""A gateway whose keys have plans, several keys for each, and what tests ask of it."""

import contextlib
from collections.abc import Iterator
from typing import Any

from tenbin.api.admission import LimitsCheckpoint
from tenbin.config.keys import hash_key
from tenbin.execute.limits.engine import Limits
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained
from tests.real.books import House

PLANS: dict[str, dict[str, Any]] = {
    "minute": {"requests_per_minute": 3},
    "quick": {"requests_per_minute": 6_000, "burst": 1},
    "day": {"requests_per_day": 3, "requests_per_minute": 1_000},
    "tokens": {"tokens_per_day": 2_000},
    "short": {"input_tokens": 60, "output_tokens": 20},
    "streams": {"concurrent_streams": 2},
    "models": {"targets": ["openai/*"]},
    "smallest": {"smallest_models": 1},
    "all": {"requests_per_day": 1_000, "tokens_per_day": 1_000_000, "requests_per_minute": 1_000},
}
EACH = 4
"""Keys of each plan: a test takes one that no other has used."""


def key(plan: str, number: int = 0) -> str:
    return f"tb-{plan}-{number}-" + "x" * 40


def bearer(plan: str, number: int = 0) -> dict[str, str]:
    return {"authorization": f"Bearer {key(plan, number)}"}


def settings(url: str, **more: Any) -> Any:
    names = [(plan, number) for plan in PLANS for number in range(EACH)]
    return chained(
        url,
        keys={f"{plan}-{number}": hash_key(key(plan, number)) for plan, number in names},
        plans={
            "named": PLANS,
            "keys": {f"{plan}-{number}": plan for plan, number in names},
            "timezone": "Asia/Tokyo",
            **more,
        },
        timeouts={"connect": 2, "first_byte": 5, "idle": 5, "total": 20},
    )


@contextlib.contextmanager
def calling(house: House) -> Iterator[Caller]:
    one = Caller(house.url)
    yield one
    one.http.close()


def limits_of(house: House) -> Limits:
    admission = house.running.gateway.admission
    assert admission is not None
    checkpoint = admission.checkpoints[0]
    assert isinstance(checkpoint, LimitsCheckpoint)
    return checkpoint.limits


def sent(simulator: RunningSimulator) -> list[dict[str, Any]]:
    """Bodies that the provider was sent."""
    return [entry["body"] for entry in simulator.requests() if entry["method"] == "POST"]
