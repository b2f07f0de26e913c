"""Samples of long turns, and the name of a conversation that has none."""

from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.sampling import origin_of, sampled
from tenbin.core.sketch import USER_CHARACTERS


@given(st.text(max_size=3 * USER_CHARACTERS))
def test_a_sample_is_bounded_and_begins_and_ends_as_the_text(text: str) -> None:
    sample = sampled(text)
    assert len(sample) == min(len(text), USER_CHARACTERS)
    assert text.startswith(sample[:4_000])
    assert text.endswith(sample[-2_000:])


def test_an_origin_tells_long_beginnings_apart() -> None:
    long = "word " * 10_000
    names = {origin_of("s", long), origin_of("s", long + "x"), origin_of("s", "x" + long), origin_of("t", long)}
    assert len(names) == 4
    assert all(len(name) == 16 for name in names)
    assert origin_of("", "") == ""


def test_an_origin_does_not_mix_system_and_user_up() -> None:
    assert origin_of("ab", "c") != origin_of("a", "bc")
