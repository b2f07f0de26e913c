"""docs/simulator.md names every script key, profile, control endpoint and model rule, and none that does not exist."""

import re
from dataclasses import fields
from pathlib import Path

import msgspec

from tenbin.simulator import control
from tenbin.simulator.exchange import LogEntry
from tenbin.simulator.models import Model
from tenbin.simulator.scripts import Script
from tenbin.simulator.server import PROFILES
from tests.simulator.conftest import Client

PAGE = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()


def first_column(title: str) -> list[str]:
    """Return the names in the first column of the table whose head begins with `title`."""
    rows = PAGE.partition(f"\n| {title} |")[2].split("\n\n")[0].splitlines()[2:]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])]


def test_script_keys() -> None:
    assert sorted(first_column("Key")) == sorted(field.name for field in msgspec.structs.fields(Script))


def test_profiles() -> None:
    assert sorted(first_column("Profile")) == sorted(PROFILES)


def test_control_endpoints() -> None:
    existing = [f"{method} {control.PREFIX}{name}" for method, name in control.ACTIONS]
    assert sorted(first_column("Endpoint")) == sorted(existing)


def test_fields_of_log_and_models() -> None:
    for field in fields(LogEntry):
        assert f"`{field.name}`" in PAGE
    for field in fields(Model):
        assert field.name == "name" or f"`{field.name}`" in PAGE


def test_paths(client: Client) -> None:
    table = PAGE.partition("## Dialects")[2].partition("\n\n`GET")[0]
    paths = {path for path in re.findall(r"`(?:[A-Z]+ )?(/[a-z0-9_/]*)[A-Z]*`", table) if path != "/"}
    assert len(paths) > 10
    for path in paths:
        answers = [client.http.request(method, path, headers=client.headers).text for method in ("GET", "POST")]
        assert not all("Not found: " in answer for answer in answers), path
