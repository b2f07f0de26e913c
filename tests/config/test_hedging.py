"""Mistakes in the `hedging` block are told with their place and their fix; without a time nothing is hedged."""

import pytest

from tenbin.config.load import parse
from tenbin.config.model import Config
from tenbin.config.problem import ConfigError, ConfigProblem
from tenbin.decide.resolve import policy

HOUSE = """
providers:
  home: {dialect: openai_chat, base_url: http://127.0.0.1:9/v1, free: true}
models: {smart: [home/one, home/two]}
"""


def parsed(hedging: str) -> Config:
    return parse(f"{HOUSE}hedging: {hedging}\n", environ={})


def mistakes(hedging: str) -> list[ConfigProblem]:
    try:
        parsed(hedging)
    except ConfigError as error:
        return list(error.problems)
    return []


@pytest.mark.parametrize("block", ["{after_ms: 900}", "{percentile: 95, models: [smart]}"])
def test_with_a_time_requests_are_hedged(block: str) -> None:
    assert policy(parsed(block)).hedging is not None


@pytest.mark.parametrize("block", ["{}", "{share: 0.5, usd_per_day: 2}"])
def test_without_a_time_nothing_is(block: str) -> None:
    assert policy(parsed(block)).hedging is None


@pytest.mark.parametrize(
    ("block", "key"),
    [
        ("{after_ms: 0}", "hedging.after_ms"),
        ("{percentile: 100}", "hedging.percentile"),
        ("{percentile: 20}", "hedging.percentile"),
        ("{share: 1.5}", "hedging.share"),
        ("{usd_per_day: -1}", "hedging.usd_per_day"),
        ("{after_ms: 900, models: [smrat]}", "hedging.models[0]"),
        ("{after: 900}", "hedging.after"),
    ],
)
def test_a_mistake_names_its_key(block: str, key: str) -> None:
    (mistake,) = mistakes(block)
    assert key in str(mistake)
    if "smrat" in block:
        assert "smart" in str(mistake)
