"""8. What another policy would have reached, from logged choices with their propensities, each weighted inversely."""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np


class NoSupport(ValueError):
    """The other policy chooses what could not have been logged: nothing can be said of it."""


class Reached(NamedTuple):
    """An estimate of a mean reward."""

    value: float
    error: float
    """Its standard error, requests taken as independent."""
    effective: float
    """As many equally weighted requests tell as much (Kish): (sum w)^2 / sum w^2."""
    self_normalised: float
    """The same by Hajek's estimator: slightly biased, steadier where weights vary much."""


def inverse_propensity(rewards: Sequence[float], logged: Sequence[float], other: Sequence[float]) -> Reached:
    """The mean reward of another policy, estimated from requests that were decided by the logged one.

    ``rewards`` are what came of the choices made; ``logged`` the chances with which they were made
    (decide.exploration.propensity); ``other`` the chances that the other policy gives the same choices. Unbiased where
    the logged policy gives a chance to all that the other one may choose (Horvitz and Thompson, JASA 47, 1952):

        (1 / n) sum of other / logged * reward

    Raises ValueError for lists of unequal length or none, NoSupport for a chance of 0 of what was chosen.
    """
    if not rewards or not len(rewards) == len(logged) == len(other):
        raise ValueError("one reward, one logged and one other chance for each request, at least one")
    chances = np.asarray(logged, dtype=np.float64)
    if not ((chances > 0) & (chances <= 1)).all():
        raise NoSupport("a choice cannot have been made with a chance of 0, or above 1")
    weights = np.asarray(other, dtype=np.float64) / chances
    values = weights * np.asarray(rewards, dtype=np.float64)
    count, whole = len(values), float(weights.sum())
    error = float(values.std(ddof=1)) / sqrt(count) if count > 1 else float("nan")
    square = float((weights**2).sum())
    return Reached(
        value=float(values.mean()),
        error=error,
        effective=whole * whole / square if square else 0.0,
        self_normalised=float(values.sum()) / whole if whole else float("nan"),
    )
