"""Expected quality: rising with ability, within bounds, moved by evidence towards what was seen and never past it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.features import Features
from tenbin.decide.abilities import Abilities, shipped
from tenbin.decide.evidence import HALF_LIFE_MS, Cell, cell, fold
from tenbin.decide.quality import LEAST, MOST, expected, suffices_at

NOW_MS = 1_790_000_000_000
ABILITIES = Abilities(shipped())
HAIKU = "anthropic/claude-haiku-5-5"

chances = st.floats(0, 1)
curves = st.tuples(chances, chances, chances, chances).map(lambda four: tuple(sorted(four)))
abilities = st.floats(-6, 8)


@given(curves, abilities, abilities)
def test_an_abler_model_is_never_expected_to_be_worse(curve: tuple[float, ...], one: float, other: float) -> None:
    weak, strong = sorted((one, other))
    assert LEAST <= suffices_at(curve, weak) <= suffices_at(curve, strong) + 1e-12 <= MOST + 1e-12


@given(st.tuples(*[st.floats(0.01, 0.99)] * 4).map(lambda four: tuple(sorted(four))))
def test_the_curve_goes_through_the_tiers(curve: tuple[float, ...]) -> None:
    assert [suffices_at(curve, tier) for tier in range(4)] == pytest.approx(list(curve))


@given(st.tuples(chances, chances, chances, chances), abilities, abilities)
def test_chances_that_fall_by_mistake_do_no_harm(curve: tuple[float, ...], one: float, other: float) -> None:
    weak, strong = sorted((one, other))
    assert suffices_at(curve, weak) <= suffices_at(curve, strong) + 1e-12


def test_outside_the_tiers_the_curve_goes_on_with_care() -> None:
    easy = (0.97, 0.97, 0.97, 0.97)
    assert suffices_at(easy, -3) < 0.8, "a toy fails at easy requests too"
    assert suffices_at(easy, 4) == pytest.approx(0.97), "and nobody is better than good"
    hard = (0.05, 0.2, 0.4, 0.7)
    assert 0.7 < suffices_at(hard, 4) < 0.85


def test_without_evidence_the_prior_stands() -> None:
    quality = expected(HAIKU, Features(), {}, ABILITIES)
    assert quality.value == quality.prior == suffices_at(Features().suffices, 0.5)
    assert (quality.ability, quality.trials) == (0.5, 0.0)
    assert "whatmodel" in quality.source
    elsewhere = fold({}, cell("other/model", Features()), 0.0, 0.5, NOW_MS)
    assert expected(HAIKU, Features(), elsewhere, ABILITIES) == quality


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=200))
def test_evidence_moves_it_towards_the_rate_and_never_past(outcomes: list[float]) -> None:
    features = Features()
    prior = expected(HAIKU, features, {}, ABILITIES).prior
    table: dict = {}
    for outcome in outcomes:
        table = fold(table, cell(HAIKU, features), outcome, prior, NOW_MS)
    quality = expected(HAIKU, features, table, ABILITIES, now_ms=NOW_MS)
    rate = sum(outcomes) / len(outcomes)
    assert min(prior, rate) - 1e-9 <= quality.value <= max(prior, rate) + 1e-9
    assert LEAST <= quality.value <= MOST
    assert (quality.successes, quality.trials) == (sum(outcomes), len(outcomes))
    assert quality.prior == prior


def seen(target: str, features: Features, outcome: float, times: int) -> dict:
    table: dict = {}
    prior = expected(target, features, {}, ABILITIES).prior
    for _ in range(times):
        table = fold(table, cell(target, features), outcome, prior, NOW_MS)
    return table


def test_much_evidence_outweighs_the_prior() -> None:
    features = Features()
    assert expected(HAIKU, features, seen(HAIKU, features, 1.0, 300), ABILITIES).value > 0.95
    assert expected(HAIKU, features, seen(HAIKU, features, 0.0, 300), ABILITIES).value < 0.05


def test_what_is_seen_in_one_kind_of_request_tells_something_of_others() -> None:
    here, near, far = Features(task="debugging"), Features(task="debugging", domain="law"), Features(task="chat")
    bad = seen(HAIKU, here, 0.0, 40)
    drops = [
        expected(HAIKU, one, {}, ABILITIES).value - expected(HAIKU, one, bad, ABILITIES).value
        for one in (here, near, far)
    ]
    assert drops[0] > drops[1] > 0.05
    assert drops[2] > 0.05
    assert expected("acme/claude-haiku-5-5", here, bad, ABILITIES).trials == 0


def test_evidence_that_agrees_with_the_prior_changes_nothing() -> None:
    features = Features()
    prior = expected(HAIKU, features, {}, ABILITIES).prior
    table: dict = {}
    for _ in range(50):
        table = fold(table, cell(HAIKU, features), prior, prior, NOW_MS)
    for one in (features, Features(task="debugging")):
        told = expected(HAIKU, one, table, ABILITIES)
        assert told.value == pytest.approx(told.prior)


def test_old_evidence_fades() -> None:
    features = Features()
    table = seen(HAIKU, features, 0.0, 20)
    fresh = expected(HAIKU, features, table, ABILITIES, now_ms=NOW_MS)
    old = expected(HAIKU, features, table, ABILITIES, now_ms=NOW_MS + 4 * HALF_LIFE_MS)
    assert fresh.value < old.value < old.prior
    assert old.trials == pytest.approx(20 / 16)


@given(
    st.lists(
        st.tuples(st.sampled_from(["chat", "debugging"]), st.sampled_from(["other", "law"]), chances, chances),
        max_size=30,
    ),
    curves,
)
def test_whatever_was_folded_in_a_quality_is_a_chance(
    judged: list[tuple[str, str, float, float]], curve: tuple[float, float, float, float]
) -> None:
    table: dict = {}
    for task, domain, success, prior in judged:
        table = fold(table, Cell(HAIKU, task, domain, "low"), success, prior, NOW_MS)
    quality = expected(HAIKU, Features(suffices=curve), table, ABILITIES, now_ms=NOW_MS + 1)
    assert LEAST <= quality.value <= MOST


def test_a_price_places_an_unknown_model() -> None:
    cheap, dear = (expected("x/foo", Features(), {}, ABILITIES, price=price).value for price in (0.1, 20.0))
    assert cheap < dear
