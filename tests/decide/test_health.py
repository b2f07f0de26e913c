"""Health as a fold: cooldown, the one probe, and the way back."""

from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.model import Cooldown
from tenbin.core.facts import TargetHealth
from tenbin.core.problems import Failure
from tenbin.decide.health import COUNTS_AGAINST, WELL, available, circuit, fold, probing
from tests.decide.plans import NOW_MS, cooldowns, failure, failures, healths

COOLDOWN = Cooldown(after_failures=3, seconds=300)
LATER_MS = NOW_MS + 300_000
moments = st.integers(NOW_MS - 1_000_000, NOW_MS + 1_000_000)


def after(*kinds: str, start: TargetHealth = WELL) -> TargetHealth:
    health = start
    for kind in kinds:
        health = fold(health, failure(kind), NOW_MS, COOLDOWN)  # type: ignore[arg-type]
    return health


def test_three_failures_in_a_row_close_a_target_until_the_cooldown_is_over() -> None:
    two = after("server_error", "timeout")
    assert available(two, NOW_MS, COOLDOWN)
    three = after("cut", start=two)
    assert not available(three, NOW_MS, COOLDOWN)
    assert not available(three, LATER_MS - 1, COOLDOWN)
    assert available(three, LATER_MS, COOLDOWN)


def test_an_answer_in_between_begins_the_count_anew() -> None:
    health = fold(after("server_error", "server_error"), None, NOW_MS, COOLDOWN)
    assert health == WELL
    assert available(after("server_error", "server_error", start=health), NOW_MS, COOLDOWN)


def test_a_key_that_is_not_accepted_closes_at_once() -> None:
    assert not available(after("unauthenticated"), NOW_MS, COOLDOWN)
    assert not available(after("unpaid"), NOW_MS, COOLDOWN)


def test_a_rate_limit_closes_for_as_long_as_it_says_and_no_longer() -> None:
    health = fold(WELL, failure("rate_limited", retry_after_ms=7_000), NOW_MS, COOLDOWN)
    assert not available(health, NOW_MS + 6_999, COOLDOWN)
    assert available(health, NOW_MS + 7_000, COOLDOWN)
    assert available(fold(WELL, failure("rate_limited"), NOW_MS, COOLDOWN), NOW_MS, COOLDOWN)


def test_after_the_cooldown_one_probe_is_let_through_and_its_outcome_decides() -> None:
    closed = after("cut", "cut", "cut")
    probed = probing(closed, LATER_MS)
    assert not available(probed, LATER_MS, COOLDOWN)
    assert fold(probed, None, LATER_MS, COOLDOWN) == WELL
    again = fold(probed, failure("cut"), LATER_MS, COOLDOWN)
    assert not available(again, LATER_MS + 299_999, COOLDOWN)
    assert available(again, LATER_MS + 300_000, COOLDOWN)


def test_a_probe_without_an_outcome_stands_in_the_way_for_one_cooldown() -> None:
    probed = probing(after("cut", "cut", "cut"), LATER_MS)
    assert not available(probed, LATER_MS + 300_000, COOLDOWN)
    assert available(probed, LATER_MS + 300_001, COOLDOWN)


def test_a_probe_that_hears_of_a_rate_limit_has_heard_from_the_target() -> None:
    probed = probing(after("cut", "cut", "cut"), LATER_MS)
    assert fold(probed, failure("rate_limited"), LATER_MS, COOLDOWN) == WELL


def test_the_circuit_has_three_states_and_one_way_through_them() -> None:
    assert circuit(None, NOW_MS) == circuit(after("cut", "cut"), NOW_MS) == "closed"
    closed = after("cut", "cut", "cut")
    assert circuit(closed, LATER_MS - 1) == "open"
    assert circuit(closed, LATER_MS) == circuit(probing(closed, LATER_MS), LATER_MS) == "half_open"
    assert circuit(fold(probing(closed, LATER_MS), failure("cut"), LATER_MS, COOLDOWN), LATER_MS) == "open"


@given(healths, moments, cooldowns)
def test_a_closed_circuit_lets_everything_through_and_an_open_one_nothing(
    health: TargetHealth, now: int, cooldown: Cooldown
) -> None:
    state = circuit(health, now)
    assert available(health, now, cooldown) == (state == "closed") or state == "half_open"


def test_no_probe_is_noted_while_the_cooldown_runs() -> None:
    closed = after("cut", "cut", "cut")
    assert probing(closed, NOW_MS) == closed
    assert probing(WELL, NOW_MS) == WELL


@given(healths, failures, moments, cooldowns)
def test_what_is_the_requests_own_fault_never_closes_a_target(
    health: TargetHealth, failed: Failure, now: int, cooldown: Cooldown
) -> None:
    folded = fold(health, failed, now, cooldown)
    if failed.kind not in COUNTS_AGAINST and failed.kind != "rate_limited":
        assert folded.failures <= health.failures
        assert folded.closed_until_ms <= health.closed_until_ms


@given(healths, st.none() | failures, moments, cooldowns)
def test_a_probes_outcome_ends_the_probe(
    health: TargetHealth, failed: Failure | None, now: int, cooldown: Cooldown
) -> None:
    assert fold(probing(health, now), failed, now, cooldown).probing_since_ms == 0


@given(healths, failures, moments, cooldowns)
def test_a_failure_never_opens_what_is_closed_and_an_answer_always_does(
    health: TargetHealth, failed: Failure, now: int, cooldown: Cooldown
) -> None:
    assert fold(health, None, now, cooldown) == WELL
    if not health.probing_since_ms:
        assert fold(health, failed, now, cooldown).closed_until_ms >= health.closed_until_ms


@given(st.lists(st.none() | failures, max_size=30), cooldowns, st.lists(st.integers(0, 400_000), max_size=30))
def test_a_target_always_comes_back(history: list[Failure | None], cooldown: Cooldown, steps: list[int]) -> None:
    health, now = WELL, NOW_MS
    for failed, step in zip(history, steps, strict=False):
        now += step
        health = fold(probing(health, now), failed, now, cooldown)
    waits = [failed.retry_after_ms or 0 for failed in history if failed is not None]
    assert available(health, now + int(cooldown.seconds * 1000) + max(waits, default=0) + 1, cooldown)
