"""Providers' statements, read: whatever the columns are called, to the nano-USD; what cannot be read is told."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.usage import Usage
from tenbin.ledger.statement import Charge, StatementUnreadable, read


def test_csv_with_costs() -> None:
    text = "\ufeffRequest_ID,Created_at,Model,Cost_USD\nreq_1,2026-11-21T12:00:00Z,anvil-1,0.000003001\n,,anvil-1,$2\n"
    assert read(text) == [
        Charge(3, "", None, "anvil-1", 2_000_000_000),
        Charge(2, "req_1", 1_795_262_400_000, "anvil-1", 3_001),
    ]


def test_json_lines_with_tokens() -> None:
    rows = [
        {"id": "a", "time": 1_795_262_400, "usage": {"prompt_tokens": 10, "cached_tokens": 4, "completion_tokens": 2}},
        {"data": {"id": "gen-1", "created_at": "2026-11-21 12:00:00", "total_cost": 1.5e-05}},
        {"id": "c", "timestamp": 1_795_262_400_123, "nano_usd": 7, "input": 3, "cache_write_1h": 1},
    ]
    first, second, third = read("\n".join(json.dumps(row) for row in rows))
    assert first.usage == Usage(input=6, cache_read=4, output=2)
    assert (first.nano, first.at_ms) == (None, 1_795_262_400_000)
    assert (second.request_id, second.nano, second.at_ms) == ("gen-1", 15_000, 1_795_262_400_000)
    assert (third.nano, third.at_ms) == (7, 1_795_262_400_123)
    assert third.usage == Usage(input=3, cache_write_1h=1)
    assert read(json.dumps(rows)) == [first, second, third]


def test_lines_of_the_same_call_are_added_up() -> None:
    assert read("id,cost,output\na,0.1,1\nb,1,0\na,0.2,2\n") == [
        Charge(2, "a", None, "", 300_000_000, Usage(output=3)),
        Charge(3, "b", None, "", 1_000_000_000, Usage(output=0)),
    ]


@given(st.integers(min_value=0, max_value=10**15))
def test_any_cost_is_read_exactly(nano: int) -> None:
    (charge,) = read(f"id,cost\na,{nano // 10**9}.{nano % 10**9:09d}\n")
    assert charge.nano == nano


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names no column"),
        ("id,cost\n", "holds no line"),
        ("a,b\n1,2\n", "names no column"),
        ("id,cost\na,1\nb,\n", "line 3 states neither"),
        ("id,cost\na,dear\n", "line 2: 'dear' is no amount"),
        ("id,cost\na,NaN\n", "line 2: 'NaN' is no amount"),
        ("id,cost\na,-1\n", "line 2: a cost of -1"),
        ("id,cost,time\na,1,noon\n", "line 2: 'noon' is no time"),
        ("id,output\na,1.5\n", "line 2: '1.5' is no count"),
        ("{}\n", "line 1 states neither"),
        ('{"id": 1\n', "line 1 is no JSON"),
        ("[1]", "is no JSON object"),
    ],
)
def test_what_is_no_statement_is_told(text: str, words: str) -> None:
    with pytest.raises(StatementUnreadable, match=words):
        read(text)
