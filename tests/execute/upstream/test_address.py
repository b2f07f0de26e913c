"""Which URL, headers and credential a request to a provider has."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.ask import Ask
from tenbin.execute.upstream.address import (
    ANSWER_HEADERS_KEPT_BACK,
    NOT_FORWARDED,
    forwarded_answer_headers,
    reach,
    request_head,
    request_path,
)
from tests.decide.plans import ask as plain_ask


def ask(*headers: tuple[bytes, bytes], query: bytes = b"") -> Ask:
    return msgspec.structs.replace(plain_ask(), headers=headers, query=query)


def lines(head: bytes) -> list[bytes]:
    assert head.endswith(b"\r\n\r\n")
    return head[:-4].split(b"\r\n")


@pytest.mark.parametrize(
    ("base_url", "dialect", "operation", "path"),
    [
        ("https://api.anthropic.com", "anthropic", "generate", "/v1/messages"),
        ("https://api.anthropic.com/v1", "anthropic", "generate", "/v1/messages"),
        ("https://api.anthropic.com/v1/", "anthropic", "count_tokens", "/v1/messages/count_tokens"),
        ("https://api.openai.com/v1", "openai_chat", "generate", "/v1/chat/completions"),
        ("https://api.openai.com/v1", "openai_responses", "generate", "/v1/responses"),
        ("https://api.openai.com/v1", "openai_chat", "embed", "/v1/embeddings"),
        ("https://x.test/v1beta/openai/", "openai_chat", "generate", "/v1beta/openai/chat/completions"),
        ("http://127.0.0.1:11434", "ollama_chat", "generate", "/api/chat"),
        ("http://127.0.0.1:11434", "ollama_chat", "embed", "/v1/embeddings"),
    ],
)
def test_paths(base_url: str, dialect: str, operation: str, path: str) -> None:
    assert request_path(reach(base_url).base_path, dialect, operation) == path  # type: ignore[arg-type]


def test_origins() -> None:
    assert reach("https://api.test").origin == ("https://api.test:443", "api.test", 443, True, False, False)
    assert reach("http://[::1]:8080/x").origin == ("http://[::1]:8080", "::1", 8080, False, True, False)
    assert reach("http://localhost").origin.local
    for wrong in ("ftp://x", "api.test", "http://"):
        with pytest.raises(ValueError):
            reach(wrong)


def test_what_the_client_says_crosses_and_its_credentials_do_not() -> None:
    said = ask(
        (b"anthropic-version", b"2023-06-01"),
        (b"anthropic-beta", b"new-2027-01-01"),
        (b"anthropic-beta", b"other-2027-01-01"),
        (b"x-unheard-of", b"\xe9"),
        (b"authorization", b"Bearer client"),
        (b"x-api-key", b"client"),
        (b"cookie", b"client"),
        (b"x-tenbin-anything", b"client"),
        (b"connection", b"keep-alive"),
        (b"accept-encoding", b"br"),
        query=b"beta=true",
    )
    head = request_head(
        reach("https://api.test", api_key="sk-own", headers={"X-More": "1"}), said, "anthropic", 7, passed_through=True
    )
    assert lines(head) == [
        b"POST /v1/messages?beta=true HTTP/1.1",
        b"host: api.test:443",
        b"anthropic-version: 2023-06-01",
        b"anthropic-beta: new-2027-01-01",
        b"anthropic-beta: other-2027-01-01",
        b"x-unheard-of: \xe9",
        b"x-api-key: sk-own",
        b"x-more: 1",
        b"accept-encoding: identity",
        b"content-type: application/json",
        b"content-length: 7",
    ]


@pytest.mark.parametrize(
    ("version", "credential"),
    [
        (b"2023-06-01", b"x-api-key: sk-own"),
        (b"2026-10-21", b"authorization: Bearer sk-own"),
        (None, b"x-api-key: sk-own"),
    ],
)
def test_the_credential_of_each_api_version(version: bytes | None, credential: bytes) -> None:
    said = ask((b"anthropic-version", version)) if version else ask()
    head = lines(request_head(reach("https://a.test", api_key="sk-own"), said, "anthropic", 0, passed_through=True))
    assert credential in head
    assert head.count(b"anthropic-version: " + (version or b"2023-06-01")) == 1


def test_copies_of_the_dialect_find_the_key_where_they_look_for_it() -> None:
    to = reach("https://a.test", api_key="sk-own", both_credentials=True)
    for version in (b"2023-06-01", b"2026-10-21"):
        head = lines(request_head(to, ask((b"anthropic-version", version)), "anthropic", 0, passed_through=True))
        assert [line for line in head if b"sk-own" in line] == [
            b"x-api-key: sk-own",
            b"authorization: Bearer sk-own",
        ]
    head = lines(request_head(to, ask(), "openai_chat", 0, passed_through=True))
    assert [line for line in head if b"sk-own" in line] == [b"authorization: Bearer sk-own"]


def test_a_configured_header_stands_once_and_wins() -> None:
    own = {"Anthropic-Version": "2026-10-21", "X-Team": "a", "Authorization": "Basic x"}
    said = ask((b"anthropic-version", b"2023-06-01"), (b"x-team", b"b"), (b"x-other", b"c"))
    head = lines(
        request_head(reach("https://a.test", api_key="k", headers=own), said, "anthropic", 0, passed_through=True)
    )
    assert [line for line in head if b"version" in line] == [b"anthropic-version: 2026-10-21"]
    assert [line for line in head if b"x-team" in line] == [b"x-team: a"]
    assert [line for line in head if line.startswith((b"authorization", b"x-api-key"))] == [b"authorization: Basic x"]
    assert b"x-other: c" in head


def test_what_a_client_names_as_meant_for_the_next_hop_stays_here() -> None:
    said = ask((b"connection", b"keep-alive, X-Hop"), (b"x-hop", b"1"), (b"connection", b"x-two"), (b"x-two", b"2"))
    head = request_head(reach("https://a.test"), said, "openai_chat", 0, passed_through=True)
    assert b"x-hop" not in head
    assert b"x-two" not in head


def test_a_translated_request_carries_nothing_of_the_clients_head() -> None:
    said = ask((b"openai-beta", b"x"), (b"user-agent", b"secret-client"), query=b"beta=true")
    head = request_head(reach("https://a.test/v1", api_key="k"), said, "openai_chat", 0, passed_through=False)
    assert b"secret-client" not in head
    assert b"openai-beta" not in head
    assert lines(head)[0] == b"POST /v1/chat/completions HTTP/1.1"
    assert b"authorization: Bearer k" in lines(head)


names = st.from_regex(rb"[a-z][a-z-]{0,12}", fullmatch=True) | st.sampled_from(sorted(NOT_FORWARDED))
values = st.from_regex(rb"[!-~\x80-\xff]([ -~\x80-\xff]{0,10}[!-~])?", fullmatch=True)


@given(st.lists(st.tuples(names, values), max_size=12))
def test_every_other_header_crosses_in_its_order(headers: list[tuple[bytes, bytes]]) -> None:
    head = lines(request_head(reach("https://a.test"), ask(*headers), "openai_chat", 0, passed_through=True))
    named = {word.strip().lower() for name, value in headers if name == b"connection" for word in value.split(b",")}
    expected = [name + b": " + value for name, value in headers if name not in NOT_FORWARDED | named]
    assert head[2 : 2 + len(expected)] == expected
    assert len(head) == 2 + len(expected) + 3


@given(st.lists(st.tuples(names | st.sampled_from(sorted(ANSWER_HEADERS_KEPT_BACK)), values), max_size=12))
def test_of_an_answer_all_but_the_hops_own_headers_cross(headers: list[tuple[bytes, bytes]]) -> None:
    kept = forwarded_answer_headers([*headers, (b"x-tenbin-cost", b"0")])
    assert kept == [pair for pair in headers if pair[0] not in ANSWER_HEADERS_KEPT_BACK]


def test_how_much_is_left_of_the_gateways_own_account_is_not_the_clients_to_know() -> None:
    said = [(b"anthropic-ratelimit-unified-5h-utilization", b"0.93"), (b"anthropic-ratelimit-tokens-limit", b"9")]
    assert forwarded_answer_headers(said) == said[1:]
