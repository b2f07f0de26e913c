"""A weighing chooses the cheapest that is good enough, keeps a warm conversation, and is chosen again alike."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.facts import TargetHealth
from tenbin.core.features import Features
from tenbin.core.price import SUBSCRIPTION, Price, share_of
from tenbin.core.session import Session
from tenbin.core.weighing import Candidate, Cost, Opinion, Quality, Weighing
from tenbin.decide.policy import Policy
from tenbin.decide.routing import demand
from tenbin.decide.weigh import Known, choose, weigh
from tests.decide.plans import NOW_MS, ask, facts
from tests.decide.weighed import HARD, LARGE, MIDDLE, SMALL, TEXT, a_policy, known, price, sensed, warm_on

POLICY = a_policy()


def weighing(policy: Policy = POLICY, knows: Known | None = None, health: Any = None, **asked: Any) -> Weighing:
    head = {name: asked.pop(name) for name in ("needs", "max_tokens") if name in asked}
    found = sensed(**asked)
    routing = policy.routing
    assert routing is not None
    asks = demand(routing, found.features, requested="auto", key="local", client="")
    return weigh(
        policy,
        routing,
        facts(health=health),
        knows or known(),
        ask=ask("auto", **head),
        features=found.features,
        session=found.session,
        session_key=found.session_key,
        demand=asks,
    )


def test_a_service_tier_is_weighed_at_its_own_price_where_it_is_sent() -> None:
    def tier_price(provider: str, model: str, at_ms: int, tier: str) -> Price | None:
        found = price(provider, model, at_ms)
        assert found is not None
        rates = found.rates(0)
        assert rates.input is not None
        return Price(label=f"{tier} {model}", steps=((0, msgspec.structs.replace(rates, input=rates.input // 2)),))

    text = TEXT.replace("profile: anthropic, base_url", "dialect: openai_chat, base_url")
    for policy, half in ((a_policy(text), True), (a_policy(), False)):
        plain, flex = (
            weighing(policy, known(tier_price=tier_price), service_tier=tier).candidates for tier in ("", "flex")
        )
        for one, other in zip(plain, flex, strict=True):
            assert one.cost is not None
            assert other.cost is not None
            assert (2 * other.cost.input == one.cost.input) is half
            assert other.price.startswith("flex") is half


PLAN = TEXT.replace(
    "api_key: k}", "api_key: k}\n  plan: {profile: anthropic, base_url: http://127.0.0.1:9, subscription: {}}"
)
PLAN = PLAN.replace("medium: [maker/claude-middle]", "medium: [maker/claude-middle, plan/claude-middle]").replace(
    "maker/claude-middle: 1.5", '"*claude-middle": 1.5'
)


def of_plan(share: int | None) -> Known:
    """``plan`` costs no cash; its quota is worth so many hundredths of what ``maker`` charges."""

    def shadow(provider: str, model: str, at_ms: int) -> Price | None:
        listed = price("maker", model, at_ms)
        return None if share is None or listed is None else share_of(listed, share / 100)

    def cash(provider: str, model: str, at_ms: int) -> Price | None:
        return SUBSCRIPTION if provider == "plan" else price(provider, model, at_ms)

    return known(price=cash, shadow=shadow)


def test_a_subscription_costs_no_cash_but_its_quota_counts() -> None:
    found = {
        share: {c.target: c.cost for c in weighing(a_policy(PLAN), of_plan(share)).candidates} for share in (0, 10)
    }
    paid, plan = found[10]["maker/claude-middle"], found[10]["plan/claude-middle"]
    assert paid is not None
    assert plan is not None
    assert plan.turn == 0
    assert plan.quota == pytest.approx(paid.turn / 10, abs=5)
    assert plan.total == plan.quota + plan.escalation + plan.coming_back
    assert paid.quota == 0
    worthless = found[0]["plan/claude-middle"]
    assert worthless is not None
    assert worthless.quota == 0


def test_dear_quota_is_kept_for_what_needs_it() -> None:
    """The plan's middle model at no cash against a small one that is paid: by what its quota is worth."""
    assert weighing(a_policy(PLAN), of_plan(0)).order[0] == "plan/claude-middle"
    assert weighing(a_policy(PLAN), of_plan(100)).order[0] == SMALL
    assert weighing(a_policy(PLAN), of_plan(100), suffices=(0.1, 0.9, 0.93, 0.95)).order[0] != SMALL


