"""A client of bare sockets, which may send anything in any way."""

import contextlib
import io
import socket
from http.client import HTTPResponse
from types import TracebackType
from urllib.parse import urlsplit


class Raw:
    """One connection: ``with Raw(url) as raw: raw.send(b"GET / HTTP/1.1..."); raw.answer()``."""

    def __init__(self, url: str, seconds: float = 10.0) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=seconds)
        self._reader = _Unclosed(self.socket.makefile("rb"))

    def __enter__(self) -> "Raw":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.inner.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, method: str = "POST") -> tuple[HTTPResponse, bytes]:
        """The next answer: its head and its body. Raises http.client.HTTPException, OSError."""
        response = HTTPResponse(self._reader, method=method)  # type: ignore[arg-type]
        response.begin()
        return response, response.read()

    def closed(self) -> bool:
        """True when the other side closes without another byte; raises TimeoutError when it does not."""
        with contextlib.suppress(ConnectionError):
            return self._reader.inner.read(1) == b""
        return True

    def rest(self) -> bytes:
        """All bytes until the other side closes."""
        parts = []
        with contextlib.suppress(ConnectionError):
            while part := self._reader.inner.read1(65_536):
                parts.append(part)
        return b"".join(parts)


class _Unclosed:
    """Reads for one answer after another: what HTTPResponse reads ahead of its own end belongs to the next."""

    def __init__(self, inner: io.BufferedReader) -> None:
        self.inner = inner

    def makefile(self, mode: str) -> "_Unclosed":
        return self

    def readline(self, limit: int = -1) -> bytes:
        return self.inner.readline(limit)

    def read(self, size: int = -1) -> bytes:
        return self.inner.read(size)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


def post(path: str, body: bytes, *headers: bytes) -> bytes:
    """A request, as it stands on the wire."""
    lines = [b"POST " + path.encode() + b" HTTP/1.1", b"host: localhost", b"content-length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", b""]) + body
