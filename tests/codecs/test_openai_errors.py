"""What a provider's errors mean, and how callers are told of theirs."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.openai_chat import OPENAI_CHAT
from tenbin.codecs.openai_errors import failure, from_object
from tenbin.codecs.openai_responses import OPENAI_RESPONSES
from tenbin.core.problems import Problem
from tests.codecs.openai_golden import FOLDER


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, {"type": "invalid_request_error", "code": "context_length_exceeded"}, "context_exceeded"),
        (400, {"type": "invalid_request_error", "code": None}, "refused"),
        (401, {"type": "invalid_request_error", "code": "invalid_api_key"}, "unauthenticated"),
        (401, {}, "unauthenticated"),
        (402, {"code": 402}, "unpaid"),
        (403, {"type": "invalid_request_error"}, "unauthenticated"),
        (403, {"code": 403, "metadata": {"reasons": ["violence"], "flagged_input": "x"}}, "refused"),
        (404, {"type": "invalid_request_error", "code": "model_not_found"}, "not_found"),
        (404, {"type": "invalid_request_error"}, "not_found"),
        (400, {"code": "model_not_found"}, "not_found"),
        (413, {}, "too_large"),
        (422, {"message": "x"}, "refused"),
        (429, {"type": "insufficient_quota", "code": "insufficient_quota"}, "unpaid"),
        (429, {"type": "tokens", "code": "rate_limit_exceeded"}, "rate_limited"),
        (429, {"code": 429}, "rate_limited"),
        (500, {"type": "server_error"}, "server_error"),
        (502, {"code": 502}, "server_error"),
        (503, {"type": "server_error"}, "overloaded"),
        (503, {"type": "unavailable_error"}, "overloaded"),
        (504, {}, "timeout"),
        (529, {}, "overloaded"),
        (418, {}, "refused"),
    ],
)
def test_the_kind_comes_from_status_and_code(status: int, error: dict[str, Any], kind: str) -> None:
    found = failure(status, [], json.dumps({"error": error}).encode())
    assert found.kind == kind
    assert found.status == status


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        ({"code": 502, "message": "x"}, "server_error", 502),
        ({"code": "429", "type": "None"}, "rate_limited", 429),
        ({"type": "overloaded_error"}, "overloaded", None),
        ({"type": "invalid_request_error"}, "refused", None),
        ({"code": "server_error"}, "server_error", None),
        ({}, "server_error", None),
    ],
)
def test_an_error_in_a_stream_has_only_its_code(error: dict[str, Any], kind: str, status: int | None) -> None:
    found = from_object(error)
    assert (found.kind, found.status) == (kind, status)


def test_both_numbers_of_a_prompt_that_is_too_long_are_told_in_the_words_that_clients_parse() -> None:
    recorded = (FOLDER / "error_llamacpp_context.json").read_bytes()
    found = failure(400, [], recorded)
    assert (found.kind, found.message) == ("context_exceeded", "prompt is too long: 4031 tokens > 2048 maximum")
    assert found.body == recorded
    limit = "This model's maximum context length is 8192 tokens. However, "
    for message in (
        f"{limit}your messages resulted in 9001 tokens. Please reduce.",
        f"{limit}you requested 9001 tokens (9000 in the messages, 1 in the completion).",
    ):
        body = json.dumps({"object": "error", "message": message, "type": "BadRequestError", "code": 400}).encode()
        found = failure(400, [], body)
        assert (found.kind, found.message) == ("context_exceeded", "prompt is too long: 9001 tokens > 8192 maximum")


def test_bodies_that_are_no_openai_error_are_told_by_their_words() -> None:
    page = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
    assert failure(502, [], page).message == "HTTP 502: 502 Bad Gateway"
    assert failure(500, [], b"").message == "HTTP 500 without a body."
    assert failure(422, [], b'{"detail":"Field required"}').message == "Field required"
    assert failure(
        400, [], b'[{"error":{"code":400,"message":"API key not valid","status":"INVALID_ARGUMENT"}}]'
    ).message == ("API key not valid")
    assert failure(404, [], b'{"error":"model not there"}').message == "model not there"
    raw = failure(429, [], b'{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"busy"}}}')
    assert raw.message == "Provider returned error (busy)"


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({b"retry-after": b"3"}, 3000),
        ({b"Retry-After-Ms": b"150", b"retry-after": b"3"}, 150),
        ({b"retry-after": b"Sat, 21 Nov 2026 10:00:10 GMT", b"date": b"Sat, 21 Nov 2026 10:00:00 GMT"}, 10_000),
        ({b"retry-after": b"soon"}, None),
        ({b"x-ratelimit-reset-requests": b"6m0s", b"x-ratelimit-remaining-requests": b"0"}, 360_000),
        ({b"x-ratelimit-reset-tokens": b"1.5s", b"x-ratelimit-remaining-tokens": b"0"}, 1500),
        ({b"x-ratelimit-reset-tokens": b"20ms", b"x-ratelimit-remaining-tokens": b"7"}, None),
        (
            {
                b"x-ratelimit-reset-requests": b"1s",
                b"x-ratelimit-remaining-requests": b"59",
                b"x-ratelimit-reset-tokens": b"1h2m",
                b"x-ratelimit-remaining-tokens": b"0",
            },
            3_720_000,
        ),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_read_from_the_headers(headers: dict[bytes, bytes], wait: int | None) -> None:
    found = failure(429, list(headers.items()), b"{}")
    assert found.retry_after_ms == wait
    assert found.headers == tuple(headers.items())


def test_should_retry_is_kept() -> None:
    assert failure(500, [(b"x-should-retry", b"false")], b"").should_retry is False
    assert failure(500, [], b"").should_retry is None


@given(
    st.integers(300, 599),
    st.lists(st.tuples(st.sampled_from([b"retry-after", b"x-ratelimit-reset-tokens", b"date"]), st.binary(max_size=9))),
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(st.sampled_from(["error", "message", "code", "type", "n_ctx", "metadata", "raw"]), inner)
        ),
    ).map(lambda value: json.dumps(value).encode()),
)
def test_no_error_body_makes_reading_it_fail(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    assert failure(status, headers, body).message


@pytest.mark.parametrize(
    ("problem", "kind", "code"),
    [
        (Problem(status=400, code="invalid_request_error", message="m", param="n"), "invalid_request_error", None),
        (Problem(status=401, code="authentication_error", message="m"), "invalid_request_error", "invalid_api_key"),
        (
            Problem(status=404, code="not_found_error", message="m", param="model"),
            "invalid_request_error",
            "model_not_found",
        ),
        (Problem(status=429, code="rate_limit_error", message="m"), "rate_limit_error", "rate_limit_exceeded"),
        (Problem(status=529, code="overloaded_error", message="m"), "server_error", "overloaded"),
        (
            Problem(status=400, code="invalid_request_error", message="m", reason="context_exceeded"),
            "invalid_request_error",
            "context_length_exceeded",
        ),
        (Problem(status=500, code="something_new", message="m"), "server_error", "something_new"),
    ],
)
def test_callers_are_told_in_openais_envelope(problem: Problem, kind: str, code: str | None) -> None:
    error = {"message": "m", "type": kind, "param": problem.param, "code": code}
    assert json.loads(OPENAI_CHAT.problem(problem, "req_1")) == {"error": error}
    assert json.loads(OPENAI_RESPONSES.problem(problem, "req_1")) == {"error": error}
    assert json.loads(OPENAI_CHAT.problem_event(problem, "req_1")[6:]) == {"error": error}
    event = json.loads(OPENAI_RESPONSES.problem_event(problem, "req_1").split(b"data: ")[1])
    assert (event["type"], event["code"], event["message"], event["error"]) == ("error", code, "m", error)
