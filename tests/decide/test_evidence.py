"""Evidence is a fold that fades, stays bounded, and can be replayed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.features import TIERS, Features
from tenbin.decide.evidence import HALF_LIFE_MS, MOST_CELLS, Cell, band, cell, fold, wider

NOW_MS = 1_790_000_000_000
events = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(0, 10**9)), max_size=20)


@pytest.mark.parametrize(
    ("suffices", "expected"),
    [
        ((0.9, 0.95, 0.97, 0.99), "low"),
        ((0.5, 0.8, 0.9, 0.97), "medium"),
        ((0.5, 0.7, 0.9, 0.97), "high"),
        ((0.1, 0.2, 0.3, 0.4), "highest"),
    ],
)
def test_a_request_is_as_hard_as_the_weakest_tier_that_suffices(
    suffices: tuple[float, float, float, float], expected: str
) -> None:
    assert band(Features(suffices=suffices)) == expected


def test_an_answer_counts_for_its_kind_its_task_and_its_model() -> None:
    one = cell("acme/a", Features(task="debugging", domain="computer_science"))
    table = fold({}, one, 1.0, 0.7, NOW_MS)
    assert set(table) == {one, Cell("acme/a", "debugging"), Cell("acme/a")}
    assert all((tally.successes, tally.trials, tally.expected) == (1.0, 1.0, 0.7) for tally in table.values())


def test_evidence_counts_half_after_its_half_life() -> None:
    table = fold({}, Cell("a", "chat", "other", "low"), 1.0, 0.5, NOW_MS)
    later = fold(table, Cell("a", "chat", "other", "low"), 0.0, 0.5, NOW_MS + HALF_LIFE_MS)
    assert later[Cell("a")].successes == pytest.approx(0.5)
    assert later[Cell("a")].trials == pytest.approx(1.5)
    assert table[Cell("a")].faded(NOW_MS + 2 * HALF_LIFE_MS).trials == pytest.approx(0.25)


@given(events)
def test_the_order_in_which_judgements_arrive_does_not_matter(given_events: list[tuple[float, float, int]]) -> None:
    one = Cell("a", "chat", "other", "low")
    forwards: dict = {}
    backwards: dict = {}
    for success, prior, at in given_events:
        forwards = fold(forwards, one, success, prior, NOW_MS + at)
    for success, prior, at in reversed(given_events):
        backwards = fold(backwards, one, success, prior, NOW_MS + at)
    for name, tally in forwards.items():
        other = backwards[name]
        assert (tally.successes, tally.trials, tally.expected) == pytest.approx(
            (other.successes, other.trials, other.expected)
        )
        assert 0 <= tally.successes <= tally.trials + 1e-9


def test_the_table_is_never_changed_in_place_and_stays_bounded() -> None:
    table: dict = {}
    for number in range(MOST_CELLS // 2):
        before = table
        table = fold(before, Cell(f"m{number % 50}", "chat", "other", f"{number}"), 1.0, 0.5, NOW_MS + number)
        assert table is not before
    table = {
        Cell(f"x{number}", "chat", "law", "low"): tally
        for number, tally in zip(range(MOST_CELLS), list(table.values()) * 3, strict=False)
    }
    kept = Cell("often", "chat", "law", "low")
    for _ in range(5):
        table = fold(table, kept, 1.0, 0.5, NOW_MS + 10_000)
    assert len(table) <= MOST_CELLS
    assert {kept, *wider(kept)} <= set(table)


@pytest.mark.parametrize(("success", "prior"), [(1.1, 0.5), (-0.1, 0.5), (0.5, 1.5)])
def test_what_is_no_chance_is_refused(success: float, prior: float) -> None:
    with pytest.raises(ValueError, match="chances"):
        fold({}, Cell("a"), success, prior, NOW_MS)


def test_bands_are_tiers() -> None:
    assert {band(Features(suffices=(x, x, x, x))) for x in (0.0, 0.9)} <= set(TIERS)
