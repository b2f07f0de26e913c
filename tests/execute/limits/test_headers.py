"""What answers say of limits: the names of the dialect, the tighter of two limits, times that can be read back."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.openai_errors import retry_after_ms
from tenbin.decide.limits import Plan, Used, at, paced
from tenbin.execute.limits.headers import told
from tests.decide.test_limits import NOW_MS

PLAN = Plan(name="p", requests_per_day=10, tokens_per_day=5_000, requests_per_minute=60, burst=6)
DAY = at(Used(), "UTC", NOW_MS)


def said(plan: Plan, used: Used, dialect: str = "anthropic", factor: float = 1.0, **more: bool) -> dict[str, str]:
    headers = told(dialect, plan, used, NOW_MS, 0, factor, **more)  # type: ignore[arg-type]
    assert len({name for name, _ in headers}) == len(headers)
    return {name.decode(): value.decode() for name, value in headers}


def test_the_tighter_of_minute_and_day_is_told() -> None:
    fresh = said(PLAN, DAY)
    assert (fresh["anthropic-ratelimit-requests-limit"], fresh["anthropic-ratelimit-requests-remaining"]) == ("6", "6")
    late = said(PLAN, DAY._replace(requests=8))
    assert (late["anthropic-ratelimit-requests-limit"], late["anthropic-ratelimit-requests-remaining"]) == ("10", "2")
    reset = datetime.fromisoformat(late["anthropic-ratelimit-requests-reset"])
    assert reset == datetime.fromtimestamp(DAY.day_ends_ms / 1_000, UTC)


def test_prompts_and_answers_draw_on_one_sum() -> None:
    headers = said(PLAN, DAY._replace(tokens=1_000, reserved=500))
    for kind in ("tokens", "input-tokens", "output-tokens"):
        assert headers[f"anthropic-ratelimit-{kind}-limit"] == "5000"
        assert headers[f"anthropic-ratelimit-{kind}-remaining"] == "3500"
    halved = said(PLAN, DAY._replace(tokens=3_000), factor=0.5)
    assert halved["anthropic-ratelimit-tokens-limit"] == "2500"
    assert halved["anthropic-ratelimit-tokens-remaining"] == "0", "never below nought"


def test_limits_that_a_plan_lacks_are_not_told() -> None:
    assert said(Plan(name="x"), DAY) == {}
    assert set(said(Plan(name="x", tokens_per_day=1), DAY, "openai_chat")) == {
        "x-ratelimit-limit-tokens",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-tokens",
    }
    counting = said(PLAN, DAY._replace(requests=10, full_us=10**9), counts=False)
    assert counting["anthropic-ratelimit-requests-remaining"] == "6", "a count of tokens has a bucket of its own"
    assert "anthropic-ratelimit-tokens-limit" not in counting


@given(ms=st.integers(1, 90_000_000))
def test_resets_of_openais_dialect_are_read_back(ms: int) -> None:
    used = DAY._replace(requests=10)
    plan = Plan(name="x", requests_per_day=10)
    headers = told("openai_chat", plan, used, used.day_ends_ms - ms, 0, 1.0)
    read = retry_after_ms({name.decode(): value.decode() for name, value in headers})
    assert read is not None
    assert ms <= read < ms + 1_000


def test_a_bucket_that_is_full_again_says_when() -> None:
    pace = paced(0, 0, 60, 6)
    headers = said(Plan(name="x", requests_per_minute=60, burst=6), DAY._replace(full_us=pace.full_us), "openai_chat")
    assert headers["x-ratelimit-remaining-requests"] == "5"
    assert headers["x-ratelimit-reset-requests"] == "1s"
