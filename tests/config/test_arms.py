"""An arm laid over the configuration in force: merged, checked, and never half of it."""

from pathlib import Path
from typing import Any

import pytest

from tenbin.config.arms import BadArm, arm_config, file_digest
from tenbin.config.experiments import Arm
from tenbin.config.load import parse
from tenbin.decide.resolve import policy

TEXT = """
discover: false
providers: {maker: {profile: anthropic, base_url: http://127.0.0.1:9, api_key: k}}
models: {pinned: [maker/claude-large]}
default: [maker/claude-small]
routing:
  floor: 0.7
  floors: {debugging: 0.9}
  tiers: {low: [maker/claude-small], highest: [maker/claude-large]}
"""
BASE = parse(TEXT, environ={})


def test_blocks_are_merged_and_all_else_is_replaced() -> None:
    found = arm_config(BASE, Arm(routing={"tiers": {"low": ["maker/claude-tiny"]}}))
    assert found.routing.tiers.low == ["maker/claude-tiny"]
    assert found.routing.tiers.highest == ["maker/claude-large"]
    assert found.routing.floors == {"debugging": 0.9}
    assert found.routing.floor == 0.7
    assert found.providers is BASE.providers
    assert policy(found).hash != policy(BASE).hash


def test_an_arm_that_changes_nothing_is_the_configuration() -> None:
    assert arm_config(BASE, Arm()) is BASE
    assert policy(arm_config(BASE, Arm(routing={"floor": 0.7}))).hash == policy(BASE).hash


@pytest.mark.parametrize(
    ("routing", "words"),
    [
        ({"flor": 1}, "routing has no key flor. Did you mean floor?"),
        ({"floor": "high"}, "routing.floor"),
        ({"floors": {"debuging": 1}}, "debuging is neither a category nor a task type"),
        ({"tiers": {"low": ["other/x"]}}, "nobody here is the provider of other/x"),
        ({"judge": {"leats": 1}}, "routing.judge"),
    ],
)
def test_what_makes_no_sense_is_told(routing: dict[str, Any], words: str) -> None:
    with pytest.raises(BadArm) as refused:
        arm_config(BASE, Arm(routing=routing), "treatment")
    assert words in str(refused.value)
    assert str(refused.value).startswith("treatment: ")


def test_a_file_gives_its_policy_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text(TEXT.replace("floor: 0.7", "floor: 0.3").replace("api_key: k", "api_key: another"))
    found = arm_config(BASE, Arm(file=str(file), digest=file_digest(file)))
    assert found.routing.floor == 0.3
    assert found.providers is BASE.providers
    assert arm_config(BASE, Arm(file=str(file), routing={"floor": 0.1})).routing.floor == 0.1


def test_a_file_that_is_changed_missing_or_broken_is_told(tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text(TEXT)
    arm = Arm(file=str(file), digest=file_digest(file))
    file.write_text(TEXT + "\n# more\n")
    with pytest.raises(BadArm, match="has been changed"):
        arm_config(BASE, arm)
    file.write_text("routing: {flor: 1}")
    with pytest.raises(BadArm, match="flor"):
        arm_config(BASE, Arm(file=str(file)))
    file.unlink()
    with pytest.raises(BadArm, match="cannot be read"):
        arm_config(BASE, arm)
