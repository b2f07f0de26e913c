"""Who is let in."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.api.caller import LOCAL, NO_KEY, WRONG_KEY, identify
from tenbin.config.keys import KeyRing
from tenbin.core.ask import Caller as Known
from tenbin.simulator import RunningSimulator
from tests.api.raw import Raw, post
from tests.execute.conftest import Caller, chained
from tests.real.books import House, serving

MASTER = "the-master-key-of-this-test"
SECOND = "another-key-of-this-test-0123456789"
RING = KeyRing({"bob": "sha256:" + hashlib.sha256(SECOND.encode()).hexdigest()}, MASTER)
BODY = b'{"model":"one","max_tokens":5,"messages":[{"role":"user","content":"Hi"}]}'


@pytest.fixture(scope="module")
def locked(simulator_running: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    digest = "sha256:" + hashlib.sha256(SECOND.encode()).hexdigest()
    config = chained(simulator_running.url, master_key=MASTER, keys={"bob": digest})
    with serving(config, tmp_path_factory.mktemp("locked")) as running:
        yield running


@pytest.mark.parametrize(
    ("headers", "key_id"),
    [
        ({"authorization": f"Bearer {MASTER}"}, "master"),
        ({"authorization": f"bearer  {MASTER}"}, "master"),
        ({"x-api-key": MASTER}, "master"),
        ({"x-api-key": SECOND}, "bob"),
        ({"authorization": "Bearer something-else", "x-api-key": MASTER}, "master"),
        ({"authorization": f"Bearer {MASTER}", "x-api-key": "something-else"}, "master"),
        ({"authorization": f"Bearer {MASTER}", "host": "gateway.example", "origin": "https://x.example"}, "master"),
    ],
)
def test_a_key_in_either_header(
    locked: House, simulator: RunningSimulator, headers: dict[str, str], key_id: str
) -> None:
    locked.books.new()
    caller = Caller(locked.url)
    assert caller.ask("anthropic", "one", headers=headers).status_code == 200
    caller.http.close()
    assert locked.books.one().key_id == key_id
    assert MASTER not in str(simulator.requests()[0]["headers"])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": f"Basic {MASTER}"},
        {"authorization": MASTER},
        {"x-api-key": ""},
        {"x-api-key": MASTER[:-1]},
        {"x-api-key": MASTER + "x"},
        {"x-api-key": RING._names.__iter__().__next__()},
    ],
)
def test_anything_else_is_refused_in_the_clients_dialect(
    locked: House, simulator: RunningSimulator, headers: dict[str, str]
) -> None:
    caller = Caller(locked.url)
    for dialect in ("anthropic", "openai_chat"):
        response = caller.ask(dialect, "one", headers=headers)
        assert response.status_code == 401
        assert response.headers["x-should-retry"] == "false"
        body = response.json()
        assert ("type" in body) == (dialect == "anthropic")
        assert "key" in body["error"]["message"].lower()
        assert MASTER not in response.text
    for path in ("/v1/models", "/metrics", "/v1/models/one"):
        assert caller.http.get(path, headers=headers).status_code == 401
    for path in ("/health/liveliness", "/health/readiness", "/"):
        assert caller.http.get(path, headers=headers).status_code == 200
    caller.http.close()
    assert simulator.requests() == []


def test_a_stranger_need_not_send_the_whole_body_to_be_refused(locked: House) -> None:
    with Raw(locked.url) as raw:
        raw.send(post("/v1/messages", b"x" * 1_000_000)[:500])
        assert raw.answer()[0].status == 401


# -- without a key, on loopback


@pytest.mark.parametrize(
    ("host", "origin", "allowed"),
    [
        ("127.0.0.1:4000", None, True),
        ("localhost", None, True),
        ("LOCALHOST:80", None, True),
        ("[::1]:4000", None, True),
        (None, None, True),
        ("127.0.0.1", "http://localhost:3000", True),
        ("127.0.0.1", "http://127.0.0.1", True),
        ("evil.example", None, False),
        ("localhost.evil.example", None, False),
        ("127.0.0.1.evil.example", None, False),
        ("192.168.0.5:4000", None, False),
        ("", None, False),
        ("127.0.0.1", "https://evil.example", False),
        ("127.0.0.1", "null", False),
        ("127.0.0.1", "http://localhost.evil.example", False),
        ("127.0.0.1", "http://localhost@evil.example", False),
    ],
)
def test_no_web_page_spends_the_users_money(
    house: House, simulator: RunningSimulator, host: str | None, origin: str | None, allowed: bool
) -> None:
    headers = [b"host: " + host.encode()] if host is not None else []
    headers += [b"origin: " + origin.encode()] if origin is not None else []
    for request, local in [
        (post("/v1/messages", BODY, *headers), 200),
        (b"GET /v1/models HTTP/1.1\r\n" + b"\r\n".join([b"host: localhost", *headers, b"", b""]), 200),
        (b"GET /metrics HTTP/1.1\r\n" + b"\r\n".join([b"host: localhost", *headers, b"", b""]), 200),
    ]:
        with Raw(house.url) as raw:
            raw.send(request.replace(b"host: localhost\r\n", b"", 1))
            response, _ = raw.answer()
            assert response.status == (local if allowed else 403)
            assert response.headers["access-control-allow-origin"] is None
    assert len(simulator.requests()) == (1 if allowed else 0)


names = st.sampled_from([b"authorization", b"x-api-key", b"host", b"x-other"])
words = st.sampled_from([MASTER.encode(), b"Bearer " + MASTER.encode(), b"Bearer ", SECOND.encode(), b"\xff", b""])


@given(st.lists(st.tuples(names, words | st.binary(max_size=20)), max_size=5))
def test_only_who_shows_a_key_is_known(headers: list[tuple[bytes, bytes]]) -> None:
    found = identify(headers, RING)
    shown = {
        value.strip() if name == b"x-api-key" else value.partition(b" ")[2].strip()
        for name, value in headers
        if name == b"x-api-key" or (name == b"authorization" and value.lower().startswith(b"bearer "))
    }
    if {MASTER.encode(), SECOND.encode()} & shown:
        assert isinstance(found, Known)
        assert found.key_id in ("master", "bob")
    else:
        assert found == (WRONG_KEY if shown else NO_KEY)
    assert found != LOCAL


def test_beyond_loopback_a_key_is_needed_to_start(tmp_path: Path, simulator_running: RunningSimulator) -> None:
    from tenbin.config.address import BadAddress
    from tenbin.running import serve

    for host in ("0.0.0.0", "::", "192.168.0.5"):
        with pytest.raises(BadAddress) as refused:
            serve(chained(simulator_running.url), data_dir=tmp_path, host=host, port=0)
        assert "master_key" in refused.value.fix
    assert list(tmp_path.iterdir()) == []
