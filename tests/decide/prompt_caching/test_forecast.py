"""Whether a write pays: the published arithmetic, and what one's own traffic teaches."""

from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.conversation import Conversation, Text, Tool, Turn
from tenbin.core.price import Rates
from tenbin.decide.cache_rules import HOUR_MS, find, uses_until_it_pays
from tenbin.decide.prompt_caching.forecast import (
    NOTHING_CONTINUED,
    Continued,
    Following,
    Seen,
    by_conversation,
    by_traffic,
    outlook_of,
    pays,
    seen_again,
)

OPUS = Rates(4_000_000, 200_000, 5_000_000, 8_000_000, 20_000_000, None, None, None, None, 0)
RULES = find("anthropic", "claude-opus-5-5")
FIVE = 300_000.0


def asked(*texts: str, tools: int = 0) -> Conversation:
    return Conversation(
        model="m",
        turns=tuple(
            Turn(role="assistant" if number % 2 else "user", parts=(Text(text=text),))
            for number, text in enumerate(texts)
        ),
        tools=tuple(Tool(name=f"t{number}") for number in range(tools)),
    )


def sure(count: float, *lives: str) -> Following:
    """So many requests to come, each in time."""
    return Following(count, dict.fromkeys(lives, 1.0))


def test_it_pays_exactly_where_the_providers_arithmetic_says() -> None:
    # n uses are n - 1 requests to come: 2 uses for five minutes, 3 for an hour.
    short, long = uses_until_it_pays(OPUS), uses_until_it_pays(OPUS, long=True)
    assert (short, long) == (2, 3)
    assert pays(OPUS, RULES, sure(1, "5m")).life == "5m"
    assert pays(OPUS, RULES, sure(0.2, "5m")).life == ""
    assert pays(OPUS, RULES, sure(2, "1h")).life == "1h"
    assert pays(OPUS, RULES, sure(1, "1h")).life == ""


def test_the_gain_is_what_the_bill_would_be_less() -> None:
    # Ten requests to come, nine of which find it warm: 1.25 + 9 x 0.05 + 1 x 1.25 in place of 11.
    assert abs(pays(OPUS, RULES, Following(10, {"5m": 0.9})).gain - (11 - 1.25 - 0.45 - 1.25)) < 1e-9


def test_the_hour_is_bought_where_five_minutes_would_be_over() -> None:
    assert pays(OPUS, RULES, Following(10, {"5m": 0.3, "1h": 0.95})).life == "1h"
    assert pays(OPUS, RULES, Following(10, {"5m": 0.97, "1h": 0.99})).life == "5m"


def test_it_never_pays_where_every_request_would_come_too_late() -> None:
    assert pays(OPUS, RULES, Following(1_000, {"5m": 0.0, "1h": 0.0})).life == ""


def test_nothing_pays_at_an_unknown_price() -> None:
    unknown = Rates(4_000_000, None, 5_000_000, 8_000_000, 20_000_000, None, None, None, None, 0)
    assert pays(unknown, RULES, sure(50, "5m")).life == ""


@given(st.floats(0, 1e-3), st.floats(0, 1e-3), st.floats(0, 50), st.floats(0, 1))
def test_more_traffic_never_means_that_less_comes_in_time(a: float, b: float, count: float, alive: float) -> None:
    own = Following(count, {"5m": alive})
    less, more = (by_traffic(own, rate, {"5m": FIVE}) for rate in sorted((a, b)))
    assert less.requests <= more.requests
    assert alive - 1e-9 <= less.alive["5m"] <= more.alive["5m"] + 1e-9 <= 1 + 2e-9


def test_the_first_request_predicts_no_second_one() -> None:
    seen = seen_again(None, 1_000, 5_000)
    assert seen.rate(1_000) == 0
    for minute in range(1, 30):
        seen = seen_again(seen, 1_000 + minute * 60_000, 5_000)
    # One a minute: about sixty an hour, as soon as an hour's worth has come.
    assert 15 / HOUR_MS < seen.rate(1_000 + 29 * 60_000) < 61 / HOUR_MS
    following = by_traffic(Following(0, {"5m": 0}), seen.rate(1_000 + 29 * 60_000), {"5m": FIVE})
    assert pays(OPUS, RULES, following).life == "5m"


@given(st.lists(st.integers(0, 10_000_000), min_size=1, max_size=30))
def test_what_is_remembered_fades_and_never_grows_by_waiting(times: list[int]) -> None:
    seen: Seen | None = None
    for at in sorted(times):
        seen = seen_again(seen, at, 1)
    assert seen is not None
    assert seen.weight <= len(times)
    assert seen.rate(max(times) + 1_000_000) <= seen.rate(max(times))


def expected(conversation: Conversation, known: Continued = NOTHING_CONTINUED) -> Following:
    return by_conversation(outlook_of(conversation, known), {"5m": FIVE})


def test_an_agents_conversation_goes_on_and_a_single_question_does_not() -> None:
    agent, once = expected(asked("Fix it", tools=3)), expected(asked("Classify this"))
    assert agent.requests > 3
    assert agent.alive["5m"] > 0.9
    assert once.requests < 0.2
    assert pays(OPUS, RULES, agent).life == "5m"
    assert pays(OPUS, RULES, once).life == ""


def test_ones_own_traffic_overrules_what_is_usual() -> None:
    assert pays(OPUS, RULES, expected(asked("Classify this"), Continued(asked=40, followed=36))).life
    assert not pays(OPUS, RULES, expected(asked("Fix it", tools=3), Continued(asked=400, followed=0))).life


def test_the_request_at_hand_does_not_count_against_itself() -> None:
    first = outlook_of(asked("Hello"), Continued(asked=1, followed=0))
    assert first == outlook_of(asked("Hello"), NOTHING_CONTINUED)
