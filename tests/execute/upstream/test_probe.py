"""Local servers are found where they usually are, and whatever else answers there is not taken for one."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tenbin.config.findings import FoundModel, FoundServer
from tenbin.execute.upstream.probe import discover, ollama_context, ollama_url, usual_places
from tenbin.simulator import RunningSimulator


@contextmanager
def serving(answers: dict[str, Any], hang: threading.Event | None = None) -> Iterator[int]:
    """A server that answers these paths with these values; others with 404, or with silence."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if hang is not None:
                hang.wait(30)
                return
            value = answers.get(self.path)
            self.send_response(404 if value is None else 200)
            self.end_headers()
            self.wfile.write(value if isinstance(value, bytes) else json.dumps(value).encode())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.do_GET()

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        if hang is not None:
            hang.set()
        server.shutdown()
        server.server_close()


def found(port: int) -> tuple[FoundServer, ...]:
    return discover({"OLLAMA_HOST": f"127.0.0.1:{port}"}, embedded=False).servers


def test_an_ollama_is_found_with_its_models() -> None:
    with RunningSimulator() as simulator:
        findings = discover({"OLLAMA_HOST": f"{simulator.url}/ollama"}, embedded=True)
    (server,) = [server for server in findings.servers if server.provider == "ollama"]
    assert server.base_url == f"{simulator.url}/ollama"
    assert server.models
    assert all(model.context for model in server.models if model.chat)
    assert findings.embedded


def test_what_an_ollama_says_of_its_models_is_believed() -> None:
    shown = {"model_info": {"qwen3.context_length": 40_960}, "capabilities": ["embedding"]}
    with serving({"/api/tags": {"models": [{"name": "x:latest"}]}, "/api/show": shown}) as port:
        (server,) = found(port)
    assert server.models == (FoundModel("x", 40_960, chat=False),)


def test_models_without_details_are_found_all_the_same() -> None:
    with serving({"/api/tags": {"models": [{"name": "a:1b"}, {"name": "nomic-embed-text"}]}}) as port:
        (server,) = found(port)
    assert server.models == (FoundModel("a:1b"), FoundModel("nomic-embed-text", chat=False))


@pytest.mark.parametrize(
    "answer", [{}, [], None, {"models": 3}, {"models": [{}]}, b"<html>", b"", b"\xff", {"models": [3]}]
)
def test_another_server_is_not_taken_for_one(answer: Any) -> None:
    with serving({"/api/tags": answer}) as port:
        assert not [server for server in found(port) if server.provider == "ollama"]


def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    """No time is measured: without a deadline this would wait for the 30 seconds of the server, and be cut there."""
    hang = threading.Event()
    with serving({}, hang) as port:
        findings = discover({"OLLAMA_HOST": f"127.0.0.1:{port}"}, embedded=False)
        assert not hang.is_set()
    assert ("ollama", f"http://127.0.0.1:{port}") in findings.silent


def test_the_gateway_does_not_find_itself() -> None:
    with serving({"/api/tags": {"models": []}}) as port:
        findings = discover({"OLLAMA_HOST": f"127.0.0.1:{port}"}, embedded=False, own_port=port)
    assert not [server for server in findings.servers if server.provider == "ollama"]
    assert not [place for place in findings.silent if place[0] == "ollama"]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        (":11500", "http://127.0.0.1:11500"),
        ("localhost", "http://localhost:11434"),
        ("http://box", "http://box:80"),
        ("https://box/ollama/", "https://box:443/ollama"),
        ("[::1]:5", "http://[::1]:5"),
        ("box:0x", "http://box:11434"),
    ],
)
def test_ollama_host_is_read_as_ollama_reads_it(host: str, url: str) -> None:
    assert ollama_url(host) == url


def test_the_usual_places() -> None:
    assert usual_places({}) == [("ollama", "http://127.0.0.1:11434"), ("llamacpp", "http://127.0.0.1:8080/v1")]


@pytest.mark.parametrize(
    ("details", "context"),
    [
        ({"parameters": "stop x\nnum_ctx                        8192", "model_info": {"q.context_length": 9}}, 8192),
        ({"model_info": {"general.architecture": "q", "q.context_length": 32_768}}, 32_768),
        ({"parameters": "num_ctx many"}, None),
        ({}, None),
        ({"parameters": None, "model_info": None}, None),
    ],
)
def test_the_context_of_an_ollama_model(details: dict, context: int | None) -> None:
    assert ollama_context(details) == context
