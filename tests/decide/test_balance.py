"""What a client is told of a budget: true, below 1 while it is served, and no provider's own figures lost."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.budget import FOREVER_MS, Claim, Level
from tenbin.decide.balance import (
    UNIFIED,
    balances,
    fullest,
    in_words,
    refusal,
    spent_headers,
    standing_headers,
    until_in_words,
)

ENDS_MS = 1_796_083_200_000  # 2026-12-01 00:00 UTC


def level(spent: float, reserved: float = 0.0, **claim: Any) -> Level:
    fields = {
        "counter": "team:search/month",
        "starts_at_ms": 0,
        "ends_at_ms": ENDS_MS,
        "limit": 200_000_000_000,
        "hard": True,
        "whose": "team:search",
        "window": "month",
        **claim,
    }
    drawn = Claim(**fields)
    return Level(drawn, round(spent * drawn.limit), round(reserved * drawn.limit))


def told(headers: Any) -> dict[str, str]:
    return {name.decode().removeprefix(UNIFIED.decode()): value.decode() for name, value in headers}


@given(st.floats(0, 2), st.floats(0, 1))
def test_an_answer_that_is_given_tells_a_share_below_one(spent: float, reserved: float) -> None:
    found = told(standing_headers(level(spent, reserved)))
    used = float(found["overage-utilization"])
    assert 0 <= used < 1
    assert abs(used - min(spent, 0.99)) <= 0.0051
    warned = found.get("overage-surpassed-threshold")
    assert warned == ("0.95" if min(spent, 0.99) > 0.95 else "0.75" if spent > 0.75 else None)
    assert found["status"] == found["overage-status"] == ("allowed_warning" if warned else "allowed")
    assert found["representative-claim"] == "overage"
    assert found["reset"] == found["overage-reset"] == "1796083200"


def test_a_refusal_has_neither_claim_nor_status_of_its_own() -> None:
    """With them Claude Code would write a line in place of the message."""
    found = told(spent_headers(level(1.0)))
    assert found["status"] == "rejected"
    assert found["overage-period"] == "monthly"
    assert found["overage-scope"] == "group_pool"
    assert "representative-claim" not in found
    assert "overage-status" not in found
    assert "overage-scope" not in told(spent_headers(level(1.0, whose="user:ann")))
    assert "reset" not in told(spent_headers(level(1.0, window="total", ends_at_ms=FOREVER_MS)))


def test_the_fullest_hard_budget_is_told() -> None:
    soft, half, most = level(0.9, hard=False), level(0.5, 0.4), level(0.6)
    assert fullest([soft, half, most]) == most
    assert fullest([soft]) is None
    assert fullest([]) is None


OURS = standing_headers(level(0.8))
THEIRS = (UNIFIED + b"5h-utilization", b"0.9"), (UNIFIED + b"status", b"allowed")


def test_a_subscription_of_which_less_is_left_keeps_its_own_headers() -> None:
    limits = ((b"x-tenbin-landing", b"stage=1"),)
    assert balances(OURS, []) == OURS
    assert balances((*limits, *OURS), THEIRS) == limits
    assert balances(OURS, [(UNIFIED + b"5h-utilization", b"0.79")]) == OURS
    assert balances(OURS, [(UNIFIED + b"5h-utilization", b"much")]) == OURS
    assert balances(OURS, [(UNIFIED + b"status", b"rejected")]) == ()
    assert balances((*limits, *OURS), [], failed=True) == limits


def test_the_refusal_says_what_of_which_budget_and_until_when() -> None:
    problem = refusal(level(0.975), ENDS_MS - 60_000, what="nothing is done", anthropic=True)
    assert problem.message == (
        "Nothing is done: this month's budget of team search: $195.00 of $200.00 spent · resets 2026-12-01 00:00 UTC · "
        "whoever runs the gateway can raise the budget"
    )
    assert (problem.status, problem.code, problem.should_retry) == (429, "billing_error", False)
    assert problem.retry_after_ms == 60_000
    assert problem.headers == spent_headers(level(0.975))
    assert refusal(level(1), 0, what="x", anthropic=False).headers == ()


def test_what_calls_under_way_have_taken_comes_back() -> None:
    problem = refusal(level(0.2, 0.8), 0, what="x", anthropic=True, brief=True)
    assert (problem.code, problem.should_retry, problem.headers) == ("rate_limit_error", True, ())


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ({"whose": "global", "window": "day"}, "today's budget for everybody: $100.00 of $200.00 spent"),
        ({"whose": "key:key_1", "window": "hour"}, "this hour's budget of key key_1: $100.00 of $200.00 spent"),
        ({"limit": 4_000, "window": "total"}, "the whole budget of team search: $0.000002000 of $0.000004000 spent"),
    ],
)
def test_words(claim: dict[str, Any], words: str) -> None:
    assert in_words(level(0.5, **claim)) == words


def test_times_are_the_budgets_own() -> None:
    assert until_in_words(level(1, zone="Asia/Tokyo")) == "resets 2026-12-01 09:00 Asia/Tokyo"
    assert until_in_words(level(1, ends_at_ms=FOREVER_MS)) == "it never begins anew"
