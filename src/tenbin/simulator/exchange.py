"""One request and its response: reading, logging, early faults, and playing a stream with the faults of "
"its script."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from tenbin.simulator.prompt import ApiError, Prompt
from tenbin.simulator.scripts import GENERATED, Script
from tenbin.simulator.tokens import Meter
from tenbin.simulator.wire import Gone, Headers, Message, Wire

if TYPE_CHECKING:
    from tenbin.simulator.server import Simulator

_NGINX = b"""<html>\r
<head><title>%d %s</title></head>\r
<body>\r
<center><h1>%d %s</h1></center>\r
<hr><center>nginx/1.26.2</center>\r
</body>\r
</html>\r
"""
_REASONS = {
    500: b"Internal Server Error",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Time-out",
}

encode = msgspec.json.encode


@dataclass(slots=True)
class LogEntry:
    """What is remembered of a request. `usage` is the truth in disjoint buckets, whatever the client was "
    "told."""

    number: int
    time: float
    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    model: str | None = None
    status: int | None = None
    outcome: str = "open"
    """`complete`, `refused`, `client_gone`, `cut`, `error_event`; `open` while it is being served."""
    events_sent: int = 0
    request_id: str | None = None
    usage: dict[str, int] = field(default_factory=dict)
    duration_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """In a stream of events: wait that many milliseconds."""

    milliseconds: float


class Reply(Protocol):
    """An answer said in one dialect."""

    stream_type: str
    """Content type of the stream."""

    def whole(self) -> bytes:
        """Return the body of the unstreamed answer."""

    def events(self) -> Iterator[bytes | Pause]:
        """Yield the stream, framing included, one event at a time."""

    def error_event(self, error: ApiError) -> bytes:
        """Return the event that reports an error in mid-stream."""


