"""Where the gateway connects: to configured addresses alone, never to metadata, whatever a name or a client says."""

import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tenbin.config import network
from tenbin.config.address import BadAddress, check_base_url
from tenbin.execute.upstream.address import reach
from tenbin.execute.upstream.client import UpstreamClient
from tenbin.execute.upstream.connection import UpstreamFailed
from tests.execute.conftest import Caller
from tests.execute.upstream.raw_server import HEAD, run
from tests.real.books import House, configured, serving
from tests.security.listener import Listener


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://169.254.169.254/latest/meta-data", "metadata"),
        ("https://[fd00:ec2::254]/", "metadata"),
        ("http://[::ffff:169.254.169.254]/", "metadata"),
        ("https://metadata.google.internal/computeMetadata", "metadata"),
        ("http://100.100.100.200/v1", "metadata"),
        ("http://8.8.8.8/v1", "plain http"),
        ("https://user:password@api.example/v1", "no place for a password"),
        ("https://key@api.example/v1", "no place for a password"),
        ("file:///etc/passwd", "http"),
        ("gopher://127.0.0.1:6379/_FLUSHALL", "http"),
        ("https://api.example/v1?key=secret", "before `\\?`"),
        ("https://api.example\\@evil.example/", "blanks"),
        ("https://api.example/\r\nx: y", "blanks"),
    ],
)
def test_what_no_provider_may_be_configured_to(url: str, words: str) -> None:
    with pytest.raises(BadAddress, match=words):
        check_base_url(url)


def test_what_may_be_configured_without_a_word_more() -> None:
    for url in (
        "http://localhost:11434",
        "http://192.168.1.20:11434/v1",
        "http://ollama:11434",
        "https://api.example/v1",
    ):
        check_base_url(url)
    check_base_url("http://8.8.8.8/v1", plain_http=True)


@pytest.fixture
def rebound(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The address that `localhost` leads to counts as a metadata server's, as when a name was looked up anew."""
    network.why_not.cache_clear()
    monkeypatch.setattr(network, "NEVER", (*network.NEVER, ipaddress.ip_network("127.0.0.1/32")))
    yield
    network.why_not.cache_clear()


def test_a_name_that_leads_to_metadata_is_told_nothing(rebound: None) -> None:
    with Listener() as metadata:

        async def ask(host: str) -> str:
            client = UpstreamClient()
            origin = reach(f"http://{host}:{metadata.port}").origin
            with pytest.raises(UpstreamFailed) as failed:
                await client.send(origin, HEAD, b"{}", first_byte=2, idle=2, total=2)
            client.close()
            assert failed.value.failure.kind == "unreachable"
            return failed.value.failure.message

        for host in ("localhost", "127.0.0.1", "2130706433"):
            assert "never called" in run(ask(host))
        assert metadata.requests == []


PLACES: list[dict[str, Any]] = [
    {"model": "URL"},
    {"model": "URL/m"},
    {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "URL"}}]}]},
    {"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "url", "url": "URL"}}]}]},
    {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "URL"}}]}]},
    {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_data": "URL", "file_id": "URL"}}]}]},
    {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "URL"}]}]},
    {"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "URL"}]}]},
    {"mcp_servers": [{"type": "url", "url": "URL", "name": "x"}]},
    {"tools": [{"type": "mcp", "server_url": "URL", "server_label": "x"}]},
    {"tools": [{"type": "web_fetch_20250910", "name": "web_fetch", "allowed_domains": ["URL"]}]},
    {"metadata": {"user_id": "URL", "webhook": "URL", "callback_url": "URL"}},
    {"base_url": "URL", "api_base": "URL", "api_key": "k", "endpoint": "URL", "proxy": "URL"},
    {"user": "URL", "session_id": "URL", "prompt_cache_key": "URL", "previous_response_id": "URL", "container": "URL"},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"$ref": "URL"}}}},
]
HEADERS = (
    "x-tenbin-model", "x-tenbin-provider", "x-tenbin-route", "x-tenbin-base-url", "x-tenbin-session", "x-base-url",
    "x-portkey-custom-host", "x-forwarded-host", "x-original-url", "referer", "from", "x-api-base",
)  # fmt: skip


@pytest.fixture(scope="module")
def everywhere(listening: Listener, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A gateway whose one name leads to each dialect in turn, so that every request is translated for some."""
    dialects = ("anthropic", "openai_chat", "openai_responses", "ollama_chat")
    config = configured(
        providers={name: {"base_url": listening.url, "dialect": name, "free": True} for name in dialects},
        models={name: [f"{name}/m"] for name in dialects},
        default=["anthropic/m"],
        retries={"per_target": 0},
        cooldown={"after_failures": 1_000_000, "seconds": 0},
    )
    with serving(config, tmp_path_factory.mktemp("everywhere")) as running:
        yield running


@pytest.mark.parametrize("place", PLACES, ids=lambda place: next(iter(place)))
def test_nothing_that_a_client_sends_makes_the_gateway_connect(
    everywhere: House, provider: Listener, place: dict[str, Any]
) -> None:
    with Listener() as elsewhere:
        caller = Caller(everywhere.url)
        url = elsewhere.url + "/x.png"
        for path in (
            "/v1/messages",
            "/v1/messages/count_tokens",
            "/v1/chat/completions",
            "/v1/responses",
            "/v1/embeddings",
        ):
            for model in ("anthropic", "openai_chat", "openai_responses", "ollama_chat"):
                body: dict[str, Any] = {"model": model, "max_tokens": 5}
                body["messages" if "responses" not in path and "embed" not in path else "input"] = "Hi"
                if "messages" in body:
                    body["messages"] = [{"role": "user", "content": "Hi"}]
                body |= place
                content = json.dumps(body).replace("URL", url)
                response = caller.http.post(path, content=content, headers=dict.fromkeys(HEADERS, url))
                assert "Traceback" not in response.text
        for method in ("GET", "POST", "DELETE"):
            caller.http.request(method, "/health/targets", params={"target": url})
            caller.http.request(method, "/cache/entries", params={"entry": url})
        caller.http.post("/v1/feedback", json={"request_id": url, "score": "good", "comment": url})
        caller.http.close()
        assert elsewhere.connections == 0


def test_a_whole_url_as_the_target_of_a_request_makes_no_proxy_of_the_gateway(house: House, provider: Listener) -> None:
    from tests.api.raw import Raw

    with Listener() as elsewhere:
        where = elsewhere.url.encode()
        for first in (b"GET " + where + b"/x", b"POST " + where + b"/v1/x", b"CONNECT 127.0.0.1:%d" % elsewhere.port):
            with Raw(house.url) as raw:
                raw.send(first + b" HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                assert b" 200 " not in raw.rest().partition(b"\r\n")[0]
        assert elsewhere.connections == 0


def test_a_configuration_that_leads_to_metadata_is_not_taken(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from tenbin.cli.commands import tenbin

    file = tmp_path / "tenbin.yaml"
    file.write_text("providers:\n  x:\n    dialect: openai_chat\n    base_url: http://169.254.169.254/v1\n")
    told = CliRunner().invoke(tenbin, ["check", str(file)])
    assert told.exit_code != 0
    assert "metadata" in told.output
