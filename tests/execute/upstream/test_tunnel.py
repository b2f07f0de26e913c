"""TLS, and the way through a proxy; certificates are made on the spot."""

import asyncio
import ssl
from pathlib import Path

import pytest

from tenbin.execute.upstream.address import Origin, reach
from tenbin.execute.upstream.client import UpstreamClient
from tenbin.execute.upstream.connection import UpstreamFailed
from tenbin.execute.upstream.tunnel import proxy_for
from tests.execute.upstream.raw_server import Peer, RawServer, answer_of, certificates, run, whole

PROVIDER = "provider.test"


async def answer_twice(peer: Peer) -> None:
    for _ in range(2):
        await peer.request()
        await peer.send(answer_of(b"%d" % peer.number))


def origin_at(port: int, *, secure: bool) -> Origin:
    return reach(f"http{'s' if secure else ''}://{PROVIDER}:{port}").origin


class Proxy:
    """Takes CONNECT and passes bytes on to a port of this machine, or answers with something else."""

    def __init__(self, port: int, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        self.port, self.answer = port, answer
        self.heads: list[bytes] = []

    async def __call__(self, peer: Peer) -> None:
        self.heads.append(await peer.reader.readuntil(b"\r\n\r\n"))
        if b" 200 " not in self.answer:
            await peer.send(self.answer)
            return
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            await peer.send(self.answer)
            await self._pass_on(peer, reader, writer)
        finally:
            writer.close()

    async def _pass_on(self, peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65_536):
                sink.write(data)
                await sink.drain()
            sink.close()

        await asyncio.gather(pump(peer.reader, writer), pump(reader, peer.writer))


def test_tls_with_an_authority_that_the_environment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, context = certificates(tmp_path, PROVIDER)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))

    async def main() -> None:
        client = UpstreamClient()
        async with RawServer(answer_twice, context) as server:
            assert [await whole(client, server.origin) for _ in range(2)] == [(200, b"1")] * 2
            client.close()

    run(main())


def test_a_server_that_nobody_vouches_for_gets_no_request(tmp_path: Path) -> None:
    _, context = certificates(tmp_path, PROVIDER)
    requests = []

    async def play(peer: Peer) -> None:
        requests.append(await peer.request())

    async def main() -> None:
        client = UpstreamClient()
        async with RawServer(play, context) as server:
            with pytest.raises(UpstreamFailed) as failed:
                await whole(client, server.origin)
            assert failed.value.failure.kind == "unreachable"
            assert "certificate" in failed.value.failure.message.lower()
            client.close()

    run(main())
    assert requests == []


def test_plain_http_where_tls_is_expected() -> None:
    async def play(peer: Peer) -> None:
        await peer.reader.read(100)
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def main() -> None:
        client = UpstreamClient()
        async with RawServer(play) as server:
            with pytest.raises(UpstreamFailed) as failed:
                await whole(client, reach(f"https://127.0.0.1:{server.port}").origin)
            assert failed.value.failure.kind == "unreachable"
            client.close()

    run(main())


@pytest.mark.parametrize("past", [True, False])
def test_a_proxy_that_is_down_is_gone_past_only_if_that_is_allowed(monkeypatch: pytest.MonkeyPatch, past: bool) -> None:
    async def main() -> None:
        client = UpstreamClient()
        client.past_proxy = past
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        async with RawServer(answer_twice) as server:
            origin = Origin(f"http://127.0.0.1:{server.port}", "127.0.0.1", server.port, secure=False, local=False)
            try:
                if past:
                    assert await whole(client, origin) == (200, b"1")
                else:
                    with pytest.raises(UpstreamFailed) as failed:
                        await whole(client, origin)
                    assert failed.value.failure.kind == "unreachable"
                    assert "the proxy 127.0.0.1:1" in failed.value.failure.message
            finally:
                client.close()

    run(main())


@pytest.mark.parametrize("secure", [True, False])
def test_through_a_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secure: bool) -> None:
    authority, context = certificates(tmp_path, PROVIDER)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))

    async def main() -> None:
        client = UpstreamClient()
        async with RawServer(answer_twice, context if secure else None) as server:
            proxy = Proxy(server.port)
            async with RawServer(proxy) as proxy_server:
                url = f"http://user:p%40ss@127.0.0.1:{proxy_server.port}"
                monkeypatch.setenv("HTTPS_PROXY" if secure else "http_proxy", url)
                origin = origin_at(server.port, secure=secure)
                try:
                    assert [await whole(client, origin) for _ in range(2)] == [(200, b"1")] * 2
                finally:
                    client.close()
        assert len(proxy.heads) == 1
        assert proxy.heads[0].startswith(f"CONNECT {PROVIDER}:{server.port} HTTP/1.1\r\n".encode())
        assert b"proxy-authorization: Basic dXNlcjpwQHNz\r\n" in proxy.heads[0]

    run(main())


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n", "407"),
        (b"nonsense\r\n\r\n", "status 0"),
        (b"", "closed"),
    ],
)
def test_a_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch, answer: bytes, said: str) -> None:
    async def main() -> None:
        client = UpstreamClient(connect_seconds=5)
        async with RawServer(Proxy(0, answer)) as proxy_server:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy_server.port}")
            with pytest.raises(UpstreamFailed) as failed:
                await whole(client, origin_at(443, secure=True))
            assert failed.value.failure.kind == "unreachable"
            assert said in failed.value.failure.message
            client.close()

    run(main())


def test_a_proxy_that_says_nothing_meets_the_connect_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(peer: Peer) -> None:
        await peer.gone()

    async def main() -> None:
        client = UpstreamClient(connect_seconds=0.2)
        async with RawServer(silent) as proxy_server:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy_server.port}")
            with pytest.raises(UpstreamFailed) as failed:
                await whole(client, origin_at(443, secure=True))
            assert failed.value.failure.kind == "timeout"
            client.close()

    run(main())


def test_which_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    far, near = reach("https://api.provider.test").origin, reach("https://127.0.0.1:8443").origin
    assert proxy_for(far) is None
    monkeypatch.setenv("HTTPS_PROXY", "proxy.test:3128")
    chosen = proxy_for(far)
    assert chosen is not None
    assert (chosen.host, chosen.port, chosen.authorization) == ("proxy.test", 3128, None)
    assert proxy_for(near) is None
    assert proxy_for(reach("http://api.provider.test").origin) is None
    monkeypatch.setenv("NO_PROXY", "provider.test")
    assert proxy_for(far) is None


def test_a_wrong_name_in_the_certificate_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, context = certificates(tmp_path, "another.test")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))

    async def main() -> None:
        client = UpstreamClient()
        async with RawServer(answer_twice, context) as server, RawServer(Proxy(server.port)) as proxy_server:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy_server.port}")
            with pytest.raises(UpstreamFailed) as failed:
                await whole(client, origin_at(server.port, secure=True))
            assert failed.value.failure.kind == "unreachable"
            client.close()

    run(main())
    assert ssl.HAS_SNI
