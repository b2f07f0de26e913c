"""What a key may do besides its models: paths, operations, networks."""

import msgspec
import pytest

from tenbin.core.account import Account
from tenbin.decide.access import refused


@pytest.mark.parametrize(
    ("networks", "address", "let_in"),
    [
        ((), "203.0.113.9", True),
        (("10.0.0.0/8",), "10.1.2.3", True),
        (("10.0.0.0/8",), "11.1.2.3", False),
        (("10.0.0.0/8",), "::ffff:10.1.2.3", True),
        (("10.0.0.0/8", "2001:db8::/32"), "2001:db8::1", True),
        (("10.0.0.0/8",), "2001:db8::1", False),
        (("fe80::/10",), "fe80::1%eth0", True),
        (("0.0.0.0/0",), "::1", False),
        (("10.0.0.0/8",), "", False),
        (("10.0.0.0/8",), "not an address", False),
    ],
)
def test_networks(networks: tuple[str, ...], address: str, let_in: bool) -> None:
    account = Account(key_id="key_a", name="a", networks=networks)
    found = refused(account, path="/v1/messages", operation="generate", address=address)
    assert (found is None) is let_in
    if found is not None:
        assert found.status == 403
        assert "10.0.0.0/8" in found.message or "0.0.0.0/0" in found.message


@pytest.mark.parametrize(
    ("routes", "operations", "path", "operation", "let_in"),
    [
        ((), (), "/v1/messages", "generate", True),
        ((), (), "/metrics", "", False),
        ((), (), "/health/targets", "", False),
        (("/metrics",), (), "/metrics", "", True),
        (("/metrics",), (), "/v1/messages", "generate", False),
        (("/v1/messages",), (), "/messages", "generate", True),
        (("/v1/messages",), (), "/v1/messages/count_tokens", "count_tokens", False),
        (("/v1/messages*",), (), "/v1/messages/count_tokens", "count_tokens", True),
        (("/v1/*",), ("embed",), "/v1/messages", "generate", False),
        ((), ("embed",), "/v1/embeddings", "embed", True),
        ((), ("embed",), "/v1/models", "", True),
    ],
)
def test_paths_and_operations(
    routes: tuple[str, ...], operations: tuple[str, ...], path: str, operation: str, let_in: bool
) -> None:
    account = Account(key_id="key_a", name="a", routes=routes, operations=operations)
    assert (refused(account, path=path, operation=operation, address="::1") is None) is let_in


@pytest.mark.parametrize(
    ("path", "of_admins", "of_data_keys"),
    [
        ("/v1/messages", 403, None),
        ("/v1/models", 403, None),
        ("/v1/feedback", 403, None),
        ("/metrics", None, 403),
        ("/cache/entries", None, None),
        ("/admin/v1/keys", None, 403),
        ("/admin/", None, 403),
    ],
)
def test_admin_keys_and_keys_for_clients_have_nothing_in_common(
    path: str, of_admins: int | None, of_data_keys: int | None
) -> None:
    admin = Account(key_id="key_a", name="ops", admin=True)
    found = refused(admin, path=path, operation="", address="::1")
    assert (found and found.status) == of_admins
    found = refused(Account(key_id="key_b", name="b"), path=path, operation="", address="::1")
    assert (found and found.status) == of_data_keys
    everywhere = Account(key_id="key_b", name="b", routes=("*", "/admin/*"))
    found = refused(everywhere, path=path, operation="", address="::1")
    assert (found is not None) is path.startswith("/admin/")
    elsewhere = msgspec.structs.replace(admin, networks=("10.0.0.0/8",))
    assert refused(elsewhere, path="/admin/v1/keys", address="127.0.0.1") is not None
    assert refused(elsewhere, path="/admin/v1/keys", address="10.1.1.1") is None
