"""Money is an integer count of nano-USD (1e-9 USD) wherever it is kept, added or compared.

A price per million tokens is kept as integer pico-USD per token (USD per 1M tokens x 1e6), so that a sum over
buckets is exact and is rounded to nano-USD once, at the end.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import TypeAlias

NANO_PER_USD = 1_000_000_000
PICO_PER_NANO = 1_000

NanoUSD: TypeAlias = int
"""An amount in nano-USD."""

PicoUSD: TypeAlias = int
"""A price for one token (or one other unit) in pico-USD."""


def pico_per_token(usd_per_million: Decimal) -> PicoUSD:
    """The price of one token in pico-USD, from the usual USD per one million tokens.

    Exact for prices down to 0.000001 USD per million; finer ones are rounded half to even.
    """
    return int((usd_per_million * 1_000_000).to_integral_value(rounding=ROUND_HALF_EVEN))


def nano_from_pico(pico: int) -> NanoUSD:
    """Round a sum of pico-USD to nano-USD, half up: the only rounding an amount ever sees."""
    return (pico + PICO_PER_NANO // 2) // PICO_PER_NANO


def nano_from_usd(usd: Decimal | str | int) -> NanoUSD:
    """An amount stated in USD, as a provider does (OpenRouter's ``usage.cost``), in nano-USD."""
    return int((Decimal(usd) * NANO_PER_USD).to_integral_value(rounding=ROUND_HALF_EVEN))


def format_usd(nano: NanoUSD) -> str:
    """``$1.23``, with as many decimals as a small amount needs: ``$0.0000042``, never ``$0.00`` for money spent."""
    sign, amount = ("-", -nano) if nano < 0 else ("", nano)
    whole, fraction = divmod(amount, NANO_PER_USD)
    digits = f"{fraction:09d}"
    if whole:
        cents = (amount + NANO_PER_USD // 200) // (NANO_PER_USD // 100)
        return f"{sign}${cents // 100:,}.{cents % 100:02d}"
    significant = digits.rstrip("0")
    return f"{sign}$0.{significant.ljust(2, '0')}"


def format_about(nano: NanoUSD) -> str:
    """The amount as people read it in a report: to the cent, but to two digits at least."""
    unit = 10 ** max(len(str(abs(nano))) - 2, 0)
    step = min(unit, NANO_PER_USD // 100)
    return format_usd((nano + step // 2) // step * step)


def usd_decimal(nano: NanoUSD) -> str:
    """The exact amount in USD as a plain decimal with nine places, for headers and JSON: ``0.000123000``."""
    sign = "-" if nano < 0 else ""
    whole, fraction = divmod(abs(nano), NANO_PER_USD)
    return f"{sign}{whole}.{fraction:09d}"