def test_the_rest_of_a_conversation_uses_up_quota_too() -> None:
    agent: dict[str, Any] = {"prompt_tokens": 50_500, "agent": True, "cache_marks": 3, "turn": 4}
    session = warm_on("plan/claude-middle")

    def going_to_the_small_one(share: int) -> int:
        found = weighing(a_policy(PLAN), of_plan(share), session=session, **agent)
        cost = next(one.cost for one in found.candidates if one.target == SMALL)
        assert cost is not None
        return cost.coming_back

    assert going_to_the_small_one(100) < going_to_the_small_one(1)


def test_who_runs_elsewhere_is_rejected_with_its_reason() -> None:
    text = TEXT.replace("api_key: k}", "api_key: k, region: US, models: {claude-middle: {region: eu}}}")
    text += "  rules: [{name: residency, when: {keys: [local]}, regions: [EU, ch]}]\n"
    found = weighing(a_policy(text))
    assert found.order == (MIDDLE,)
    rejected = {one.target: one.rejected for one in found.candidates}
    assert rejected == {
        MIDDLE: "",
        SMALL: "residency: it runs in us, eu or ch is demanded",
        LARGE: "residency: it runs in us, eu or ch is demanded",
    }
    unknown = weighing(a_policy(TEXT + "  rules: [{regions: [eu]}]\n"))
    assert unknown.order == ()
    assert "where it runs is not configured" in unknown.candidates[0].rejected


def test_an_easy_request_goes_to_the_cheapest_and_a_hard_one_to_whoever_can() -> None:
    assert weighing().order[0] == SMALL
    hard = weighing(suffices=HARD)
    assert hard.order[0] == LARGE
    assert [one.target for one in hard.candidates] == [SMALL, MIDDLE, LARGE]


def test_every_candidate_has_its_cost_its_quality_and_the_price_used() -> None:
    for one in weighing().candidates:
        assert one.cost is not None
        assert one.quality is not None
        assert one.cost.input + one.cost.output + one.cost.reasoning == one.cost.turn
        assert one.quality.source == "configuration"
        assert one.price.startswith("list claude-")


def test_what_cannot_serve_is_rejected_with_its_reason() -> None:
    limited = a_policy(TEXT.replace("api_key: k}", "api_key: k, models: {claude-small: {context: 500}}}"))
    found = weighing(limited)
    small = next(one for one in found.candidates if one.target == SMALL)
    assert "its context holds 500 tokens" in small.rejected
    assert small.cost is None
    assert SMALL not in found.order


def test_who_has_failed_rests_unless_all_have() -> None:
    closed = TargetHealth(failures=3, closed_until_ms=NOW_MS + 60_000)
    found = weighing(health={SMALL: closed})
    assert found.order[0] == MIDDLE
    assert "rests" in next(one.rejected for one in found.candidates if one.target == SMALL)
    assert weighing(health=dict.fromkeys((SMALL, MIDDLE, LARGE), closed)).order[0] == SMALL


def test_a_model_without_a_price_is_never_chosen_over_one_with() -> None:
    free_looking = known(price=lambda provider, model, at_ms: None if model == "claude-small" else _price(model))
    found = weighing(knows=free_looking)
    assert found.order[0] == MIDDLE
    assert found.order[-1] == SMALL


def _price(model: str) -> Any:
    return known().price("maker", model, NOW_MS)


def test_a_warm_conversation_stays_and_a_cold_one_moves() -> None:
    agent: dict[str, Any] = {"prompt_tokens": 50_500, "agent": True, "cache_marks": 3, "turn": 4}
    large = warm_on(LARGE)
    at_work = weighing(session=large, in_tool_loop=True, **agent)
    assert at_work.stayed
    assert at_work.order[0] == LARGE
    assert "stays on" in at_work.reason
    lapsed = msgspec.structs.replace(large, warm=())
    moved = weighing(session=lapsed, **agent)
    assert moved.order[0] == SMALL
    assert not moved.stayed


