"""Pictures of budgets: windows are cut into their own days and hours, and what is drawn is well-formed."""

from xml.etree import ElementTree

import pytest

from tenbin.core.budget import WindowKind
from tenbin.decide.budget import window_of
from tenbin.measure.spending.picture import Chart, parts, picture
from tests.ledger.making import NOON_MS

USD = 1_000_000_000
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("window", "zone", "count"),
    [
        ("month", "UTC", 30),
        ("month", "America/New_York", 30),
        ("week", "Asia/Tokyo", 7),
        ("day", "UTC", 24),
        ("hour", "UTC", 4),
    ],
)
def test_a_window_is_cut_into_its_parts(window: WindowKind, zone: str, count: int) -> None:
    found = parts(window, zone, NOON_MS)
    assert (found[0], found[-1]) == window_of(window, zone, NOON_MS)
    assert found == sorted(set(found))
    assert len(found) == count + 1


def test_what_is_drawn() -> None:
    bounds = parts("month", "UTC", NOON_MS)
    spent = [USD * (day % 3) for day in range(21)] + [0] * 9
    chart = Chart("A & B", bounds, spent, NOON_MS, 100 * USD, 30 * USD, "on_track", "UTC", "month")
    drawn = ElementTree.fromstring(picture([chart, chart._replace(limit=0, projected=0, word="critical")]))
    assert [one.text for one in drawn.iter(f"{SVG}title")] == ["A & B", "A & B"]
    # The ground, and a bar for each day on which anything was spent, twice.
    assert len(list(drawn.iter(f"{SVG}rect"))) == 1 + 2 * 14
    assert any(one.text == "$100" for one in drawn.iter(f"{SVG}text"))
    assert ElementTree.fromstring(picture([])).tag == f"{SVG}svg"
