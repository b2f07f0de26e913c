"""How a target has done lately, and what order of a chain follows from it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.model import Cooldown
from tenbin.core.facts import TargetStanding
from tenbin.core.receipt import Attempt
from tenbin.core.steps import Answered, Call
from tenbin.decide.standing import FORGIVEN_MS, MEASURED, error_rate, fold, ordered
from tests.decide.plans import KINDS, NOW_MS, decided, policy, target

A, B, C = target("one/a"), target("two/b"), target("three/c")


def call(failure: Any = None, first_byte_ms: float | None = 100.0, **fields: Any) -> Attempt:
    given: dict[str, Any] = {
        "number": 1,
        "provider": "one",
        "model": "a",
        "dialect": "anthropic",
        "started_at_ms": NOW_MS,
        "outcome": "failed" if failure else "answered",
        "failure": failure,
        "first_byte_ms": None if failure else first_byte_ms,
        "status": 500 if failure else 200,
    }
    return Attempt(**{**given, **fields})


def after(*calls: Attempt) -> TargetStanding | None:
    """Folded one by one, and all at once: it must come to the same."""
    standing = None
    for one in calls:
        standing = fold(standing, [one])
    assert fold(None, calls) == standing
    return standing


def known(first_byte_ms: float | None, rate: float = 0.0, calls: int = MEASURED) -> TargetStanding:
    return TargetStanding(calls=calls, error_rate=rate, first_byte_ms=first_byte_ms, at_ms=NOW_MS)


def test_the_first_calls_count_alike_and_later_the_latest_counts_a_tenth() -> None:
    standing = after(call(first_byte_ms=100), call("server_error"), call(first_byte_ms=300), call("cut"))
    assert standing is not None
    assert standing.calls == 4
    assert abs(standing.error_rate - 0.5) < 1e-9
    many = after(*[call(first_byte_ms=100)] * 50, call(first_byte_ms=1_100))
    assert many is not None
    assert many.first_byte_ms is not None
    assert abs(many.first_byte_ms - 200) < 1e-6


def test_what_says_nothing_about_the_target_changes_nothing() -> None:
    before = after(call())
    for kind in ("refused", "context_exceeded", "inexpressible"):
        assert fold(before, [call(kind)]) == before
    assert fold(before, [call(outcome="cancelled")]) == before
    assert fold(before, [call("rate_limited", status=None)]) == before, "it was never asked"
    limited = fold(before, [call("rate_limited", status=429)])
    assert limited is not None
    assert limited.error_rate == 0.5


def test_old_failures_are_forgiven() -> None:
    standing = known(100, rate=0.8)
    assert error_rate(standing, NOW_MS) == 0.8
    assert abs(error_rate(standing, NOW_MS + FORGIVEN_MS) - 0.4) < 1e-9
    assert error_rate(standing, NOW_MS - 1) == 0.8


def test_the_quick_and_sound_go_first_and_the_unmeasured_keep_their_places() -> None:
    names = ordered((A, B, C), {A.name: known(1_000), C.name: known(100)}, NOW_MS)
    assert names == (C, B, A)
    assert ordered((A, B, C), {A.name: known(1_000), C.name: known(100, calls=MEASURED - 1)}, NOW_MS) == (A, B, C)
    assert ordered((A, B), {A.name: known(100, rate=0.9), B.name: known(200)}, NOW_MS) == (B, A)
    assert ordered((A, B), {A.name: known(None, rate=1.0), B.name: known(9_000)}, NOW_MS) == (B, A)


def test_small_differences_leave_the_order_as_it_is() -> None:
    assert ordered((A, B), {A.name: known(120), B.name: known(100)}, NOW_MS) == (A, B)


def test_a_chain_is_ordered_only_where_the_policy_says_so() -> None:
    standings = {A.name: known(1_000), B.name: known(100)}
    for order, first in ((False, A), (True, B)):
        given_policy = policy((A, B), cooldown=Cooldown(order_by_health=order))
        steps, verdict = decided(given_policy, lambda step: Answered(), standings=standings)
        assert verdict.answered
        assert isinstance(steps[0], Call)
        assert steps[0].target == first


attempts = st.builds(
    call,
    st.none() | st.sampled_from(KINDS),
    st.none() | st.floats(0, 1e7),
    started_at_ms=st.integers(NOW_MS, NOW_MS + 10**9),
    total_ms=st.floats(0, 1e7),
)


@given(st.lists(attempts, max_size=40))
def test_a_standing_stays_within_what_was_seen(calls: list[Attempt]) -> None:
    standing = after(*calls)
    if standing is None:
        return
    assert standing.calls <= len(calls)
    assert 0.0 <= standing.error_rate <= 1.0 + 1e-9
    seen = [one.first_byte_ms for one in calls if one.failure is None and one.first_byte_ms is not None]
    if standing.first_byte_ms is None:
        return
    assert min(seen) - 1e-6 <= standing.first_byte_ms <= max(seen) * (1 + 1e-9) + 1e-6


@given(st.permutations([A, B, C]), st.lists(st.none() | st.floats(1, 1e6), min_size=3, max_size=3))
def test_ordering_loses_nobody(chain: list[Any], delays: list[float | None]) -> None:
    standings = {one.name: known(delay) for one, delay in zip((A, B, C), delays, strict=True) if delay is not None}
    assert set(ordered(tuple(chain), standings, NOW_MS)) == {A, B, C}
