"""What plainer dialects share when they are written: what an answer echoes, in their words."""

import pytest

from tenbin.codecs.lowering import told_tier


@pytest.mark.parametrize(
    ("echoed", "told"),
    [
        (None, None),
        ("", None),
        ("standard", "default"),
        ("standard+fast+us", "default"),
        ("priority", "priority"),
        ("batch+us", None),
        ("flex", "flex"),
    ],
)
def test_a_service_tier_is_told_in_words_that_openai_knows(echoed: str | None, told: str | None) -> None:
    assert told_tier(echoed) == told
