"""Mistakes in a cascade are told with their place and their fix."""

from pathlib import Path

import pytest

from tenbin.config.cascade import GATES, STANDARD_GATES, gate_names
from tenbin.config.load import parse
from tenbin.config.problem import ConfigError, ConfigProblem
from tenbin.discern.gates.registry import BUILT_IN

PROVIDERS = "providers:\n  home: {dialect: openai_chat, base_url: http://127.0.0.1:9/v1, free: true}\n"


def mistakes(text: str) -> list[ConfigProblem]:
    try:
        parse(PROVIDERS + text, environ={})
    except ConfigError as error:
        return list(error.problems)
    return []


def test_the_gates_are_those_that_are_built_in() -> None:
    assert set(BUILT_IN) == set(GATES)
    assert gate_names() >= set(GATES)
    assert "agreement" not in STANDARD_GATES, "it asks the model again"


def test_a_whole_block_is_taken(tmp_path: Path) -> None:
    own = tmp_path / "gates.json"
    own.write_text("{}")
    block = f"""
cascades:
  up:
    ladder:
      - {{target: home/small, accept: 0.6, gates: [empty, json], prior: 0.5, logprobs: true, samples: 2}}
      - {{target: home/middle, calibration: {own}, judge: {{target: home/large, rubric: [short], timeout_ms: 900}}}}
      - target: home/large
    floor: 0.9
    floors: {{planning: 0.99, think: 1}}
    skip: false
    max_wait_ms: 3000
    late: climb
    hold_tokens: 20
    opinions_usd: 0.01
routing:
  tiers: {{low: [home/small], highest: [home/large]}}
  climb: {{rungs: 3}}
"""
    assert mistakes(block) == []
    assert parse(PROVIDERS + block, environ={}).cascades["up"].ladder[1].target == "home/middle"


LADDER = "ladder: [{target: home/small}]"


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("cascades: {up: {}}", "cascades.up", "no rung"),
        ("cascades: {up: {ladder: [{target: nowhere/x}]}}", "cascades.up.ladder[0].target", "no provider"),
        ("cascades: {up: {ladder: [{accept: 0.5}]}}", "cascades.up.ladder[0].target", "missing"),
        ("cascades: {up: {ladder: [{target: home/x, accept: 2}]}}", "cascades.up.ladder[0].accept", "too large"),
        (
            "cascades: {up: {ladder: [{target: home/x, gates: [emty]}]}}",
            "cascades.up.ladder[0].gates[0]",
            "no gate emty",
        ),
        ("cascades: {up: {ladder: [{target: home/x, calibration: no.json}]}}", "calibration", "no file no.json"),
        ("cascades: {up: {ladder: [{target: home/x, judge: {target: no/y}}]}}", "judge.target", "no provider"),
        (f"cascades: {{up: {{{LADDER}, floors: {{planing: 1}}}}}}", "cascades.up.floors.planing", "neither"),
        (f"cascades: {{up: {{{LADDER}, late: never}}}}", "cascades.up.late", "not one of the choices"),
        (f"models: {{up: [home/x]}}\ncascades: {{up: {{{LADDER}}}}}", "cascades.up", "under `models` too"),
        (f"routing: {{climb: {{{LADDER}}}}}", "routing.climb.ladder", "no fixed ladder"),
    ],
)
def test_each_mistake_has_its_place(text: str, where: str, words: str) -> None:
    found = mistakes(text)
    assert len(found) == 1, found
    assert where in str(found[0])
    assert words in str(found[0])
