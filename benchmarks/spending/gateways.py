"""The same gateway, from open to keyed, budgeted, limited by a plan, and counted in a shared Redis."""

import json
import sqlite3
import subprocess
from collections.abc import Mapping
from typing import Any

import yaml

from benchmarks.harness.contestants.base import Audit, Launch, Place, Served
from benchmarks.harness.contestants.tenbin import COMMAND, Tenbin
from benchmarks.harness.points import Route

BUDGETS = [
    {"scope": "global", "window": "month", "usd": 9_000_000},
    {"scope": "key:*", "window": "day", "usd": 9_000_000},
]
"""Two hard budgets that count every call and that nobody reaches."""

PLAN = {
    "requests_per_day": 10**9,
    "tokens_per_day": 10**14,
    "input_tokens": 10**6,
    "output_tokens": 10**5,
    "requests_per_minute": 10**9,
    "concurrent_streams": 10**6,
}
"""Every limit that a plan has, out of reach."""


class Variant(Tenbin):
    """Tenbin with more or less to look at before each call."""

    def __init__(
        self, name: str, title: str, *, keyed: bool, plan: bool = False, spending: Mapping[str, Any] | None = None
    ) -> None:
        self.name, self.title = name, title
        self._keyed, self._plan, self._spending = keyed, plan, spending
        self._key = ""
        self.calls = 0
        """Attempts in its ledger, once it has ended."""

    def prepare(self, place: Place) -> Launch:
        """As in the other benchmarks, but without the master key; with a key from the store where it is keyed."""
        launch = super().prepare(place)
        file = place.work / "tenbin.yaml"
        written = yaml.safe_load(file.read_text())
        del written["master_key"]
        if self._spending is not None:
            written["spending"] = dict(self._spending)
        if self._plan:
            written["plans"] = {"named": {"bench": PLAN}}
        file.write_text(yaml.safe_dump(written, sort_keys=False))
        if self._keyed:
            command = [str(COMMAND), "keys", "create", "bench", "--data-dir", str(place.work / "data"), "--json"]
            command += ["--config", str(file)] + (["--plan", "bench"] if self._plan else [])
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(done.stderr)
            self._key = json.loads(done.stdout)["key"]
        return launch

    def headers(self, route: Route, place: Place) -> dict[str, str]:
        """The headers of an SDK, with the store's key where there is one."""
        headers = super().headers(route, place)
        if not self._key:
            return headers
        name = next(name for name in headers if name.lower() in ("authorization", "x-api-key"))
        return headers | {name: f"Bearer {self._key}" if name == "Authorization" else self._key}

    def audit(self, place: Place, served: Served) -> Audit:
        """As any Tenbin's; the calls that it made are counted besides."""
        with sqlite3.connect(f"file:{place.work / 'data' / 'ledger.sqlite'}?mode=ro", uri=True) as ledger:
            (self.calls,) = ledger.execute("SELECT count(*) FROM attempts").fetchone()
        ledger.close()
        return super().audit(place, served)


def variants(redis: str | None) -> list[Variant]:
    """From the least to the most; the last one only with a Redis (its address)."""
    found = [
        Variant("open", "open, on loopback", keyed=False),
        Variant("keyed", "a key from the store", keyed=True),
        Variant("budgeted", "keyed, two hard budgets in memory", keyed=True, spending={"budgets": BUDGETS}),
        Variant(
            "planned", "keyed, budgeted, every limit of a plan", keyed=True, plan=True, spending={"budgets": BUDGETS}
        ),
    ]
    if redis is not None:
        shared = {"budgets": BUDGETS, "store": redis}
        found.append(Variant("redis", "keyed, two hard budgets in a shared Valkey", keyed=True, spending=shared))
    return found