def test_a_conversation_leaves_a_model_that_is_not_good_enough_for_what_is_asked_now() -> None:
    found = weighing(session=warm_on(SMALL, 20_000), suffices=HARD, prompt_tokens=20_400, agent=True, cache_marks=3)
    assert found.order[0] == LARGE
    assert "can't go on" in found.reason


def test_a_share_for_the_strongest_is_taken_from_the_hardest() -> None:
    shared = a_policy(TEXT.replace("routing:\n", "routing:\n  strong_share: 1\n"))
    found = weighing(shared)
    assert (found.order[0], found.strong) == (LARGE, True)
    none = weighing(a_policy(TEXT.replace("routing:\n", "routing:\n  strong_share: 0\n")))
    assert (none.order[0], none.strong) == (SMALL, False)


def test_a_router_of_ones_own_is_asked_once_and_followed_again_from_the_record() -> None:
    owned = a_policy(TEXT.replace("routing:\n", "routing:\n  router: tests.decide.test_weigh:strongest_first\n"))
    found = weighing(owned, session=warm_on(SMALL), prompt_tokens=50_500)
    assert found.order[0] == LARGE
    assert found.opinion == Opinion(router="tests.decide.test_weigh:strongest_first", order=(LARGE,))
    assert choose(found) == found


def strongest_first(features: Features, candidates: tuple[Candidate, ...]) -> list[str]:
    best = max(candidates, key=lambda one: one.quality.value if one.quality is not None else 0)
    return [best.target]


chances = st.floats(0.01, 0.99)
costs = st.builds(
    Cost,
    input=st.integers(0, 10**9),
    output=st.integers(0, 10**9),
    escalation=st.integers(0, 10**8),
    coming_back=st.integers(-(10**8), 10**9),
)
candidates = st.lists(st.sampled_from(["a/1", "a/2", "b/3", "b/4"]), unique=True, min_size=1).flatmap(
    lambda names: st.tuples(
        *(
            st.builds(
                Candidate,
                target=st.just(name),
                rejected=st.sampled_from(["", "", "", "it takes no images"]),
                cost=st.none() | costs,
                quality=st.builds(
                    Quality, value=chances, prior=chances, ability=st.floats(-3, 4), source=st.just("test")
                ),
                expected_ms=st.none() | st.integers(1, 60_000),
            )
            for name in names
        )
    )
)


@given(
    st.builds(
        Weighing,
        features=st.builds(Features, in_tool_loop=st.booleans()),
        now_ms=st.just(NOW_MS),
        draw=st.just(0.0),
        session=st.none() | st.builds(Session, target=st.sampled_from(["", "a/1", "b/4", "c/5"])),
        floor=st.floats(0, 1),
        mode=st.sampled_from(["balanced", "budget", "quality"]),
        speed=st.sampled_from(["slow", "medium", "fast"]),
        cap_nano=st.none() | st.integers(0, 10**9),
        strong=st.none() | st.booleans(),
        cheap_moment=st.booleans(),
        margin=st.floats(0, 1),
        candidates=candidates,
        opinion=st.none()
        | st.builds(Opinion, router=st.just("mine"), order=st.sampled_from([(), ("a/1",), ("nobody/x",)])),
    )
)
def test_choosing_again_from_the_record_chooses_the_same(record: Weighing) -> None:
    chosen = choose(record)
    assert choose(chosen) == chosen
    stored = msgspec.json.decode(msgspec.json.encode(chosen), type=Weighing)
    assert choose(stored) == stored == chosen
    eligible = {one.target for one in chosen.candidates if not one.rejected and not one.slow}
    assert set(chosen.order) == eligible
    assert len(chosen.order) == len(eligible)
    assert chosen.reason or not chosen.order


@pytest.mark.parametrize("field", ["input", "cache_read", "cache_write", "output", "electricity", "escalation"])
def test_a_dearer_candidate_is_never_preferred_for_being_dearer(field: str) -> None:
    base = weighing()
    chosen = base.order[0]
    dearer = tuple(
        msgspec.structs.replace(one, cost=msgspec.structs.replace(one.cost, **{field: getattr(one.cost, field) + 7}))
        if one.target != chosen and one.cost is not None
        else one
        for one in base.candidates
    )
    assert choose(msgspec.structs.replace(base, candidates=dearer)).order[0] == chosen
