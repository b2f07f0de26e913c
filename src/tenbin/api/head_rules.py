"""1. What the head of a request has to be, beyond what the parser sees to; and how one that is not is refused."""

from collections.abc import Callable
from functools import lru_cache
from types import SimpleNamespace
from urllib.parse import unquote

import httptools

Headers = list[tuple[bytes, bytes]]


class BadHead(Exception):
    """A head that is refused before anybody has seen its request."""

    def __init__(self, status: bytes, message: str) -> None:
        super().__init__(message)
        self.status = status
        """Code and phrase; more headers may follow."""
        self.message = message


@lru_cache(maxsize=64)
def path_and_query(url: bytes) -> tuple[str, bytes]:
    """The decoded path and the raw query of a request's target. Raises BadHead when it names no path."""
    path, _, query = url.partition(b"?")
    if path[:1] != b"/" or b"#" in url:
        try:
            parsed = httptools.parse_url(url)
        except httptools.HttpParserInvalidURLError:
            raise BadHead(b"400 Bad Request", "the request's target is not a path") from None
        path, query = parsed.path or b"/", parsed.query or b""
    decoded = path.decode("ascii")  # the parser lets no other byte pass
    return (unquote(decoded) if "%" in decoded else decoded), query


def check_version(version: str, headers: Headers) -> None:
    """An HTTP that is not 1.1: 1.0 is served, but for what it did not have. Raises BadHead."""
    if version != "1.0":
        raise BadHead(b"505 HTTP Version Not Supported", "HTTP/1.1 is spoken here")
    if any(name == b"transfer-encoding" for name, _ in headers):
        # Who does not know it takes something else for the body (RFC 9112, 6.1).
        raise BadHead(b"400 Bad Request", "transfer-encoding is not a part of HTTP/1.0")


def check_size(url: bytes, headers: Headers, limit: int) -> None:
    """Count a head's own bytes. Raises BadHead when they are more than ``limit``."""
    if len(url) + sum(len(name) + len(value) + 4 for name, value in headers) > limit:
        raise too_large_head(limit)


def too_large_head(limit: int) -> BadHead:
    """Of a head over the limit, in bytes."""
    message = f"the request's headers are larger than limits.header_bytes ({limit} bytes)"
    return BadHead(b"431 Request Header Fields Too Large", message)


def too_slow_head(limit: float) -> BadHead:
    """Of a head that was not complete in time, in seconds."""
    return BadHead(b"408 Request Timeout", f"the request's head was not complete after {limit:g} s")


def too_many_clients(limit: int) -> BadHead:
    """Of a connection over the limit."""
    message = f"more than {limit} clients are connected (limits.connections); try again soon"
    return BadHead(b"503 Service Unavailable\r\nretry-after: 1", message)


def refusal(bad: BadHead) -> bytes:
    """The answer: JSON that both dialects' clients can show."""
    body = b'{"type":"error","error":{"type":"invalid_request_error","message":"%b"}}' % bad.message.encode()
    head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    return head % (bad.status, len(body)) + body


def body_parser(
    headers: Headers, on_body: Callable[[bytes], None], on_message_complete: Callable[[], None]
) -> httptools.HttpRequestParser | None:
    """A parser that stands behind a head which frames a body like this; None when it frames none."""
    framing = [header for header in headers if header[0] in (b"content-length", b"transfer-encoding")]
    if not framing:
        return None
    parser = httptools.HttpRequestParser(SimpleNamespace(on_body=on_body, on_message_complete=on_message_complete))
    parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n" % b"".join(b"%b: %b\r\n" % header for header in framing))
    return parser
