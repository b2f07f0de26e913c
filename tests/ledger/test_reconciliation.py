"""A statement beside the ledger: each charge to one attempt at most; once corrected, the sums are the same."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.usage import Usage
from tenbin.ledger.reconciliation import Entry, Reconciliation, reconcile
from tenbin.ledger.statement import Charge
from tests.ledger.making import NOON_MS


def an_entry(request: int, upstream_id: str = "", billed: int | None = 100, **changes: Any) -> Entry:
    values: dict[str, Any] = {
        "number": 1,
        "request_id": f"req_{request}",
        "provider": "acme",
        "model": "anvil-1",
        "started_at_ms": NOON_MS + request,
        "total_ms": 10.0,
        "outcome": "answered" if upstream_id else "interrupted",
        "estimated": not upstream_id,
        "corrected": 0,
        "checked": False,
    }
    return Entry(request=request, upstream_id=upstream_id, billed_nano=billed, **{**values, **changes})


def compared(entries: list[Entry], charges: list[Charge], **more: Any) -> Reconciliation:
    return reconcile(
        entries, charges, lambda entry, usage: usage.output * 7 if entry.model == "anvil-1" else None, **more
    )


def a_charge(line: int, request_id: str, nano: int | None, at_ms: int | None = NOON_MS, **more: Any) -> Charge:
    return Charge(line, request_id, at_ms, more.pop("model", "anvil-1"), nano, **more)


def test_the_same_id_and_the_same_amount_agree() -> None:
    found = compared([an_entry(1, "a"), an_entry(2, "b", 7)], [a_charge(1, "b", 9), a_charge(2, "a", 100)])
    assert [(match.entry.request, match.difference, match.how) for match in found.matches] == [
        (2, 2, "id"),
        (1, 0, "id"),
    ]
    assert [match.entry.request for match in found.differing] == [2]


def test_what_has_no_id_is_found_by_time_and_model_nearest_amount_first() -> None:
    entries = [an_entry(1), an_entry(2, billed=500), an_entry(3, model="other"), an_entry(4, "known")]
    charges = [a_charge(1, "x", 510), a_charge(2, "", 90), a_charge(3, "y", 5, NOON_MS + 60_000)]
    found = compared(entries, charges)
    assert [(match.entry.request, match.charge.line, match.how) for match in found.matches] == [
        (2, 1, "time"),
        (1, 2, "time"),
    ]
    assert [charge.line for charge in found.not_in_ledger] == [3]
    assert [entry.request for entry in found.not_on_statement] == [3, 4]


def test_a_charge_is_not_given_to_an_attempt_that_has_another_id() -> None:
    found = compared([an_entry(1, "a")], [a_charge(1, "b", 100)])
    assert found.matches == ()
    assert [charge.line for charge in found.not_in_ledger] == [1]


def test_an_attempt_is_charged_once() -> None:
    found = compared([an_entry(1, "a", stated_id="b")], [a_charge(1, "a", 1), a_charge(2, "b", 2)])
    assert [match.charge.line for match in found.matches] == [1]
    assert [charge.line for charge in found.not_in_ledger] == [2]


def test_only_tokens_are_priced_as_the_attempt() -> None:
    usage = Usage(output=3)
    entries = [an_entry(1, "a"), an_entry(2, "b", None, model="other")]
    found = compared(entries, [a_charge(1, "a", None, usage=usage), a_charge(2, "b", None, usage=usage)])
    assert [match.nano for match in found.matches] == [21]
    assert [entry.request for entry, _ in found.unpriced] == [2]


def test_outside_the_statements_time_nothing_is_missing() -> None:
    entries = [an_entry(1, "a"), an_entry(50, "b"), an_entry(900, "c"), an_entry(60, "d", 0)]
    charges = [a_charge(1, "p", 1, NOON_MS + 40), a_charge(2, "q", 1, NOON_MS + 100)]
    assert [entry.request for entry in compared(entries, charges).not_on_statement] == [50]
    whole = compared(entries, charges, since_ms=NOON_MS, until_ms=NOON_MS + 10_000)
    assert [entry.request for entry in whole.not_on_statement] == [1, 50, 900]
    assert compared(entries, [a_charge(1, "p", 1, None)]).not_on_statement == ()


@given(st.data())
def test_corrected_sums_are_the_statements(data: st.DataObject) -> None:
    """However ids are lost and amounts are off: who was found counts for what was charged, and nobody twice."""
    count = data.draw(st.integers(min_value=0, max_value=12))
    entries, charges = [], []
    for request in range(count):
        known = data.draw(st.booleans())
        name = f"id{request}"
        entries.append(an_entry(request, name if known else "", data.draw(st.integers(0, 1000))))
        if data.draw(st.integers(0, 4)):
            charges.append(a_charge(request, name if data.draw(st.booleans()) else "", data.draw(st.integers(1, 1000))))
    found = compared(entries, charges)
    used = [(match.entry.request, match.entry.number) for match in found.matches]
    assert len(used) == len(set(used))
    assert len(found.matches) + len(found.not_in_ledger) == len(charges)
    corrected = sum(match.entry.nano + match.difference for match in found.matches)
    assert corrected == sum(charge.nano or 0 for charge in charges) - sum(one.nano or 0 for one in found.not_in_ledger)


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(-4_000, 4_000), st.integers(0, 900)), max_size=25))
def test_all_calls_without_ids_find_room_and_a_second_look_changes_nothing(
    calls: list[tuple[int, int, int]],
) -> None:
    """However near to each other: where each charge has an attempt of its own, none is left over."""
    entries = [an_entry(number, billed=nano, started_at_ms=NOON_MS + at) for number, (at, _, nano) in enumerate(calls)]
    charges = [a_charge(line, "", nano + line, NOON_MS + at + off) for line, (at, off, nano) in enumerate(calls)]
    found = compared(entries, charges)
    assert found.not_in_ledger == ()
    assert len(found.matches) == len(charges)
    corrected = {match.entry.request: match.difference for match in found.matches}
    after = [msgspec.structs.replace(one, corrected=corrected[one.request], checked=True) for one in entries]
    again = compared(after, charges)
    assert again.differing == ()
    assert len(again.matches) == len(charges)


def test_who_can_only_be_one_call_is_it() -> None:
    """The nearest attempt is given up by a charge that could be another as well."""
    entries = [an_entry(1, started_at_ms=NOON_MS), an_entry(2, started_at_ms=NOON_MS + 4_500)]
    charges = [a_charge(1, "", 100, NOON_MS + 100), a_charge(2, "", 100, NOON_MS - 4_900)]
    found = compared(entries, charges)
    assert {match.charge.line: match.entry.request for match in found.matches} == {1: 2, 2: 1}
