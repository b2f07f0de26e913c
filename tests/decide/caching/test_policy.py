"""Who may be answered from the cache, and what clients may ask of it."""

import json
from typing import Any

import pytest

from tenbin.config.caching import CachingConfig
from tenbin.config.load import parse
from tenbin.core.account import Account
from tenbin.core.ask import Ask, Caller, Head
from tenbin.core.steps import Lookup
from tenbin.decide.caching.canonical import canonical
from tenbin.decide.caching.policy import CachePolicy, cache_policy, consult, unfit, wished

KEYS = f"keys: {{a: 'sha256:{'0' * 64}', b: 'sha256:{'1' * 64}'}}\n"


def policy(text: str) -> CachePolicy | None:
    return cache_policy(parse(KEYS + text, environ={}))


def asking(key: str = "a", model: str = "m", headers: Any = (), **fields: Any) -> Ask:
    values: dict[str, Any] = {
        "request_id": "req_1",
        "dialect": "anthropic",
        "operation": "generate",
        "path": "/v1/messages",
        "query": b"",
        "headers": tuple(headers),
        "body": b"{}",
        "head": Head(model=model),
        "caller": Caller(key_id=key),
        "arrived_at_ms": 0,
        "arrived_ns": 0,
    }
    return Ask(**{**values, **fields})


def lookup(text: str, **fields: Any) -> Lookup | None:
    found = policy(text)
    assert found is not None
    return consult(asking(**fields), found)


def test_nothing_is_cached_unless_it_is_said() -> None:
    assert policy("") is None
    assert policy("cache: {exact: off, scope: everyone}") is None
    assert policy("cache: {exact: serve}") is not None
    assert policy("cache: {semantic: {mode: shadow}}") is not None
    assert policy("cache: {rules: [{models: [faq], exact: serve}]}") is not None


def test_whose_answers_are_shared() -> None:
    team = "cache: {exact: serve, scope: team, teams: {support: [a, b]}}"
    scopes = [getattr(lookup(team, key=key), "scope", None) for key in ("a", "b", "c")]
    assert scopes == ["team:support", "team:support", "key:c"]
    assert getattr(lookup("cache: {exact: serve}", key="a"), "scope", None) == "key:a"
    assert getattr(lookup("cache: {exact: serve, scope: everyone}"), "scope", None) == "everyone"


def test_a_key_of_the_store_brings_its_team() -> None:
    def scope(team: str, key: str) -> str:
        caller = Caller(key_id=key, account=Account(key_id=key, name="n", team=team))
        return getattr(lookup("cache: {exact: serve, scope: team}", caller=caller), "scope", "")

    assert [scope("support", "key_1"), scope("support", "key_2"), scope("", "key_3")] == [
        "team:support",
        "team:support",
        "key:key_3",
    ]


def test_the_first_rule_that_gives_a_value_gives_it() -> None:
    text = """
cache:
  exact: serve
  rules:
    - {models: ["live-*"], exact: off}
    - {keys: [a], scope: everyone, ttl_seconds: 60}
    - {ttl_seconds: 90}
"""
    assert lookup(text, model="live-news") is None
    one, other = lookup(text, key="a"), lookup(text, key="b")
    assert one is not None
    assert other is not None
    assert (one.scope, one.ttl_seconds) == ("everyone", 60)
    assert (other.scope, other.ttl_seconds) == ("key:b", 90)


def test_embeddings_and_searches_of_the_web_pass_it_by() -> None:
    assert lookup("cache: {exact: serve}", operation="embed") is None
    searching = lookup("cache: {exact: serve}", head=Head(model="m", needs=frozenset({"web_search"})))
    assert searching is not None
    assert searching.bypass == "web search"


def test_tools_are_never_answered_by_meaning() -> None:
    text = "cache: {exact: serve, semantic: {mode: serve}}"
    with_tools, plain = lookup(text, head=Head(model="m", needs=frozenset({"tools"}))), lookup(text)
    assert with_tools is not None
    assert plain is not None
    assert (with_tools.exact, with_tools.semantic, plain.semantic) == (True, "off", "serve")


