"""The laws of a soft landing: a fuller window never undoes an effect, and nothing is ever raised."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.landing import STANDARD, LandingConfig, LandingPause, LandingStage
from tenbin.core.account import Account
from tenbin.core.ask import Caller
from tenbin.core.budget import FOREVER_MS, Claim, Level
from tenbin.core.features import TIERS
from tenbin.core.landing import NO_EFFECTS, Effects
from tenbin.core.problems import Unreadable
from tenbin.core.steps import Call, Failed, Note, Noted, Pause, Resumed, Sense
from tenbin.decide.flow import decide
from tenbin.decide.landing import EFFORTS, effects, inside, landed, pace, paused, reached
from tenbin.decide.policy import Policy
from tenbin.decide.restriction import restricted
from tests.decide.plans import NOW_MS, ask, facts, failure
from tests.decide.weighed import HARD, LARGE, MIDDLE, SMALL, USD, a_policy, known, price, sensed

HOUR, DAY = 3_600_000, 86_400_000
SHARES = st.floats(0, 1)


def level(share: float, *, hard: bool = True, days: int = 30, passed: float = 0.5, ends: int = 0) -> Level:
    length = days * DAY
    start = NOW_MS - int(length * passed)
    claim = Claim("global/month", start, ends or start + length, 1_000_000, hard, "global", "month")
    return Level(claim, int(share * 600_000), int(share * 400_000))


@st.composite
def ladders(draw: st.DrawFn) -> LandingConfig:
    """Stages in order, each with some effects."""
    ats = sorted(draw(st.lists(SHARES, min_size=1, max_size=4)))
    names = st.sampled_from(["pinned", "pair", "quick", SMALL, MIDDLE, LARGE])
    patterns = st.sampled_from(["*", "*large*", "*middle*", "pinned", "pair", "claude-*"])
    stages = [
        LandingStage(
            at=at,
            models=draw(st.dictionaries(patterns, names, max_size=2)),
            floor=draw(st.none() | SHARES),
            tier=draw(st.none() | st.sampled_from(TIERS)),
            effort=draw(st.none() | st.sampled_from(EFFORTS)),
            max_tokens=draw(st.none() | st.integers(1, 64_000)),
            cache=draw(st.booleans()),
            background=draw(st.booleans()),
            user_limits=draw(SHARES),
            inside_turns=draw(st.booleans()),
        )
        for at in ats
    ]
    return LandingConfig(stages=stages, stop_at=draw(st.floats(0.5, 1)))


def at_most(one: Any, other: Any, order: Any = None) -> bool:
    """Whether a limit is as strict as another one; None is no limit."""
    if one is None or other is None:
        return other is None
    return bool(order.index(one) <= order.index(other) if order else one <= other)


# -- which stage


@given(ladders(), SHARES, SHARES)
def test_a_fuller_window_reaches_no_less(settings: LandingConfig, one: float, other: float) -> None:
    less, more = sorted((one, other))
    before, after = (reached(settings, [level(share)], NOW_MS) for share in (less, more))
    assert before.stage <= after.stage
    assert before.stopping is None or after.stopping is not None


@given(ladders(), st.lists(SHARES, min_size=1, max_size=4))
def test_the_fullest_budget_counts(settings: LandingConfig, shares: list[float]) -> None:
    together = reached(settings, [level(share) for share in shares], NOW_MS)
    alone = [reached(settings, [level(share)], NOW_MS) for share in shares]
    assert together.stage == max(one.stage for one in alone)
    assert together.level is not None
    assert together.level.share == max(level(share).share for share in shares)
    assert (together.stopping is not None) == any(one.stopping is not None for one in alone)


def test_nobody_is_counted_by_no_budget() -> None:
    assert reached(LandingConfig(stages=list(STANDARD)), [], NOW_MS) == (0, None, None)


def test_a_soft_budget_lands_and_stops_nobody() -> None:
    found = reached(LandingConfig(stages=list(STANDARD)), [level(1.5, hard=False)], NOW_MS)
    assert (found.stage, found.stopping) == (3, None)


def test_the_budget_that_begins_anew_last_says_how_long_to_wait() -> None:
    soon, late = level(1.0, ends=NOW_MS + HOUR), level(0.98, ends=NOW_MS + DAY)
    assert reached(LandingConfig(), [soon, late], NOW_MS).stopping == late


def test_a_pace_counts_for_weeks_and_months_only() -> None:
    assert pace(level(0.6, passed=0.3), NOW_MS) == 2.0
    assert pace(level(0.6, days=1, passed=0.3), NOW_MS) == 0.0
    assert pace(level(0.6, ends=FOREVER_MS), NOW_MS) == 0.0
    fast = LandingConfig(stages=[LandingStage(at=0.3, pace=1.5, cache=True)])
    assert reached(fast, [level(0.5, passed=0.3)], NOW_MS).stage == 1
    assert reached(fast, [level(0.5, passed=0.4)], NOW_MS).stage == 0
    assert reached(fast, [level(0.29, passed=0.01)], NOW_MS).stage == 0


# -- what is done


@given(ladders(), st.data())
def test_a_later_stage_undoes_nothing(settings: LandingConfig, data: st.DataObject) -> None:
    stages = settings.stages
    stage = data.draw(st.integers(0, len(stages) - 1))
    turn = data.draw(st.integers(0, stage))
    before = effects(stages, stage, turn)
    for after in (effects(stages, stage + 1, turn), effects(stages, stage, min(turn + 1, len(stages)))):
        assert at_most(after.floor, before.floor)
        assert at_most(after.tier, before.tier, TIERS)
        assert at_most(after.effort, before.effort, EFFORTS)
        assert at_most(after.max_tokens, before.max_tokens)
        assert after.substitutes[: len(before.substitutes)] == before.substitutes
        assert after.relaxed_cache >= before.relaxed_cache
        assert after.no_background >= before.no_background
        assert after.user_limits <= before.user_limits
        assert set(before.words) <= set(after.words)


@given(ladders(), st.data())
def test_a_turn_keeps_what_it_began_with(settings: LandingConfig, data: st.DataObject) -> None:
    """Its model and its effort; what spoils no prompt cache follows the window."""
    stages = settings.stages
    turn, stage = data.draw(st.integers(0, len(stages))), data.draw(st.integers(0, len(stages)))
    mixed, then, now = effects(stages, stage, turn), effects(stages, turn, turn), effects(stages, stage, stage)
    assert (mixed.substitutes, mixed.floor, mixed.tier, mixed.effort) == (
        then.substitutes,
        then.floor,
        then.tier,
        then.effort,
    )
    assert (mixed.max_tokens, mixed.relaxed_cache, mixed.user_limits) == (
        now.max_tokens,
        now.relaxed_cache,
        now.user_limits,
    )
    assert inside(settings, stage) <= stage


def test_no_stage_does_nothing() -> None:
    assert effects(STANDARD, 0, 0) is NO_EFFECTS
    assert NO_EFFECTS.words == ()
    assert not NO_EFFECTS.degrades


def test_the_standard_stages_degrade_first_and_pause_what_is_called_nonessential() -> None:
    assert [one.at for one in STANDARD] == sorted(one.at for one in STANDARD)
    assert not effects(STANDARD, 1, 1).degrades
    assert effects(STANDARD, 1, 1).words == ("cache", "background")
    last = effects(STANDARD, 3, 3)
    assert (last.floor, last.tier, last.effort, last.max_tokens, last.user_limits) == (
        0.5,
        "medium",
        "low",
        16_000,
        0.5,
    )
    tagged = Caller(key_id="key_1", account=Account(key_id="key_1", name="n", tags=("nonessential",)))
    waiting = msgspec.structs.replace(ask(), caller=tagged)
    assert paused(STANDARD, waiting)
    assert not paused(STANDARD[:2], waiting)
    assert not paused(STANDARD, ask())


def test_what_waits_is_told_by_key_tag_name_path_or_client() -> None:
    one = msgspec.structs.replace(ask("auto"), client="nightly/1.0", caller=Caller(key_id="key_1", name="batch-3"))
    for pause in (
        LandingPause(keys=["batch-*"]),
        LandingPause(keys=["key_1"]),
        LandingPause(names=["auto"]),
        LandingPause(paths=["/v1/mess*"]),
        LandingPause(clients=["nightly/*"]),
    ):
        assert paused([LandingStage(at=0, pause=pause)], one)
    for pause in (LandingPause(), LandingPause(keys=["batch"], tags=["*"], names=["[a]uto"], clients=["x"])):
        assert not paused([LandingStage(at=0, pause=pause)], one)


# -- who is asked

POLICY = a_policy(
    """
