"""What an answer's headers say of a rate limit, and who is passed over for it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.steps import Call, Failed
from tenbin.decide.allowance import LONGEST_MS, empty_until, pool
from tests.decide.plans import NOW_MS, decided, failure, policy, target


def rfc3339(ms: int) -> bytes:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat().replace("+00:00", "Z").encode()


def until(*headers: tuple[bytes, bytes]) -> int:
    return empty_until(headers, lambda: NOW_MS)


def test_anthropic_states_when_it_is_full_again() -> None:
    reset = rfc3339(NOW_MS + 30_000)
    for kind in (b"requests", b"tokens", b"input-tokens", b"output-tokens"):
        stem = b"anthropic-ratelimit-" + kind
        assert until((stem + b"-remaining", b"0"), (stem + b"-reset", reset)) == NOW_MS + 30_000
        assert until((stem + b"-remaining", b"1000"), (stem + b"-reset", reset)) == 0
        assert until((stem + b"-remaining", b"0"), (stem + b"-reset", rfc3339(NOW_MS - 1))) == 0
        assert until((stem + b"-remaining", b"0")) == 0, "no reset is known"


def test_a_providers_clock_that_goes_wrong_is_allowed_for() -> None:
    headers = (
        (b"date", b"Mon, 21 Sep 2026 12:00:00 GMT"),
        (b"anthropic-ratelimit-requests-remaining", b"0"),
        (b"anthropic-ratelimit-requests-reset", b"2026-09-21T12:00:20Z"),
    )
    assert until(*headers) == NOW_MS + 20_000


@pytest.mark.parametrize(
    ("stated", "ms"),
    [
        (b"6m0s", 360_000),
        (b"1s", 1_000),
        (b"20ms", 20),
        (b"1h2m3.5s", 3_600_000),
        (b"1m30s", 90_000),
        (b"12", 12_000),
        (str((NOW_MS + 9_000) // 1000).encode(), 9_000),
        (str(NOW_MS + 9_000).encode(), 9_000),
        (b"7d", LONGEST_MS),
        (b"", 0),
        (b"soon", 0),
        (b"2026-99-99T00:00:00Z", 0),
        (b"2026-01-01T00:00:00", 0),
        (b"-5", 0),
        (b"nan", 0),
        (b"1e400", 0),
    ],
)
def test_other_providers_state_durations_or_epochs(stated: bytes, ms: int) -> None:
    for remaining, reset in (
        (b"x-ratelimit-remaining-requests", b"x-ratelimit-reset-requests"),
        (b"x-ratelimit-remaining", b"x-ratelimit-reset"),
    ):
        assert until((remaining, b"0"), (reset, stated)) == (NOW_MS + ms if ms else 0)


def test_the_last_of_several_empty_limits_counts_and_full_ones_do_not() -> None:
    assert (
        until(
            (b"x-ratelimit-remaining-requests", b"0"),
            (b"x-ratelimit-reset-requests", b"1s"),
            (b"x-ratelimit-remaining-tokens", b"12"),
            (b"x-ratelimit-reset-tokens", b"5s"),
            (b"x-ratelimit-remaining-images", b"99"),
            (b"x-ratelimit-reset-images", b"50s"),
        )
        == NOW_MS + 5_000
    )


def test_a_subscriptions_windows_are_its_users_own() -> None:
    assert (
        until((b"anthropic-ratelimit-unified-status", b"rejected"), (b"anthropic-ratelimit-unified-reset", b"1")) == 0
    )


headers = st.tuples(
    st.sampled_from([b"x-ratelimit-remaining-tokens", b"x-ratelimit-reset-tokens", b"date", b"x-remaining"])
    | st.binary(max_size=20),
    st.binary(max_size=20) | st.from_regex(rb"[0-9dhms.TZ:-]{0,12}", fullmatch=True),
)


@given(st.lists(headers, max_size=8))
def test_no_header_raises_or_bars_a_target_for_long(given_headers: list[tuple[bytes, bytes]]) -> None:
    found = until(*given_headers)
    assert found == 0 or NOW_MS < found <= NOW_MS + LONGEST_MS


def test_the_models_of_one_family_share_a_limit() -> None:
    assert pool("anthropic/claude-opus-5-5") == pool("anthropic/claude-opus-4-6") == "anthropic/claude-opus"
    assert pool("bedrock/us.anthropic.claude-sonnet-5-5-v1:0") == "bedrock/claude-sonnet"
    assert pool("openai/gpt-5.5") == "openai/gpt-5.5"
    assert pool("openrouter/anthropic/claude-haiku-5-5") == "openrouter/claude-haiku"


def test_a_target_without_room_is_passed_over_if_another_can_serve() -> None:
    first, second = target("anthropic/claude-opus-5-5"), target("two/b")

    def asked(*chain: str, **exhausted: int) -> list[str]:
        pools = {name.replace("__", "/").replace("_", "-"): until for name, until in exhausted.items()}
        gone = Failed(failure=failure("not_found"))
        steps, _ = decided(policy([target(name) for name in chain]), lambda step: gone, exhausted=pools)
        return [step.target.name for step in steps if isinstance(step, Call)]

    full = {"anthropic__claude_opus": NOW_MS + 1}
    assert asked(first.name, second.name, **full) == [second.name, first.name]
    assert asked(first.name, **full) == [first.name], "somebody has to be asked"
    assert asked(first.name, second.name, two__b=NOW_MS + 1, **full) == [first.name, second.name]
    assert asked(first.name, second.name, anthropic__claude_opus=NOW_MS)[0] == first.name, "it is full again"
