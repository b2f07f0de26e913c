"""What a choice adds to the rest of a conversation, against the same sums done turn by turn."""

from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tenbin.config.routing import Electricity
from tenbin.core.features import Features
from tenbin.core.price import FREE
from tenbin.core.session import NEW, Session
from tenbin.core.usage import Usage
from tenbin.decide.cache_rules import find
from tenbin.decide.cost import completed
from tenbin.decide.expectation import UNTAUGHT, Tokens, expected
from tenbin.decide.outlook import Outlook, outlook
from tenbin.decide.rest import Ahead, Prospect, rest_of_conversation, rests_of_conversation
from tests.decide import turns
from tests.decide.turns import CENT, FABLE, HAIKU, LUNA, OPUS, SONNET, TARGETS, a_turn, cost_of, prospect, warm_on
from tests.ledger.making import NOON_MS

STEP = Tokens(523, 1_180, 0)


def added(candidate: Prospect, features: Features, session: Session, ahead: Outlook | None = None) -> int:
    stay = prospect(session.target, STEP)
    return rest_of_conversation(stay, candidate, session, features, ahead or outlook(session, features), NOON_MS)


def test_staying_adds_nothing() -> None:
    assert added(prospect(OPUS, STEP), a_turn(80_000), warm_on(OPUS, 80_000)) == 0
    assert rest_of_conversation(None, prospect(OPUS), NEW, a_turn(80_000), outlook(None, a_turn(1)), NOON_MS) == 0


def test_a_conversation_that_ends_here_adds_nothing() -> None:
    assert added(prospect(HAIKU), a_turn(80_000, compaction=True), warm_on(OPUS, 80_000)) == 0


def test_going_on_at_a_cheaper_model_pays_for_itself() -> None:
    saved = added(prospect(HAIKU, STEP), a_turn(20_000), warm_on(OPUS, 20_000))
    assert saved < -10 * CENT


def test_a_dearer_model_costs_no_more_than_coming_back_with_the_next_turn() -> None:
    """The old cache most likely is still warm then, but not for certain: a small part of writing 80,000 anew, $0.10."""
    assert 0 < added(prospect(FABLE, STEP), a_turn(80_000), warm_on(HAIKU, 80_000)) < CENT // 2


@pytest.mark.parametrize(("answer", "pays"), [(500, False), (2_000, False), (8_000, True)])
def test_a_detour_from_150k_warm_pays_only_for_a_long_answer(answer: int, pays: bool) -> None:
    """The worked example as a choice: Haiku for this turn only, as the next prompt would be too long for it."""
    features, session, tokens = a_turn(150_000), warm_on(OPUS, 150_000), Tokens(answer, answer, 0)
    ahead, once = Outlook(1.0, 1_700.0, 1.0, 0.0), prospect(HAIKU, STEP, context=150_000)
    back = rest_of_conversation(prospect(OPUS, STEP), once, session, features, ahead, NOON_MS)
    assert 0 < back < CENT  # The turn's own tokens are written at Opus later, and its cache might lapse.
    here, there = (cost_of(target, features, session, tokens) for target in (OPUS, HAIKU))
    assert (completed(there, 0, back).total < here.total) is pays


def test_coming_back_is_dearer_the_sooner_the_cache_lapses() -> None:
    costs = [
        added(prospect(FABLE, STEP), a_turn(150_000), warm_on(OPUS, 150_000, left_ms=left_ms))
        for left_ms in (299_000, 60_000, 10_000, 1_000)
    ]
    assert costs == sorted(costs)
    assert costs[-1] > 10 * costs[0]


