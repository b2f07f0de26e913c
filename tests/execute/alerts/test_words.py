"""What is said: in both languages each alert has what happened, how much, whose and what to do."""

import re

import pytest

from tenbin.core.alert import Alert
from tenbin.core.budget import FOREVER_MS, Claim
from tenbin.decide.breaker import Change, Trip
from tenbin.execute.alerts import words

USD = 1_000_000_000
NOW = 1_795_300_000_000
CLAIM = Claim("key:key_1/day@Asia/Tokyo", NOW, NOW + 86_400_000, 5 * USD, True, "key:key_1", "day", "Asia/Tokyo")
FOREVER = Claim("global/total", 0, FOREVER_MS, 5 * USD, False, "global", "total", "UTC")
ALERTS = [
    words.budget_reached(CLAIM, 4 * USD, 80, NOW),
    words.budget_reached(CLAIM, 5 * USD, 100, NOW),
    words.budget_reached(FOREVER, 6 * USD, 100, NOW),
    words.budget_too_small(CLAIM, USD, 5 * USD, NOW),
    words.pace(CLAIM, "critical", 1.7, 3 * USD, 9 * USD, NOW),
    words.pace(CLAIM, "under_used", 0.2, USD, USD, NOW),
    words.spike("key:key_1", "2026-11-22", 9 * USD, 3 * USD, "critical", NOW),
    words.breaker_changed(Change("key_1", "open", NOW, Trip("velocity", USD, USD // 2, 5, 0), NOW + 900_000)),
    words.breaker_changed(Change("", "closed", NOW)),
    words.provider_down("openai/gpt-4o", 3, NOW + 300_000, NOW),
    words.provider_back("openai/gpt-4o", NOW),
    words.limit_hit("key_1", "limits, rate_limit_error", NOW),
    words.price_unknown("vllm/some-model", NOW),
    words.trial(1, NOW),
]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.english.title)
def test_both_languages_say_the_same(alert: Alert) -> None:
    english, japanese = alert.english, alert.japanese
    assert not re.search(r"[぀-ヿ一-鿿]", english.title + english.body)
    assert re.search(r"[぀-ヿ一-鿿]", japanese.title)
    assert "\n" not in english.title + japanese.title
    assert len(english.body) > 20
    for pattern in (r"\$[\d,.]*\d", r"`[^`]+`", r"\d{4}-\d\d-\d\d \d\d:\d\d"):
        assert sorted(re.findall(pattern, english.body)) == sorted(re.findall(pattern, japanese.body))


def test_times_are_those_of_the_budgets_zone() -> None:
    assert "Asia/Tokyo" in words.budget_reached(CLAIM, USD, 50, NOW).english.body


def test_a_budget_without_an_end_names_none() -> None:
    assert "begins anew" not in words.budget_reached(FOREVER, USD, 50, NOW).english.body
