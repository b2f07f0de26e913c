"""What callers ask for in so many words, and what they are told when it can't be had."""

from typing import Any

import msgspec
import pytest
from hypothesis import given as generated
from hypothesis import strategies as st

from tenbin.codecs.anthropic_messages import ANTHROPIC
from tenbin.core.problems import Problem
from tenbin.core.sketch import Sketch
from tenbin.decide.candidates import resolve
from tenbin.decide.hints import NONE, Hints, hints
from tenbin.decide.overrides import Overrides, Wanted, followed_tag, overrides, wanted
from tests.codecs.recorded import recorded
from tests.decide.plans import policy, target

POLICY = policy(
    chains={"smart": (target("acme/large"),)},
    families=(("claude-", "acme"),),
    providers={name: target(f"{name}/") for name in ("acme", "openai")},
    aliases={"fast": "openai/gpt-5-mini", "quick": "fast", "round": "about", "about": "round", "self": "self"},
    default=(target("local/x"),),
)
NOTHING = Overrides()
SUB_AGENT = Hints(agent_id="a")


def said(**headers: str) -> Overrides | Problem:
    return overrides([(f"x-tenbin-{name}".encode(), value.encode()) for name, value in headers.items()])


def sketched(first: Any, system: Any = "You help.", *more: Any) -> Sketch:
    contents = [first, *more]
    messages = [{"role": ("user", "assistant")[at % 2], "content": content} for at, content in enumerate(contents)]
    body = {"model": "m", "max_tokens": 9, "system": system, "messages": messages}
    return ANTHROPIC.sketch(msgspec.json.encode(body))


def test_all_headers_together() -> None:
    found = said(model="smart", category="long-context", floor="0.9", mode="Budget", speed="fast")
    assert found == Overrides(model="smart", category="long_context", floor=0.9, mode="budget", speed="fast")


def test_no_header_asks_for_nothing() -> None:
    assert overrides([(b"host", b"x"), (b"x-tenbin-session", b"s")]) == NOTHING


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("floor", "1.5", "a number from 0 to 1"),
        ("floor", "nan", "a number from 0 to 1"),
        ("floor", "high", "a number from 0 to 1"),
        ("mode", "cheap", "balanced, budget, quality"),
        ("speed", "very", "slow, medium, fast"),
        ("category", "thinking", "default, background, think, long_context"),
        ("model", "  ", "provider/model"),
    ],
)
def test_a_bad_value_is_refused_by_name_with_what_is_allowed(name: str, value: str, told: str) -> None:
    problem = said(**{name: value})
    assert isinstance(problem, Problem)
    assert problem.status == 400
    assert problem.param == f"x-tenbin-{name}"
    assert told in problem.message
    assert value.strip() in problem.message


@generated(st.dictionaries(st.sampled_from(["model", "category", "floor", "mode", "speed"]), st.binary(max_size=40)))
def test_any_header_is_read_or_refused(headers: dict[str, bytes]) -> None:
    found = overrides([(f"x-tenbin-{name}".encode(), value) for name, value in headers.items()])
    if isinstance(found, Overrides) and found.floor is not None:
        assert 0 <= found.floor <= 1


