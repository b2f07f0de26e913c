"""A server of bare sockets in threads: keeps every byte that it is sent, and answers with the bytes it is told."""

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType

OK = b'{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hi"}],' + (
    b'"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}'
)


def answer_of(body: bytes = OK, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A whole answer, its headers as they are given."""
    lines = [b"HTTP/1.1 " + status, b"content-type: application/json", b"content-length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", b""]) + body


class Listener:
    """``with Listener() as one: one.url, one.heads``; every request gets ``answer``."""

    def __init__(self, answer: Callable[[bytes], bytes] | bytes | None = None) -> None:
        self.answer = answer if answer is not None else answer_of()
        self.requests: list[bytes] = []
        """Each with its head and body, as it came."""
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> "Listener":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    @property
    def heads(self) -> list[list[bytes]]:
        """Of each request: the first line and the headers, names in lower case."""
        found = []
        for request in self.requests:
            first, *lines = request.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
            found.append([first, *(name.lower() + b":" + rest for name, _, rest in (x.partition(b":") for x in lines))])
        return found

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            data = b""
            while True:
                while b"\r\n\r\n" not in data:
                    piece = connection.recv(65_536)
                    if not piece:
                        return
                    data += piece
                head, _, rest = data.partition(b"\r\n\r\n")
                length = 0
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        length = int(line.partition(b":")[2])
                while len(rest) < length:
                    rest += connection.recv(65_536)
                request, data = head + b"\r\n\r\n" + rest[:length], rest[length:]
                self.requests.append(request)
                connection.sendall(self.answer(request) if callable(self.answer) else self.answer)
