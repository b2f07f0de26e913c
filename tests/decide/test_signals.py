"""Whose answer a signal is about, and how much it counts."""

import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.features import Features
from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.session import LastDecision, Session
from tenbin.core.signal import SIGNAL_KINDS, Decided, Sighting
from tenbin.core.weighing import Candidate, Quality, Weighing
from tenbin.decide.abilities import Abilities, shipped
from tenbin.decide.evidence import Cell, EvidenceByKey, band, fold_all, fold_receipt, fold_signals
from tenbin.decide.quality import expected
from tenbin.decide.signals import MOST_FROM_ONE, WEIGHTS, decided, of_sightings, remember, scored, taken_back
from tests.ledger.making import NOON_MS

ABOUT = Decided(
    request_id="req_1", target="acme/a", task="debugging", domain="computer_science", band="medium", prior=0.7
)
LAST = LastDecision(decided=ABOUT, model_turns=3, at_ms=NOON_MS)
seen = st.lists(st.builds(Sighting, st.sampled_from(SIGNAL_KINDS), st.integers(1, 5)), max_size=8)


def test_every_kind_has_its_weight() -> None:
    assert set(WEIGHTS) == set(SIGNAL_KINDS)
    assert all(success in (0.0, 1.0) and weight > 0 for success, weight in WEIGHTS.values())


def test_the_documentation_has_every_kind_with_its_weight() -> None:
    page = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([\d.]+) \| ([\d.]+) \|", page, re.MULTILINE)
    assert {kind: (float(success), float(weight)) for kind, success, weight in rows} == dict(WEIGHTS)
    assert [kind for kind, _, _ in rows] == list(WEIGHTS)


def test_a_signal_is_about_the_decision_before() -> None:
    (one,) = of_sightings([Sighting("tests_failed", 2)], LAST, 4)
    assert (one.about, one.kind, one.success, one.weight, one.count) == (ABOUT, "tests_failed", 0.0, 0.2, 2)


@pytest.mark.parametrize("turns", [0, 3, 5, 40])
def test_when_it_is_not_known_to_be_that_one_nothing_is_said(turns: int) -> None:
    assert of_sightings([Sighting("tests_failed")], LAST, turns) == ()


def test_what_was_heard_already_is_not_heard_again() -> None:
    assert of_sightings([Sighting("tests_failed")], msgspec.structs.replace(LAST, heard=True), 4) == ()
    assert of_sightings([Sighting("tests_failed")], None, 4) == ()


def test_the_configuration_has_the_last_word_on_weights() -> None:
    (one,) = of_sightings([Sighting("tests_failed")], LAST, 4, {"tests_failed": 0.05})
    assert one.weight == 0.05


@given(seen)
def test_all_that_one_request_shows_counts_as_one_trial_at_most(sightings: list[Sighting]) -> None:
    signals = of_sightings(sightings, LAST, 4)
    assert len(signals) == len(sightings)
    assert sum(one.weight for one in signals) <= MOST_FROM_ONE + 1e-5


def a_weighing(**features: object) -> Weighing:
    good = Quality(value=0.8, prior=0.6, ability=1.0, source="test")
    return Weighing(
        features=Features(model_turns=5, task="debugging", **features),  # type: ignore[arg-type]
        now_ms=NOON_MS,
        draw=0.0,
        candidates=(Candidate(target="acme/a", quality=good), Candidate(target="acme/b")),
    )


def a_receipt(request_id: str = "req_2", at_ms: int = NOON_MS, outcome: str = "answered", **fields: object) -> Receipt:
    return Receipt(
        request_id=request_id,
        arrived_at_ms=at_ms,
        key_id="ann",
        dialect="anthropic",
        operation="generate",
        path="/v1/messages",
        requested_model="auto",
        stream=False,
        route="weighed:default",
        outcome=outcome,  # type: ignore[arg-type]
        status=200,
        policy="p",
        attempts=(Attempt(1, "acme", "a", "anthropic", at_ms, outcome),),  # type: ignore[arg-type]
        **{"weighing": a_weighing(), **fields},  # type: ignore[arg-type]
    )


def test_a_conversation_remembers_its_last_decision() -> None:
    session = remember(None, a_receipt())
    assert session.last is not None
    assert session.last.model_turns == 5
    assert session.last.decided == decided("req_2", "acme/a", a_weighing())
    assert session.last.decided.prior == 0.6
    assert remember(session, a_receipt("req_3", outcome="failed")).last == session.last
    assert remember(session, a_receipt("req_0", NOON_MS - 5)).last == session.last, "overtaken"
    assert remember(session, a_receipt("req_4", NOON_MS + 5)).last != session.last


def test_what_a_failed_request_told_is_heard_and_counts_once() -> None:
    session = Session(target="acme/a", last=LAST)
    signals = of_sightings([Sighting("edit_failed")], LAST, 4)
    after = remember(session, a_receipt(outcome="failed", signals=signals))
    assert after.last is not None
    assert after.last.heard
    assert of_sightings([Sighting("edit_failed")], after.last, 4) == ()


