"""What crosses the gateway, and what does not: headers and bodies of requests, answers and errors."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller
from tests.real.books import Books, House

RAW = (
    '{ "model" : "one",\t"unheard_of": {"b":1.50,"a":[1e5,-0.0]},"max_tokens":50,\n'
    '"messages": [{"role":"user","content":"\\u65e5\\u672c \\ud83d\\ude00 caf\\u00e9 日本"}], "stream": false }'
)


def header(entry: dict[str, Any], name: str) -> list[str]:
    return [value for key, value in entry["headers"] if key == name]


def raw_bodies(simulator: RunningSimulator) -> list[bytes]:
    return [entry.body for entry in simulator.simulator.log]


@pytest.mark.parametrize(
    ("path", "own", "theirs"),
    [
        ("/v1/messages", '"one"', '"claude-sonnet-4-6"'),
        ("/v1/chat/completions", '"chat"', '"gpt-4o"'),
    ],
)
def test_a_body_of_the_same_dialect_crosses_byte_for_byte_but_for_the_model(
    caller: Caller, simulator: RunningSimulator, path: str, own: str, theirs: str
) -> None:
    sent = RAW.replace('"one"', own)
    if "chat" in path:
        sent = sent.replace('"unheard_of": {"b":1.50,"a":[1e5,-0.0]}', '"logit_bias": {"1":1.50,"2":-0.0}')
    response = caller.http.post(path, content=sent.encode(), headers={"content-type": "application/json"})
    assert response.status_code == 200, response.text
    assert raw_bodies(simulator) == [sent.replace(own, theirs).encode()]


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40)
@given(
    text=st.text(min_size=1).filter(lambda text: "simulate" not in text and text.strip()),
    extra=st.dictionaries(st.from_regex(r"x_[a-z]{1,6}", fullmatch=True), plain, max_size=3),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 1]),
)
def test_any_body_crosses_unchanged(
    house: House,
    simulator_running: RunningSimulator,
    text: str,
    extra: dict[str, Any],
    ascii_only: bool,
    indent: int | None,
) -> None:
    body = {**extra, "model": "one", "max_tokens": 5, "messages": [{"role": "user", "content": text}]}
    sent = json.dumps(body, ensure_ascii=ascii_only, indent=indent).encode()
    simulator_running.reset()
    caller = Caller(house.url)
    response = caller.http.post("/v1/messages", content=sent, headers={"content-type": "application/json"})
    caller.http.close()
    assert response.status_code == 200, response.text
    assert raw_bodies(simulator_running) == [sent.replace(b'"model": "one"', b'"model": "claude-sonnet-4-6"')]


def test_request_headers(caller: Caller, simulator: RunningSimulator) -> None:
    response = caller.ask(
        "anthropic",
        "one",
        headers={
            "anthropic-beta": "one-2027-01-01,unheard-of-2027-02-02",
            "anthropic-version": "2023-06-01",
            "x-unheard-of": "yes",
            "user-agent": "some-client/1.0",
            "x-api-key": "sk-client",
            "authorization": "Bearer sk-client",
            "cookie": "secret=1",
            "x-tenbin-secret": "1",
            "te": "trailers",
            "accept-encoding": "br",
        },
    )
    assert response.status_code == 200
    (entry,) = simulator.requests()
    assert (entry["path"], entry["query"]) == ("/anthropic/v1/messages", "beta=true")
    assert header(entry, "anthropic-beta") == ["one-2027-01-01,unheard-of-2027-02-02"]
    assert header(entry, "anthropic-version") == ["2023-06-01"]
    assert header(entry, "x-unheard-of") == ["yes"]
    assert header(entry, "user-agent") == ["some-client/1.0"]
    assert header(entry, "x-api-key") == ["sk-own"]
    assert header(entry, "accept-encoding") == ["identity"]
    assert header(entry, "host") == [simulator.url.removeprefix("http://")]
    for name in ("authorization", "cookie", "x-tenbin-secret", "te"):
        assert header(entry, name) == []
    assert "sk-client" not in json.dumps(entry["headers"])


def test_a_translated_request_gets_nothing_of_the_clients_headers(caller: Caller, simulator: RunningSimulator) -> None:
    caller.ask("anthropic", "chat", headers={"anthropic-beta": "a", "x-unheard-of": "yes", "x-api-key": "sk-client"})
    (entry,) = simulator.requests()
    assert header(entry, "authorization") == ["Bearer sk-own"]
    assert not {"anthropic-beta", "anthropic-version", "x-unheard-of", "x-api-key"} & {k for k, _ in entry["headers"]}
    assert entry["query"] == ""


@pytest.mark.parametrize("stream", [False, True])
def test_answer_headers_of_the_same_dialect(
    caller: Caller, simulator: RunningSimulator, books: Books, stream: bool
) -> None:
    own = {"x-new-header": "kept", "set-cookie": "a=b", "x-tenbin-cost": "0", "keep-alive": "timeout=5"}
    simulator.script(text="Yes.", headers=own)
    response = caller.ask("anthropic", "one", stream=stream)
    receipt = books.one()
    headers = response.headers
    assert headers["x-new-header"] == "kept"
    assert headers["anthropic-organization-id"]
    assert headers["anthropic-ratelimit-requests-remaining"]
    assert headers["request-id"] == receipt.attempts[0].upstream_request_id
    assert headers.get_list("x-tenbin-request-id") == [receipt.request_id]
    assert headers["x-tenbin-model"] == "claude-sonnet-4-6"
    assert headers["x-tenbin-provider"] == "anthropic"
    assert headers["x-tenbin-route"] == "model:one"
    assert headers["x-tenbin-cache"] == "off"
    assert "set-cookie" not in headers
    assert "keep-alive" not in headers
    if stream:
        assert headers["content-type"].startswith("text/event-stream")
        assert "x-tenbin-cost" not in headers
    else:
        assert receipt.cost_nano is not None
        assert headers.get_list("x-tenbin-cost") == [f"{receipt.cost_nano / 1e9:.9f}"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("dialect", "models", "name"),
    [("anthropic", ("one", "chat"), "request-id"), ("openai_chat", ("chat", "one"), "x-request-id")],
)
def test_there_is_always_a_request_id(
    caller: Caller,
    simulator: RunningSimulator,
    books: Books,
    dialect: str,
    models: tuple[str, str],
    name: str,
    stream: bool,
) -> None:
    own, foreign = models
    for model, script in ((own, {"no_request_id": True}), (foreign, {}), (foreign, {"status": 400}), ("nowhere", {})):
        simulator.script(**script)
        response = caller.ask(dialect, model, stream=stream)
        assert response.headers.get_list(name) == [books.one().request_id]
        simulator.clear()


def test_a_model_name_cannot_break_a_header(caller: Caller, books: Books) -> None:
    response = caller.ask("openai_chat", "unpriced/日本 x\r\nx-evil: 1")
    assert response.status_code == 200
    assert "x-evil" not in response.headers
    assert response.headers["x-tenbin-model"].startswith("%E6%97%A5")
    assert books.one().attempts[0].model == "日本 x\r\nx-evil: 1"


# -- errors

ERRORS = [
    ({"status": 400}, 400, "invalid_request_error"),
    ({"status": 402}, 402, "billing_error"),
    ({"status": 403}, 502, "api_error"),
    ({"status": 404}, 404, "not_found_error"),
    ({"status": 413}, 413, "request_too_large"),
    ({"status": 429}, 429, "rate_limit_error"),
    ({"status": 500}, 500, "api_error"),
    ({"status": 529}, 529, "overloaded_error"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("script", "status", "kind"), ERRORS)
@pytest.mark.parametrize(
    ("dialect", "model"), [("anthropic", "chat"), ("openai_chat", "one"), ("anthropic", "one"), ("openai_chat", "chat")]
)
def test_errors_in_the_callers_envelope(
    caller: Caller,
    simulator: RunningSimulator,
    books: Books,
    dialect: str,
    model: str,
    script: dict[str, Any],
    status: int,
    kind: str,
    stream: bool,
) -> None:
    simulator.script("*", *[{**script, "message": "as the provider said"}] * 2)
    response = caller.ask(dialect, model, stream=stream)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert "as the provider said" in body["error"]["message"]
    if dialect == "anthropic":
        assert body["type"] == "error"
        assert body["error"]["type"] == kind
        assert body["request_id"] == response.headers["request-id"]
    else:
        assert set(body) == {"error"}
        assert {"message", "type", "param", "code"} <= set(body["error"])
    assert books.one().status == status


@pytest.mark.parametrize(("dialect", "model"), [("anthropic", "one"), ("openai_chat", "chat")])
def test_a_providers_own_error_is_relayed_unchanged(
    caller: Caller, simulator: RunningSimulator, dialect: str, model: str
) -> None:
    straight = Caller(simulator.url)
    simulator.script("*", *[{"status": 422, "message": "exactly so", "retry_after": 5, "x_should_retry": False}] * 2)
    provider = "anthropic" if dialect == "anthropic" else "openai"
    keys = {"x-api-key": "k", "authorization": "Bearer k", "anthropic-version": "2023-06-01"}
    body = caller.body(dialect, "claude-sonnet-4-6" if dialect == "anthropic" else "gpt-4o")
    told = straight.http.post(f"/{provider}{caller.path(dialect)}", json=body, headers=keys)
    relayed = caller.ask(dialect, model)
    straight.http.close()
    assert relayed.status_code == told.status_code == 422
    assert relayed.headers["retry-after"] == told.headers["retry-after"] == "5"
    assert relayed.headers["x-should-retry"] == told.headers["x-should-retry"] == "false"
    ids = {"request_id", "request-id"}
    assert {k: v for k, v in relayed.json().items() if k not in ids} == {
        k: v for k, v in told.json().items() if k not in ids
    }


@pytest.mark.parametrize("stream", [False, True])
def test_what_the_client_may_repeat_is_said(caller: Caller, simulator: RunningSimulator, stream: bool) -> None:
    def after(model: str, *scripts: dict[str, Any]) -> Any:
        simulator.script("*", *scripts)
        return caller.ask("anthropic", model, stream=stream).headers

    assert after("chat", {"status": 401})["x-should-retry"] == "false"
    assert after("chat", {"status": 404})["x-should-retry"] == "false"
    assert "x-should-retry" not in after("chat", *[{"status": 529}] * 2)
    limited = after("chat", {"status": 429, "retry_after": 77})
    assert limited["retry-after"] == "77"


@pytest.mark.parametrize("status", [301, 304])
@pytest.mark.parametrize("model", ["one", "chat"])
def test_a_status_that_no_error_has_is_a_bad_gateway(
    caller: Caller, books: Books, simulator: RunningSimulator, status: int, model: str
) -> None:
    simulator.script("*", *[{"status": status}] * 2)
    response = caller.ask("anthropic", model)
    assert 400 <= response.status_code < 600
    assert response.json()["error"]["message"]
    assert books.one().outcome == "failed"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[" * 100_000,
        '{"error": ' + "[" * 100_000,
        '{"type": "error", "error": "just words"}',
        '{"error": {"message": 5, "type": [], "code": {}}}',
        '[{"error": {"message": "in a list"}}]',
        "null",
        "\ufeff{}",
        "plain words",
        '{"error": {"message": "\\ud800", "type": "x"}}',
    ],
)
@pytest.mark.parametrize("model", ["one", "chat"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_200_that_is_no_answer_is_told_as_an_error(
    caller: Caller, books: Books, simulator: RunningSimulator, body: str, model: str, stream: bool
) -> None:
    for dialect in ("anthropic", "openai_chat"):
        simulator.script("*", *[{"raw": body} if body else {"empty_body": True}] * 2)
        response = caller.ask(dialect, model, stream=stream)
        assert 400 <= response.status_code < 600
        assert response.json()["error"]["message"]
        receipt = books.one()
        assert receipt.outcome == "failed"
        simulator.clear()
