"""Errors of a provider are understood by status and type; a caller is told in Anthropic's envelope."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.anthropic_messages import ANTHROPIC
from tenbin.core.problems import Problem


def _body(type_: str, message: str = "why") -> bytes:
    return json.dumps({"type": "error", "error": {"type": type_, "message": message}, "request_id": "req_1"}).encode()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, _body("invalid_request_error"), "refused"),
        (400, _body("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"), "context_exceeded"),
        (400, _body("invalid_request_error", "Input is too long."), "context_exceeded"),
        (401, _body("authentication_error"), "unauthenticated"),
        (402, _body("billing_error"), "unpaid"),
        (403, _body("permission_error"), "unauthenticated"),
        (404, _body("not_found_error"), "not_found"),
        (413, _body("request_too_large"), "too_large"),
        (429, _body("rate_limit_error"), "rate_limited"),
        (429, _body("billing_error"), "unpaid"),
        (500, _body("api_error"), "server_error"),
        (502, _body("api_error"), "server_error"),
        (504, _body("timeout_error"), "timeout"),
        (529, _body("overloaded_error"), "overloaded"),
        (503, _body("api_error"), "overloaded"),
        (404, _body("invalid_request_error"), "not_found"),
        (418, b"", "refused"),
        (500, b"", "server_error"),
        (503, b'{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}', "overloaded"),
        (400, b'{"error":{"code":400,"message":"x","type":"invalid_request_error"}}', "refused"),
        (422, b'{"detail":"no"}', "refused"),
    ],
)
def test_kinds(status: int, body: bytes, kind: str) -> None:
    failure = ANTHROPIC.failure(status, [], body)
    assert (failure.kind, failure.status, failure.body) == (kind, status, body)


def test_what_llamacpp_says_of_a_long_prompt_becomes_anthropics_wording() -> None:
    body = (
        b'{"error":{"code":400,"message":"request (2031 tokens) exceeds the available context size (512 tokens), '
        b'try increasing it","type":"exceed_context_size_error","n_prompt_tokens":2031,"n_ctx":512}}'
    )
    failure = ANTHROPIC.failure(400, [], body)
    assert (failure.kind, failure.message) == ("context_exceeded", "prompt is too long: 2031 tokens > 512 maximum")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (_body("api_error", "why"), "why"),
        (b'{"error":"why"}', "why"),
        (b'{"message":"why"}', "why"),
        (b'{"detail":"why"}', "why"),
        (b"<html><head><title>502 Bad\n Gateway</title></head><body>" + b"x" * 999, "HTTP 502: 502 Bad Gateway"),
        (b"<html>nothing", "HTTP 502 without a readable message."),
        (b"upstream connect error", "HTTP 502: upstream connect error"),
        (b"[]", "HTTP 502: []"),
        (b'{"error":{"message":7}}', "The provider gave no reason (502)."),
    ],
)
def test_messages(body: bytes, message: str) -> None:
    assert ANTHROPIC.failure(502, [], body).message == message


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3_000),
        ({"Retry-After": "0.5"}, 500),
        ({"retry-after": "3", "retry-after-ms": "1200"}, 1_200),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:30 GMT", "date": "Sun, 22 Nov 2026 10:00:00 GMT"}, 30_000),
        ({"retry-after": "Sun, 22 Nov 2026 09:00:00 GMT", "date": "Sun, 22 Nov 2026 10:00:00 GMT"}, 0),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:30 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "1e400"}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], wait: int | None) -> None:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert ANTHROPIC.failure(429, pairs, _body("rate_limit_error")).retry_after_ms == wait


@pytest.mark.parametrize(("value", "expected"), [(b"true", True), (b"false", False), (b"maybe", None)])
def test_whether_to_try_again(value: bytes, expected: bool | None) -> None:
    assert ANTHROPIC.failure(500, [(b"x-should-retry", value)], b"").should_retry is expected


def test_a_problem_is_told_in_the_envelope() -> None:
    problem = Problem(status=400, code="invalid_request_error", message="max_tokens: is missing.")
    expected: dict[str, Any] = {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "max_tokens: is missing."},
        "request_id": "req_1",
    }
    assert json.loads(ANTHROPIC.problem(problem, "req_1")) == expected
    event = ANTHROPIC.problem_event(problem, "req_1")
    assert event.startswith(b"event: error\ndata: ")
    assert event.endswith(b"\n\n")
    assert json.loads(event.removeprefix(b"event: error\ndata: ")) == expected


@given(
    status=st.integers(300, 600),
    headers=st.lists(st.tuples(st.sampled_from([b"retry-after", b"date", b"x-should-retry"]), st.binary(max_size=12))),
    body=st.binary(max_size=80) | st.sampled_from([b'{"error":[]}', b'{"error":{"type":[]}}', b"[" * 9_999, b"null"]),
)
def test_no_answer_makes_it_fail(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    assert ANTHROPIC.failure(status, headers, body).message
