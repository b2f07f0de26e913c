"""The store of spending by its name; what is wrong with a name is said without the password in it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tenbin.core.budget import Spending
from tenbin.execute.clock import SystemClock
from tenbin.execute.spending.memory import MemorySpending
from tenbin.execute.spending.opening import CannotOpen, open_spending, owner_of
from tenbin.execute.spending.postgres import PostgresSpending
from tenbin.execute.spending.redis import RedisSpending
from tenbin.execute.spending.sqlite import SqliteSpending


def made(store: str, directory: Path) -> Spending:
    return open_spending(store, directory, clock=SystemClock(), tell=print)


@pytest.mark.parametrize(
    ("store", "kind"),
    [
        ("memory", MemorySpending),
        ("sqlite", SqliteSpending),
        ("sqlite:////var/lib/tenbin/budgets.sqlite", SqliteSpending),
        ("redis://127.0.0.1:6379/0", RedisSpending),
        ("rediss://me:secret@cache.example:6380/2", RedisSpending),
        ("valkey://127.0.0.1", RedisSpending),
        ("postgresql://me:secret@db.example/tenbin", PostgresSpending),
    ],
)
def test_each_store_by_its_name(store: str, kind: type, tmp_path: Path) -> None:
    assert isinstance(made(store, tmp_path), kind)


@pytest.mark.parametrize(
    ("store", "why"),
    [
        ("", "'' is no store of spending"),
        ("Memory", "'Memory' is no store of spending"),
        ("mysql://me:secret@db.example/x", "'mysql' is no store of spending"),
        ("redis://", "is not a redis"),
        ("redis:host", "is not a redis"),
        ("redis://me:secret@host:port/0", "port"),
        ("postgresql://me:secret@[db.example/x", "no address of a server"),
        ("sqlite://budgets.sqlite", "three slashes"),
        ("sqlite:///", "three slashes"),
    ],
)
def test_what_is_wrong_with_a_name_is_said(store: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(CannotOpen) as raised:
        made(store, tmp_path)
    assert str(raised.value).startswith("spending.store: ")
    assert why in str(raised.value)
    assert "postgresql://HOST/NAME" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_files_lie_beside_the_ledger_or_where_they_are_said_to(tmp_path: Path) -> None:
    for store, path in (
        ("sqlite", tmp_path / "budgets.sqlite"),
        ("sqlite:///other.sqlite", tmp_path / "other.sqlite"),
        (f"sqlite:///{tmp_path}/x/b.sqlite", tmp_path / "x/b.sqlite"),
    ):
        found = made(store, tmp_path)
        assert isinstance(found, SqliteSpending)
        assert found._path == path


def test_a_gateway_is_known_again(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    known = owner_of(first, SystemClock())
    assert len(known) == 20
    assert owner_of(first, SystemClock()) == known
    assert owner_of(second, SystemClock()) != known
    assert sorted(path.name for path in first.iterdir()) == ["budgets.owner"]


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotOpen, match=r"budgets\.owner can neither be read nor made"):
        made("sqlite", tmp_path / "file")


@pytest.mark.parametrize(
    ("store", "module", "extra"),
    [("redis://127.0.0.1", "redis", "tenbin[redis]"), ("postgresql://127.0.0.1/x", "asyncpg", "tenbin[postgres]")],
)
def test_a_client_that_is_not_installed_is_named(store: str, module: str, extra: str, tmp_path: Path) -> None:
    program = f"""
import sys
sys.modules["{module}"] = sys.modules["{module}.asyncio"] = None
from pathlib import Path
from tenbin.execute.clock import SystemClock
from tenbin.execute.spending.opening import CannotOpen, open_spending
try:
    open_spending({store!r}, Path({str(tmp_path)!r}), clock=SystemClock())
except CannotOpen as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.startswith("spending.store: ")
    assert f"pip install '{extra}'" in said


def test_what_is_not_named_is_not_imported(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from tenbin.execute.clock import SystemClock
from tenbin.execute.spending.opening import open_spending
open_spending("sqlite", Path({str(tmp_path)!r}), clock=SystemClock())
print([name for name in ("redis", "asyncpg") if name in sys.modules])
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said == "[]\n"
