"""Answers that are not the provider's are refused before anything is measured."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from benchmarks.harness.load import Request
from benchmarks.harness.payloads import EXPECTED_TEXT
from benchmarks.harness.verify import WrongAnswer, verify


@contextmanager
def answering(answer: str) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def chat(text: str, tokens: int) -> str:
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json.dumps({"choices": [choice], "usage": {"completion_tokens": tokens}})


REQUEST = Request("/v1/chat/completions", {}, b"{}")


def test_the_right_text_and_count_pass() -> None:
    with answering(chat(EXPECTED_TEXT, 20)) as port:
        assert verify(port, REQUEST, "small", "chat") is None


def test_another_text_is_refused() -> None:
    with answering(chat("Hello.", 20)) as port, pytest.raises(WrongAnswer, match=r"Hello\."):
        verify(port, REQUEST, "small", "chat")


def test_another_count_is_remarked_on() -> None:
    with answering(chat(EXPECTED_TEXT, 21)) as port:
        assert verify(port, REQUEST, "small", "chat") == "it states 21 output tokens instead of 20"


def test_a_stream_without_its_end_is_refused() -> None:
    with answering("data: {}\n\n") as port, pytest.raises(WrongAnswer, match="cut short"):
        verify(port, REQUEST, "bulk", "chat")
