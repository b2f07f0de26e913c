"""What follows a failure: the table, whatever the figures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.model import Retries
from tenbin.core.problems import Failure, FailureKind
from tenbin.decide.retry import AGAIN, NEXT, STOP, after
from tests.decide.plans import KINDS, failure, failures, retries

draws = st.floats(0, 1, exclude_max=True)


def test_each_kind_of_failure_stands_in_one_row() -> None:
    assert set(KINDS) == AGAIN | NEXT | STOP
    assert len(AGAIN) + len(NEXT) + len(STOP) == len(KINDS)


@given(failures, st.integers(1, 6), st.booleans(), draws, retries)
def test_the_table_holds_whatever_the_figures(
    failed: Failure, tries: int, others: bool, draw: float, given_retries: Retries
) -> None:
    action, pause_ms = after(failed, tries, others=others, draw=draw, retries=given_retries)
    if failed.kind in STOP:
        assert action == "stop"
    elif failed.kind in NEXT or tries > given_retries.per_target or failed.should_retry is False:
        assert action == "next"
    if action == "again":
        assert 0 <= pause_ms <= given_retries.max_pause_ms
        if failed.retry_after_ms is not None:
            assert pause_ms >= failed.retry_after_ms
            assert not others
    else:
        assert pause_ms == 0


@given(st.integers(1, 20), draws)
def test_pauses_double_with_jitter_between_a_half_and_the_whole(tries: int, draw: float) -> None:
    limits = Retries(per_target=20)
    whole = min(500 * 2 ** (tries - 1), 8_000)
    pause = after(failure("overloaded"), tries, others=True, draw=draw, retries=limits).pause_ms
    assert whole // 2 <= pause <= whole


@pytest.mark.parametrize("kind", sorted(AGAIN))
def test_a_provider_that_forbids_to_try_again_is_believed(kind: FailureKind) -> None:
    assert after(failure(kind, should_retry=False), 1, others=False, draw=0, retries=Retries()).action == "next"


def test_an_expired_limit_moves_on_where_somebody_else_can_answer() -> None:
    assert after(failure("timeout"), 1, others=True, draw=0, retries=Retries()).action == "next"
    assert after(failure("timeout"), 1, others=False, draw=0, retries=Retries()).action == "again"
