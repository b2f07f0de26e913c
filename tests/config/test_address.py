"""Where Tenbin listens, and which URLs a provider may have."""

import pytest

from tenbin.config.address import BadAddress, check_base_url, check_listen, is_loopback, split_listen


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [
        ("127.0.0.1:4000", "127.0.0.1", 4000),
        ("localhost:0", "localhost", 0),
        ("[::1]:80", "::1", 80),
        ("gw.test:1", "gw.test", 1),
    ],
)
def test_an_address_and_a_port(listen: str, host: str, port: int) -> None:
    assert split_listen(listen) == (host, port)


@pytest.mark.parametrize(
    "listen", ["", ":4000", "127.0.0.1", "127.0.0.1:65536", "::1:4000", "300.0.0.1:1", "http://x:1"]
)
def test_what_is_no_address(listen: str) -> None:
    with pytest.raises(BadAddress):
        split_listen(listen)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "LOCALHOST"])
def test_loopback_needs_no_key(host: str) -> None:
    assert is_loopback(host)
    check_listen(host, None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "gw.test", "localhost.gw.test"])
def test_any_other_address_needs_one(host: str) -> None:
    with pytest.raises(BadAddress, match="no master_key"):
        check_listen(host, None)
    check_listen(host, "k" * 16)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "https://api.test/v1/", "http://[::1]:1/x"])
def test_a_base_url(url: str) -> None:
    check_base_url(url)


@pytest.mark.parametrize(
    "url",
    ["api.test", "file:///etc", "https://", "https://a b", "https://u@x", "https://x/#a", "http://x:0", "http://["],
)
def test_what_is_no_base_url(url: str) -> None:
    with pytest.raises(BadAddress):
        check_base_url(url)
