"""When a read only to keep a prompt warm is expected to save more than it costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.price import Rates
from tenbin.decide.cache_rules import HOUR_MS, MINUTE_MS
from tenbin.decide.outlook import Outlook
from tenbin.decide.prompt_caching.keep_alive import comes_back, worth_a_read
from tests.decide.prompt_caching.test_forecast import OPUS

AGENT = Outlook(turns=17, growth=1_700, by_tools=0.89, returns=0.05)
OVER = Outlook(turns=0, growth=0, by_tools=0.0, returns=0.0)
FIVE = 5 * MINUTE_MS


def test_a_person_who_has_been_silent_for_five_minutes_often_comes_back_in_the_next_five() -> None:
    assert 0.1 < comes_back(AGENT, FIVE, FIVE) < 0.6
    assert worth_a_read(OPUS, comes_back(AGENT, FIVE, FIVE))


def test_after_a_night_nobody_is_waited_for_any_more() -> None:
    assert not worth_a_read(OPUS, comes_back(AGENT, 12 * HOUR_MS, FIVE))


def test_a_conversation_that_is_over_is_not_kept_warm() -> None:
    assert comes_back(OVER, FIVE, FIVE) == 0


@pytest.mark.parametrize(("chance", "worth"), [(0.041, False), (0.043, True)])
def test_the_break_even_is_the_providers_own(chance: float, worth: bool) -> None:
    # Opus 5.5: a read at 0.05 of the input's price, a write at 1.25: chance x 1.2 > 0.05, from 1/24 on.
    assert worth_a_read(OPUS, chance) is worth


def test_nothing_is_done_at_an_unknown_price() -> None:
    assert not worth_a_read(Rates(1, None, 1, 2, 1, None, None, None, None, 0), 1.0)


@given(st.floats(0, 1_000), st.floats(0, 1), st.integers(0, 10 * HOUR_MS), st.integers(1, HOUR_MS))
def test_it_is_a_chance(turns: float, by_tools: float, silent: int, life: int) -> None:
    ahead = Outlook(turns, 100, by_tools, 0.0)
    assert 0 <= comes_back(ahead, silent, life) <= 1
