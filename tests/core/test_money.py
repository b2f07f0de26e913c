"""Amounts as people read them: no cent is lost where it matters, and money is never nothing."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.money import format_about, format_usd, usd_decimal


@pytest.mark.parametrize(
    ("nano", "said"),
    [
        (0, "$0.00"),
        (1, "$0.000000001"),
        (1_517_451, "$0.0015"),
        (9_999_999, "$0.01"),
        (12_345_678, "$0.012"),
        (994_999_999, "$0.99"),
        (995_000_000, "$1.00"),
        (1_234_567_890_123, "$1,234.57"),
        (-20_000_000_000, "-$20.00"),
    ],
)
def test_to_the_cent_and_to_two_digits_at_least(nano: int, said: str) -> None:
    assert format_about(nano) == said


@given(st.integers(1, 10**16))
def test_money_is_never_nothing_and_never_far_off(nano: int) -> None:
    said = Decimal(format_about(nano).replace("$", "").replace(",", "")) * 10**9
    assert said > 0
    most_off = Decimal(nano) / 20 if nano < 10**7 else Decimal(5 * 10**6)
    assert abs(said - nano) <= most_off


@given(st.integers(-(10**16), 10**16))
def test_a_decimal_is_exact(nano: int) -> None:
    assert Decimal(usd_decimal(nano)) * 10**9 == nano
    if abs(nano) < 10**9:
        assert Decimal(format_usd(nano).replace("$", "")) * 10**9 == nano
