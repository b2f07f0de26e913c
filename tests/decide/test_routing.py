"""What holds for a request: names with stars, rules in their order, floors of tasks and categories."""

from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.load import parse
from tenbin.core.features import Features
from tenbin.decide.resolve import policy
from tenbin.decide.routing import Demand, Routing, demand, names

TEXT = """
keys: {interns: "sha256:%s"}
providers: {p: {dialect: openai_chat, base_url: http://127.0.0.1:9/v1}}
routing:
  names: [auto, "claude-*"]
  tiers: {low: [p/a], medium: [p/a, p/b], high: [p/b], highest: [p/c]}
  floor: 0.7
  floors: {contract_analysis: 0.95, think: 0.9}
  categories: {background: [p/a], image: [absent/x]}
  rules:
    - {name: interns, when: {keys: [interns]}, without: ["*/c"], floor: 0.5}
    - {when: {names: [claude-haiku*]}, use: [p/b], floor: 0.6}
    - {when: {clients: [claude-cli/*]}, among: [p/a, p/c], mode: budget}
    - {when: {tokens_above: 1000, languages: [ja], categories: [default]}, speed: fast}
""" % ("0" * 64)


@pytest.fixture(scope="module")
def routing() -> Routing:
    found = policy(parse(TEXT.replace("image: [absent/x]", "image: []"), environ={})).routing
    assert found is not None
    return found


def asked(routing: Routing, features: Features | None = None, **asked: Any) -> Demand:
    who = {"requested": "auto", "key": "local", "client": "tests/1"}
    return demand(routing, features or Features(), **{**who, **asked})


def test_candidates_are_those_of_the_tiers_each_once(routing: Routing) -> None:
    assert [target.name for target in routing.candidates] == ["p/a", "p/b", "p/c"]
    assert all(target.stand_in for target in routing.candidates)
    assert "auto" in routing.requested
    assert "claude-opus-5-5" in routing.requested
    assert "gpt-6-sol" not in routing.requested


def test_without_a_rule_the_settings_hold(routing: Routing) -> None:
    assert asked(routing) == Demand(floor=0.7, mode="balanced", speed="slow")


def test_the_highest_floor_of_task_and_category_counts(routing: Routing) -> None:
    assert asked(routing, Features(task="contract_analysis")).floor == 0.95
    assert asked(routing, Features(category="think")).floor == 0.9
    assert asked(routing, Features(category="think", task="contract_analysis")).floor == 0.95


def test_what_a_header_says_comes_before_any_rule(routing: Routing) -> None:
    assert asked(routing, key="interns").floor == 0.5
    assert asked(routing, key="interns", floor=0.99).floor == 0.99


def test_every_rule_that_holds_may_forbid(routing: Routing) -> None:
    found = asked(routing, key="interns", client="claude-cli/2.1")
    assert found.forbids("p/a") == ""
    assert found.forbids("p/b")
    assert found.forbids("p/c")
    assert (found.mode, found.rule) == ("budget", "interns rule 3")


def test_targets_of_a_rule_come_before_those_of_the_category(routing: Routing) -> None:
    background = Features(category="background")
    assert [one.name for one in asked(routing, background).use] == ["p/a"]
    assert asked(routing, background).rule == "category:background"
    assert [one.name for one in asked(routing, background, requested="claude-haiku-5").use] == ["p/b"]


@pytest.mark.parametrize(("forbidden", "left"), [("p/b", ["p/a"]), ("p/*", [])])
def test_what_one_rule_names_another_may_forbid(forbidden: str, left: list[str]) -> None:
    rules = f"rules: [{{use: [p/b, p/a]}}, {{without: ['{forbidden}']}}]"
    found = policy(parse(TEXT[: TEXT.index("rules:")].replace("absent/x", "p/a") + rules, environ={})).routing
    assert found is not None
    asks = asked(found)
    assert [one.name for one in asks.use] == left
    if not left:
        assert all(asks.forbids(target.name) for target in found.candidates), "nor does anybody else answer"


def test_all_that_a_rule_names_must_hold(routing: Routing) -> None:
    fitting = Features(language="ja", prompt_tokens=1_001)
    assert asked(routing, fitting).speed == "fast"
    assert asked(routing, Features(language="ja", prompt_tokens=1_000)).speed == "slow"
    assert asked(routing, Features(language="en", prompt_tokens=1_001)).speed == "slow"
    assert asked(routing, Features(language="ja", prompt_tokens=1_001, category="think")).speed == "slow"


@given(st.lists(st.text("ab*[?]-/.", max_size=6), max_size=4), st.text("ab[]-/.", max_size=8))
def test_stars_and_question_marks_stand_for_characters_and_nothing_else_does(listed: list[str], name: str) -> None:
    expected = any(fnmatchcase(name, pattern.replace("[", "[[]")) for pattern in listed)
    assert (name in names(listed)) is expected
