"""Where Tenbin connects to and where never."""

import pytest

from tenbin.config.network import why_not


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.170.2",
        "fd00:ec2::254",
        "fe80::1%eth0",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "224.0.0.1",
        "metadata.google.internal",
        "Metadata.Google.Internal.",
    ],
)
@pytest.mark.parametrize("secure", [False, True])
def test_metadata_is_never_asked(address: str, secure: bool) -> None:
    assert why_not(address, secure=secure, plain_http=True) is not None


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "10.0.0.5", "192.168.1.20", "172.17.0.1", "fd12::1", "100.64.0.9"]
)
def test_servers_of_the_own_machine_and_network_need_no_leave(address: str) -> None:
    assert why_not(address, secure=False) is None
    assert why_not(address, secure=True) is None


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_plain_http_through_the_internet_has_to_be_wanted(address: str) -> None:
    assert "plain http" in (why_not(address, secure=False) or "")
    assert why_not(address, secure=False, plain_http=True) is None
    assert why_not(address, secure=True) is None


@pytest.mark.parametrize("name", ["localhost", "ollama", "api.example.com", "box.local", "2852039166"])
def test_a_name_is_judged_by_where_it_leads(name: str) -> None:
    assert why_not(name, secure=False) is None
