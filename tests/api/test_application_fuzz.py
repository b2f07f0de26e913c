"""Whatever bytes come: the gateway answers or closes, logs no failure of its own, and serves the next request."""

import contextlib
import json
import socket
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tenbin.simulator import RunningSimulator
from tests.api.raw import Raw, post
from tests.execute.conftest import Caller
from tests.real.books import House

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/messages": {
        "model": "one",
        "max_tokens": 5,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "ok", "is_error": True}],
            },
        ],
        "tools": [{"name": "f", "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}],
        "tool_choice": {"type": "auto"},
        "thinking": {"type": "adaptive"},
        "metadata": {"user_id": "u"},
        "stream": True,
    },
    "/v1/chat/completions": {
        "model": "chat",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            {
                "role": "assistant",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c", "content": "ok"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "tool_choice": "auto",
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}},
        "stop": ["x"],
        "stream": True,
        "stream_options": {"include_usage": True},
    },
    "/v1/responses": {
        "model": "one",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "ok"},
        ],
        "instructions": "Be brief.",
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
        "reasoning": {"effort": "low"},
        "text": {"format": {"type": "text"}},
        "stream": True,
    },
    "/v1/embeddings": {"model": "openai/text-embedding-3-small", "input": ["Hi"], "encoding_format": "float"},
    "/v1/messages/count_tokens": {"model": "one", "messages": [{"role": "user", "content": "Hi"}]},
}

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(
        ["one", "chat", "crossed", "text", "image", "user", "tool", "system", "\ud800", "unpriced/x", "x" * 300]
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "text", "x", "role"]), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a JSON value."""
    found = [path] if path else []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        found += places(item, (*path, key))
    return found


@st.composite
def changed_bodies(draw: st.DrawFn) -> tuple[str, Any]:
    """A good body, a few places of which hold something else or nothing; and its path."""
    path = draw(st.sampled_from(sorted(BODIES)))
    body = json.loads(json.dumps(BODIES[path]))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from(places(body)))
        holder = body
        for key in place[:-1]:
            holder = holder[key]
        if draw(st.booleans()) or not isinstance(holder, dict):
            holder[place[-1]] = draw(values)
        else:
            del holder[place[-1]]
        body.setdefault("model", "one")
    if draw(st.booleans()):
        body["model"] = draw(st.sampled_from(["one", "chat", "crossed", "silent", "unpriced/m", "nothing"]))
    return path, body


@settings(max_examples=120)
@given(changed_bodies())
def test_any_value_at_any_place_is_answered(
    house: House, simulator_running: RunningSimulator, given_body: tuple[str, Any]
) -> None:
    path, body = given_body
    caller = Caller(house.url)
    try:
        response = caller.http.post(path, content=json.dumps(body))
        assert response.status_code < 500 or response.status_code in (502, 504, 529), response.text
        if response.status_code >= 400:
            assert response.json()["error"]["message"]
    finally:
        caller.http.close()


def requests() -> st.SearchStrategy[bytes]:
    whole = st.sampled_from(
        [
            *(post(path, json.dumps(body).encode(), b"x-api-key: k") for path, body in BODIES.items()),
            b"GET /v1/models?limit=2&after_id=x HTTP/1.1\r\nhost: localhost\r\nanthropic-version: 2023-06-01\r\n\r\n",
            b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n",
            b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        ]
    )
    junk = st.binary(max_size=8) | st.sampled_from(
        [b"\r\n", b"\r\n\r\n", b"\x00", b"%00", b"\xff", b": ", b"HTTP/1.1", b"\n"]
    )

    @st.composite
    def bent(draw: st.DrawFn) -> bytes:
        data = draw(whole)
        for _ in range(draw(st.integers(0, 3))):
            start = draw(st.integers(0, len(data)))
            end = min(len(data), start + draw(st.integers(0, 10)))
            data = data[:start] + draw(junk) + data[end:]
        return data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data

    return st.lists(bent(), min_size=1, max_size=3).map(b"".join) | st.binary(min_size=1, max_size=200)


@settings(max_examples=120)
@given(requests(), st.lists(st.integers(1, 3_000), max_size=4))
def test_any_bytes_are_answered_or_the_connection_ends(house: House, data: bytes, cuts: list[int]) -> None:
    with Raw(house.url) as raw:
        with contextlib.suppress(OSError):  # it may have been answered and closed in the middle
            for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(data)], strict=True):
                raw.send(data[start:end])
            raw.socket.shutdown(socket.SHUT_WR)
        answer = raw.rest()
        assert answer == b"" or answer.startswith(b"HTTP/1.")
    with Raw(house.url) as raw:
        raw.send(b"HEAD / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert raw.answer("HEAD")[0].status == 200


@settings(max_examples=30)
@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_any_body_gets_an_answer(house: House, body: bytes) -> None:
    for path in BODIES:
        with Raw(house.url) as raw:
            raw.send(post(path, body))
            response, answer = raw.answer()
            assert 400 <= response.status < 500
            assert json.loads(answer)["error"]["message"]
