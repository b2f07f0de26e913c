"""Which targets may answer a name, and in which order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.ask import Head, Need
from tenbin.core.target import Quirks
from tenbin.decide.candidates import eligible, lack, resolve
from tenbin.decide.policy import Policy
from tests.decide.plans import policy, target

SPARE = target("spare/s")
POLICY = policy(
    chains={"smart": (target("acme/large"), target("spare/s")), "acme/own": (target("local/x"),)},
    families=(("claude-haiku", "small"), ("claude-", "acme")),
    providers={name: target(f"{name}/") for name in ("acme", "small", "spare")},
    facts={"acme/large": target("acme/large", tools=False)},
    variants={"acme": (("claude-old-1", Quirks(top_k=True)), ("claude-old", Quirks(sampling=False)))},
    default=(target("local/x"),),
    fallback=(SPARE,),
)


@pytest.mark.parametrize(
    ("model", "route", "names"),
    [
        ("smart", "model:smart", ["acme/large", "spare/s"]),
        ("acme/own", "model:acme/own", ["local/x", "spare/s"]),
        ("acme/large", "provider", ["acme/large", "spare/s"]),
        ("acme,large", "provider", ["acme/large", "spare/s"]),
        ("acme/vendor/large", "provider", ["acme/vendor/large", "spare/s"]),
        ("claude-opus", "family:claude-", ["acme/claude-opus", "spare/s"]),
        ("claude-haiku-5", "family:claude-haiku", ["small/claude-haiku-5", "spare/s"]),
        ("unheard-of", "default", ["local/x", "spare/s"]),
        ("nobody/model", "default", ["local/x", "spare/s"]),
        ("acme/", "default", ["local/x", "spare/s"]),
    ],
)
def test_the_rules_in_their_order(model: str, route: str, names: list[str]) -> None:
    chain = resolve(model, POLICY)
    assert chain.route == route
    assert [one.name for one in chain.targets] == names


def test_what_is_known_of_a_model_comes_with_it() -> None:
    assert resolve("acme/large", POLICY).targets[0].quirks.tools is False
    assert resolve("claude-old-9", POLICY).targets[0].quirks.sampling is False
    assert resolve("claude-old-1.5", POLICY).targets[0].quirks.top_k is True


def test_nothing_configured_gives_an_empty_chain() -> None:
    assert resolve("x", policy([])).targets == ()


NEEDS: dict[Need, dict[str, bool]] = {
    "tools": {"tools": False},
    "forced_tool_choice": {"forced_tool_choice": False},
    "images": {"images": False},
    "documents": {"documents": False},
}


@pytest.mark.parametrize("need", NEEDS)
def test_a_target_that_lacks_what_is_needed_is_left_out_with_its_reason(need: Need) -> None:
    able = {field: True for lacks in NEEDS.values() for field in lacks}
    one = target("a/x", **{**able, **NEEDS[need]})
    other = target("b/y", **able)
    given_policy = policy([one, other])
    chain = eligible(resolve("smart", given_policy), Head(model="smart", needs=frozenset({need})))
    assert [kept.name for kept in chain.targets] == ["b/y"]
    assert [name for name, _ in chain.rejected] == ["a/x"]
    assert lack(Head(model="smart"), one) is None


names = st.sampled_from(["acme", "small", "spare", "nobody", ""])


@given(st.text(max_size=20) | st.builds("{}{}{}".format, names, st.sampled_from("/,"), st.text(max_size=5)))
def test_every_name_resolves_and_no_target_stands_twice(model: str) -> None:
    chain = resolve(model, POLICY)
    listed = [one.name for one in chain.targets]
    assert listed
    assert len(set(listed)) == len(listed)
    assert all(one.model for one in chain.targets)


@given(st.sets(st.sampled_from(sorted(NEEDS))), st.lists(st.booleans(), min_size=4, max_size=4))
def test_kept_and_rejected_together_are_the_chain(needs: set[Need], able: list[bool]) -> None:
    chain_policy: Policy = policy(
        [target("a/x", **dict(zip(("tools", "images", "documents", "forced_tool_choice"), able, strict=True))), SPARE]
    )
    whole = resolve("smart", chain_policy)
    chain = eligible(whole, Head(model="smart", needs=frozenset(needs)))
    left_out = {name for name, _ in chain.rejected}
    assert [one for one in whole.targets if one.name not in left_out] == list(chain.targets)