class TestWanted:
    def test_the_body_names_the_model(self) -> None:
        assert wanted("anything", NOTHING, POLICY) == Wanted("anything")

    @pytest.mark.parametrize(
        ("model", "name", "by"),
        [
            ("fast", "openai/gpt-5-mini", "alias:fast"),
            ("quick", "openai/gpt-5-mini", "alias:quick+alias:fast"),
            ("round", "about", "alias:round"),
            ("self", "self", ""),
        ],
    )
    def test_aliases_are_followed_but_not_in_circles(self, model: str, name: str, by: str) -> None:
        assert wanted(model, NOTHING, POLICY) == Wanted(name, by)

    def test_the_header_comes_before_the_tag_and_the_body(self) -> None:
        sketch = sketched("Go", "<TENBIN-SUBAGENT-MODEL>acme/large</TENBIN-SUBAGENT-MODEL>You help.")
        header = Overrides(model="quick")
        assert wanted("m", header, POLICY, followed_tag(sketch, NONE)) == Wanted(
            "openai/gpt-5-mini", "header+alias:quick+alias:fast", tagged=True
        )
        assert wanted("m", NOTHING, POLICY, followed_tag(sketch, NONE)) == Wanted("acme/large", "tag", tagged=True)

    def test_a_tag_of_claude_code_router_is_understood(self) -> None:
        blocks = [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.330.b5c; cc_is_subagent=true;"},
            {"type": "text", "text": "You are a Claude agent."},
            {"type": "text", "text": "<CCR-SUBAGENT-MODEL>openai,gpt-5</CCR-SUBAGENT-MODEL>Search."},
        ]
        asked = wanted("m", NOTHING, POLICY, followed_tag(sketched("Go", blocks), NONE))
        assert asked == Wanted("openai,gpt-5", "tag", tagged=True)
        assert [one.name for one in resolve("openai,gpt-5", POLICY).targets] == ["openai/gpt-5"]

    def test_a_real_sub_agents_prompt_names_its_model(self) -> None:
        request = recorded("sub_agent_with_tag")
        asked = wanted("m", NOTHING, POLICY, followed_tag(ANTHROPIC.sketch(request.body), hints(request.headers)))
        assert asked == Wanted("openai/gpt-5", "tag", tagged=True)

    TAG = "<TENBIN-SUBAGENT-MODEL>openai/gpt-5</TENBIN-SUBAGENT-MODEL>"

    @pytest.mark.parametrize(
        ("contents", "given"),
        [
            ([f"{TAG}Go"], NONE),  # a person's own turn: nobody's sub-agent
            ([f"Please read: {TAG}"], SUB_AGENT),  # not at the head
            (["Go", "Yes.", f"{TAG}Go on"], SUB_AGENT),  # a later turn
            (["Go", "Yes.", [{"type": "tool_result", "tool_use_id": "t", "content": TAG}]], SUB_AGENT),
            ([[{"type": "tool_result", "tool_use_id": "t", "content": TAG}]], SUB_AGENT),
            ([f"<system-reminder>{TAG}</system-reminder>Go"], SUB_AGENT),
        ],
    )
    def test_a_tag_anywhere_else_is_only_words(self, contents: list[Any], given: Hints) -> None:
        sketch = sketched(contents[0], "You help.", *contents[1:])
        assert wanted("m", NOTHING, POLICY, followed_tag(sketch, given)) == Wanted("m")

    @pytest.mark.parametrize("name", ["nobody/model", "unheard-of", "acme/", "/x"])
    def test_who_asks_for_what_is_not_there_is_told(self, name: str) -> None:
        problem = wanted("m", Overrides(model=name), POLICY)
        assert isinstance(problem, Problem)
        assert problem.param == "x-tenbin-model"
        assert name in problem.message
        assert "acme, openai" in problem.message

    def test_a_tag_in_vain_is_told_too(self) -> None:
        sketch = sketched("Go", "<TENBIN-SUBAGENT-MODEL>nobody/x</TENBIN-SUBAGENT-MODEL>")
        problem = wanted("m", NOTHING, POLICY, followed_tag(sketch, NONE))
        assert isinstance(problem, Problem)
        assert "tag" in problem.message


class TestMapping:
    """Names that nobody serves, in the order of the rules."""

    def test_the_nearest_of_the_same_maker_comes_before_the_default(self) -> None:
        known = {"or/anthropic/claude-haiku-5.5": target("or/anthropic/claude-haiku-5.5")}
        chain = resolve("claude-haiku-4-5-20251001", policy(facts=known, default=(target("local/x"),)))
        assert chain.route == "mapped:claude-haiku-4-5-20251001"
        assert [one.name for one in chain.targets] == ["or/anthropic/claude-haiku-5.5"]

    def test_the_default_comes_before_another_makers_model(self) -> None:
        known = {"openai/gpt-5-mini": target("openai/gpt-5-mini")}
        with_default = policy(facts=known, default=(target("local/x"),))
        assert resolve("claude-haiku-4-5-20251001", with_default).route == "default"
        chain = resolve("claude-haiku-4-5-20251001", policy(facts=known))
        assert [one.name for one in chain.targets] == ["openai/gpt-5-mini"]

    def test_a_provider_of_the_family_gets_the_name_as_it_is(self) -> None:
        assert resolve("claude-haiku-4-5-20251001", POLICY).route == "family:claude-"
