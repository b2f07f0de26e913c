"""What is remembered of how targets do: bounded, up to date when asked, and shown beside their health."""

import msgspec
import pytest

from tenbin.core.facts import TargetHealth
from tenbin.core.receipt import Attempt, Receipt
from tenbin.execute import targets
from tenbin.execute.targets import MOST_WAITING, TargetMemory
from tests.decide.plans import NOW_MS
from tests.decide.test_standing import call


def receipt(provider: str = "one") -> Receipt:
    return Receipt(
        request_id="req_1",
        arrived_at_ms=NOW_MS,
        key_id="local",
        dialect="anthropic",
        operation="generate",
        path="/",
        requested_model="x",
        stream=False,
        route="",
        outcome="answered",
        status=200,
        policy="",
        attempts=(call(provider=provider),),
    )


def test_what_waits_is_there_when_somebody_asks() -> None:
    told: list[Attempt] = []
    kept = TargetMemory(told.extend)
    for _ in range(MOST_WAITING + 3):
        kept.add(receipt())
    assert kept.known["one/a"].calls == MOST_WAITING + 3
    assert len(told) == 2, "of each handful one tells how fast it writes"
    kept.forget("two/b")
    assert set(kept.known) == {"one/a"}
    kept.forget(None)
    assert not kept.known


def test_how_a_target_does_as_a_judge_is_kept_apart() -> None:
    kept = TargetMemory(lambda receipt: None)
    one = receipt()
    judge = msgspec.structs.replace(one.attempts[0], number=0, outcome="failed", failure="timeout")
    kept.add(msgspec.structs.replace(one, attempts=(judge, *one.attempts)))
    assert set(kept.known) == {"one/a", "judge one/a"}
    assert kept.known["one/a"].calls == 1


def test_the_names_of_targets_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "MOST_TARGETS", 2)
    kept = TargetMemory(lambda receipt: None)
    for name in ("a", "b", "c"):
        kept.add(receipt(name))
    assert set(kept.known) == {"b/a", "c/a"}


def test_the_page_tells_of_all_that_are_known() -> None:
    kept = TargetMemory(lambda receipt: None)
    kept.add(receipt())
    kept.health |= {
        "one/a": TargetHealth(failures=1),
        "two/b": TargetHealth(failures=3, closed_until_ms=NOW_MS + 1),
        "two/c": TargetHealth(failures=3, closed_until_ms=NOW_MS),
    }
    kept.exhausted |= {"two/b": NOW_MS + 9, "one/a": NOW_MS}
    rows = {row.target: row for row in kept.now(NOW_MS)}
    assert [(name, row.state, row.failures) for name, row in rows.items()] == [
        ("one/a", "closed", 1),
        ("two/b", "open", 3),
        ("two/c", "half_open", 3),
    ]
    assert (rows["one/a"].calls, rows["one/a"].first_byte_ms, rows["one/a"].open_until_ms) == (1, 100.0, None)
    assert (rows["two/b"].open_until_ms, rows["two/b"].exhausted_until_ms) == (NOW_MS + 1, NOW_MS + 9)
    assert rows["one/a"].exhausted_until_ms is None
