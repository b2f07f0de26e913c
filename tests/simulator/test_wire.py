"""Faults, as a client without any forgiveness sees them: through a bare socket."""

import json
import socket
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenbin.simulator import RunningSimulator
from tests.simulator.conftest import Client, events


def raw(
    simulator: RunningSimulator, script: dict[str, Any], stream: bool = True, wait: float = 20
) -> tuple[bytes, str]:
    """Send a Messages request; return all bytes received and how it ended: `closed`, `reset`, `silent`, `complete`."""
    body = {"model": "claude-sonnet-4-6", "max_tokens": 100, "stream": stream}
    sent = json.dumps({**body, "messages": [{"role": "user", "content": "hi"}]})
    head = (
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: k\r\nanthropic-version: 2023-06-01\r\n"
        f"x-simulate: {json.dumps(script)}\r\ncontent-length: {len(sent)}\r\n\r\n"
    )
    received = b""
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=wait) as connection:
        connection.sendall((head + sent).encode())
        try:
            while chunk := connection.recv(65536):
                received += chunk
                if stream and received.endswith(b"\r\n0\r\n\r\n"):
                    return received, "complete"
            return received, "closed"
        except ConnectionResetError:
            return received, "reset"
        except TimeoutError:
            return received, "silent"


def count_events(received: bytes) -> int:
    return received.count(b"event: ")


@pytest.mark.parametrize(("reset", "ending"), [(False, "closed"), (True, "reset")])
def test_cut_after_events(simulator: RunningSimulator, reset: bool, ending: str) -> None:
    received, how = raw(simulator, {"cut_after_events": 4, "reset": reset})
    assert (count_events(received), how) == (4, ending)
    assert simulator.requests()[-1]["outcome"] == "cut"
    assert simulator.requests()[-1]["events_sent"] == 4


def test_cut_of_a_whole_answer(simulator: RunningSimulator) -> None:
    received, how = raw(simulator, {"cut_after_events": 1}, stream=False)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length"))
    assert how == "closed"
    assert 0 < len(body) < length


def test_stall_until_the_client_leaves(simulator: RunningSimulator) -> None:
    received, how = raw(simulator, {"stall_after_events": 3}, wait=0.5)
    assert (count_events(received), how) == (3, "silent")
    while simulator.requests()[-1]["outcome"] == "open":
        pass
    assert simulator.requests()[-1]["outcome"] == "client_gone"


def test_stall_for_a_while(simulator: RunningSimulator) -> None:
    received, how = raw(simulator, {"stall_after_events": 3, "stall_ms": 30})
    assert how == "complete"
    assert b"message_stop" in received


def test_malformed_chunk_keeps_its_framing(client: Client) -> None:
    text = client.messages(stream=True, simulate={"malformed_chunk_at": 4}).text
    blocks = [block for block in text.split("\n\n") if block]
    assert blocks[3].startswith("event: content_block_delta\ndata: {")
    with pytest.raises(json.JSONDecodeError):
        json.loads(blocks[3].partition("data: ")[2])
    assert blocks[-1].startswith("event: message_stop")
    with pytest.raises(json.JSONDecodeError):
        client.messages(simulate={"malformed_chunk_at": 1}).json()


def test_error_event_ends_the_stream(client: Client, simulator: RunningSimulator) -> None:
    made = events(client.messages(stream=True, simulate={"error_event_at": 4}))
    assert len(made) == 4
    assert made[-1]["error"] == {"type": "overloaded_error", "message": "Overloaded"}
    chat = client.chat(stream=True, simulate={"error_event_at": 3, "message": "boom"}).text
    assert json.loads(chat.strip().rpartition("data: ")[2])["error"]["message"] == "boom"
    assert [entry["outcome"] for entry in simulator.requests()] == ["error_event"] * 2


