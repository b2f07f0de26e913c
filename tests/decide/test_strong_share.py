"""The share that goes to the strong model: kept on any traffic, the hardest requests, no chance drawn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.features import Features
from tenbin.decide.strong_share import NOTHING_SEEN, REMEMBERED, StrongShare, fold, score, strong

scores = st.floats(0, 1).map(lambda x: round(x, 3))


def sent(traffic: list[float], share: float) -> tuple[list[bool], StrongShare]:
    state, went = NOTHING_SEEN, []
    for one in traffic:
        went.append(strong(state, share, one))
        state = fold(state, share, one)
    return went, state


def spread(count: int) -> list[float]:
    """Scores spread evenly over 0..1 in no order to speak of (steps of the golden ratio)."""
    return [round(number * 0.618034 % 1, 6) for number in range(count)]


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.9])
@pytest.mark.parametrize(
    "traffic", [spread(3_000), [0.5] * 3_000, [(0.2, 0.5, 0.5, 0.9)[n * 7 % 4] for n in range(3_000)]]
)
def test_the_share_is_kept_on_any_traffic(traffic: list[float], share: float) -> None:
    went, _ = sent(traffic, share)
    assert sum(went) / len(went) == pytest.approx(share, abs=0.02)


def test_the_hardest_are_sent() -> None:
    traffic = spread(2_000)
    went, state = sent(traffic, 0.3)
    assert state.threshold == pytest.approx(0.7, abs=0.02)
    late = list(zip(traffic, went, strict=True))[500:]
    assert min(one for one, hard in late if hard) >= max(one for one, hard in late if not hard) - 0.05


@pytest.mark.parametrize(("share", "always"), [(0.0, False), (1.0, True)])
def test_none_and_all(share: float, always: bool) -> None:
    went, _ = sent(spread(50), share)
    assert went == [always] * 50


@given(st.lists(scores, max_size=60), st.floats(0.01, 0.99))
def test_a_harder_request_is_never_kept_back_where_an_easier_one_goes(traffic: list[float], share: float) -> None:
    _, state = sent(traffic, share)
    went = [strong(state, share, one / 20) for one in range(21)]
    assert went == sorted(went)


def test_it_follows_traffic_that_changes_and_remembers_no_more_than_it_must() -> None:
    went, state = sent([0.1 + one / 100 for one in spread(2_000)] + [0.9 + one / 100 for one in spread(3_000)], 0.2)
    assert len(state.scores) == REMEMBERED
    assert min(state.scores) >= 0.9
    assert sum(went[-1_000:]) / 1_000 == pytest.approx(0.2, abs=0.02)


@given(st.tuples(*[st.floats(0, 1)] * 4), st.integers(0, 2), st.floats(0, 1))
def test_a_request_that_fewer_tiers_suffice_for_is_harder(
    suffices: tuple[float, float, float, float], tier: int, less: float
) -> None:
    worse = list(suffices)
    worse[tier] *= less
    harder = score(Features(suffices=(worse[0], worse[1], worse[2], worse[3])))
    assert 0 <= score(Features(suffices=suffices)) <= harder + 1e-6 <= 1 + 1e-6
