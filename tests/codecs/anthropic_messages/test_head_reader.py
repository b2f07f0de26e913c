"""The head of a request: what it says, and what is said of one that is wrong."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.anthropic_messages import ANTHROPIC
from tenbin.core.ask import Head
from tenbin.core.problems import Unreadable
from tests.codecs.anthropic_messages.targets import body

_TOOL = {"name": "Read", "input_schema": {"type": "object"}}
_SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}


def test_the_head_of_a_turn_of_claude_code() -> None:
    user = json.dumps({"device_id": "d", "account_uuid": "", "session_id": "0d9f"})
    request = body(stream=True, tools=[_TOOL], metadata={"user_id": user}, thinking={"type": "adaptive"}, safeguards=[])
    assert ANTHROPIC.read_head(request) == Head(
        model="m", stream=True, max_tokens=100, needs=frozenset({"tools"}), session="0d9f"
    )


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({}, set()),
        ({"tools": []}, set()),
        ({"tools": [_SEARCH]}, {"web_search"}),
        ({"tools": [_SEARCH, _TOOL]}, {"web_search", "tools"}),
        ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, {"tools"}),
        ({"tools": [_TOOL], "tool_choice": {"type": "any"}}, {"tools", "forced_tool_choice"}),
        ({"tools": [_TOOL], "tool_choice": {"type": "auto"}}, {"tools"}),
        ({"output_config": {"effort": "high"}}, set()),
        ({"output_config": {"format": {"type": "json_schema", "schema": {}}}}, {"json_schema"}),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "{"}]}, {"prefill"}),
        ({"messages": [{"role": "assistant", "content": [{"type": "text", "text": "{"}]}]}, {"prefill"}),
        ({"messages": [{"role": "assistant", "content": [{"type": "server_tool_use"}]}]}, set()),
        ({"messages": [{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]}, set()),
        ({"messages": [{"role": "user", "content": 'say {"type":"image","source":1}'}]}, set()),
    ],
)
def test_needs(fields: dict[str, Any], needs: set[str]) -> None:
    assert ANTHROPIC.read_head(body(**fields)).needs == needs


@pytest.mark.parametrize(("kind", "need"), [("image", "images"), ("document", "documents")])
def test_a_picture_deep_in_a_tool_result_is_seen(kind: str, need: str) -> None:
    block = {"type": kind, "source": {"type": "base64", "media_type": "image/png", "data": "iVBOR"}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [block]}
    assert ANTHROPIC.read_head(body(messages=[{"role": "user", "content": [result]}])).needs == {need}


@pytest.mark.parametrize(
    ("user", "session"),
    [
        ('{"session_id":"abc"}', "abc"),
        ('{"session_id":7}', None),
        ("{not json", None),
        ("user_1f_account__session_6f0e-77", "6f0e-77"),
        ("somebody", None),
        ("", None),
    ],
)
def test_the_session_in_the_metadata(user: str, session: str | None) -> None:
    assert ANTHROPIC.read_head(body(metadata={"user_id": user})).session == session


def test_an_hour_of_cache_is_seen_wherever_it_is_asked_for() -> None:
    marked = [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    assert not ANTHROPIC.read_head(body()).cache_1h
    assert ANTHROPIC.read_head(body(system=marked)).cache_1h
    assert ANTHROPIC.read_head(body(messages=[{"role": "user", "content": marked}])).cache_1h
    early = [{"role": "user", "content": marked}, {"role": "assistant", "content": "y" * 20_000}]
    assert ANTHROPIC.read_head(body(messages=early)).cache_1h
    result = [{"type": "tool_result", "tool_use_id": "t", "content": marked}]
    assert ANTHROPIC.read_head(body(messages=[{"role": "user", "content": result}, *early[1:]])).cache_1h
    tool = {"name": "t", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    assert ANTHROPIC.read_head(body(tools=[tool])).cache_1h
    assert ANTHROPIC.read_head(body(cache_control={"type": "ephemeral", "ttl": "1h"})).cache_1h
    talk = [{"role": "user", "content": 'a ttl of "1h"'}, {"role": "user", "content": [{"type": "text", "text": "1h"}]}]
    assert not ANTHROPIC.read_head(body(messages=talk)).cache_1h


def test_null_stands_for_nothing() -> None:
    request = json.loads(body())
    request |= {"stream": None, "tools": None, "tool_choice": None, "metadata": None, "output_config": None}
    assert ANTHROPIC.read_head(json.dumps(request).encode()) == ANTHROPIC.read_head(body())


@pytest.mark.parametrize(
    ("request_body", "param", "words"),
    [
        (body(model=None), "model", "is missing"),
        (body(model=""), "model", "not an empty string"),
        (body(model=5), "model", "must be a string that names a model, not 5"),
        (body(messages=None), "messages", "is missing"),
        (body(messages="hi"), "messages", "must be a list of messages, not a string"),
        (body(messages={}), "messages", "not an object"),
        (body(max_tokens=None), "max_tokens", "is missing"),
        (body(max_tokens=-1), "max_tokens", "not -1"),
        (body(max_tokens=1.5), "max_tokens", "not 1.5"),
        (body(max_tokens="many"), "max_tokens", "not a string"),
        (body(max_tokens=10**30), "max_tokens", "whole number"),
        (body(stream="yes"), "stream", "must be true or false, not a string"),
        (b"[]", None, "must be a JSON object"),
        (b"", None, "not valid JSON"),
        (b'{"model":"\xff","max_tokens":1,"messages":[]}', None, "UTF-8"),
        (b'{"model":"m","max_tokens":1,"messages":' + b"[" * 99_999 + b"]" * 99_999 + b"}", None, "nested too deeply"),
    ],
)
def test_a_mistake_is_named_with_its_field(request_body: bytes, param: str | None, words: str) -> None:
    for read in (ANTHROPIC.read_head, ANTHROPIC.read):
        if read == ANTHROPIC.read and (param, words) == ("max_tokens", "is missing"):
            continue
        with pytest.raises(Unreadable) as caught:
            read(request_body)
        assert caught.value.problem.param == param
        assert words in caught.value.problem.message
        assert caught.value.problem.status == 400


def test_zero_tokens_warm_the_cache_and_counting_needs_no_limit() -> None:
    assert ANTHROPIC.read_head(body(max_tokens=0)).max_tokens == 0
    assert ANTHROPIC.read_head(body(max_tokens=None), "count_tokens").max_tokens is None
    assert ANTHROPIC.read(body(max_tokens=None)).max_tokens is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(["m", "text", "user", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["model", "role", "content", "type", "text", "source", "input", "id", "name"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
_FIELDS = [
    "model", "messages", "max_tokens", "stream", "system", "tools", "tool_choice", "metadata", "thinking",
    "output_config", "output_format", "stop_sequences", "temperature", "service_tier",
]  # fmt: skip


@given(
    request=st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=6),
    whole=st.booleans(),
    mangled=st.none() | st.tuples(st.integers(0, 400), st.binary(max_size=3)),
)
def test_nothing_but_unreadable_is_ever_raised(
    request: dict[str, Any], whole: bool, mangled: tuple[int, bytes] | None
) -> None:
    if whole:
        request = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]} | request
    data = json.dumps(request).encode()
    if mangled is not None:
        place, put_in = mangled
        data = data[:place] + put_in + data[place + 1 :]
    for read in (ANTHROPIC.read_head, ANTHROPIC.read):
        with contextlib.suppress(Unreadable):
            read(data)
