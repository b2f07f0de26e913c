"""The law of a key's models: whoever is not for it is asked nothing by any way, and what is left works as before."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.account import Account
from tenbin.core.problems import Problem, Unreadable
from tenbin.core.steps import Call, Consult, Failed, Held, Judge, Judged, Note, Noted, Pause, Release, Resumed, Sense
from tenbin.core.target import Target
from tenbin.decide.flow import decide
from tenbin.decide.restriction import listed, restricted
from tenbin.decide.weigh import Known
from tests.decide.plans import ask, facts, failure
from tests.decide.weighed import EASY, HARD, LARGE, MIDDLE, SMALL, a_policy, known, price, sensed

OTHER, SPARE = "other/gpt-x", "other/gpt-spare"
EVERYBODY = (SMALL, MIDDLE, LARGE, OTHER, SPARE)
POLICY = a_policy(
    """
providers:
  maker: {profile: anthropic, base_url: http://127.0.0.1:9, api_key: k}
  other: {profile: openai, base_url: http://127.0.0.1:9/v1, api_key: k}
models:
  pinned: [maker/claude-large]
  pair: [other/gpt-x, maker/claude-middle]
default: [maker/claude-middle]
fallback: [other/gpt-spare]
hedging: {after_ms: 1}
cascades:
  up:
    skip: false
    judge_top: true
    ladder:
      - {target: maker/claude-small, judge: {target: other/gpt-x}, samples: 1, accept: 0.9}
      - {target: maker/claude-middle, accept: 0.9}
      - {target: maker/claude-large}
routing:
  tiers: {low: [maker/claude-small], medium: [maker/claude-middle], high: [other/gpt-x], highest: [maker/claude-large]}
  abilities: {maker/claude-small: 0, maker/claude-middle: 1.5, maker/claude-large: 3, other/gpt-x: 2}
  aliases: {fast: maker/claude-small, thing: auto, further: fast}
  judge: {target: other/gpt-x}
  rules: [{when: {clients: ["ruled"]}, use: [maker/claude-large, maker/claude-middle]}]
"""
)
NAMES = (
    "pinned",
    "pair",
    "up",
    "auto",
    "fast",
    "thing",
    "further",
    "claude-unheard-of",
    "gpt-9",
    "nonsense",
    *EVERYBODY,
)


def priced() -> Known:
    """Everybody has a price: what has none is not asked for an opinion."""
    return known(price=lambda provider, model, at_ms: price("maker", "claude-small", at_ms))


def targets_in(step: Any) -> set[str]:
    """Every target that a step would have asked, wherever in it."""
    if isinstance(step, Target):
        return {step.name}
    if isinstance(step, msgspec.Struct):
        return set().union(*(targets_in(getattr(step, name)) for name in step.__struct_fields__))
    return set()


def asked(account: Account, model: str, *, client: str = "", hard: bool = False, score: float = 0.5) -> set[str]:
    """Who would be asked, when every call fails or gives an answer that gates refuse. Raises Unreadable."""
    policy = restricted(POLICY, account) if account.restricted else POLICY
    request = msgspec.structs.replace(ask(model), client=client)
    plan = decide(request, facts(hedges=True), policy, priced)
    found = set[str]()
    count = 0
    try:
        step = next(plan)
        while True:
            count += 1
            assert count < 1_000
            outcome: Any
            if isinstance(step, Sense):
                outcome = sensed(HARD if hard else EASY)
            elif isinstance(step, Note):
                outcome = Noted()
            elif isinstance(step, Judge):
                found |= targets_in(step)
                outcome = Judged(asked=False)
            elif isinstance(step, Pause):
                outcome = Resumed()
            elif isinstance(step, Consult) or (isinstance(step, Call) and step.hold is not None):
                found |= targets_in(step)
                of = step.of if isinstance(step, Consult) else step.attempt
                outcome = Held(of=of, score=score, accept=0.99, why="whole", usable=True, at_ms=1)
            else:
                assert isinstance(step, Call | Release)
                found |= targets_in(step)
                outcome = Failed(failure=failure("server_error"))
            step = plan.send(outcome)
    except StopIteration:
        return found


@given(
    st.sets(st.sampled_from(EVERYBODY)),
    st.sampled_from(NAMES),
    st.sampled_from(("", "ruled")),
    st.booleans(),
    st.floats(0, 0.9),
)
def test_nobody_else_is_asked(allowed: set[str], model: str, client: str, hard: bool, score: float) -> None:
    account = Account(key_id="key_a", name="a", targets=tuple(sorted(allowed)) or ("nobody/at-all",))
    found = set[str]()
    told: Problem | None = None
    try:
        found = asked(account, model, client=client, hard=hard, score=score)
    except Unreadable as error:
        told = error.problem
    assert found <= allowed
    if told is not None:
        assert (told.status, told.code) == (403, "permission_error")
        return
    assert found, "somebody is asked, or the caller is told"


TIERED = {"low": SMALL, "medium": MIDDLE, "high": OTHER, "highest": LARGE}


@given(
    st.sets(st.sampled_from((*TIERED, "nano")), min_size=1),
    st.sampled_from(NAMES),
    st.sampled_from(("", "ruled")),
    st.booleans(),
)
def test_nobody_beyond_its_tiers_is_asked(tiers: set[str], model: str, client: str, hard: bool) -> None:
    """SPARE, and models that nobody has listed, stand in no tier: they are for no such key."""
    account = Account(key_id="key_a", name="a", tiers=tuple(sorted(tiers)))
    found = set[str]()
    told: Problem | None = None
    try:
        found = asked(account, model, client=client, hard=hard)
    except Unreadable as error:
        told = error.problem
    if told is not None:
        assert (told.status, told.code) == (403, "permission_error")
        assert ", ".join(sorted(tiers)) in told.message
        assert ("no model is known" in told.message) is (tiers == {"nano"})
        return
    assert found
    assert found <= {TIERED[tier] for tier in tiers & TIERED.keys()}


def test_a_tier_and_a_target_bound_both() -> None:
    account = Account(key_id="key_a", name="a", tiers=("low", "medium"), targets=("*middle", "*large"))
    assert asked(account, "auto") == {MIDDLE}
    assert asked(account, "pair") == {MIDDLE}


@given(st.sets(st.sampled_from(NAMES), min_size=1), st.sampled_from(NAMES))
def test_only_names_of_the_key_are_taken(models: set[str], model: str) -> None:
    account = Account(key_id="key_a", name="a", models=tuple(models))
    policy = restricted(POLICY, account)
    granted = {POLICY.aliases["fast"]} if models & {"fast", "further"} else set()
    granted |= {"auto"} if "thing" in models else set()
    permitted = model in models or model in granted
    assert (listed([model], policy) == [model]) is permitted
    if permitted:
        assert asked(account, model) == asked(Account(key_id="key_b", name="b"), model), (
            "rules on names change no choice"
        )
    else:
        with pytest.raises(Unreadable, match="may not ask for"):
            asked(account, model)


def test_all_ways_are_really_gone() -> None:
    """The law above is worth something: without rules every one of them is asked."""
    free = Account(key_id="key_a", name="a")
    assert asked(free, "pair") == {OTHER, MIDDLE, SPARE}
    assert asked(free, "up") == {SMALL, MIDDLE, LARGE, OTHER, SPARE}
    assert asked(free, "auto", hard=True) >= {LARGE, SPARE}
    assert asked(free, "auto", client="ruled") == {LARGE, MIDDLE, SPARE}
    assert asked(free, "further") == {SMALL, SPARE}


def test_lists_only_what_would_be_answered() -> None:
    policy = restricted(POLICY, Account(key_id="key_a", name="a", targets=("*small",)))
    found = listed(NAMES, policy)
    assert {"up", "auto", "fast", "thing", "further", SMALL} <= set(found)
    assert not {"pinned", "pair", MIDDLE, LARGE, OTHER, SPARE} & set(found)
    assert listed(NAMES, POLICY) == list(NAMES)


def test_answers_from_a_cache_are_shared_with_keys_of_the_same_rules_only() -> None:
    policy = a_policy("providers: {maker: {profile: anthropic, base_url: 'http://127.0.0.1:9'}}\ncache: {exact: serve}")
    one, same = (restricted(policy, Account(key_id=key, name=key, targets=("a/*",))) for key in ("k1", "k2"))
    other = restricted(policy, Account(key_id="k3", name="k3", targets=("b/*",)))
    of_tier = restricted(policy, Account(key_id="k4", name="k4", targets=("a/*",), tiers=("low",)))
    assert of_tier.caching is not None
    assert one.caching is not None
    assert same.caching is not None
    assert other.caching is not None
    assert policy.caching is not None
    assert one.caching.epoch == same.caching.epoch
    assert len({one.caching.epoch, other.caching.epoch, policy.caching.epoch, of_tier.caching.epoch}) == 4
