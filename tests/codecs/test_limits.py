"""Lowered limits, in every dialect: never raised, never passed under any of their names, and nothing else touched."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.limits import LANDING, LEAST_BUDGET, SCALE, lower
from tenbin.codecs.registry import dialect
from tenbin.config.quirks import resolve
from tenbin.core.target import Target
from tenbin.simulator.models import Catalogue, Model
from tenbin.simulator.openai_checks import check
from tenbin.simulator.openai_habits import HABITS

MESSAGES = [{"role": "user", "content": 'say "max_tokens": 9, \\u0041 and 日本'}]
TOKENS = st.integers(1, 200_000)
EFFORTS = st.sampled_from(SCALE)
CAPS = st.none() | st.integers(1, 40_000)

ANTHROPIC = st.fixed_dictionaries(
    {"model": st.just("claude-opus-4-8"), "max_tokens": st.integers(0, 200_000), "messages": st.just(MESSAGES)},
    optional={
        "thinking": st.sampled_from([{"type": "adaptive"}, {"type": "disabled"}, None])
        | st.integers(1_024, 64_000).map(lambda budget: {"type": "enabled", "budget_tokens": budget, "display": "x"}),
        "output_config": st.fixed_dictionaries({}, optional={"effort": EFFORTS, "format": st.just({"a": [1.50]})}),
        "context_management": st.sampled_from(
            [
                {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
                {"edits": [{"type": "clear_tool_uses_20250919"}, {"type": "clear_thinking_20251015"}]},
            ]
        ),
        "temperature": st.just(1.0),
    },
)
CHAT = st.fixed_dictionaries(
    {"model": st.just("gpt-5"), "messages": st.just(MESSAGES)},
    optional={
        "max_tokens": st.none() | TOKENS,
        "max_completion_tokens": st.none() | TOKENS,
        "n_predict": st.integers(-2, 100_000),
        "max_new_tokens": TOKENS,
        "min_tokens": TOKENS,
        "n": st.none() | st.integers(1, 5),
        "reasoning_effort": EFFORTS,
        "reasoning": st.fixed_dictionaries({}, optional={"effort": EFFORTS, "max_tokens": TOKENS}),
        "seed": st.just(1),
    },
)
RESPONSES = st.fixed_dictionaries(
    {"model": st.just("gpt-5"), "input": st.just("Hello")},
    optional={
        "max_output_tokens": st.none() | st.integers(16, 200_000),
        "reasoning": st.none() | st.fixed_dictionaries({"summary": st.just("auto")}, optional={"effort": EFFORTS}),
        "store": st.just(False),
    },
)
OLLAMA = st.fixed_dictionaries(
    {"model": st.just("qwen3"), "messages": st.just([{"role": "user", "content": "Hi"}])},
    optional={
        "options": st.none()
        | st.fixed_dictionaries({"num_ctx": st.just(4096)}, optional={"num_predict": st.integers(-2, 90_000)}),
        "think": st.sampled_from([True, False, "low", "high"]),
    },
)
REQUESTS = st.one_of(
    st.tuples(st.just("anthropic"), ANTHROPIC),
    st.tuples(st.just("openai_chat"), CHAT),
    st.tuples(st.just("openai_responses"), RESPONSES),
    st.tuples(st.just("ollama_chat"), OLLAMA),
)
LIMIT_NAMES = ("max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict", "max_new_tokens")
MAY_CHANGE = {*LIMIT_NAMES, "min_tokens", "reasoning_effort", "reasoning", "thinking", "think", "options"} | {
    "output_config",
    "context_management",
}


def written(request: dict[str, Any], indent: int | None = None) -> bytes:
    return json.dumps(request, ensure_ascii=False, indent=indent).encode()


def limited(name: str, body: bytes, max_tokens: int | None, effort: str | None) -> tuple[dict[str, Any], int | None]:
    codec = dialect(name)
    less, head = codec.limited(body, codec.read_head(body), max_tokens=max_tokens, effort=effort)
    again = codec.read_head(less)
    assert again.max_tokens == head.max_tokens, "the head tells what the body says"
    return json.loads(less), head.max_tokens


def limits_of(request: dict[str, Any]) -> list[int]:
    given = [request.get(name) for name in LIMIT_NAMES] + [(request.get("options") or {}).get("num_predict")]
    return [value for value in given if value is not None]


def efforts_of(request: dict[str, Any]) -> list[str]:
    found = [
        (request.get("output_config") or {}).get("effort"),
        request.get("reasoning_effort"),
        (request.get("reasoning") or {}).get("effort"),
        request.get("think"),
    ]
    return [effort for effort in found if isinstance(effort, str)]


@given(asked=REQUESTS, cap=CAPS, effort=st.none() | EFFORTS, indent=st.sampled_from([None, 1]))
def test_no_limit_is_passed_nothing_is_raised_and_nothing_else_changes(
    asked: tuple[str, dict[str, Any]], cap: int | None, effort: str | None, indent: int | None
) -> None:
    name, request = asked
    body = written(request, indent)
    less, limit = limited(name, body, cap, effort)
    least = 16 if name == "openai_responses" else 1
    if cap is not None:
        share = max(cap // (request.get("n") or 1), least)
        assert limit is not None
        assert limit <= share
        assert limits_of(less)
        assert all(0 <= value <= share for value in limits_of(less))
        before, after = limits_of(request), limits_of(less)
        if before and min(before) >= 0 and len(before) == len(after):
            unlimited = name == "ollama_chat"  # none at all, there
            assert all(new <= old or (unlimited and old == 0) for new, old in zip(after, before, strict=True))
    else:
        assert limits_of(less) == limits_of(request)
    if effort is not None:
        highest = max(SCALE.index(effort), SCALE.index("low"))
        assert all(SCALE.index(word) <= highest for word in efforts_of(less))
    for old, new in zip(efforts_of(request), efforts_of(less), strict=False):
        assert SCALE.index(new) <= SCALE.index(old)
    for key in {*request, *less} - MAY_CHANGE:
        assert less.get(key, "?") == request.get(key, "?")
    assert [key for key in less if key in request] == [key for key in request if key in less]


@given(asked=REQUESTS, cap=CAPS, effort=st.none() | EFFORTS)
def test_once_limited_is_limited(asked: tuple[str, dict[str, Any]], cap: int | None, effort: str | None) -> None:
    name, request = asked
    codec = dialect(name)
    body = written(request)
    once, _head = codec.limited(body, codec.read_head(body), max_tokens=cap, effort=effort)
    twice, _ = codec.limited(once, codec.read_head(once), max_tokens=cap, effort=effort)
    assert json.loads(twice) == json.loads(once)
    if cap is None and effort is None:
        assert once is body


@given(request=ANTHROPIC, cap=st.integers(1, 40_000), effort=st.none() | EFFORTS)
def test_thinking_fits_under_the_limit_or_goes(request: dict[str, Any], cap: int, effort: str | None) -> None:
    less, limit = limited("anthropic", written(request), cap, effort)
    assert limit is not None
    lowered = request["max_tokens"] > cap
    thinking = less.get("thinking") or {}
    if lowered and thinking.get("type") == "enabled":
        assert LEAST_BUDGET <= thinking["budget_tokens"] < limit
        assert thinking["display"] == "x"
        assert thinking["budget_tokens"] <= request["thinking"]["budget_tokens"]
    if lowered and cap <= LEAST_BUDGET and (request.get("thinking") or {}).get("type") == "enabled":
        assert "thinking" not in less
        assert "clear_thinking" not in json.dumps(less)
    if not lowered and effort is None:
        assert less.get("thinking", 0) == request.get("thinking", 0)


@given(request=CHAT, cap=CAPS, effort=st.none() | EFFORTS, model=st.sampled_from(["gpt-5", "gpt-4o", "o3", "gpt-5.1"]))
def test_a_lowered_request_is_taken_by_the_model_that_was_meant(
    request: dict[str, Any], cap: int | None, effort: str | None, model: str
) -> None:
    own = {"model", "messages", "n", "seed"}
    request = {key: value for key, value in request.items() if key in own} | {"model": model}
    codec = dialect("openai_chat")
    body = written(request)
    less, head = codec.limited(body, codec.read_head(body), max_tokens=cap, effort=effort)
    target = Target(
        provider="openai", model=model, dialects=("openai_chat",), quirks=resolve("openai", {}, model), stand_in=False
    )
    sent = json.loads(codec.splice(less, head, target))
    check(sent, Catalogue().find(model) or Model(model), HABITS["openai"])


def test_what_asks_for_no_more_keeps_its_very_bytes() -> None:
    for name, body in (
        ("anthropic", b'{ "model":"m", "max_tokens" : 100,"messages":[{"role":"user","content":"a\\nb"}]}'),
        ("openai_chat", b'{"model":"m","messages":[], "max_completion_tokens":100}'),
        ("openai_responses", b'{"model":"m","input":"a", "max_output_tokens":100 }'),
    ):
        codec = dialect(name)
        head = codec.read_head(body)
        assert codec.limited(body, head, max_tokens=100, effort=None) == (body, head)
        assert codec.limited(body, head, max_tokens=None, effort="low") == (body, head)


def test_a_limit_in_the_clients_bytes_is_all_that_changes() -> None:
    body = b'{ "model":"m", "max_tokens" : 64000,\n"messages":[{"role":"user","content":"1.50"}] ,"x":1e3}\n'
    codec = dialect("anthropic")
    less, head = codec.limited(body, codec.read_head(body), max_tokens=500, effort=None)
    assert less == body.replace(b"64000", b"500")
    assert head.max_tokens == 500


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m","max_tokens":90000,"messages":[],"max_tokens":10}',
        b'{"model":"m","max_tokens":10,"messages":[],"max_tokens":90000}',
        b'{"model":"m","max\\u005ftokens":90000,"messages":[],"max_tokens":10}',
    ],
)
@pytest.mark.parametrize("name", ["anthropic", "openai_chat"])
def test_no_reader_of_a_doubled_limit_sees_more(body: bytes, name: str) -> None:
    codec = dialect(name)
    less, _ = codec.limited(body, codec.read_head(body), max_tokens=500, effort=None)
    pairs = json.loads(less, object_pairs_hook=list)
    assert all(value <= 500 for key, value in pairs if key == "max_tokens")


@given(given=EFFORTS, most=EFFORTS)
def test_a_lowered_effort_is_lower_and_one_that_models_take(given: str, most: str) -> None:
    landing = lower(given, most)
    if SCALE.index(given) <= SCALE.index(most):
        assert landing is None
    elif landing is not None:
        assert landing in LANDING
        assert SCALE.index(landing) < SCALE.index(given)


def test_efforts_of_single_turns_are_lowered_too() -> None:
    turns = [{"role": "system", "content": "", "output_config": {"effort": "max", "x": 1}}, *MESSAGES]
    request = {"model": "m", "max_tokens": 9, "messages": turns, "output_config": {"effort": "high"}}
    less, _ = limited("anthropic", written(request), None, "medium")
    assert less["output_config"] == {"effort": "medium"}
    assert less["messages"][0]["output_config"] == {"effort": "medium", "x": 1}
    assert less["messages"][1:] == MESSAGES


def test_a_model_that_judges_by_itself_is_told_an_effort() -> None:
    request = {"model": "m", "max_tokens": 9, "messages": MESSAGES, "thinking": {"type": "adaptive"}}
    assert limited("anthropic", written(request), None, "low")[0]["output_config"] == {"effort": "low"}
    assert "output_config" not in limited("anthropic", written(request), None, "high")[0]


def test_an_unknown_effort_is_no_effort() -> None:
    codec = dialect("openai_chat")
    body = written({"model": "m", "messages": []})
    with pytest.raises(ValueError, match="no effort"):
        codec.limited(body, codec.read_head(body), max_tokens=None, effort="lowest")
