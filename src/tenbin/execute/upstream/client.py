"""Opens and pools connections to providers, sends requests, and gives up those whose deadline has passed.

Measured against the alternatives in docs/decisions/0001-own-upstream-client.md.
"""

import asyncio
import ssl
from collections import deque

from tenbin.config.network import why_not
from tenbin.core.problems import Failure
from tenbin.execute.upstream.address import Origin
from tenbin.execute.upstream.connection import Connection, UpstreamAnswer, UpstreamFailed
from tenbin.execute.upstream.tunnel import Proxy, ProxyUnreachable, proxy_for, tunnel

IDLE_SECONDS = 55.0
"""An idle connection is closed after this long: just under the 60 s at which common load balancers do it."""

MOST_IDLE = 256
"""Idle connections kept for each origin."""

STALE_SECONDS = 1.0
"""A kept connection that closes within this behind a request, without a byte of an answer, had been closed before: the
request is sent again. Later than that the provider was at work."""

TICK_SECONDS = 0.1
"""How often deadlines are looked at: how late a time-out may come."""


NOT_CONNECTED = "not_connected"
"""Code of a failure that came before a connection did: nothing has been sent."""


class UpstreamClient:
    """All connections to all providers."""

    def __init__(self, *, connect_seconds: float = 10.0, trust_environment: bool = True) -> None:
        self.connect_seconds = connect_seconds
        """For connections that are made from now on."""
        self.past_proxy = False
        """Connect directly where the environment's proxy cannot be reached."""
        self._trust_environment = trust_environment
        self._idle: dict[str, deque[Connection]] = {}
        self._waiting: set[UpstreamAnswer] = set()
        self._ticker: asyncio.TimerHandle | None = None
        self._tls: ssl.SSLContext | None = None
        self._closed = False

    async def send(
        self, origin: Origin, head: bytes, body: bytes, *, first_byte: float, idle: float, total: float
    ) -> UpstreamAnswer:
        """Send a request and wait for the answer's head. Limits in seconds. Raises UpstreamFailed.

        A pooled connection that turns out to have been closed meanwhile is replaced once, silently: the provider
        has not read the request then.
        """
        loop = asyncio.get_running_loop()
        connection = self._take_idle(origin.key)
        if connection is None:
            connection = await self._connect(origin, loop)
        while True:
            stale_possible = connection.reused
            now = loop.time()
            answer = connection.send(head, body, now + first_byte)
            answer.idle_limit = idle
            answer.give_up_at = now + total
            self._watch(answer, loop)
            try:
                await answer.head()
            except UpstreamFailed:
                self._waiting.discard(answer)
                if answer.touched or not stale_possible or answer.failure is None or answer.failure.kind != "cut":
                    raise
                if loop.time() - now > STALE_SECONDS:
                    raise  # it was at work, and may charge for it: another call is another attempt
                connection = await self._connect(origin, loop)
                continue
            except BaseException:
                self.release(answer)
                raise
            return answer

    def release(self, answer: UpstreamAnswer) -> None:
        """Done with an answer: a complete one has given its connection back already, another is cut off now."""
        self._waiting.discard(answer)
        answer.close()

    def close(self) -> None:
        """Close everything at once."""
        self._closed = True
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None
        for answer in list(self._waiting):
            answer.close()
        self._waiting.clear()
        for connections in self._idle.values():
            for connection in connections:
                connection.abort()
        self._idle.clear()

    @property
    def open_answers(self) -> int:
        """Answers under way."""
        return len(self._waiting)

    # -- connections

    def _take_idle(self, key: str) -> Connection | None:
        connections = self._idle.get(key)
        while connections:
            connection = connections.pop()
            if not connection.closed and connection.transport is not None and not connection.transport.is_closing():
                return connection
        return None

    def _give_back(self, connection: Connection) -> None:
        if self._closed:
            connection.abort()
            return
        connections = self._idle.get(connection.origin)
        if connections is None:
            connections = self._idle[connection.origin] = deque()
        connection.idle_since = connection.loop.time()
        connections.append(connection)
        if len(connections) > MOST_IDLE:
            connections.popleft().abort()

    async def _connect(self, origin: Origin, loop: asyncio.AbstractEventLoop) -> Connection:
        connection = Connection(loop, origin.key, self._give_back)
        proxy = proxy_for(origin) if self._trust_environment else None
        try:
            async with asyncio.timeout(self.connect_seconds):
                await self._open(connection, origin, proxy, loop)
        except TimeoutError:
            connection.abort()
            message = f"no connection to {origin.key} within {self.connect_seconds:g} s"
            raise UpstreamFailed(Failure(kind="timeout", code=NOT_CONNECTED, message=message)) from None
        except ssl.SSLError as error:
            connection.abort()
            message = f"no secure connection to {origin.key}: {error.reason or error}"
            raise UpstreamFailed(Failure(kind="unreachable", message=message)) from None
        except OSError as error:
            connection.abort()
            where = f"the proxy {proxy.host}:{proxy.port}" if proxy else origin.key
            message = f"cannot reach {where}: {error.strerror or error}"
            raise UpstreamFailed(Failure(kind="unreachable", message=message)) from None
        return connection

    async def _open(
        self, connection: Connection, origin: Origin, proxy: Proxy | None, loop: asyncio.AbstractEventLoop
    ) -> None:
        context = self._tls_context() if origin.secure else None
        if proxy is not None:
            try:
                await tunnel(loop, connection, proxy, origin, context)
                return
            except ProxyUnreachable:
                if not self.past_proxy:
                    raise
        if context is not None:
            transport, _ = await loop.create_connection(
                lambda: connection, origin.host, origin.port, ssl=context, server_hostname=origin.host
            )
        else:
            transport, _ = await loop.create_connection(lambda: connection, origin.host, origin.port)
        # The address that the connection really has, whatever its name was looked up to before: nothing is said yet.
        peer = transport.get_extra_info("peername")
        why = why_not(str(peer[0]), secure=origin.secure, plain_http=origin.plain_http) if peer else None
        if why is not None:
            raise OSError(f"it leads to an address that is never called: {why}")

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls

    # -- deadlines

    def _watch(self, answer: UpstreamAnswer, loop: asyncio.AbstractEventLoop) -> None:
        self._waiting.add(answer)
        if self._ticker is None:
            self._ticker = loop.call_later(TICK_SECONDS, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._ticker = None
        if self._closed:
            return
        now = loop.time()
        for answer in list(self._waiting):
            if answer.complete or answer.failure is not None:
                self._waiting.discard(answer)
            elif answer.paused and now < answer.give_up_at:
                # The provider is held back because the client is slow: that is not the provider's silence.
                answer.deadline = now + answer.idle_limit
            elif now >= answer.deadline or now >= answer.give_up_at:
                self._waiting.discard(answer)
                answer.expire(now)
            elif answer.quiet_after and answer.status:
                answer.hush(now)
        still_idle = self._close_old(now)
        if self._waiting or still_idle:
            self._ticker = loop.call_later(TICK_SECONDS, self._tick, loop)

    def _close_old(self, now: float) -> bool:
        kept = False
        for connections in self._idle.values():
            while connections and (connections[0].closed or now - connections[0].idle_since > IDLE_SECONDS):
                connections.popleft().abort()
            kept = kept or bool(connections)
        return kept