def test_the_example_of_the_document() -> None:
    """80,000 tokens, all but the latest 1,700 warm on Opus, after 20 calls: to go on at Haiku or to ask Fable once."""
    features, session = a_turn(80_000), warm_on(OPUS, 78_300)
    ahead = outlook(session, features)
    assert ahead.turns == pytest.approx(34.3)

    def there(target: str, ability: float) -> int:
        stay, candidate = (
            prospect(name, expected(UNTAUGHT, session, features, name), ability=able)
            for name, able in ((OPUS, 3.0), (target, ability))
        )
        return rest_of_conversation(stay, candidate, session, features, ahead, NOON_MS)

    assert there(HAIKU, 3.0) == pytest.approx(-178 * CENT, abs=2 * CENT)
    assert there(HAIKU, 1.0) == pytest.approx(-95 * CENT, abs=2 * CENT)
    assert there(FABLE, 3.0) == pytest.approx(CENT, abs=CENT // 4)


def test_a_worse_model_must_come_back_and_saves_less() -> None:
    features, session = a_turn(80_000), warm_on(OPUS, 80_000)
    saved = [
        rest_of_conversation(
            prospect(OPUS, STEP, ability=3.0),
            prospect(HAIKU, STEP, ability=ability),
            session,
            features,
            outlook(session, features),
            NOON_MS,
        )
        for ability in (3.0, 2.0, 1.0, 0.0)
    ]
    assert saved == sorted(saved)
    assert saved[0] < 0


def test_a_floor_close_by_must_be_left_for_and_saves_less() -> None:
    features, session = a_turn(80_000, suffices=(0.5, 0.75, 0.9, 0.97)), warm_on(OPUS, 80_000)

    def saved(ability: float, floor: float) -> int:
        several = [prospect(OPUS, STEP, ability=3.0), prospect(HAIKU, STEP, ability=ability)]
        ahead = outlook(session, features)
        return rests_of_conversation(several[0], several, session, features, ahead, NOON_MS, floor)[1]

    share = 0.9 / 0.97  # Of a model of the tier high.
    costs = [saved(2.0, floor) for floor in (0.0, share - 0.05, share - 0.01, share)]
    assert costs == sorted(costs)
    assert costs[0] < costs[-1] < 0
    assert saved(3.0, 0.99) == saved(3.0, 0.0), "whoever is as able is not forbidden sooner"


def test_a_conversation_that_outgrows_a_context_comes_back() -> None:
    features, session = a_turn(120_000), warm_on(OPUS, 120_000)
    free = added(prospect(LUNA, STEP), features, session)
    tight = added(prospect(LUNA, STEP, context=128_000), features, session)
    assert free < tight


@pytest.mark.parametrize(("prompt", "crosses"), [(60_000, False), (95_000, True)])
def test_a_price_step_ahead_is_seen(prompt: int, crosses: bool) -> None:
    """Ten turns on Haiku, whose price steps up above 100,000, against a Haiku whose price does not."""
    ahead = Outlook(10.0, 1_000.0, 1.0, 0.0)
    haiku = prospect(HAIKU, STEP)
    level = msgspec.structs.replace(haiku, price=msgspec.structs.replace(haiku.price, steps=haiku.price.steps[:1]))
    features, session = a_turn(prompt), warm_on(OPUS, prompt)
    assert (added(haiku, features, session, ahead) > added(level, features, session, ahead)) is crosses


def one_turn(prospect: Prospect, prompt: int, ahead: Ahead) -> float:
    """A turn that stays, pico-USD: all of its prompt written anew when it comes too late, else what it grew by."""
    price, rules = prospect.price, prospect.rules
    cached = prompt >= rules.minimum and (rules.writes == "automatic" or ahead.marks)
    long = rules.long(ahead.long)
    answer: dict[str, Any] = {"output": STEP.output_mean + STEP.reasoning, "reasoning": STEP.reasoning}

    def billed(read: int) -> float:
        write = "input"
        if cached and rules.counts_writes:
            write = "cache_write_1h" if long else "cache_write_5m"
        cost = price.cost(Usage(**{write: prompt - read, "cache_read": read, **answer}))
        assert cost is not None
        return cost * 1_000.0

    alive = ahead.outlook.alive(rules.long_life_ms if long else rules.life_ms) if cached else 0.0
    return alive * billed(prompt - int(ahead.growth) if cached else 0) + (1 - alive) * billed(0)


@given(
    st.sampled_from(TARGETS),
    st.integers(500, 300_000),
    st.integers(1, 9_000),
    st.integers(1, 120),
    st.booleans(),
    st.booleans(),
)
def test_a_stretch_is_the_sum_of_its_turns(
    target: str, prompt: int, growth: int, count: int, marks: bool, long: bool
) -> None:
    assume(prompt >= growth)  # The next prompt is what there is and what it grows by.
    ahead = Ahead(float(prompt), float(growth), marks, long, Outlook(50.0, growth, 0.9, 0.1))
    there = prospect(target, STEP)
    one_by_one = sum(one_turn(there, each, ahead) for each in range(prompt, prompt + growth * count, growth))
    assert ahead.stretch(there, count) == pytest.approx(one_by_one, rel=1e-5)  # A bill is rounded to the nano-USD.


def test_a_model_of_ones_own_costs_electricity_for_what_is_new() -> None:
    """Ten turns, each 1,000 tokens read and 523 answered: 623 / 50 s of 360 W at $0.30 a kWh."""
    ahead = Ahead(20_000.0, 1_000.0, True, False, Outlook(10.0, 1_000.0, 1.0, 0.0))
    power = Electricity(usd_per_kwh=0.30, watts=360.0, tokens_per_second=50.0)
    llama = Prospect("ollama/llama3.3", FREE, find("ollama", "llama3.3"), STEP, power=power)
    nano = ahead.stretch(llama, 10) / 1_000
    assert nano == pytest.approx(10 * 623 / 50 * 360 / 3_600_000 * 0.30 * 1e9, rel=0.02)


@given(st.sampled_from(TARGETS), st.sampled_from(TARGETS), turns.features, turns.sessions, turns.tokens)
def test_no_choice_adds_more_than_coming_back_at_once(
    old: str, new: str, features: Features, session: Session, tokens: Tokens
) -> None:
    """At most all of the next prompt written anew at the old model, its price step included."""
    session = msgspec.structs.replace(session, target=old)
    stay, candidate = prospect(old, tokens), prospect(new, tokens)
    ahead = outlook(session, features)
    next_prompt = features.prompt_tokens + max(ahead.growth, 1.0)
    rates = stay.price.rates(int(next_prompt))
    dearest = max(rates.cache_write_1h or 0, rates.input or 0)
    assert rest_of_conversation(stay, candidate, session, features, ahead, NOON_MS) <= next_prompt * dearest / 1_000 + 1


@given(turns.features, turns.sessions)
def test_several_at_once_are_what_each_is_by_itself(features: Features, session: Session) -> None:
    stay, several, ahead = prospect(OPUS, STEP), [prospect(t, STEP) for t in TARGETS], outlook(session, features)
    assert rests_of_conversation(stay, several, session, features, ahead, NOON_MS) == [
        rest_of_conversation(stay, one, session, features, ahead, NOON_MS) for one in several
    ]


@given(turns.features, turns.sessions)
def test_what_it_adds_is_the_same_each_time(features: Features, session: Session) -> None:
    ahead = outlook(session, features)
    first = rest_of_conversation(prospect(OPUS), prospect(SONNET), session, features, ahead, NOON_MS)
    assert first == rest_of_conversation(prospect(OPUS), prospect(SONNET), session, features, ahead, NOON_MS)
