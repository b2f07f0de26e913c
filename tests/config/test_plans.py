"""The `plans` block: mistakes are told with the place and the way out; what is not said is as shipped."""

from pathlib import Path

import pytest

from tenbin.config.keys import hash_key
from tenbin.config.load import load
from tenbin.config.model import Config
from tenbin.config.plans import SHIPPED, PlanConfig, PlansConfig, merged
from tenbin.config.problem import ConfigError


def read(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "tenbin.yaml"
    file.write_text(f"keys: {{ci: '{hash_key('x' * 40)}'}}\n{text}")
    return load(file)


@pytest.mark.parametrize(
    ("text", "place", "fix"),
    [
        ("plans: {default: fre}", "plans.default", "Did you mean free?"),
        ("plans: {keys: {cj: pro}}", "plans.keys.cj", "Known here: ci, local, master."),
        ("plans: {keys: {ci: pra}}", "plans.keys.ci", "Did you mean pro?"),
        ("plans: {timezone: Asia/Tokio}", "plans.timezone", "Asia/Tokyo"),
        ("plans: {timezone: ../../etc/passwd}", "plans.timezone", "IANA"),
        ("plans: {named: {a: {timezone: Mars}}}", "plans.named.a.timezone", "IANA"),
        ("plans: {named: {a: {burst: 3}}}", "plans.named.a.burst", "requests_per_minute"),
        ("plans: {named: {a: {targets: []}}}", "plans.named.a.targets", "all"),
        ("plans: {named: {a: {requests_per_day: -1}}}", "plans.named.a.requests_per_day", "least is 0"),
        ("plans: {named: {a: {request_per_day: 1}}}", "plans.named.a.request_per_day", "requests_per_day"),
        ("plans: {store: memcached}", "plans.store", "redis://"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, place: str, fix: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, text)
    [problem] = raised.value.problems
    assert problem.key == place
    assert fix in problem.fix


def test_a_good_block_is_read(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        "plans: {default: free, keys: {ci: gold, local: pro, master: gold}, timezone: Asia/Tokyo, "
        "named: {gold: {burst: 9, requests_per_minute: 3}, free: {requests_per_day: 0}}}",
    )
    plans = merged(config.plans)
    assert list(plans) == [*SHIPPED, "gold"]
    assert plans["free"].requests_per_day == 0, "no limit"
    assert plans["free"].tokens_per_day == 50_000, "as shipped"
    assert plans["gold"] == PlanConfig(burst=9, requests_per_minute=3)


def test_nothing_is_limited_unless_it_is_said() -> None:
    assert Config().plans == PlansConfig()
    assert PlansConfig().default is None
