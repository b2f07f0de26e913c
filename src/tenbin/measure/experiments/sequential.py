"""A difference of two means that may be looked at any time: a confidence sequence, the mixture SPRT turned inside out.

A common 95 % interval is wrong once in twenty looks; whoever looks after each request and stops at the first interval
without zero finds a difference almost surely. A confidence sequence holds at all times at once.
"""

from math import log, sqrt
from typing import NamedTuple

TUNED_FOR = 400
"""Units in both arms together at which the sequence is narrowest. A choice made before any data; it holds anywhere."""
FEWEST_UNITS = 25
"""Of each arm: before so many the normal approximation behind the sequence says nothing."""


class Sequence(NamedTuple):
    """A difference with what is sure of it; ``low`` and ``high`` are None while there are too few units."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def sure(self) -> bool:
        """Whether zero is excluded."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def half_width(variance: float, units: float, alpha: float, tuned_for: int = TUNED_FOR) -> float:
    """Half the width of the asymptotic confidence sequence of a mean.

    ``variance`` is the squared standard error of the estimate at this moment, ``units`` how many independent units
    (conversations of both arms) it is made of. With sigma^2 = variance * t, t = units:

        sigma * sqrt( 2 (t rho^2 + 1) / (t^2 rho^2) * log( sqrt(t rho^2 + 1) / alpha ) )

    Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas: Time-uniform central limit theory and asymptotic confidence sequences,
    Annals of Statistics 52 (2024), theorem 2.2; the boundary is Robbins' normal mixture (1970), whose test is the
    mixture SPRT of Johari, Koomen, Pekelis, Walsh: Always valid inference, Operations Research 70 (2022). rho is chosen
    so that the boundary is narrowest at ``tuned_for`` units (their appendix B.2, its approximation).
    """
    rho2 = (-2 * log(alpha) + log(-2 * log(alpha) + 1)) / tuned_for
    spread = units * rho2 + 1
    return sqrt(variance * units) * sqrt(2 * spread / (units * units * rho2) * log(sqrt(spread) / alpha))


def effective_units(control: int, treatment: int) -> float:
    """Of two arms, how many units in equal arms tell as much: four times the harmonic share, their sum when equal."""
    return 4 / (1 / control + 1 / treatment)


def sequence(value: float, variance: float, control: int, treatment: int, alpha: float) -> Sequence:
    """A difference with its confidence sequence; ``control`` and ``treatment`` are the arms' units."""
    if min(control, treatment) < FEWEST_UNITS:
        return Sequence(value)
    half = half_width(variance, effective_units(control, treatment), alpha)
    return Sequence(value, value - half, value + half)
