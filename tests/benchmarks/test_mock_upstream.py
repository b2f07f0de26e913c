"""The mock provider, compiled and run: every load in both dialects, and bodies cut anywhere."""

import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.harness.load import Request
from benchmarks.harness.mock import mock_upstream
from benchmarks.harness.payloads import body
from benchmarks.harness.points import LOAD_TITLES, Dialect, Load
from benchmarks.harness.verify import WrongAnswer, verify

PATHS: dict[Dialect, str] = {"chat": "/v1/chat/completions", "messages": "/v1/messages"}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    assert shutil.which("gcc"), "the mock provider is C: apt-get install -y gcc"
    with mock_upstream(tmp_path_factory.mktemp("mock")) as mock:
        yield mock.port


@pytest.mark.parametrize("load", LOAD_TITLES)
@pytest.mark.parametrize("dialect", PATHS)
def test_it_answers_every_load_in_both_dialects(port: int, load: Load, dialect: Dialect) -> None:
    model = "bench-ticked" if load == "ticked" else "bench"
    assert verify(port, Request(PATHS[dialect], {}, body(load, dialect, model)), load, dialect) is None


def test_a_ticked_stream_takes_its_time(port: int) -> None:
    started = time.monotonic()
    verify(port, Request(PATHS["chat"], {}, body("ticked", "chat", "bench-ticked")), "ticked", "chat")
    assert time.monotonic() - started > 0.1  # 24 events, 5 ms apart: no machine can be faster


def test_an_answer_in_another_shape_is_refused(port: int) -> None:
    with pytest.raises(WrongAnswer, match="cut short"):
        verify(port, Request(PATHS["messages"], {}, body("small", "chat", "bench")), "small", "chat")
    with pytest.raises(WrongAnswer, match="status 404"):
        verify(port, Request("/elsewhere", {}, b"{}"), "small", "chat")


def _exchange(port: int, pieces: list[bytes]) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        for piece in pieces:
            client.sendall(piece)
        answer = b""
        while b"finish_reason" not in answer:
            received = client.recv(65536)
            assert received, answer
            answer += received
    return answer


def test_it_reads_chunked_bodies_cut_anywhere(port: int) -> None:
    sent = body("small", "chat", "bench")
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    whole = head + b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (100, sent[:100], len(sent) - 100, sent[100:])
    for cut in (10, len(head) - 2, len(head) + 1, len(head) + 50, len(whole) - 3):
        assert b" 200 OK" in _exchange(port, [whole[:cut], whole[cut:]])


def test_it_answers_two_requests_sent_together(port: int) -> None:
    sent = body("small", "chat", "bench")
    one = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(sent), sent)
    assert b" 200 OK" in _exchange(port, [one + one])


def test_its_binary_is_not_compiled_twice(tmp_path: Path) -> None:
    with mock_upstream(tmp_path):
        made = (tmp_path / "mock_upstream").stat().st_mtime_ns
    with mock_upstream(tmp_path):
        assert (tmp_path / "mock_upstream").stat().st_mtime_ns == made
