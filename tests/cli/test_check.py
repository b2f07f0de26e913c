"""`tenbin check` tells every mistake with its place and fix, or how the configuration routes."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

GOOD = """
discover: false
providers: {work: {profile: anthropic, api_key: sesame-word}}
models: {fast: [work/claude-haiku-5-5]}
default: [work/claude-sonnet-5-5]
"""


def write(text: str, name: str = "tenbin.yaml") -> None:
    Path(name).write_text(text, encoding="utf-8")


def test_mistakes_are_told_with_their_place_and_fix(run: Run) -> None:
    write("lisen: x\nretries: {per_target: many}\n")
    result = run("check")
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        "tenbin.yaml:1:1: lisen: lisen is not a key that Tenbin knows. Did you mean listen?",
        "tenbin.yaml:2:11: retries.per_target: this must be a whole number, not text. "
        "Write a whole number, without units.",
        "2 mistakes.",
    ]


def test_mistakes_for_programs(run: Run) -> None:
    write("lisen: x\n", "other.yaml")
    result = run("check", "other.yaml", "--json")
    told = json.loads(result.output)
    assert result.exit_code == 1
    assert told["ok"] is False
    assert told["mistakes"][0] | {"message": "", "fix": ""} == {
        "file": "other.yaml",
        "line": 1,
        "column": 1,
        "key": "lisen",
        "message": "",
        "fix": "",
    }


def test_the_routing_is_shown_with_its_hash(run: Run) -> None:
    write(GOOD)
    result = run("check")
    assert result.exit_code == 0
    assert "tenbin.yaml is in order." in result.output
    assert "fast            -> work/claude-haiku-5-5" in result.output
    assert "claude-...      -> work/claude-..." in result.output
    assert "any other name  -> work/claude-sonnet-5-5" in result.output
    assert "sesame" not in result.output


WEIGHED = """
discover: false
keys: {interns: "sha256:%s"}
providers: {work: {profile: anthropic, api_key: sesame-word}}
models: {fast: [work/claude-haiku-5-5]}
default: [work/claude-sonnet-5-5]
routing:
  names: ["*"]
  aliases: {claude-auto: auto}
  tiers: {low: [work/claude-haiku-5-5], highest: [work/claude-opus-5-5]}
""" % ("0" * 64)
MORE = """
  categories: {background: [work/claude-haiku-5-5], think: [work/claude-opus-5-5, work/claude-fable-5]}
  rules:
    - {name: learners, when: {keys: [interns], tokens_above: 9000}, without: ["*opus*"], floor: 0.5}
    - {use: [work/claude-sonnet-5-5], when: {tasks: [translation, chat]}}
"""


def test_a_name_that_is_weighed_stands_nowhere_else(run: Run) -> None:
    write(WEIGHED)
    assert run("check").output.splitlines()[2:-2] == [
        "fast         -> work/claude-haiku-5-5",
        "work/...     -> work/...",
        "claude-auto  -> auto (alias)",
        "*            -> weighed, the cheapest that is good enough of work/claude-haiku-5-5, work/claude-opus-5-5",
    ]
    write(WEIGHED.replace('["*"]', "[]"))
    told = run("check").output
    assert "weighed" not in told
    assert "any other name  -> work/claude-sonnet-5-5" in told
    write(WEIGHED.replace('["*"]', '["auto", "claude-*"]'))
    told = run("check").output
    assert "auto, claude-*  -> weighed" in told
    assert "claude-..." not in told
    assert "any other name  -> work/claude-sonnet-5-5" in told


def test_rules_and_categories_are_shown_in_the_order_in_which_they_hold(run: Run) -> None:
    write(WEIGHED + MORE)
    assert run("check").output.splitlines()[5:-2] == [
        "*             -> the first that holds:",
        "  learners    -> never *opus*; floor 0.5 (when keys interns; tokens_above 9000)",
        "  rule 2      -> work/claude-sonnet-5-5 (when tasks translation, chat)",
        "  background  -> work/claude-haiku-5-5",
        "  think       -> work/claude-opus-5-5, then work/claude-fable-5",
        "  all others  -> weighed, the cheapest that is good enough of work/claude-haiku-5-5, work/claude-opus-5-5",
    ]
    told = json.loads(run("check", "--json").output)["routing"]["weighed"]
    assert [rule["name"] for rule in told["rules"]] == ["learners", "rule 2"]
    assert told["rules"][0]["when"]["keys"] == ["interns"]
    write(WEIGHED + "  categories: {default: [work/claude-haiku-5-5]}\n")
    assert run("check").output.splitlines()[5:-2] == [
        "*            -> the first that holds:",
        "  default    -> work/claude-haiku-5-5",
    ]


def test_candidates_whose_price_nobody_knows_are_told(run: Run) -> None:
    odd = WEIGHED.replace(
        "providers: {work: {profile: anthropic, api_key: sesame-word}}",
        "providers:\n  work: {profile: anthropic, api_key: sesame-word}\n"
        "  odd: {dialect: openai_chat, base_url: http://127.0.0.1:9, models: {known: {price: {input: 1, output: 2}}}}",
    ).replace("highest: [", "high: [odd/secret, odd/known], highest: [")
    write(odd)
    told = [line for line in run("check").output.splitlines() if line.startswith("!")]
    assert told == [
        "! odd/secret has no known price, so it is chosen only when nobody else can answer: "
        "add providers.odd.models.secret.price"
    ]
    assert json.loads(run("check", "--json").output)["routing"]["unpriced"] == ["odd/secret"]
    write(odd.replace('names: ["*"]', "names: []"))
    assert json.loads(run("check", "--json").output)["routing"]["unpriced"] == []


def test_a_region_that_a_rule_demands_is_shown(run: Run) -> None:
    write(WEIGHED + "  rules: [{name: residency, regions: [eu]}]\n")
    assert "  residency   -> in eu (when always)" in run("check").output


def test_a_provider_is_either_free_or_a_subscription(run: Run) -> None:
    write(WEIGHED.replace("profile: anthropic,", "profile: anthropic, free: true, subscription: {},"))
    result = run("check")
    assert result.exit_code == 1
    assert "work is free and a subscription" in result.output


def test_the_routing_for_programs(run: Run) -> None:
    write(GOOD)
    told = json.loads(run("check", "--json").output)
    assert told["ok"] is True
    assert told["routing"]["models"] == {"fast": ["work/claude-haiku-5-5"]}
    assert told["routing"]["families"] == {"claude-": "work"}
    assert len(told["routing"]["policy"]) == 64


def test_without_a_file_what_is_found_is_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sesame-word")
    result = run("check")
    assert result.exit_code == 0
    assert "There is no tenbin.yaml here" in result.output
    assert "deepseek-...    -> deepseek/deepseek-..." in result.output
    assert "sesame" not in result.output


def test_a_file_that_is_not_there(run: Run) -> None:
    result = run("check", "none.yaml")
    assert result.exit_code == 1
    assert "none.yaml:1:1: the file cannot be read: No such file or directory." in result.output


def test_japanese_for_japanese(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    write(GOOD)
    assert "tenbin.yaml に問題はありません。" in run("check").output


def test_a_receiver_that_serve_would_refuse_is_a_mistake(run: Run) -> None:
    write(GOOD + 'alerts: {to: ["nowhere://token"]}\n')
    result = run("check")
    assert result.exit_code == 1
    assert "alerts.to[0]: apprise cannot read this nowhere address" in result.output
    assert json.loads(run("check", "--json").output)["mistakes"][0]["key"] == "alerts.to[0]"