class Exchange:
    """A request that is being answered."""

    def __init__(
        self,
        simulator: Simulator,
        scope: Mapping[str, Any],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
        profile: str,
        path: str,
    ) -> None:
        self.simulator, self.scope, self.receive, self.send = simulator, scope, receive, send
        self.profile, self.path, self.method = profile, path, str(scope["method"])
        self.header_list = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        self.headers = dict(self.header_list)
        self.body = b""
        self.script = GENERATED
        self.extra_headers: list[tuple[str, str]] = []
        self.meter = Meter()
        """Of a streamed answer's tokens."""
        self._sent: int | None = None
        """Tokens of a streamed answer that has begun, as far as it was sent; None of any other."""
        self.entry = simulator.new_entry(self)
        self._started = time.perf_counter()

    async def read(self, limit: int) -> None:
        """Read the body. Raises ApiError 413 above `limit` bytes, Gone if the client leaves."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Gone
            part = message.get("body", b"")
            size += len(part)
            if size <= limit:
                parts.append(part)
            if not message.get("more_body"):
                break
        self.body = b"".join(parts)
        if size > limit:
            raise ApiError(413, "Request exceeds the maximum size", "request_too_large")

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object. Raises ApiError 400."""
        try:
            value = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ApiError(400, f"The request body is not valid JSON: {error}") from None
        if not isinstance(value, dict):
            raise ApiError(400, "The request body must be a JSON object")
        return value

    @property
    def credential(self) -> str:
        """The key that the caller shows, or an empty string."""
        bearer = self.headers.get("authorization", "")
        return self.headers.get("x-api-key") or (bearer[7:] if bearer[:7].lower() == "bearer " else "")

    @property
    def subscription(self) -> bool:
        """Whether the caller shows a subscription token instead of an API key."""
        return "sk-ant-oat" in self.headers.get("authorization", "")

    def admit(self, prompt: Prompt) -> Script:
        """Choose the script, remember the model, and refuse what script or limits refuse. Raises ApiError."""
        self.entry.model = prompt.model_name
        self.script = script = self.simulator.scripts.choose(prompt)
        if script.status:
            message = script.message or f"simulated error {script.status}"
            headers = {}
            if script.retry_after is not None:
                headers["retry-after"] = f"{script.retry_after}"
            if script.x_should_retry is not None:
                headers["x-should-retry"] = str(script.x_should_retry).lower()
            raise ApiError(script.status, message, script.error_type, script.error_code, headers=headers)
        refused = self.simulator.limits.admit(self.credential)
        if refused:
            name, seconds = refused
            message = f"This request would exceed your organization's rate limit of {name} per minute"
            raise ApiError(429, message, code="rate_limit_exceeded", headers={"retry-after": str(seconds)})
        return script

    def settle(self, usage: Mapping[str, int]) -> None:
        """Log the true usage and count it against the limits."""
        self.entry.usage = dict(usage)
        fresh = sum(usage.get(name, 0) for name in ("input", "cache_write_5m", "cache_write_1h", "cache_write"))
        self.simulator.limits.spend(self.credential, fresh, usage.get("output", 0))

    def billed(self) -> dict[str, int]:
        """Return what a provider would bill, once the call is over: the true usage; of an answer that was broken off,
        the prompt and what had been produced until then; nothing for a call that was refused or failed.
        """
        entry, usage = self.entry, self.entry.usage
        if not usage or self.script.fails or entry.outcome == "refused":
            return {}
        if self._sent is None or entry.outcome == "complete":
            return usage
        if entry.outcome == "error_event" and not self._sent:
            return {}
        return {**usage, "output": min(self._sent, usage.get("output", 0))}

    def wire(self) -> Wire:
        """Return the wire to the client, with the script's slowness."""
        return Wire(self.scope["transport"], self.receive, self.send, self.script)

    async def respond(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        """Send a whole response, with the faults that a whole response can have."""
        script = self.script
        wire = self.wire()
        try:
            await self._work(wire)
            if script.malformed_chunk_at is not None and status == 200:
                body = body[: len(body) // 2]
            headers = [
                ("content-type", content_type),
                ("content-length", str(len(body))),
                *self.extra_headers,
            ]
            await wire.start(status, headers)
            self.entry.status = status
            broken = script.cut_after_events is not None or script.stall_after_events is not None
            if broken and status == 200:
                await wire.write(body[: len(body) // 2])
                if script.cut_after_events is None:
                    await self._stall(wire)
                else:
                    self.entry.outcome = "cut"
                    await wire.cut(script.reset)
                    return
                body = body[len(body) // 2 :]
            await wire.finish(body)
            self.entry.outcome = "complete" if status < 400 else "refused"
        finally:
            wire.release()

    async def _work(self, wire: Wire) -> None:
        """Wait as long as the script says; who leaves meanwhile has had the answer produced to the same share."""
        begun = time.perf_counter()
        try:
            await wire.sleep(self.script.delay_ms / 1000)
        except Gone:
            share = min(1.0, (time.perf_counter() - begun) * 1000 / self.script.delay_ms)
            self._sent = int(self.entry.usage.get("output", 0) * share)
            raise

    async def reply(self, prompt: Prompt, reply: Reply) -> None:
        """Send the answer, streamed or whole as the caller asked."""
        if not prompt.stream or self._strange:
            await self.reply_whole(b"" if self._strange else reply.whole())
        else:
            await self._stream(reply)

    @property
    def _strange(self) -> bool:
        script = self.script
        failing = script.close_before_response or script.html_error or script.empty_body
        return bool(failing or script.raw is not None)

    async def reply_whole(self, body: bytes) -> None:
        """Send `body`, or what the script wants instead of an answer."""
        script = self.script
        if not self._strange:
            await self.respond(200, body, script.content_type or "application/json")
            return
        if script.close_before_response:
            wire = self.wire()
            self.entry.outcome = "cut"
            await wire.sleep(script.delay_ms / 1000)
            await wire.cut(script.reset)
            wire.release()
        elif script.html_error:
            status = 502 if script.html_error is True else int(script.html_error)
            reason = _REASONS.get(status, b"Error")
            await self.respond(status, _NGINX % (status, reason, status, reason), "text/html")
        else:
            body = (script.raw or "").encode("utf-8", "surrogatepass")
            await self.respond(200, body, script.content_type or "application/json")

    async def _stream(self, reply: Reply) -> None:
        script = self.script
        wire = self.wire()
        self._sent = 0
        try:
            await wire.sleep(script.delay_ms / 1000)
            head: Headers = [
                ("content-type", script.content_type or reply.stream_type),
                ("cache-control", "no-cache"),
                *self.extra_headers,
            ]
            await wire.start(200, head)
            self.entry.status = 200
            if await self._play(wire, reply):
                await wire.finish()
                self.entry.outcome = "complete" if self.entry.outcome == "open" else self.entry.outcome
        finally:
            wire.release()

    async def _play(self, wire: Wire, reply: Reply) -> bool:
        """Write the events with the script's faults. Returns whether the response is to be ended properly."""
        script, entry = self.script, self.entry
        for event in reply.events():
            if isinstance(event, Pause):
                await wire.sleep(event.milliseconds / 1000)
                continue
            if script.cut_after_events == entry.events_sent:
                break
            if script.stall_after_events == entry.events_sent:
                await self._stall(wire)
            if script.error_event_at == entry.events_sent + 1:
                error = ApiError(script.status or 529, script.message or "Overloaded", script.error_type)
                await wire.write(_framed(reply.error_event(error), script.crlf))
                entry.events_sent += 1
                entry.outcome = "error_event"
                return True
            if script.malformed_chunk_at == entry.events_sent + 1:
                event = _malformed(event)
            await wire.write(_framed(event, script.crlf))
            entry.events_sent += 1
            self._sent = self.meter.produced
            if script.tick_ms:
                await wire.sleep(script.tick_ms / 1000)
        if script.cut_after_events is not None and script.cut_after_events <= entry.events_sent:
            entry.outcome = "cut"
            await wire.cut(script.reset)
            return False
        return True

    async def _stall(self, wire: Wire) -> None:
        if self.script.stall_ms is None:
            await wire.hang()
        else:
            await wire.sleep(self.script.stall_ms / 1000)

    def close(self) -> None:
        """Finish the log entry."""
        if self.entry.outcome == "open":
            self.entry.outcome = "client_gone"
        self.entry.duration_ms = (time.perf_counter() - self._started) * 1000
        self.simulator.invoice.add(self)


def _framed(event: bytes, crlf: bool) -> bytes:
    return event.replace(b"\n", b"\r\n") if crlf else event


def _malformed(event: bytes) -> bytes:
    """Cut the last line of an event in half; its framing stays."""
    body = event.rstrip(b"\n")
    start = body.rfind(b"\n") + 1
    return body[: start + (len(body) - start) // 2] + event[len(body) :]
