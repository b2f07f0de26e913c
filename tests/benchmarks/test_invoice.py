"""The invoice drill, shortened: whatever dies, each paid call has its row, and what was stated is exactly right."""

import json
from pathlib import Path

import pytest

from benchmarks.invoice.audit import audit
from benchmarks.invoice.command import drill, summary
from benchmarks.invoice.workload import requests
from tests.ledger.making import NOON_MS, a_book, a_receipt, an_attempt


def test_every_call_is_accounted_for(tmp_path: Path) -> None:
    figures = drill(tmp_path / "drill", 2_500, clients=24, kills=2, seed=7, budget_usd=1_000_000.0)
    assert figures["kills"] == 2
    assert figures["stated_rows"] > 1_500
    assert figures["calls_without_a_row"] == 0
    assert figures["of_them_unexplained"] == 0
    assert figures["requests_not_in_the_ledger"] == 0
    assert figures["rows_of_unknown_cost"] == 0
    assert figures["differing"] == {}
    assert set(figures["free_calls_without_a_row"]) <= {"token counts", "connections that had died, tried again"}
    assert figures["reconciled"]["total_nano"] == figures["invoice_nano"]
    assert figures["reconciled"]["not_in_ledger"] == 0
    assert figures["reconciled"]["written_by_a_second_run"] == 0
    assert figures["exact"]
    assert "| **ledger reconciled with the invoice** |" in summary(figures)
    # Every sort of end was met, and estimates are near enough to be of use: within a tenth, all in all.
    assert len(figures["estimates"]) >= 6
    assert figures["ledger_nano"] == pytest.approx(figures["invoice_nano"], rel=0.1)


def test_the_same_seed_asks_the_same() -> None:
    assert list(requests(200, 1)) == list(requests(200, 1))
    assert list(requests(200, 1)) != list(requests(200, 2))
    assert len({json.loads(one.body)["model"] for one in requests(400, 1)}) > 10


def a_call(number: int, request_id: str | None, nano: int, **more: object) -> dict[str, object]:
    shape = {"number": number, "time": NOON_MS / 1000, "provider": "acme", "model": "anvil-1", "path": "/v1/messages"}
    tokens = {"input": 1_000, "cache_read": 0, "cache_write_5m": 0, "cache_write_1h": 0, "output": 100}
    return {**shape, **tokens, "request_id": request_id, "nano_usd": nano, "status": 200, "outcome": "complete", **more}


def test_the_audit_finds_what_is_wrong(tmp_path: Path) -> None:
    with a_book(tmp_path) as book:
        for number in range(1, 4):
            book.settle(a_receipt(f"req_{number}", an_attempt(upstream_request_id=f"up_{number}")))
        assert book.flush()
    right = [a_call(number, f"up_{number}", 3_000_000) for number in range(1, 4)]
    database = tmp_path / "ledger.sqlite"
    assert audit(database, right, {"req_1": "chat"}).exact
    cheaper = [*right[:2], a_call(3, "up_3", 2_999_999)]
    assert len(audit(database, cheaper, {}).differing) == 1
    elsewhere = [*right[:2], a_call(3, "up_3", 3_000_000, input=900, cache_read=100)]
    assert len(audit(database, elsewhere, {}).differing) == 1
    assert audit(database, [*right, a_call(4, "up_4", 1)], {}).unknown_calls
    assert audit(database, [*right, a_call(4, None, 0, path="/v1/messages/count_tokens")], {}).exact
    assert len(audit(database, right[:2], {}).unexplained) == 1
    assert audit(database, right, {"req_9": "chat", "req_8": "count_tokens"}).missing_requests == ["req_9 chat"]
