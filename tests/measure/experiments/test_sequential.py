"""A confidence sequence may be looked at any time: rates of false alarms under repeated looks, over many seeds."""

from math import log, sqrt

import numpy as np
import pytest

from tenbin.measure.experiments.estimates import METRICS, Ratio, difference
from tenbin.measure.experiments.sequential import FEWEST_UNITS, TUNED_FOR, effective_units, half_width, sequence

ALPHA = 0.05
SEEDS = 1_000
CONVERSATIONS = 1_500
LOOKS = range(50, CONVERSATIONS + 1, 10)
"""After so many conversations somebody looks."""


def test_the_boundary_is_the_published_one() -> None:
    rho2 = (-2 * log(ALPHA) + log(-2 * log(ALPHA) + 1)) / TUNED_FOR
    t, sigma = 100, 3.0
    published = sigma * sqrt(2 * (t * rho2 + 1) / (t**2 * rho2) * log(sqrt(t * rho2 + 1) / ALPHA))
    assert half_width(sigma**2 / t, t, ALPHA) == pytest.approx(published)


def test_it_is_wider_than_an_interval_for_one_look_and_narrows() -> None:
    widths = [half_width(1 / units, units, ALPHA) for units in (50, 400, 5_000)]
    assert widths == sorted(widths, reverse=True)
    for width, units in zip(widths, (50, 400, 5_000), strict=True):
        assert 1.96 / sqrt(units) < width < 6 / sqrt(units)


def test_nothing_is_said_of_few_units() -> None:
    assert sequence(1.0, 0.0, FEWEST_UNITS - 1, 10_000, ALPHA).low is None
    assert sequence(1.0, 0.0, FEWEST_UNITS, FEWEST_UNITS, ALPHA).sure


def test_equal_arms_count_whole_and_a_small_one_limits() -> None:
    assert effective_units(50, 50) == 100
    assert effective_units(10, 1_000_000) == pytest.approx(40, rel=0.01)


def _conversations(kind: str, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """What is summed above and below the line, by conversation. Both arms are drawn from this: no difference."""
    requests = random.geometric(0.3, CONVERSATIONS)
    if kind == "errors":
        return random.binomial(requests, random.beta(0.2, 9.8, CONVERSATIONS)), requests
    if kind == "rare errors":
        return random.binomial(requests, random.beta(0.05, 9.95, CONVERSATIONS)), requests
    if kind == "gates":
        return random.binomial(requests, random.beta(8, 2, CONVERSATIONS)), requests
    return requests * random.lognormal(0, 1.5, CONVERSATIONS), np.ones(CONVERSATIONS)


def _false_alarm(kind: str, share: float, seed: int) -> bool:
    """Whether whoever looks at every look is told of a difference once."""
    random = np.random.default_rng([seed, round(100 * share), len(kind)])
    treated = random.random(CONVERSATIONS) < share
    x, w = _conversations(kind, random)
    arms = []
    for arm in (~treated, treated):
        sums = [np.cumsum(arm * value) for value in (np.ones(CONVERSATIONS), x, w, x * x, x * w, w * w)]
        arms.append([column[np.array(LOOKS) - 1] for column in sums])
    metric = next(one for one in METRICS if one.name == ("cost_per_conversation" if kind == "cost" else "errors"))
    for look in range(len(LOOKS)):
        ratios = []
        for count, sx, sw, sxx, sxw, sww in ([column[look] for column in arm] for arm in arms):
            if count < FEWEST_UNITS:
                break
            value = sx / sw
            spread = (sxx - 2 * value * sxw + value * value * sww) / (sw / count) ** 2
            ratios.append(Ratio(float(value), float(spread), int(count)))
        if len(ratios) == 2 and difference(metric, ratios[0], ratios[1], ALPHA).sure:
            return True
    return False


@pytest.mark.parametrize("share", [0.5, 0.1])
@pytest.mark.parametrize("kind", ["errors", "rare errors", "gates", "cost"])
def test_whoever_looks_again_and_again_is_rarely_misled(kind: str, share: float) -> None:
    false = sum(_false_alarm(kind, share, seed) for seed in range(SEEDS))
    # With the promised rate of 5 %, more than 66 of 1000 would come in less than one run of a hundred.
    assert false <= 66, f"{false} of {SEEDS}"


def test_an_interval_for_one_look_would_mislead() -> None:
    """That the simulation above would see a fault: the usual interval, looked at as often, is wrong far more often."""
    wrong = 0
    for seed in range(SEEDS):
        random = np.random.default_rng(seed)
        values = random.standard_normal(CONVERSATIONS)
        signs = np.where(random.random(CONVERSATIONS) < 0.5, 1, -1)
        means = (np.cumsum(values * signs) / np.arange(1, CONVERSATIONS + 1))[np.array(LOOKS) - 1]
        wrong += bool((np.abs(means) > 1.96 / np.sqrt(np.array(LOOKS))).any())
    assert wrong > 0.25 * SEEDS
