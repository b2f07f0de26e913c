"""How conversations are expected to go on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.features import Features
from tenbin.core.session import Session
from tenbin.decide.outlook import Outlook, forbidden, in_its_conversation, outlook
from tests.decide import turns
from tests.decide.turns import a_turn


def test_what_has_lasted_long_lasts_long() -> None:
    rests = [outlook(Session(requests=n), a_turn(50_000, turn=1)).turns for n in (0, 1, 10, 50, 100)]
    assert rests == sorted(rests)
    assert rests[0] == pytest.approx(16.7)
    assert outlook(Session(requests=10_000), a_turn(50_000)).turns == 150


def test_an_agent_goes_on_longer_than_a_chat_and_a_chat_than_a_single_request() -> None:
    agent = outlook(None, a_turn(5_000, turn=1))
    chat = outlook(None, Features(task="chat"))
    once = outlook(None, Features(task="classification"))
    assert agent.turns > 10 > chat.turns > once.turns
    assert outlook(None, Features(task="classification", turn=4)).turns > once.turns


@pytest.mark.parametrize("features", [a_turn(9_000, compaction=True), a_turn(100, category="background")])
def test_nothing_comes_back_of_a_prompt_that_is_dropped(features: Features) -> None:
    assert outlook(Session(requests=50), features).turns == 0


def test_growth_is_that_of_the_conversation_once_it_is_known() -> None:
    assert outlook(None, a_turn(9_000)).growth == 1_700
    grown = outlook(Session(requests=101, growth_tokens=500_000), a_turn(9_000)).growth
    assert 4_800 < grown < 5_000


def test_caches_outlive_tools_more_often_than_people() -> None:
    agent, chat = outlook(None, a_turn(9_000)), outlook(None, Features())
    assert agent.alive(300_000) == pytest.approx(0.97, abs=0.02)
    assert chat.alive(300_000) == pytest.approx(0.73, abs=0.01)  # Two in three people answer within five minutes,
    assert chat.alive(3_600_000) == pytest.approx(0.96, abs=0.01)  # nearly all within the hour.
    assert chat.alive(0) == chat.alive(-5) == 0


def test_who_switched_often_must_come_back_sooner() -> None:
    steady, restless = (outlook(Session(requests=20, switches=n), a_turn(9_000)) for n in (0, 10))
    assert steady.returns < restless.returns
    assert steady.returning(0) == 0 < restless.returning(0)


def test_a_worse_model_is_left_sooner_in_a_chat_than_between_tools() -> None:
    agent, chat = outlook(None, a_turn(9_000)), outlook(None, Features())
    assert 0 < agent.returning(0.3) < chat.returning(0.3) == pytest.approx(0.3)
    assert chat.returning(-0.3) == 0


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_the_nearer_to_the_floor_the_likelier_it_forbids(share: float, other: float, floor: float) -> None:
    nearer, farther = sorted((share, other))
    assert 0 <= forbidden(farther, floor) <= forbidden(nearer, floor) <= 1


def test_the_floor_is_no_danger_to_the_strongest_and_a_coin_to_whoever_stands_on_it() -> None:
    assert forbidden(1.0, 0.99) == forbidden(1.0, 1.0) == 0
    assert forbidden(0.9, 0.9) == 0.5
    # Haiku at 0.85 of Opus: a floor of 0.82 is one mean deviation (a fifth of 0.15) away.
    assert forbidden(0.85, 0.82) == pytest.approx(0.5 / 2.71828, rel=1e-3)
    chat = outlook(None, Features())
    assert chat.returning(0.1) < chat.returning(0.1, 0.5) == pytest.approx(0.1 + 0.9 * 0.5)
    assert chat.returning(0.1, -0.5) == chat.returning(0.1)


def test_how_hard_and_how_much_tools_work_is_as_it_was_of_late() -> None:
    hard, easy = (0.1, 0.2, 0.8, 0.9), (0.8, 0.9, 0.95, 0.97)
    begun = outlook(None, a_turn(9_000, suffices=easy))
    assert begun.suffices == easy
    known = Session(requests=50, weighed=50, by_tools=0.2, suffices=hard)
    ahead = outlook(known, a_turn(9_000, suffices=easy))
    assert hard[0] < ahead.suffices[0] < 0.25  # This one is easy, but most have been hard.
    assert ahead.by_tools < 0.35 < begun.by_tools


@given(turns.sessions, turns.features, st.floats(1, 1e9))
def test_chances_are_chances(session: Session, features: Features, life_ms: float) -> None:
    ahead: Outlook = outlook(session, features)
    assert 0 <= ahead.turns <= 150
    assert ahead.growth >= 0
    assert 0 <= ahead.returns <= 1
    assert 0 <= ahead.alive(life_ms) <= ahead.alive(2 * life_ms) <= 1


def test_an_agents_turn_is_as_hard_as_its_words_and_its_conversation_say_together() -> None:
    words = Features(agent=True, learned="of a date", suffices=(0.2, 0.4, 0.6, 0.8))
    before = Session(requests=9, weighed=9, suffices=(0.6, 0.8, 0.9, 1.0))
    assert in_its_conversation(words, before).suffices == pytest.approx((0.4, 0.6, 0.75, 0.9))
    for unknown in (None, Session(requests=9)):
        assert in_its_conversation(words, unknown) is words
    chat = Features(learned="of a date", suffices=words.suffices)
    assert in_its_conversation(chat, before) is chat
