"""A request's id: ``req_`` and 26 characters of Crockford base32, sortable by time (the form of a ULID).

Ten characters are the UTC milliseconds of arrival, sixteen are 80 random bits, given by the caller.
"""

from functools import lru_cache

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUE = {digit: value for value, digit in enumerate(_DIGITS)}
_PAIRS = [a + b for a in _DIGITS for b in _DIGITS]
PREFIX = "req_"


def new(at_ms: int, random_80_bits: int) -> str:
    """An id for a request that arrived at ``at_ms`` (UTC ms)."""
    two, high, low = _PAIRS, random_80_bits >> 40, random_80_bits
    return (
        f"{_moment(at_ms)}{two[high >> 30 & 1023]}{two[high >> 20 & 1023]}{two[high >> 10 & 1023]}{two[high & 1023]}"
        f"{two[low >> 30 & 1023]}{two[low >> 20 & 1023]}{two[low >> 10 & 1023]}{two[low & 1023]}"
    )


@lru_cache(maxsize=2)
def _moment(at_ms: int) -> str:
    """The part that all requests of a millisecond have in common."""
    return PREFIX + "".join([_PAIRS[(at_ms >> shift) & 1023] for shift in range(40, -1, -10)])


def millis(request_id: str) -> int:
    """UTC milliseconds at which the request arrived; 0 for an id that Tenbin did not make."""
    digits = request_id.removeprefix(PREFIX)[:10]
    if len(digits) != 10:
        return 0
    value = 0
    for digit in digits:
        if digit not in _VALUE:
            return 0
        value = value * 32 + _VALUE[digit]
    return value
