"""A server of raw bytes: a coroutine plays each connection, so that it can misbehave in any way that a socket can."""

import asyncio
import contextlib
import datetime
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tenbin.execute.upstream.address import Origin
from tenbin.execute.upstream.client import UpstreamClient
from tenbin.execute.upstream.connection import UpstreamAnswer

T = TypeVar("T")

HEAD = b"POST /v1/messages HTTP/1.1\r\nhost: provider\r\ncontent-length: 2\r\n\r\n"
BODY = b"{}"


def run(work: Coroutine[Any, Any, T]) -> T:
    """On the loop that the gateway runs on."""
    return uvloop.run(work)


class Peer:
    """One connection, seen from the server."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        """Counts from 1."""
        self.reader, self.writer = reader, writer

    async def request(self) -> bytes:
        """The next request's head and body. Raises EOFError when the client has left."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        return head + await self.reader.readexactly(length)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def gone(self) -> None:
        """Wait until the client has closed the connection."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65_536):
                pass

    def reset(self) -> None:
        """End with a TCP reset."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.writer.transport.abort()


Play = Callable[[Peer], Awaitable[object]]


class RawServer:
    """``async with RawServer(play) as server: server.origin``; a connection ends when its play does."""

    def __init__(self, play: Play, tls: ssl.SSLContext | None = None) -> None:
        self._play, self._tls = play, tls
        self.connections = 0
        self.errors: list[BaseException] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "RawServer":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        scheme = "https" if self._tls else "http"
        self.origin = Origin(f"{scheme}://127.0.0.1:{self.port}", "127.0.0.1", self.port, bool(self._tls), True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.001)  # the transports close in the loop's next rounds
        if error is None and self.errors:
            raise self.errors[0]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        peer = Peer(self.connections, reader, writer)
        try:
            await self._play(peer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has left, or the server ends
        except Exception as error:  # noqa: BLE001 - shown when the server ends
            self.errors.append(error)
        finally:
            writer.close()
            self._tasks.discard(task)


async def ask(
    client: UpstreamClient, origin: Origin, *, first_byte: float = 5, idle: float = 5, total: float = 5
) -> UpstreamAnswer:
    return await client.send(origin, HEAD, BODY, first_byte=first_byte, idle=idle, total=total)


async def whole(client: UpstreamClient, origin: Origin, **limits: float) -> tuple[int, bytes]:
    """Send a request and read the whole answer: (status, body)."""
    answer = await ask(client, origin, **limits)
    try:
        return answer.status, await answer.whole(1 << 30)
    finally:
        client.release(answer)


def answer_of(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    lines = [b"HTTP/1.1 " + status, b"content-length: %d" % len(body), *headers, b"", b""]
    return b"\r\n".join(lines) + body


def certificates(directory: Path, *names: str) -> tuple[Path, ssl.SSLContext]:
    """A certificate authority of our own, and a server that it vouches for: (the authority's file, server side)."""
    today = datetime.datetime.now(datetime.UTC)
    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test's own authority")])

    def issue(subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, authority: bool) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(today - datetime.timedelta(days=1))
            .not_valid_after(today + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if not authority:
            alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
            alternatives.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        return builder.sign(authority_key, hashes.SHA256())

    authority_file, server_file = directory / "authority.pem", directory / "server.pem"
    pem = serialization.Encoding.PEM
    authority_file.write_bytes(issue(authority_name, authority_key, authority=True).public_bytes(pem))
    server_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
    private = server_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    server_file.write_bytes(private + issue(server_name, server_key, authority=False).public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_file)
    return authority_file, context


def served(
    play: Callable[[Peer], Awaitable[object]], work: Callable[[UpstreamClient, RawServer], Awaitable[object]]
) -> RawServer:
    """Do some work with a client against a server; both are closed after it."""

    async def main() -> RawServer:
        client = UpstreamClient(connect_seconds=5)
        async with RawServer(play) as server:
            try:
                await work(client, server)
                assert client.open_answers == 0
            finally:
                client.close()
        return server

    return run(main())