providers:
  maker: {profile: anthropic, base_url: http://127.0.0.1:9, api_key: k}
models:
  pinned: [maker/claude-large]
  pair: [maker/claude-large, maker/claude-middle]
  quick: [maker/claude-small]
default: [maker/claude-middle]
hedging: {after_ms: 1}
cascades:
  up: {skip: false, ladder: [{target: maker/claude-small}, {target: maker/claude-middle}, {target: maker/claude-large}]}
routing:
  tiers: {low: [maker/claude-small], medium: [maker/claude-middle], high: [], highest: [maker/claude-large]}
  abilities: {maker/claude-small: 0, maker/claude-middle: 1.5, maker/claude-large: 3}
  aliases: {fast: maker/claude-small, best: maker/claude-large}
  exploration: {share: 0.5}
  rules: [{when: {clients: ["ruled"]}, use: [maker/claude-large, maker/claude-middle]}]
"""
)
NAMES = ("pinned", "pair", "quick", "up", "auto", "fast", "best", "nonsense", SMALL, MIDDLE, LARGE)
STRENGTH = (SMALL, MIDDLE, LARGE)


def called(policy: Policy, model: str, client: str = "", draw: float = 0.0, **head: Any) -> list[str]:
    """Who is asked, in their order, when every call fails."""
    one = msgspec.structs.replace(ask(model, **head), client=client)
    plan = decide(one, facts(draw), policy, known)
    asked: list[str] = []
    outcome: Any = None
    while True:
        try:
            step = plan.send(outcome)
        except StopIteration:
            return asked
        if isinstance(step, Call):
            asked.append(step.target.name)
            outcome = Failed(failure=failure("not_found"))
        elif isinstance(step, Sense):
            outcome = sensed(HARD)
        elif isinstance(step, Note):
            outcome = Noted()
        else:
            assert isinstance(step, Pause)
            outcome = Resumed()


def strength(names: list[str]) -> int:
    """Of the strongest that is asked."""
    return max(STRENGTH.index(name) for name in names)


def under(settings: LandingConfig, stage: int, policy: Policy = POLICY) -> Policy:
    return landed(policy, effects(settings.stages, stage, stage), price, NOW_MS)


@given(ladders(), st.sampled_from(NAMES), st.sampled_from(["", "ruled"]))
def test_who_is_asked_only_grows_weaker_and_cheaper(settings: LandingConfig, model: str, client: str) -> None:
    before = called(POLICY, model, client)
    for stage in range(1, len(settings.stages) + 1):
        after = called(under(settings, stage), model, client)
        assert after, "a landing leaves nobody without an answer"
        assert strength(after) <= strength(before)
        assert max(float(USD[name][1]) for name in after) <= max(float(USD[name][1]) for name in before)
        before = after


@given(ladders(), st.sampled_from(NAMES), st.sampled_from([SMALL, MIDDLE, LARGE]))
def test_a_key_stays_with_the_models_that_it_may_use(settings: LandingConfig, model: str, allowed: str) -> None:
    policy = restricted(POLICY, Account(key_id="key_1", name="n", targets=(allowed,)))
    try:
        before = called(policy, model)
    except Unreadable:
        return
    for stage in range(1, len(settings.stages) + 1):
        after = called(under(settings, stage, policy), model)
        assert set(after) <= {allowed}
        assert bool(after) == bool(before)


def only(**stage: Any) -> Policy:
    return under(LandingConfig(stages=[LandingStage(at=0, **stage)]), 1)


def test_names_are_followed_to_what_stands_in_for_them() -> None:
    policy = only(models={"*large*": MIDDLE})
    for name in ("pinned", "pair", "best", LARGE):
        assert called(policy, name) == [MIDDLE], name
    assert called(policy, "quick") == [SMALL]
    assert called(only(models={"pair": "quick"}), "pair") == [SMALL]
    assert called(only(models={"pair": "quick"}), "pinned") == [LARGE]


def test_nothing_is_raised_by_a_careless_map() -> None:
    policy = only(models={"*": LARGE})
    for name in NAMES:
        assert called(policy, name) == called(POLICY, name)


def test_what_nobody_serves_stands_in_for_nothing() -> None:
    assert called(only(models={"*large*": "gpt-9"}), "pinned") == [LARGE]
    assert called(only(models={"*large*": "other/thing"}), "pinned") == [LARGE]


def test_a_substitute_that_lacks_what_is_needed_leaves_the_request_to_its_own_model() -> None:
    """Without this a request with pictures would fail, once its model has a blind substitute."""
    blind = {
        name: msgspec.structs.replace(one, quirks=msgspec.structs.replace(one.quirks, images=False))
        for chain in POLICY.chains.values()
        for one in chain
        if (name := one.name) == SMALL
    }
    chains = {name: tuple(blind.get(one.name, one) for one in chain) for name, chain in POLICY.chains.items()}
    settings = LandingConfig(stages=[LandingStage(at=0, models={"pinned": "quick"})])
    policy = under(settings, 1, msgspec.structs.replace(POLICY, chains=chains))
    assert called(policy, "pinned") == [SMALL]
    assert called(policy, "pinned", needs=frozenset({"images"})) == [LARGE]


def test_weighing_keeps_to_the_tier_and_the_floor() -> None:
    assert strength(called(POLICY, "auto")) == 2
    assert LARGE not in called(only(tier="medium"), "auto")
    assert called(only(tier="low"), "auto") == [SMALL]
    assert called(only(floor=0.0), "auto")[0] == SMALL
    assert called(only(models={"*large*": MIDDLE}), "auto", "ruled") == [MIDDLE]


def test_own_spending_rests() -> None:
    policy = only(background=True)
    assert POLICY.hedging is not None
    assert policy.hedging is None
    assert policy.routing is not None
    assert policy.routing.settings.exploration.share == 0


def test_a_cache_keeps_no_degraded_answer() -> None:
    cached = a_policy("cache: {exact: serve}\nproviders: {maker: {profile: anthropic, api_key: k}}")
    for done, relaxed, keeps in (
        (Effects(relaxed_cache=True), True, True),
        (Effects(effort="low"), False, False),
        (Effects(max_tokens=5, relaxed_cache=True), True, False),
        (Effects(no_background=True), False, True),
    ):
        caching = landed(cached, done, price, NOW_MS).caching
        assert caching is not None
        assert (caching.relaxed, caching.keeps) == (relaxed, keeps)