@pytest.mark.parametrize(
    ("headers", "control", "max_age_ms"),
    [
        ([], "", None),
        ([(b"cache-control", b"no-cache")], "refresh", None),
        ([(b"cache-control", b"no-store")], "off", None),
        ([(b"cache-control", b"no-cache, no-store")], "off", None),
        ([(b"cache-control", b"max-age=60")], "", 60_000),
        ([(b"x-tenbin-cache", b"off")], "off", None),
        ([(b"x-tenbin-cache", b"Refresh")], "refresh", None),
        ([(b"x-tenbin-cache", b"exact")], "exact", None),
        ([(b"x-tenbin-cache", b"what?")], "off", None),
        ([(b"cache-control", b"no-store"), (b"x-tenbin-cache", b"exact")], "off", None),
        ([(b"cache-control", b"no-store"), (b"x-tenbin-cache", b"refresh")], "off", None),
        ([(b"x-tenbin-cache", b"off"), (b"x-tenbin-cache", b"exact")], "off", None),
        ([(b"x-tenbin-cache", b"exact, refresh")], "refresh", None),
        ([(b"cache-control", "max-age=²".encode("latin-1"))], "", None),
    ],
)
def test_what_clients_may_ask(headers: Any, control: str, max_age_ms: int | None) -> None:
    found = wished(tuple(headers))
    assert (found.control, found.max_age_ms) == (control, max_age_ms)


def test_tags_are_words() -> None:
    assert wished(((b"x-tenbin-cache-tags", b"faq, v2 ,,<x>," + b"y" * 80),)).tags == ("faq", "v2")


def test_who_answers_is_a_part_of_what_is_asked_for() -> None:
    text = "cache: {exact: serve}\nproviders: {anthropic: {api_key: %s}}\nmodels: {m: [anthropic/%s]}\nping_seconds: %s"
    one, same, ping, other = (
        policy(text % values) for values in [("k", "a", 10), ("k2", "a", 10), ("k", "a", 20), ("k", "b", 10)]
    )
    assert one is not None
    assert same is not None
    assert ping is not None
    assert other is not None
    assert one.epoch == same.epoch == ping.epoch != other.epoch


def content(**part: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, part]}]}


@pytest.mark.parametrize(
    ("dialect", "body", "kept"),
    [
        ("anthropic", {"tools": [{"type": "web_fetch_20250910", "name": "web_fetch"}]}, False),
        ("anthropic", {"mcp_servers": [{"type": "url", "url": "https://x.example", "name": "m"}]}, False),
        ("anthropic", content(type="image", source={"type": "url", "url": "https://x.example/now.jpg"}), False),
        ("anthropic", content(type="document", source={"type": "url", "url": "https://x.example/a.pdf"}), False),
        ("anthropic", content(type="image", source={"type": "base64", "media_type": "image/png", "data": "aa"}), True),
        ("anthropic", content(type="tool_use", id="t", name="get", input={"url": "https://x.example"}), True),
        ("anthropic", {"tools": [{"name": "web_look", "input_schema": {"type": "object"}}]}, True),
        ("openai_chat", content(type="image_url", image_url={"url": "https://x.example/now.jpg"}), False),
        ("openai_chat", content(type="image_url", image_url={"url": "data:image/png;base64,aa"}), True),
        ("openai_chat", {"search_parameters": {"mode": "on"}}, False),
        ("openai_chat", {"plugins": [{"id": "web"}]}, False),
        ("openai_responses", {"tools": [{"type": "mcp", "server_url": "https://x.example"}]}, False),
        (
            "openai_responses",
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "https://x.example/a"}]}]},
            False,
        ),
    ],
)
def test_what_is_fetched_anew_each_time_is_never_kept(dialect: Any, body: dict[str, Any], kept: bool) -> None:
    asked = canonical(dialect, json.dumps({"model": "m", "temperature": 0, **body}).encode())
    assert asked is not None
    assert (unfit(asked, CachingConfig()) == "") is kept
