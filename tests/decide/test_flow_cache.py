"""The first step of a decision, where the cache is switched on: a look there. A hit ends it, a miss goes on as ever."""

import msgspec
import pytest

from tenbin.config.load import parse
from tenbin.core.steps import Call, Hit, Lookup, Miss
from tenbin.decide.caching.policy import cache_policy
from tenbin.decide.flow import decide
from tests.decide.plans import ask, facts, policy, target

A, B = target("a/one"), target("b/two")
CACHING = cache_policy(parse("cache: {exact: serve, semantic: {mode: shadow}}", environ={}))


def test_a_hit_ends_it_and_a_miss_goes_on() -> None:
    caching = msgspec.structs.replace(policy([A, B]), caching=CACHING)
    plan = decide(ask(), facts(), caching)
    looked = next(plan)
    assert isinstance(looked, Lookup)
    assert (looked.exact, looked.semantic, looked.scope) == (True, "shadow", f"key:{ask().caller.key_id}")
    with pytest.raises(StopIteration) as ended:
        plan.send(Hit(tier="exact", entry="a"))
    assert ended.value.value.answered
    other = decide(ask(), facts(), caching)
    next(other)
    step = other.send(Miss(why="no entry"))
    assert isinstance(step, Call)
    assert step.target == A


def test_it_is_not_looked_into_where_it_is_off() -> None:
    assert isinstance(next(decide(ask(), facts(), policy([A]))), Call)
