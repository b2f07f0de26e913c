"""AUC, shares and cost curves against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.measure.gates.formulas import auc, auc_value, least_sure, share, share_value


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_auc_is_the_share_of_pairs_in_the_right_order(rows: list[tuple[int, bool]]) -> None:
    good = [score for score, right in rows if right]
    bad = [score for score, right in rows if not right]
    told = auc(np.array([float(score) for score, _ in rows]), np.array([right for _, right in rows]))
    if not good or not bad:
        assert np.isnan(told)
        return
    pairs = [(one > other) + 0.5 * (one == other) for one in good for other in bad]
    assert told == pytest.approx(sum(pairs) / len(pairs))


def test_shares_and_their_intervals() -> None:
    flags = np.array([True, False, True, False])
    assert share(flags, np.array([True, True, False, False])) == 0.5
    assert np.isnan(share(flags, np.zeros(4, dtype=np.bool_)))
    told = share_value(flags, np.ones(4, dtype=np.bool_), 200, 0)
    assert told.value == 0.5
    assert told.low is not None
    assert told.high is not None
    assert told.low < 0.5 < told.high
    assert share_value(flags, np.zeros(4, dtype=np.bool_), 50, 0).value is None
    assert auc_value(np.array([0.1, 0.9]), np.array([False, True]), 0, 0).value == 1.0


def test_the_least_sure_go_first() -> None:
    assert least_sure(np.array([0.9, 0.1, 0.5, 0.1]), 0.5).tolist() == [False, True, False, True]
    assert not least_sure(np.array([0.9]), 0.0).any()
