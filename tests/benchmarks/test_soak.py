"""Growth of memory is told from warm-up."""

import pytest

from benchmarks.harness.soak import Sample, once_warm, slope_mb_per_100k


def test_growth_is_found_whatever_the_start() -> None:
    samples = [Sample(number * 10_000, 50.0 + number * 0.5) for number in range(21)]
    assert slope_mb_per_100k(samples) == pytest.approx(5.0)


def test_warm_up_does_not_count() -> None:
    samples = [Sample(number * 10_000, min(60.0, 40.0 + 5 * number)) for number in range(21)]
    assert slope_mb_per_100k(once_warm(samples, 50_000)) == pytest.approx(0.0)
    assert slope_mb_per_100k(samples) > 1
