"""Real receivers of alerts: a webhook and a mail server that behave, fail or hang as they are told."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tenbin.config.alerts import AlertsConfig
from tenbin.core.alert import Alert, AlertKind, Severity, Words
from tenbin.execute.alerts.desk import AlertDesk
from tenbin.execute.alerts.receivers import receivers
from tenbin.execute.clock import SystemClock
from tests.real.books import PATIENCE_SECONDS

TOKEN = "tok3n-that-nobody-may-see"


class Webhook:
    """A real HTTP server; ``behave`` gives the status of each answer, and may take its time."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        """Of answers with 200."""
        self.calls = 0
        self.behave: Callable[[int], int] = lambda call: 200
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.calls += 1
                body = self.rfile.read(int(self.headers["content-length"]))
                status = hook.behave(hook.calls)
                if status == 200:
                    hook.taken.append(json.loads(body))
                self.send_response(status)
                if status == 302:
                    self.send_header("location", "/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"json://user:{TOKEN}@127.0.0.1:{self._server.server_port}/{TOKEN}/hook?+x-token={TOKEN}"

    @property
    def titles(self) -> list[str]:
        return [one["title"] for one in self.taken]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class MailServer:
    """A real SMTP server."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.refuses = False
        box = self

        class Handler:
            async def handle_DATA(  # noqa: N802 - the name that aiosmtpd calls
                self, server: Any, session: Any, envelope: Any
            ) -> str:
                if box.refuses:
                    return "451 not now"
                box.taken.append(message_from_bytes(envelope.content, policy=default))
                return "250 taken"

        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._controller = Controller(Handler(), hostname="127.0.0.1", port=self._port)
        self._controller.start()

    @property
    def address(self) -> str:
        return f"mailto://127.0.0.1:{self._port}?from=tenbin@example.org&to=people@example.org&mode=insecure"

    def close(self) -> None:
        self._controller.stop()


class QuickClock(SystemClock):
    """Pauses of more than a second pass at once, and time goes on by as much."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead_ms = 0
        self.passing = True
        """Otherwise they take for ever."""

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms

    async def pause(self, ms: int) -> None:
        if ms <= 1_000:
            return await super().pause(ms)
        if not self.passing:
            await asyncio.Event().wait()
        # Whoever else waits goes first, as in life.
        await asyncio.sleep(0.05)
        self.ahead_ms += ms
        return None


def alert(
    number: object = 1, kind: AlertKind = "budget", severity: Severity = "warning", at_ms: int | None = None
) -> Alert:
    """Something to tell."""
    at = SystemClock().now_ms() if at_ms is None else at_ms
    english, japanese = Words(f"Title {number}", f"Body {number}"), Words(f"題 {number}", f"本文 {number}")
    return Alert(kind=kind, severity=severity, once=f"one:{number}", at_ms=at, english=english, japanese=japanese)


def configure(desk: AlertDesk, **fields: Any) -> None:
    """As tenbin.yaml would have it."""
    settings = AlertsConfig(**fields)
    desk.configure(settings, receivers(settings.to, settings.timeout_seconds))


async def until(met: Callable[[], bool], what: str) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not met():  # noqa: ASYNC110 - the other side is a thread
            await asyncio.sleep(0.01)
    assert met(), what


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    one = Webhook()
    yield one
    one.close()


@pytest.fixture
def mail() -> Iterator[MailServer]:
    one = MailServer()
    yield one
    one.close()
