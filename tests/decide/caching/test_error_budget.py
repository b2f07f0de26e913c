"""The error budget: a scope falls back to shadow by itself, and a bad hit changes what its entry demands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.decide.caching.error_budget import (
    LEAST,
    UNREACHABLE,
    BadHit,
    Standing,
    Verdict,
    demands,
    fold,
    may_serve,
    told,
    wilson,
)

RIGHT: Verdict = "right"
WRONG: Verdict = "wrong"


def test_wilson_is_the_published_interval() -> None:
    low, high = wilson(10, 100)
    assert low == pytest.approx(0.0552, abs=1e-4)
    assert high == pytest.approx(0.1744, abs=1e-4)
    assert wilson(0, 0) == (0, 1)


def test_a_scope_of_which_nothing_is_known_serves_and_an_early_bad_hit_stops_it() -> None:
    assert may_serve([])
    assert not may_serve([WRONG])
    assert not may_serve([RIGHT] * 4 + [WRONG])
    assert may_serve([RIGHT] * 20 + [WRONG])


def test_past_the_budget_it_falls_back_and_comes_back_only_when_surely_within() -> None:
    fallen = fold([RIGHT] * 300 + [WRONG] * 8)
    assert not fallen.serving
    assert not fold([RIGHT] * 100, begin=fallen).serving
    assert fold([RIGHT] * 5_000, begin=fallen).serving


def test_a_low_error_keeps_serving() -> None:
    assert may_serve(([RIGHT] * 99 + [WRONG]) * 30)
    assert not may_serve(([RIGHT] * 24 + [WRONG]) * 30)


@given(st.lists(st.sampled_from([RIGHT, WRONG]), max_size=400), st.integers(0, 400))
def test_verdicts_may_be_folded_in_parts(verdicts: list[Verdict], cut: int) -> None:
    assert fold(verdicts[cut:], begin=fold(verdicts[:cut])) == fold(verdicts)


@given(st.lists(st.sampled_from([RIGHT, WRONG]), max_size=300))
def test_one_more_right_answer_never_stops_a_scope(verdicts: list[Verdict]) -> None:
    standing = fold(verdicts)
    # At the LEAST-th verdict the bare share begins to count, whoever brings it.
    if standing.serving and not LEAST - 1 < standing.judged < LEAST:
        assert told(standing, RIGHT).serving
    assert told(Standing(0, 0, False), WRONG).serving is False


def test_a_bad_hit_kills_its_entry_or_raises_what_it_demands() -> None:
    hits = [BadHit("e1", 0.93), BadHit("e1", 0.91), BadHit("e2", 0.9)]
    assert demands(hits) == {"e1": UNREACHABLE, "e2": UNREACHABLE}
    assert demands(hits, drop=False) == pytest.approx({"e1": 0.94, "e2": 0.91})
