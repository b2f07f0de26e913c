"""Through a proxy named in the environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY): a CONNECT tunnel, then TLS in it."""

import asyncio
import base64
import ssl
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from tenbin.execute.upstream.address import Origin
from tenbin.execute.upstream.connection import Connection

MOST_PROXY_HEAD_BYTES = 16_384


class ProxyUnreachable(OSError):
    """Nobody answers at the proxy's address. (One that answers, and refuses, is obeyed.)"""


class Proxy(NamedTuple):
    """A proxy to tunnel through."""

    host: str
    port: int
    authorization: bytes | None


def proxy_for(origin: Origin) -> Proxy | None:
    """The environment's proxy for an origin, None for a direct connection (always direct to this machine)."""
    proxies = getproxies_environment()
    if not proxies or origin.local or proxy_bypass(origin.host):
        return None
    url = proxies.get("https" if origin.secure else "http") or proxies.get("all")
    if not url:
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if not parts.hostname:
        return None
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = b"Basic " + base64.b64encode(pair.encode())
    return Proxy(parts.hostname, parts.port or 8080, authorization)


async def tunnel(
    loop: asyncio.AbstractEventLoop,
    connection: Connection,
    proxy: Proxy,
    origin: Origin,
    context: ssl.SSLContext | None,
) -> None:
    """Connect to the origin through the proxy. Raises OSError when either cannot be reached."""
    handshake = _Handshake(loop)
    try:
        transport, _ = await loop.create_connection(lambda: handshake, proxy.host, proxy.port)
    except OSError as error:
        raise ProxyUnreachable(error.errno, error.strerror or str(error)) from None
    where = f"{origin.host}:{origin.port}".encode()
    head = b"CONNECT " + where + b" HTTP/1.1\r\nhost: " + where + b"\r\n"
    if proxy.authorization:
        head += b"proxy-authorization: " + proxy.authorization + b"\r\n"
    try:
        transport.write(head + b"\r\n")
        status = await handshake.done
        if not 200 <= status < 300:
            raise OSError(f"the proxy refused the connection to {origin.key} with status {status}")
        if context is None:
            transport.set_protocol(connection)
            connection.connection_made(transport)
            return
        secure = await loop.start_tls(transport, connection, context, server_hostname=origin.host)
        if secure is None:
            raise OSError("the connection closed during the TLS handshake")
        connection.connection_made(secure)
    except BaseException:
        transport.abort()
        raise


class _Handshake(asyncio.Protocol):
    """Reads the proxy's answer to CONNECT."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.done: asyncio.Future[int] = loop.create_future()
        self._data = b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        if b"\r\n\r\n" not in self._data and len(self._data) < MOST_PROXY_HEAD_BYTES:
            return
        words = self._data.split(b"\r\n", 1)[0].split(b" ")
        status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
        if not self.done.done():
            self.done.set_result(status)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(OSError("the proxy closed the connection"))
