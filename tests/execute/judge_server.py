"""A judge as a provider of OpenAI's Chat Completions: a real server that reads both answers and prefers by a rule."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Rule = Callable[[str, str], str]
"""(answer A, answer B) -> A, B or TIE; (answer, nothing) -> a mark of 0 to 10."""


class Judging:
    """What the server was asked, and where it is."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.bodies: list[dict[str, Any]] = []
        self.held = threading.Event()
        self.held.set()
        self.url = ""

    def reply(self, body: dict[str, Any]) -> str:
        words = "\n".join(message["content"] for message in body["messages"])
        marked = set(re.findall(r"MARK ([0-9a-f]{16,64}) N", words))
        if marked:
            nonce = marked.pop()
            answer = json.loads(re.search(rf"<<{nonce} ANSWER\n(.*)\n>>{nonce}", words)[1])  # type: ignore[index]
            return f"I have read it.\nMARK {nonce} {self.rule(answer, '')}"
        (nonce,) = set(re.findall(r"BETTER ([0-9a-f]{16,64}) W", words))
        first, second = (
            json.loads(re.search(rf"<<{nonce} ANSWER {place}\n(.*)\n>>{nonce}", words)[1])  # type: ignore[index]
            for place in "AB"
        )
        return f"I have compared them.\nBETTER {nonce} {self.rule(first, second)}"


@contextmanager
def judging(rule: Rule) -> Iterator[Judging]:
    """Serve until the end of the block."""
    judge = Judging(rule)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            judge.bodies.append(body)
            judge.held.wait(30)
            usage = {"prompt_tokens": 1_000, "completion_tokens": 40, "total_tokens": 1_040}
            message = {"role": "assistant", "content": judge.reply(body)}
            answer = json.dumps(
                {
                    "id": "chatcmpl-1",
                    "object": "chat.completion",
                    "created": 1,
                    "model": body["model"],
                    "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                    "usage": usage,
                }
            ).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class has it so
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    judge.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield judge
    finally:
        judge.held.set()
        server.shutdown()
        server.server_close()
        thread.join()
