"""A gateway with a master key, in front of a simulator, and whoever administers it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import httpx2
import pytest

from tenbin.simulator import RunningSimulator
from tests.execute.conftest import chained, nothing_failed_inside, simulator, simulator_running
from tests.real.books import House, serving

__all__ = ["nothing_failed_inside", "simulator", "simulator_running"]

MASTER = "the-master-key-of-this-test"
CONFIGURED = "tb-a-key-of-the-configuration-0123456789"


class Admin:
    """Somebody who asks the admin API with a key, or without."""

    opened: ClassVar[list["Admin"]] = []
    """Of this test."""

    def __init__(self, url: str, key: str | None = MASTER) -> None:
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        self.http = httpx2.Client(base_url=url, headers=headers, timeout=30, trust_env=False)
        Admin.opened.append(self)
        self.secrets: list[str] = []
        self.texts: list[str] = []
        """Every answer but those that hand a secret over."""

    def __call__(self, method: str, path: str, body: Any = None, status: int = 200, **more: Any) -> Any:
        """The decoded answer, which has to have this status."""
        given = {"json": body} if body is not None else {}
        response = self.http.request(method, f"/admin/v1/{path}", **given, **more)
        assert response.status_code == status, response.text
        told = response.json()
        if "secret" in told:
            self.secrets.append(told["secret"])
        else:
            self.texts.append(response.text)
        return told

    def key(self, name: str, **rules: Any) -> str:
        """A new key's secret."""
        secret = self("POST", "keys", {"name": name, **rules}, 201)["secret"]
        assert isinstance(secret, str)
        return secret

    def admin_key(self, name: str, **rules: Any) -> str:
        """A new admin key's secret."""
        secret = self("POST", "admin-keys", {"name": name, **rules}, 201)["secret"]
        assert isinstance(secret, str)
        return secret


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


@pytest.fixture
def house(simulator: RunningSimulator, directory: Path) -> Iterator[House]:
    from tenbin.config.keys import hash_key

    more = {
        "master_key": MASTER,
        "keys": {"conf": hash_key(CONFIGURED)},
        "limits": {"wrong_keys": 1_000_000},
        "spending": {"budgets": [{"scope": "global", "window": "day", "usd": 100}], "breaker": {"hourly_usd": 50}},
    }
    with serving(chained(simulator.url, **more), directory) as running:
        yield running


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """Whoever has asked lets go of the connection."""
    yield
    while Admin.opened:
        Admin.opened.pop().http.close()


@pytest.fixture
def admin(house: House) -> Admin:
    return Admin(house.url)
