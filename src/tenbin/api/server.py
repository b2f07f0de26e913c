"""1. Listens for clients: makes a connection of each, and ends them all without breaking off an answer."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

from tenbin.api.client_side import Request
from tenbin.api.server_protocol import ClientConnection
from tenbin.config.model import Limits

BACKLOG = 2048
"""Connections that the kernel holds until they are taken."""

CANCEL_SECONDS = 5.0
"""How long requests that were cancelled may take to settle."""


class Server:
    """A listening socket and its connections, on the event loop that is running."""

    def __init__(
        self, application: Callable[[Request], Awaitable[None]], limits: Limits, body_limits: Callable[[], Limits]
    ) -> None:
        """``limits`` bound connections and heads; those of bodies are asked for with each request."""
        self.loop = asyncio.get_running_loop()
        self.application = application
        self.limits = limits
        self.body_limits = body_limits
        self.connections: set[ClientConnection] = set()
        self.stopping = False
        self._listening: asyncio.Server | None = None
        self._empty = asyncio.Event()

    async def listen(self, listener: socket.socket) -> None:
        """Take connections from a bound socket. Raises OSError."""
        self._listening = await self.loop.create_server(lambda: ClientConnection(self), sock=listener, backlog=BACKLOG)

    def lost(self) -> None:
        """Called by a connection that has ended."""
        if self.stopping and not self.connections:
            self._empty.set()

    async def stop(self, seconds: float) -> None:
        """Take no new connection or request, and return when all answers have come to their end.

        What is still running after ``seconds`` is cancelled.
        """
        self.stopping = True
        if self._listening is not None:
            self._listening.close()
        for connection in list(self.connections):
            connection.stop()
        if not self.connections:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            running = [connection.task for connection in self.connections if connection.task is not None]
            for connection in list(self.connections):
                connection.transport.abort()
            if running:
                await asyncio.wait(running, timeout=CANCEL_SECONDS)