@given(
    st.lists(
        st.tuples(st.sampled_from(["ann", "bob"]), st.sampled_from(["acme/a", "acme/b"]), seen, st.integers(0, 10**9)),
        max_size=12,
    )
)
def test_folding_live_and_from_the_ledger_gives_the_equal_table(
    told: list[tuple[str, str, list[Sighting], int]],
) -> None:
    live: EvidenceByKey = {}
    rows = []
    for number, (key, target, sightings, after) in enumerate(told):
        last = msgspec.structs.replace(LAST, decided=msgspec.structs.replace(ABOUT, target=target))
        signals = of_sightings(sightings, last, 4)
        receipt = msgspec.structs.replace(a_receipt(f"req_{number}", NOON_MS + after, signals=signals), key_id=key)
        live = fold_receipt(live, receipt)
        rows += [(key, receipt.arrived_at_ms, one) for one in receipt.signals]
    assert fold_all({}, rows) == live
    for table in live.values():
        assert all(0 <= tally.successes <= tally.trials + 1e-9 for tally in table.values())


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 10**10), st.integers(0, 10**10))
def test_what_is_taken_back_has_never_been(first: float, second: float, later: int, last: int) -> None:
    one, two = scored("feedback", ABOUT, first), scored("feedback", ABOUT, second)
    undone = taken_back(one, NOON_MS)
    told = [(NOON_MS, one), (undone.at_ms, undone), (NOON_MS + later + last, two)]
    plain = [(NOON_MS + later + last, two)]
    changed, straight = fold_signals({}, "ann", told)["ann"], fold_signals({}, "ann", plain)["ann"]
    for cell, tally in straight.items():
        assert (changed[cell].successes, changed[cell].trials) == pytest.approx((tally.successes, tally.trials))


def test_evidence_is_a_keys_own_unless_it_is_pooled() -> None:
    signals = [(NOON_MS, one) for one in of_sightings([Sighting("tests_passed")], LAST, 4)]
    assert set(fold_signals({}, "ann", signals)) == {"ann"}
    assert set(fold_signals({}, "ann", signals, pooled=True)) == {"*"}
    receipt = a_receipt(signals=(scored("feedback", ABOUT, 1.0, key_id="bob"),))
    assert set(fold_receipt({}, receipt)) == {"bob"}, "it counts for whose request it is about"


def test_a_decision_that_was_not_weighed_teaches_nothing() -> None:
    signal = scored("feedback", decided("req_1", "acme/a", None), 1.0)
    assert fold_signals({}, "ann", [(NOON_MS, signal)]) == {}


def test_the_table_over_all_keys_is_bounded_the_longest_untaught_key_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenbin.decide.evidence.MOST_CELLS_OF_ALL", 9)
    known: EvidenceByKey = {}
    for number in range(6):
        for one in of_sightings([Sighting("tests_passed")], LAST, 4):
            known = fold_signals(known, f"key{number % 4}", [(NOON_MS + number, one)])
        assert sum(map(len, known.values())) <= 9
    assert list(known) == ["key3", "key0", "key1"]
    assert Cell("acme/a") in known["key1"]


def expected_after(seen_of_a: list[str]) -> float:
    """What a model expected at 0.8 is expected at after these signs."""
    features = Features(task="debugging", domain="computer_science", suffices=(0.8, 0.9, 0.95, 0.99))
    abilities = Abilities(shipped(), {"acme/a": 0.0})
    known: EvidenceByKey = {}
    for kind in seen_of_a:
        about = Decided(
            request_id="req_1",
            target="acme/a",
            task="debugging",
            domain="computer_science",
            band=band(features),
            prior=0.8,
        )
        last = LastDecision(decided=about)
        for one in of_sightings([Sighting(kind)], last, 1):  # type: ignore[arg-type]
            known = fold_signals(known, "ann", [(NOON_MS, one)])
    return expected("acme/a", features, known.get("ann", {}), abilities, now_ms=NOON_MS).value


def test_the_ordinary_mix_of_a_task_that_goes_well_moves_nothing_much() -> None:
    assert expected_after(["tests_failed", "tests_passed"] * 15) == pytest.approx(0.8, abs=0.05)
    assert expected_after((["edit_applied"] * 19 + ["edit_failed"]) * 5) == pytest.approx(0.8, abs=0.05)


def test_what_fails_again_and_again_is_expected_to_go_on() -> None:
    assert expected_after(["edit_failed"] * 10) == pytest.approx(0.53, abs=0.01)
    assert expected_after(["rejected"] * 10) == pytest.approx(0.47, abs=0.01)
    assert expected_after(["tests_passed"] * 10) == pytest.approx(0.88, abs=0.01)
