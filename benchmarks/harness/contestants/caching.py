"""The gateways that have a response cache, with it switched on: kept in the process's memory, as each has it."""

import json
import sqlite3
from collections.abc import Mapping

import yaml

from benchmarks.harness.contestants.base import KEY, Audit, Contestant, Launch, Place, Served
from benchmarks.harness.contestants.litellm import LiteLLM
from benchmarks.harness.contestants.portkey import Portkey
from benchmarks.harness.contestants.tenbin import Tenbin
from benchmarks.harness.points import Route


class TenbinCaching(Tenbin):
    """Tenbin whose answers all come out of its cache but the first."""

    name = "tenbin-cached"
    title = "Tenbin, exact hit"
    note = "`cache: {exact: serve, sampled: always}` in memory: key check, decision, look-up, a receipt in SQLite."

    def prepare(self, place: Place) -> Launch:
        """As without a cache, and the cache."""
        launch = super().prepare(place)
        configuration = place.work / "tenbin.yaml"
        written = yaml.safe_load(configuration.read_text())
        written["cache"] = {"exact": "serve", "sampled": "always"}
        configuration.write_text(yaml.safe_dump(written, sort_keys=False))
        return launch

    def audit(self, place: Place, served: Served) -> Audit:
        """One receipt for every answer; every one but the first of each kind is a hit that cost nothing."""
        query = (
            "SELECT count(*), sum(c.result = 'hit'), "
            "sum(c.result = 'hit' AND (r.cost_nano <> 0 OR c.saved_nano IS NULL)) "
            "FROM requests r LEFT JOIN cached c ON c.request = r.id WHERE r.outcome = 'answered'"
        )
        with sqlite3.connect(f"file:{place.work / 'data' / 'ledger.sqlite'}?mode=ro", uri=True) as ledger:
            receipts, hits, wrong = ledger.execute(query).fetchone()
        ledger.close()
        enough = served.whole <= receipts <= served.whole + served.cut_at_most
        finding = f"{served.whole} answers received whole, {receipts} receipts, {hits} of them hits, {wrong or 0} wrong"
        return Audit(enough and not wrong and receipts - hits <= 4, finding)


class LiteLLMCaching(LiteLLM):
    """LiteLLM with its cache in the process."""

    name = "litellm-cached"
    title = "LiteLLM proxy, cache hit"
    note = "As without a cache, with `cache: true` and `cache_params: {type: local}`."

    def prepare(self, place: Place) -> Launch:
        """As without a cache, and the cache."""
        launch = super().prepare(place)
        configuration = place.work / "litellm.yaml"
        written = yaml.safe_load(configuration.read_text())
        written["litellm_settings"] |= {"cache": True, "cache_params": {"type": "local"}}
        configuration.write_text(yaml.safe_dump(written))
        return launch


class PortkeyCaching(Portkey):
    """Portkey with its simple cache."""

    name = "portkey-cached"
    title = "Portkey gateway, cache hit"
    note = (
        "As without a cache, with `cache: {mode: simple}` in the configuration that each request brings. The published "
        "package is built without what would keep answers, so that it never hits."
    )

    def headers(self, route: Route, place: Place) -> dict[str, str]:
        """The provider and the cache in one header."""
        before = super().headers(route, place)
        configuration = {
            "provider": before.pop("x-portkey-provider"),
            "custom_host": before.pop("x-portkey-custom-host"),
            "api_key": KEY,
            "cache": {"mode": "simple"},
        }
        return {**before, "x-portkey-config": json.dumps(configuration)}


CACHING: tuple[Contestant, ...] = (TenbinCaching(), LiteLLMCaching(), PortkeyCaching())
UNCACHED: Mapping[str, str] = {
    "tenbin-cached": "tenbin",
    "litellm-cached": "litellm",
    "portkey-cached": "portkey",
}
"""Each, and the same gateway without its cache."""

TELLS: Mapping[str, tuple[str, str]] = {
    "tenbin-cached": ("x-tenbin-cache", "hit"),
    "litellm-cached": ("x-litellm-cache-key", ""),
    "portkey-cached": ("x-portkey-cache-status", "HIT"),
}
"""The header of an answer out of the cache, and what it says (empty: anything)."""
