"""How long answers live: by task, by words of both languages, by how often they are asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.caching import CacheLife
from tenbin.decide.caching.ttl import HOUR_MS, freshness, jittered, renewed_ms, seconds, seconds_by_hits

LIFE = CacheLife()
MINUTE, HOUR, DAY = 60, 3_600, 86_400


@pytest.mark.parametrize(
    ("text", "life"),
    [
        ("今日の天気は?", 5 * MINUTE),
        ("現在の為替レート", 5 * MINUTE),
        ("最新のニュース", 5 * MINUTE),
        ("What happened today?", 5 * MINUTE),
        ("the latest release of Python", 5 * MINUTE),
        ("エントロピーの定義", 30 * DAY),
        ("ハッシュ表とは", 30 * DAY),
        ("基本的人権", 30 * DAY),
        ("会社法の概要", 30 * DAY),
        ("江戸の歴史", 30 * DAY),
        ("definition of entropy", 30 * DAY),
        ("How do I cook rice?", DAY),
        ("ご飯の炊き方を教えて", DAY),
        ("最新の定義とは", 5 * MINUTE),
        ("What time is it?", 5 * MINUTE),
        ("What's the weather in Tokyo?", 5 * MINUTE),
        ("Who won last night?", 5 * MINUTE),
        ("Are you open next Monday?", 5 * MINUTE),
        ("今夜の予定", 5 * MINUTE),
        ("今何時ですか", 5 * MINUTE),
        ("今から行けますか", 5 * MINUTE),
        ("昨夜の試合結果", 5 * MINUTE),
        ("来週の祝日", 5 * MINUTE),
        ("株価を教えて", 5 * MINUTE),
        ("日本年金機構の連絡先", DAY),
        ("今までにない味", DAY),
    ],
)
def test_by_words(text: str, life: int) -> None:
    assert seconds(freshness(text), LIFE) == life


def test_a_task_that_is_told_well_goes_before_words() -> None:
    assert freshness("Translate: today is fine", "translation", 0.9) == "static"
    assert freshness("Translate: today is fine", "translation", 0.3) == "real_time"
    assert freshness("what is new today", "chat", 0.9) == "real_time"
    assert freshness("Summarise this", "summarization", 0.9) == "semi_static"


@pytest.mark.parametrize(
    ("rate", "life"),
    [
        (10, 7 * DAY),
        (50, 7 * DAY),
        (9.99, DAY),
        (1, DAY),
        (0.99, HOUR),
        (0.1, HOUR),
        (0.09, 5 * MINUTE),
        (0, 5 * MINUTE),
    ],
)
def test_by_hits_an_hour(rate: float, life: int) -> None:
    assert seconds_by_hits(rate) == life


def test_an_entry_that_is_wanted_lives_on_one_that_is_not_ends() -> None:
    def at(hits: int, age_hours: float, kind: str = "daily", life: CacheLife = LIFE) -> int:
        now = round(age_hours * HOUR_MS)
        return renewed_ms(kind, life, created_ms=0, expires_ms=DAY * 1000, now_ms=now, hits=hits) - now  # type: ignore[arg-type]

    assert at(30, 3) == 7 * DAY * 1000
    assert at(3, 3) == DAY * 1000
    assert at(2, 10) == HOUR * 1000
    assert at(1, 20) == 5 * MINUTE * 1000
    # Nothing is known in the first hour; what is about now, and what is configured to stay, stays.
    assert at(100, 0.5) == DAY * 1000 - HOUR_MS // 2
    assert at(100, 2, "real_time") == DAY * 1000 - 2 * HOUR_MS
    assert at(100, 2, life=CacheLife(adaptive=False)) == DAY * 1000 - 2 * HOUR_MS


@given(st.integers(0, 10**6), st.integers(0, 40 * 24 * HOUR_MS))
def test_nothing_outlives_what_does_not_change(hits: int, age_ms: int) -> None:
    ends = renewed_ms("daily", LIFE, created_ms=0, expires_ms=1000 * DAY, now_ms=age_ms, hits=hits)
    assert ends <= 1000 * 30 * DAY


@given(st.integers(1, 10**7), st.floats(0, 1, exclude_max=True))
def test_a_life_is_shortened_by_a_tenth_at_most(ttl: int, draw: float) -> None:
    assert 0.9 * 1000 * ttl - 1 <= jittered(ttl, LIFE, draw) <= 1000 * ttl
