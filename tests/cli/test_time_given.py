"""Times as people give them."""

import click
import pytest

from tenbin.cli.time_given import moment_ms, shown_ms, span_ms


@pytest.mark.parametrize(("text", "ms"), [("0", 0), ("30m", 1_800_000), ("12h", 43_200_000), ("2w", 1_209_600_000)])
def test_spans(text: str, ms: int) -> None:
    assert span_ms(text) == ms
    assert moment_ms(text, 5) == 5 + ms if text != "0" else True


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2027-01-31", "2027-01-31 00:00"),
        ("2027-01-31T18:00", "2027-01-31 18:00"),
        ("2027-01-31T18:00+09:00", "2027-01-31 09:00"),
        ("never", "-"),
        ("now", "1970-01-01 00:00"),
    ],
)
def test_moments(text: str, shown: str) -> None:
    assert shown_ms(moment_ms(text, 7)) == shown


@pytest.mark.parametrize("text", ["", "soon", "3", "-1d", "1y", "2027-13-01"])
def test_neither(text: str) -> None:
    with pytest.raises(click.BadParameter, match="write"):
        moment_ms(text, 7)