def test_close_before_response_and_empty_body(simulator: RunningSimulator, client: Client) -> None:
    assert raw(simulator, {"close_before_response": True}) == (b"", "closed")
    assert raw(simulator, {"close_before_response": True, "reset": True}) == (b"", "reset")
    empty = client.messages(simulate={"empty_body": True})
    assert (empty.status_code, empty.content) == (200, b"")


def test_error_page_of_a_proxy(client: Client) -> None:
    page = client.messages(stream=True, simulate={"html_error": True})
    assert page.status_code == 502
    assert page.headers["content-type"] == "text/html"
    assert "nginx" in page.text
    assert client.chat(simulate={"html_error": 503}).status_code == 503


def test_status_with_its_headers(client: Client) -> None:
    script = {"status": 429, "retry_after": 3, "x_should_retry": False, "message": "slow down", "headers": {"x-a": "b"}}
    refused = client.messages(simulate=script)
    assert refused.status_code == 429
    assert refused.json()["error"] == {"type": "rate_limit_error", "message": "slow down"}
    assert (refused.headers["retry-after"], refused.headers["x-should-retry"]) == ("3", "false")
    assert refused.headers["x-a"] == "b"
    typed = client.messages(simulate={"status": 429, "error_type": "billing_error"})
    assert typed.json()["error"]["type"] == "billing_error"


def test_slow_headers_arrive_whole(simulator: RunningSimulator) -> None:
    received, how = raw(simulator, {"slow_headers": 40, "text": "hi"}, stream=False)
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert how == "closed"
    assert json.loads(body)["content"][0]["text"] == "hi"


def test_line_endings_compression_and_closing(client: Client) -> None:
    plain = events(client.messages(stream=True, simulate={"text": "hi"}))
    crlf = client.messages(stream=True, simulate={"text": "hi", "crlf": True})
    assert "\r\n\r\n" in crlf.text
    assert len(events(crlf)) == len(plain)
    packed = client.messages(simulate={"text": "hi", "gzip": True})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json()["content"][0]["text"] == "hi"
    assert client.messages(simulate={"connection_close": True}).headers["connection"] == "close"
    streamed = client.messages(stream=True, simulate={"text": "hi", "gzip": True})
    assert len(events(streamed)) == len(plain)


def test_raw_body_and_content_type(client: Client) -> None:
    answer = client.messages(simulate={"raw": "data: hello\n\n", "content_type": "text/event-stream"})
    assert answer.text == "data: hello\n\n"
    assert answer.headers["content-type"] == "text/event-stream"
    assert "request-id" not in client.messages(simulate={"no_request_id": True}).headers


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(1, 40), text=st.text(alphabet="aé天🙂 \n", min_size=1, max_size=40), crlf=st.booleans())
def test_any_cutting_gives_the_same_events(client: Client, size: int, text: str, crlf: bool) -> None:
    script = {"text": text, "chunk_tokens": 1, "crlf": crlf}
    for send in (client.messages, client.chat):
        whole, cut = (send(stream=True, simulate={**script, "split_bytes": n}).content for n in (0, size))
        assert len(whole) == len(cut)
    made = events(client.messages(stream=True, simulate={**script, "split_bytes": size}))
    assert "".join(event["delta"]["text"] for event in made if event["type"] == "content_block_delta") == text


def test_split_bytes_reach_the_client_apart(simulator: RunningSimulator) -> None:
    received, _ = raw(simulator, {"text": "🙂", "split_bytes": 3})
    body = received.partition(b"\r\n\r\n")[2]
    sizes = {int(line, 16) for line in body.split(b"\r\n")[::2] if line}
    assert sizes <= {0, 1, 2, 3}


def test_client_that_leaves_is_noticed(simulator: RunningSimulator) -> None:
    raw(simulator, {"output_tokens": 90, "tick_ms": 50, "chunk_tokens": 1}, wait=0.02)
    while simulator.requests()[-1]["outcome"] == "open":
        pass
    entry = simulator.requests()[-1]
    assert entry["outcome"] == "client_gone"
    assert entry["events_sent"] < 90
