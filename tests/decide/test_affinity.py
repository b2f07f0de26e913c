"""What is remembered of a conversation, and when it stays where it is."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tenbin.core.features import Features
from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.session import NEW, Session, Warm
from tenbin.core.usage import Usage
from tenbin.core.weighing import Cost, Weighing
from tenbin.decide.affinity import MOST_WARM, Moment, calibrated, fold, moment, session_key, weigh_switch
from tenbin.decide.cache_rules import HOUR_MS, MINUTE_MS, find
from tenbin.decide.cost import found, readable
from tenbin.decide.outlook import outlook
from tenbin.ledger import queries
from tenbin.ledger.segments import DATABASE
from tests.decide import turns
from tests.decide.turns import CENT, FABLE, GPT, HAIKU, OPUS, SONNET, a_turn, price_of, rules_of, warm_on
from tests.ledger.making import NOON_MS, a_book, a_receipt, an_attempt

OLD_GPT, GEMINI = "openai/gpt-5-mini", "gemini/gemini-3.8-flash"


def attempt(target: str, at_ms: int = NOON_MS, outcome: str = "answered", **buckets: Any) -> Attempt:
    provider, _, model = target.partition("/")
    usage = Usage(**{"output": 500, **buckets})
    return an_attempt(provider=provider, model=model, started_at_ms=at_ms, outcome=outcome, usage=usage)


def receipt(*attempts: Attempt, features: Features | None = None, **changes: Any) -> Receipt:
    weighing = None if features is None else Weighing(features=features, now_ms=NOON_MS, draw=0.5)
    return a_receipt("req_1", *attempts, weighing=weighing, **changes)


def after(*receipts: Receipt) -> Session:
    session = NEW
    for one in receipts:
        session = fold(session, one, find)
    return session


# What a conversation is called


def test_a_conversation_is_the_callers_own() -> None:
    assert session_key("k1", "s") != session_key("k2", "s")
    assert session_key("k1", "s") == session_key("k1", "s", origin="0a")


def test_a_sub_agent_and_a_title_have_conversations_of_their_own() -> None:
    keys = {session_key("k1", "s"), session_key("k1", "s", "agent-1"), session_key("k1", "s", "agent-2")}
    assert len(keys | {session_key("k1", "s", aside=True), session_key("k1", "s", "aside")}) == 5


def test_a_conversation_without_a_name_goes_by_its_beginning() -> None:
    assert session_key("k1", None, origin="0a") == session_key("k1", "", origin="0a") != session_key("k1", "0a")
    assert session_key("k1", None) == ""


names_of_clients = st.tuples(
    st.text("k1|", min_size=1) | st.text(min_size=1), st.text("k1|", min_size=1), st.text("k1|")
)


@given(st.lists(names_of_clients, min_size=2, max_size=2, unique=True))
@example([("k|1", "1", ""), ("k", "1", "1")])
def test_no_name_makes_one_conversation_pass_for_another(names: list[tuple[str, str, str]]) -> None:
    one, other = (session_key(key, session, agent) for key, session, agent in names)
    assert one != other
    assert len(one) < 400


def test_names_of_clients_are_kept_short() -> None:
    assert len(session_key("k1", "s" * 10_000, "\\ud800" * 10_000)) < 200


# What is remembered


def test_what_was_written_is_warm_for_five_minutes() -> None:
    session = after(receipt(attempt(OPUS, input=3, cache_write_5m=20_000), features=a_turn(20_000, effort="high")))
    assert session.warm == (
        Warm(target=OPUS, tokens=20_000, until_ms=NOON_MS + 5 * MINUTE_MS, life_ms=5 * MINUTE_MS, effort="high"),
    )
    assert (session.target, session.at_ms, session.requests, session.prompt_tokens) == (OPUS, NOON_MS, 1, 20_003)


def test_a_read_keeps_alive_what_it_reads_for_as_long_as_it_was_written_for() -> None:
    later = NOON_MS + 40 * MINUTE_MS
    session = after(
        receipt(attempt(OPUS, cache_write_1h=20_000)), receipt(attempt(OPUS, later, cache_read=20_000, input=100))
    )
    assert [(w.tokens, w.until_ms, w.life_ms) for w in session.warm] == [(20_000, later + HOUR_MS, HOUR_MS)]


def test_a_prefix_written_for_both_lives_lapses_with_its_shorter_end() -> None:
    session = after(receipt(attempt(OPUS, cache_write_1h=20_000, cache_write_5m=1_000)))
    assert [(w.tokens, w.life_ms) for w in session.warm] == [(21_000, 5 * MINUTE_MS)]


@pytest.mark.parametrize(("target", "minutes"), [(OLD_GPT, 5), (GPT, 30)])
def test_a_cache_that_works_by_itself_holds_the_whole_prompt_in_steps(target: str, minutes: int) -> None:
    session = after(receipt(attempt(target, input=2_000)))
    assert [(w.tokens, w.life_ms) for w in session.warm] == [(1_920, minutes * MINUTE_MS)]


def test_a_cache_that_did_not_keep_its_promise_is_not_counted_on_until_it_does() -> None:
    minute = [NOON_MS + n * MINUTE_MS for n in range(4)]
    told = [
        receipt(attempt(GEMINI, minute[0], input=20_000)),
        receipt(attempt(GEMINI, minute[1], input=21_000)),
        receipt(attempt(GEMINI, minute[2], input=22_000)),
        receipt(attempt(GEMINI, minute[3], input=1_000, cache_read=22_000)),
    ]
    reads = [
        readable(a_turn(24_000), session, GEMINI, found(rules_of(GEMINI), session, GEMINI), minute[n - 1] + 1)
        for n in range(1, 5)
        for session in [after(*told[:n])]
    ]
    assert reads == [20_000, 0, 0, 23_000]
    session = after(*told[:2])
    assert found(rules_of(GEMINI), session, GEMINI).writes == "never"
    assert moment_of(session, a_turn(24_000), minute[1] + 1).cheap


@pytest.mark.parametrize(
    "second",
    [
        attempt(OLD_GPT, NOON_MS + 10, input=20_000),  # sent before the first one was there
        attempt(OLD_GPT, NOON_MS + 10 * MINUTE_MS, input=20_000),  # it had lapsed
        attempt(OLD_GPT, NOON_MS + MINUTE_MS, input=9_000),  # begun anew
        attempt(GPT, NOON_MS + MINUTE_MS, input=20, cache_write_5m=20_000),  # elsewhere
    ],
)
def test_no_promise_is_broken_where_nothing_was_due(second: Attempt) -> None:
    first = msgspec.structs.replace(attempt(OLD_GPT, input=20_000), first_byte_ms=100.0)
    assert all(warm.tokens for warm in after(receipt(first), receipt(second)).warm)


def test_a_server_of_ones_own_does_not_tell_what_it_reads() -> None:
    local = "ollama/qwen3-coder:30b"
    session = after(receipt(attempt(local, input=9_000)), receipt(attempt(local, NOON_MS + 1_000, input=9_500)))
    assert [w.tokens for w in session.warm] == [9_500]


@pytest.mark.parametrize(
    "nothing_kept",
    [
        attempt(OPUS, input=20_000),
        attempt(OPUS, cache_write_5m=511),
        attempt(OLD_GPT, input=1_023),
        attempt("acme/anvil-1", input=20_000),
        attempt(OLD_GPT, input=20_000, input_estimated=True),
    ],
)
def test_nothing_is_warm_that_was_not_cached(nothing_kept: Attempt) -> None:
    session = after(receipt(nothing_kept))
    assert session.warm == ()
    assert session.requests == 1


def test_several_targets_stay_warm_the_latest_first_and_no_more_than_a_few() -> None:
    targets = [OPUS, HAIKU, SONNET, FABLE, GPT, HAIKU]
    session = after(*[receipt(attempt(t, NOON_MS + n, cache_write_5m=20_000)) for n, t in enumerate(targets)])
    assert [w.target for w in session.warm] == [HAIKU, GPT, FABLE, SONNET]
    assert len(session.warm) == MOST_WARM
    assert session.switches == 5


def test_a_fallback_counts_as_one_answer_where_it_was_given() -> None:
    failed = attempt(OPUS, outcome="failed", output=0)
    broken_off = attempt(SONNET, outcome="cut", cache_write_5m=20_000)
    session = after(receipt(failed, broken_off, attempt(HAIKU, cache_write_5m=20_000)))
    assert [w.target for w in session.warm] == [HAIKU, SONNET]
    assert (session.target, session.requests, session.switches) == (HAIKU, 1, 0)


def test_a_judge_who_was_asked_first_leaves_nothing_behind() -> None:
    judge = msgspec.structs.replace(attempt(HAIKU, cache_write_5m=20_000), number=0)
    answering = attempt(OPUS, cache_write_5m=20_000)
    assert after(receipt(judge, answering)) == after(receipt(answering))
    assert after(receipt(judge, outcome="cancelled")) == NEW


def test_a_request_that_was_overtaken_takes_nothing_back() -> None:
    """It began first and is settled last: what the later one left is what is there."""
    session = after(
        receipt(attempt(OPUS, NOON_MS + 30_000, cache_write_5m=22_000)), receipt(attempt(OPUS, cache_write_5m=20_000))
    )
    assert [(w.tokens, w.until_ms) for w in session.warm] == [(22_000, NOON_MS + 330_000)]
    assert (session.at_ms, session.prompt_tokens, session.requests) == (NOON_MS + 30_000, 22_000, 2)


def test_growth_is_counted_and_a_shorter_prompt_is_not_negative_growth() -> None:
    lengths = (10_000, 12_000, 15_000, 4_000, 5_000)
    session = after(*[receipt(attempt(OPUS, NOON_MS + n, cache_read=tokens)) for n, tokens in enumerate(lengths)])
    assert session.growth_tokens == 2_000 + 3_000 + 1_000
    assert session.output_tokens == 5 * 500


def test_how_hard_it_was_and_what_was_tools_work_is_remembered_the_latest_most() -> None:
    easy, hard = (0.8, 0.9, 0.95, 0.97), (0.1, 0.2, 0.8, 0.9)

    def weighed(suffices: tuple[float, ...], loop: bool) -> Receipt:
        return receipt(attempt(OPUS, input=9_000), features=a_turn(9_000, suffices=suffices, in_tool_loop=loop))

    session = after(weighed(easy, False), weighed(hard, True))
    assert session.weighed == 2
    assert session.by_tools == pytest.approx(0.5)
    assert session.suffices == pytest.approx((0.45, 0.55, 0.875, 0.935))
    session = after(*[weighed(easy, False)] * 100, *[weighed(hard, True)] * 40)
    assert session.by_tools > 0.8
    assert session.suffices[0] < 0.25


def test_estimates_are_corrected_by_what_providers_count() -> None:
    """Estimates are a fifth too low; from the second turn on they are right."""
    session, weighed = NEW, list[int]()
    for counted in (10_000, 12_000, 15_000):
        features = calibrated(a_turn(counted * 4 // 5), session)
        weighed.append(features.prompt_tokens)
        session = fold(session, receipt(attempt(OPUS, cache_write_5m=counted), features=features), find)
    assert weighed == [8_000, 12_000, 15_000]
    assert session.tokens_per_estimate == pytest.approx(1.25)


@pytest.mark.parametrize(
    "other", [receipt(attempt(OPUS, input=9_000), features=a_turn(100)), receipt(attempt(OPUS, input=9_000))]
)
def test_an_estimate_that_is_far_off_or_unknown_corrects_nothing(other: Receipt) -> None:
    session = after(other)
    assert session.tokens_per_estimate == 1.0
    assert calibrated(a_turn(500), session) == calibrated(a_turn(500), None) == a_turn(500)


def test_after_compaction_nothing_warm_is_of_use() -> None:
    session = after(
        receipt(attempt(OPUS, cache_write_5m=150_000)),
        receipt(attempt(OPUS, cache_read=150_000), features=a_turn(150_000, compaction=True)),
        receipt(attempt(OPUS, cache_write_5m=20_000)),
    )
    assert [w.tokens for w in session.warm] == [20_000]
    assert (session.requests, session.growth_tokens) == (3, 0)


@pytest.mark.parametrize(
    "unconcerned",
    [
        receipt(attempt(OPUS, cache_write_5m=9_000), operation="count_tokens"),
        receipt(attempt(OPUS, input=9_000, output=0), operation="embed"),
        receipt(attempt(OPUS, outcome="failed", output=0), outcome="failed"),
    ],
)
def test_what_is_no_turn_of_the_conversation_changes_nothing(unconcerned: Receipt) -> None:
    before = warm_on(OPUS, 9_000)
    assert fold(before, unconcerned, find) == before


def test_the_next_turn_reads_what_was_remembered() -> None:
    session = after(receipt(attempt(OPUS, cache_write_5m=20_000)), receipt(attempt(HAIKU, cache_write_5m=22_000)))
    for target, tokens in ((OPUS, 20_000), (HAIKU, 22_000), (SONNET, 0)):
        assert readable(a_turn(24_000), session, target, rules_of(target), NOON_MS + 1) == tokens
        assert readable(a_turn(24_000), session, target, rules_of(target), NOON_MS + 5 * MINUTE_MS) == 0


receipts = st.builds(
    receipt,
    st.builds(
        attempt,
        st.sampled_from(turns.TARGETS),
        st.integers(NOON_MS, NOON_MS + HOUR_MS),
        st.sampled_from(["answered", "cut", "cancelled", "failed", "interrupted"]),
        input=st.integers(0, 50_000),
        cache_read=st.integers(0, 200_000),
        cache_write_5m=st.integers(0, 50_000),
        cache_write_1h=st.integers(0, 50_000),
        output=st.integers(0, 9_000),
    ),
    features=st.one_of(st.none(), turns.features),
)


@given(st.lists(receipts, max_size=12))
def test_whatever_happens_what_is_remembered_is_bounded(all_of_them: list[Receipt]) -> None:
    session = after(*all_of_them)
    assert len(session.warm) <= MOST_WARM
    assert len({w.target for w in session.warm}) == len(session.warm)
    assert session.requests <= len(all_of_them)
    assert session.switches <= max(session.requests - 1, 0)
    assert session.growth_tokens >= 0


def test_the_ledger_tells_the_same_story_as_it_was_lived(data_dir: Path) -> None:
    lived = NEW

    def live(settled: Receipt) -> None:
        nonlocal lived
        lived = fold(lived, settled, find)

    story = [
        receipt(attempt(OPUS, NOON_MS, cache_write_1h=18_000, cache_write_5m=2_000), features=a_turn(20_000)),
        receipt(attempt(OPUS, NOON_MS + 1, outcome="failed", output=0), attempt(GPT, NOON_MS + 2, input=21_000)),
        receipt(attempt(HAIKU, NOON_MS + 3, cache_write_5m=24_000), features=a_turn(24_000, effort="low")),
        receipt(attempt(OPUS, NOON_MS + 4, cache_read=20_000, cache_write_5m=5_000), features=a_turn(25_000)),
    ]
    with a_book(data_dir) as book:
        book.subscribe(live)
        for n, one in enumerate(story):
            attempts = tuple(
                msgspec.structs.replace(attempt, number=number, first_byte_ms=123.456 * n)
                for number, attempt in enumerate(one.attempts, 1)
            )
            book.settle(msgspec.structs.replace(one, request_id=f"req_{n}", attempts=attempts))
        assert book.flush()
    with queries.reading(data_dir / DATABASE) as database:
        stored = list(reversed(queries.recent(database)))
    assert len(stored) == len(story)
    assert after(*stored) == lived
    assert (lived.requests, lived.switches, len(lived.warm)) == (4, 3, 3)


# Cheap moments


def moment_of(session: Session | None, features: Features, at_ms: int = NOON_MS) -> Moment:
    price = price_of(session.target) if session is not None and session.target else None
    return moment(session, features, outlook(session, features), at_ms, price)


def test_the_beginning_a_lapse_and_a_compaction_are_cheap_moments() -> None:
    warm = warm_on(OPUS, 80_000)
    for session, features, at_ms, words in (
        (None, a_turn(5_000), NOON_MS, "begins"),
        (NEW, a_turn(5_000), NOON_MS, "begins"),
        (warm, a_turn(80_000), NOON_MS + 240_000, "warm any more after 5 min"),
        (warm, a_turn(80_000, compaction=True), NOON_MS, "compacted"),
        (warm, a_turn(30_000), NOON_MS, "no longer begins"),
    ):
        now = moment_of(session, features, at_ms)
        assert now.cheap, words
        assert words in now.words


def test_with_a_warm_cache_it_is_not_a_cheap_moment() -> None:
    assert moment_of(warm_on(OPUS, 80_000), a_turn(80_000)) == Moment(False, f"80,000 tokens are warm on {OPUS}")


@pytest.mark.parametrize(
    ("target", "prompt", "step"),
    [(HAIKU, 97_000, "100,000"), (GPT, 270_000, "272,000"), (HAIKU, 60_000, ""), (HAIKU, 101_000, "")],
)
def test_a_price_step_ahead_is_told(target: str, prompt: int, step: str) -> None:
    now = moment_of(warm_on(target, prompt), a_turn(prompt))
    assert not now.cheap
    assert ("steps up above " + step in now.words) == bool(step)


# Staying and leaving


WARM = Moment(False, "it is warm")
COLD = Moment(True, "it is cold")


def stay(best: str, here: Cost | None, there: Cost | None, now: Moment = WARM, **changes: Any) -> tuple[bool, str]:
    return weigh_switch(warm_on(OPUS, 80_000), a_turn(80_000, **changes), now, here, best, there)


def test_within_a_loop_of_tools_it_stays_unless_it_cannot() -> None:
    free = Cost()
    assert stay(HAIKU, Cost(input=CENT), free, COLD, in_tool_loop=True) == (
        True,
        f"stays on {OPUS}: it is at work with its tools",
    )
    assert stay(HAIKU, None, free, in_tool_loop=True)[0] is False


def test_a_switch_from_a_warm_cache_must_save_more_than_the_margin() -> None:
    """There, 100 are written anew and 100 hoped for later: 15 % of both, 30, must be saved."""
    there = Cost(cache_write=100, output=50, coming_back=-100)
    assert stay(HAIKU, Cost(cache_read=80), there)[0] is True
    assert stay(HAIKU, Cost(cache_read=81), there) == (
        False,
        f"switches to {HAIKU}, which saves $0.000000031 over the rest: it is warm",
    )
    assert stay(HAIKU, Cost(cache_read=51), there, COLD)[0] is False
    assert stay(HAIKU, Cost(cache_read=50), there, COLD)[0] is True


def test_the_words_say_what_a_switch_would_cost() -> None:
    assert stay(FABLE, Cost(cache_read=2 * CENT), Cost(cache_write=3 * CENT)) == (
        True,
        f"stays on {OPUS}: a switch to {FABLE} would cost $0.01 more: it is warm",
    )


def test_who_has_no_place_yet_goes_where_it_is_best() -> None:
    assert weigh_switch(None, a_turn(9), COLD, None, HAIKU, Cost()) == (False, "it is cold")
    assert stay(OPUS, Cost(), Cost()) == (True, f"stays on {OPUS}: it is warm")
    assert stay(HAIKU, Cost(), None)[0] is True
