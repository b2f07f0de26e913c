"""Mistakes in the `routing` block are told with their place and their fix."""

import pytest

from tenbin.config.load import parse
from tenbin.config.problem import ConfigError, ConfigProblem

PROVIDERS = "providers:\n  home: {dialect: openai_chat, base_url: http://127.0.0.1:9/v1, free: true}\n"


def a_router(features: object, candidates: object) -> None:
    """Has no opinion."""


def mistakes(routing: str) -> list[ConfigProblem]:
    try:
        parse(f"{PROVIDERS}routing:\n{routing}", environ={})
    except ConfigError as error:
        return list(error.problems)
    return []


def test_a_whole_block_is_taken() -> None:
    block = """
  names: [auto, "claude-*"]
  tiers: {low: [home/small], medium: [home/middle], high: [home/large], highest: [home/large]}
  mode: budget
  floor: 0.9
  floors: {contract_analysis: 0.97, think: 1}
  speed: medium
  categories: {background: [home/small]}
  aliases: {fast: quick, quick: home/small}
  rules:
    - {name: interns, when: {keys: [local], tasks: [chat]}, without: ["*/large"], floor: 0.5}
    - {when: {names: [translate-*]}, use: [home/middle]}
  strong_share: 0.2
  abilities: {home/small: -0.5}
  electricity: {usd_per_kwh: 0.3, watts: 90}
  judge: {target: home/middle}
  learning: {evidence: on, pooled: yes, comments: true, weights: {tests_failed: 0.2, accepted: 0}}
  step_up: {ladder: [home/small, home/large], after: 3, back_after: 0, max_usd: 0.5}
  router: tests.config.test_routing_check:a_router
"""
    config = parse(f"{PROVIDERS}routing:{block}", environ={})
    assert config.routing.tiers.medium == ["home/middle"]
    assert config.routing.rules[0].when.tasks == ["chat"]


@pytest.mark.parametrize(
    ("routing", "key", "said"),
    [
        ("  tiers: {low: [nobody/small]}", "routing.tiers.low[0]", "no provider is named nobody"),
        ("  tiers: {lowest: [home/small]}", "routing.tiers.lowest", "not a key"),
        ("  categories: {image: [home/a, home/a]}", "routing.categories.image[1]", "stands twice"),
        ("  rules: [{use: [nobody/x]}]", "routing.rules[0].use[0]", "no provider is named nobody"),
        ("  rules: [{use: [home/x], without: [y]}]", "routing.rules[0].use", "nothing is left to choose"),
        ("  rules: [{when: {keys: [interns]}}]", "routing.rules[0].when.keys[0]", "no key is named interns"),
        ("  rules: [{when: {tasks: [haggling]}}]", "routing.rules[0].when.tasks[0]", "not one of the choices"),
        ("  judge: {target: nobody/x}", "routing.judge.target", "no provider is named nobody"),
        ("  judge: {least: 0.9, most: 0.1}", "routing.judge.most", "less than `least`"),
        ("  learning: {weights: {tests_fail: 1}}", "routing.learning.weights.tests_fail", "no kind of signal"),
        ("  learning: {weights: {accepted: 11}}", "routing.learning.weights.accepted", "too large"),
        ("  step_up: {ladder: [home/a]}", "routing.step_up.ladder", "leads nowhere"),
        ("  step_up: {ladder: [home/a, home/b, home/a]}", "routing.step_up.ladder[2]", "twice"),
        ("  step_up: {ladder: [home/a, nobody/b]}", "routing.step_up.ladder[1]", "no provider is named nobody"),
        ("  floors: {contract: 0.9}", "routing.floors.contract", "neither a category nor a task type"),
        ("  floor: 1.2", "routing.floor", "too large"),
        ("  aliases: {a: b, b: a}", "routing.aliases.a", "leads back to itself"),
        ("  router: nowhere.at_all:choose", "routing.router", "cannot be imported"),
        ("  router: 'rm -rf'", "routing.router", "names no router"),
    ],
)
def test_a_mistake_is_told_where_it_stands(routing: str, key: str, said: str) -> None:
    told = [problem for problem in mistakes(routing) if problem.key == key]
    assert told, mistakes(routing)
    assert said in told[0].message
    assert told[0].fix
    assert told[0].line > 2
