"""The ladder for conversations that go wrong: up after so many failures, down after calm, never to and fro."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.learning import StepUp as Settings
from tenbin.core.features import Features
from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.session import Session, Stepped
from tenbin.core.signal import Decided, Signal, SignalKind
from tenbin.core.weighing import Candidate, Cost, Weighing
from tenbin.decide.step_up import FORGOTTEN, follow, heard, remember, step, words

A, B, C, OTHER = "acme/a", "acme/b", "acme/c", "acme/other"
LADDER = Settings(ladder=[A, B, C], after=2, back_after=3)
ABOUT = Decided(request_id="req_1", target=A)


def signal(kind: SignalKind, weight: float = 0.5) -> Signal:
    return Signal(kind=kind, about=ABOUT, success=0.0, weight=weight)


FAILED, WELL, EDITED = (signal("edit_failed"),), (signal("tests_passed"),), (signal("edit_applied"),)


def candidate(target: str, turn: int | None, write: int = 0) -> Candidate:
    cost = None if turn is None else Cost(input=turn - write, cache_write=write)
    return Candidate(target=target, cost=cost)


class Talk:
    """A conversation, folded from its receipts as live."""

    def __init__(self, settings: Settings = LADDER, target: str = A) -> None:
        self.settings = settings
        self.session = Session(target=target, requests=1)
        self.cheapest = target
        self.targets: list[str] = []

    def turn(self, signals: tuple[Signal, ...] = (), *, in_tool_loop: bool = True, cheap: bool = False) -> str:
        asked = step(self.settings, self.session, signals, in_tool_loop=in_tool_loop, cheap=cheap)
        order = (self.cheapest, *(name for name in (A, B, C) if name != self.cheapest))
        if asked is not None:
            able = {name: candidate(name, 10 * place) for place, name in enumerate((A, B, C), start=1)}
            asked, order = follow(asked, order, able | {OTHER: candidate(OTHER, 5)}, self.session)
        target = order[0]
        weighing = Weighing(features=Features(), now_ms=1, draw=0.0, step_up=asked, order=order)
        receipt = a_receipt(target, weighing, signals)
        self.session = msgspec.structs.replace(remember(self.session, receipt), target=target)
        self.targets.append(target)
        return target


def a_receipt(target: str, weighing: Weighing, signals: tuple[Signal, ...], outcome: Any = "answered") -> Receipt:
    provider, _, model = target.partition("/")
    attempt = Attempt(1, provider, model, "anthropic", 1, outcome)
    return Receipt(
        "req_2", 1, "local", "anthropic", "generate", "/v1/messages", "auto", False, "weighed", outcome, 200, "p",
        (attempt,), weighing=weighing, signals=signals,
    )  # fmt: skip


def test_it_goes_up_one_rung_after_so_many_failures_in_a_row_and_counts_anew() -> None:
    talk = Talk()
    assert [talk.turn(FAILED) for _ in range(5)] == [A, B, B, C, C]


def test_what_works_in_between_starts_the_count_anew_but_an_edit_alone_does_not() -> None:
    talk = Talk()
    assert [talk.turn(one) for one in (FAILED, WELL, FAILED, EDITED, FAILED)] == [A, A, A, A, B]


def test_failures_of_long_ago_are_forgotten() -> None:
    talk = Talk()
    talk.turn(FAILED)
    for _ in range(FORGOTTEN):
        talk.turn(())
    assert talk.turn(FAILED) == A


def test_weak_signs_and_those_that_are_switched_off_do_not_count() -> None:
    talk = Talk()
    for _ in range(4):
        assert talk.turn((signal("command_failed"), signal("read_again"), signal("edit_failed", 0.0))) == A


def test_it_comes_down_after_calm_when_a_person_speaks_or_nothing_is_warm() -> None:
    talk = Talk()
    assert [talk.turn(FAILED), talk.turn(FAILED)] == [A, B]
    assert [talk.turn() for _ in range(5)] == [B] * 5, "not while it works and its cache is warm"
    assert talk.turn(in_tool_loop=False) == A
    assert talk.session.stepped == Stepped(rung=A, ups=1)
    assert [talk.turn(FAILED), talk.turn(FAILED)] == [A, B]


def test_each_time_it_has_to_come_up_again_the_way_back_is_twice_as_long() -> None:
    talk, lengths = Talk(), []
    for _ in range(3):
        while talk.turn(FAILED) != B:
            pass
        count = 1
        while talk.turn(in_tool_loop=False) == B:
            count += 1
        lengths.append(count)
    assert lengths == [3, 6, 12]


def test_never_back_where_that_is_asked_for() -> None:
    talk = Talk(Settings(ladder=[A, B], after=1, back_after=0))
    talk.turn(FAILED)
    assert {talk.turn(in_tool_loop=False, cheap=True) for _ in range(50)} == {B}


def test_a_conversation_below_the_ladder_takes_its_first_rung_and_may_leave_it_again() -> None:
    talk = Talk(Settings(ladder=[B, C], after=1, back_after=1), target=OTHER)
    talk.cheapest = A
    assert talk.turn(FAILED) == B
    assert talk.turn(in_tool_loop=False) == A
    assert talk.session.stepped == Stepped(ups=1)


def test_on_the_highest_rung_it_stays() -> None:
    talk = Talk(Settings(ladder=[A, B], after=1, back_after=9))
    assert [talk.turn(FAILED) for _ in range(4)] == [B, B, B, B]
    asked = step(talk.settings, talk.session, FAILED, in_tool_loop=True, cheap=False)
    assert asked is not None
    assert "no rung is above" in asked.reason


def test_nothing_happens_without_a_ladder_or_a_conversation() -> None:
    assert step(Settings(), Session(target=A), FAILED, in_tool_loop=True, cheap=True) is None
    assert step(LADDER, None, FAILED, in_tool_loop=True, cheap=True) is None
    assert step(LADDER, Session(target=A), (), in_tool_loop=True, cheap=True) is None


def an_up() -> Any:
    session = Session(target=A, stepped=Stepped(failed=1))
    asked = step(LADDER, session, FAILED, in_tool_loop=True, cheap=False)
    assert asked is not None
    return asked, session


def test_the_cold_write_is_counted_a_rung_above_that_is_warm_may_be_the_cheaper_step() -> None:
    asked, session = an_up()
    able = {A: candidate(A, 100), B: candidate(B, 90_000, 80_000), C: candidate(C, 9_000)}
    taken, order = follow(asked, (A, B, C), able, session)
    assert (order, taken.rung) == ((C, A, B), C)
    taken, order = follow(asked, (A, B, C), {**able, C: candidate(C, 99_000)}, session)
    assert (taken.rung, taken.turn_nano, taken.written_nano, taken.more_nano) == (B, 90_000, 80_000, 89_900)
    assert "to write its cache anew" in words(taken)


def test_a_step_that_costs_more_than_it_may_is_not_taken_and_says_so() -> None:
    session = Session(target=A, stepped=Stepped(failed=1))
    asked = step(msgspec.structs.replace(LADDER, max_usd=0.00005), session, FAILED, in_tool_loop=True, cheap=False)
    assert asked is not None
    unknown, order = follow(asked, (A, B), {A: candidate(A, 100), B: candidate(B, None)}, session)
    assert (unknown.taken, order) == (False, (A, B))
    assert "not known" in unknown.refused
    taken, order = follow(asked, (A, B), {A: candidate(A, 100), B: candidate(B, 90_000)}, session)
    assert (taken.taken, order) == (False, (A, B))
    assert "max_usd" in taken.refused
    weighing = Weighing(features=Features(), now_ms=1, draw=0.0, step_up=taken, order=order)
    after = remember(session, a_receipt(A, weighing, FAILED))
    assert after.stepped == Stepped(failed=2), "it is asked for again with the next one"


def test_rungs_that_cannot_answer_are_passed_over() -> None:
    asked, session = an_up()
    taken, order = follow(asked, (A, C), {A: candidate(A, 1), C: candidate(C, 9)}, session)
    assert (taken.rung, order) == (C, (C, A))
    taken, order = follow(asked, (A,), {A: candidate(A, 1)}, session)
    assert (taken.taken, order) == (False, (A,))


def test_a_step_that_was_not_answered_is_none() -> None:
    asked, session = an_up()
    taken, order = follow(asked, (A, B), {A: candidate(A, 1), B: candidate(B, 2)}, session)
    weighing = Weighing(features=Features(), now_ms=1, draw=0.0, step_up=taken, order=order)
    assert remember(session, a_receipt(B, weighing, FAILED, "failed")).stepped == Stepped(failed=2)


heards = st.lists(st.sampled_from([(), FAILED, WELL, EDITED, (*FAILED, *WELL)]), max_size=40)


@given(heards, st.booleans())
def test_it_never_moves_more_than_a_rung_and_never_up_without_failures(told: Any, in_tool_loop: bool) -> None:
    talk, ladder, failed = Talk(), [A, B, C], 0
    for signals in told:
        before = ladder.index(talk.session.target)
        failed = failed + 1 if FAILED[0] in signals else failed
        now = ladder.index(talk.turn(signals, in_tool_loop=in_tool_loop))
        assert abs(now - before) <= 1
        if now > before:
            assert failed >= LADDER.after
            failed = 0


@given(heards)
def test_a_count_is_what_was_heard_in_order(told: Any) -> None:
    stepped = None
    for signals in told:
        stepped = heard(stepped, signals)
        if stepped is not None:
            assert stepped.failed >= 0
            assert stepped.calm >= 0


@pytest.mark.parametrize("why", ["up", "held", "back"])
def test_every_step_has_its_words(why: Any) -> None:
    asked, session = an_up()
    taken, _ = follow(asked, (A, B), {A: candidate(A, 1), B: candidate(B, 2)}, session)
    assert words(msgspec.structs.replace(taken, why=why))
