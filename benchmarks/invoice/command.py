"""`benchmarks/run invoice`: the drill from its first request to the reconciled ledger."""

import argparse
import json
import random
import shutil
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.harness import machine, report
from benchmarks.harness.contestants.base import BENCHMARKS
from benchmarks.harness.contestants.tenbin import Tenbin
from benchmarks.invoice.audit import Finding, audit, kinds_of_difference
from benchmarks.invoice.clients import Seen, drive
from benchmarks.invoice.house import House, house
from benchmarks.invoice.workload import requests

RESULT = BENCHMARKS / "results" / "invoice.json"
SEED = 20261122
REQUESTS_A_KILL = 6_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--requests", type=int, default=200_000, help="how many (default %(default)s)")
    parser.add_argument("--clients", type=int, default=32, help="at the same time (default %(default)s)")
    parser.add_argument("--kills", type=int, help=f"kill -9 of the gateway (default: 1 in {REQUESTS_A_KILL} requests)")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--budget-usd", type=float, default=1_000_000.0, help="limit of the three hard budgets")
    parser.add_argument("--json", type=Path, default=RESULT, help="where the figures go")
    parser.add_argument("--keep", action="store_true", help="keep the work folder, with ledger and statement")
    parser.add_argument("--publish", action="store_true", help="also write the finding to docs/benchmarks.md")


def run(chosen: argparse.Namespace, work: Path) -> int:
    """Runs the drill; returns 1 unless all is accounted for."""
    home = work / "invoice"
    shutil.rmtree(home, ignore_errors=True)
    kills = chosen.kills if chosen.kills is not None else max(1, chosen.requests // REQUESTS_A_KILL)
    figures = drill(home, chosen.requests, chosen.clients, kills, chosen.seed, chosen.budget_usd)
    text = summary(figures)
    print(text)
    chosen.json.write_text(json.dumps(figures, indent=2, default=str) + "\n")
    if chosen.publish:
        report.publish("invoice", text)
    if not chosen.keep:
        shutil.rmtree(home, ignore_errors=True)
    return 0 if figures["exact"] and figures["reconciled"]["total_nano"] == figures["invoice_nano"] else 1


def drill(home: Path, count: int, clients: int, kills: int, seed: int, budget_usd: float | None) -> dict[str, Any]:
    """Run it and return the figures."""
    chance = random.Random(seed + 1)
    kill_at = [chance.randrange(count // 20, count) for _ in range(kills)]

    def tell(done: int) -> None:
        if done % 10_000 == 0:
            print(f"{done:9,} requests", file=sys.stderr, flush=True)

    with house(home, budget_usd=budget_usd) as made:
        planned = requests(count, seed)
        seen = uvloop.run(drive(made, planned, clients=clients, kill_at=kill_at, seed=seed, tell=tell))
        made.gateway.stop()
        invoice = made.provider.invoice()
        (home / "invoice.json").write_text(json.dumps(invoice))
        (home / "statement.csv").write_bytes(made.provider.control("GET", "invoice?form=csv"))
        finding = audit(made.gateway.data / "ledger.sqlite", invoice["calls"], seen.request_ids)
        reconciled = reconcile(made)
        again = reconcile(made)
        return _figures(count, seen, made, finding, reconciled, again)


def reconcile(made: House) -> dict[str, Any]:
    """`tenbin ledger reconcile --apply` with the simulator's invoice; its report."""
    span = ("--since", "2020-01-01", "--until", "1d")
    told: dict[str, Any] = made.gateway.tell(
        "ledger", "reconcile", "--statement", str(made.work / "statement.csv"), "--apply", *span
    )
    return told


def _figures(
    count: int, seen: Seen, made: House, finding: Finding, reconciled: dict[str, Any], again: dict[str, Any]
) -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        "version": Tenbin().version(),
        "machine": machine.describe(),
        "requests": count,
        "seconds": round(seen.seconds, 1),
        "kills": made.gateway.kills,
        "seen": dict(seen.statuses.most_common()),
        "kinds": dict(seen.kinds.most_common()),
        "calls": finding.calls,
        "rows": finding.rows,
        "recognised_by_id": finding.by_id,
        "recognised_by_time": finding.by_time,
        "calls_without_a_row": len(finding.unknown_calls),
        "free_calls_without_a_row": dict(finding.free_calls),
        "rows_without_a_call": finding.never_arrived,
        "of_them_unexplained": len(finding.unexplained),
        "requests_not_in_the_ledger": len(finding.missing_requests),
        "rows_of_unknown_cost": finding.unknown_cost,
        "stated_rows": finding.stated,
        "stated_nano": finding.stated_nano,
        "stated_and_differing": len(finding.differing),
        "differing": dict(kinds_of_difference(finding)),
        "examples": [[asdict(row), call] for row, call in finding.differing[:20]],
        "examples_unknown": finding.unknown_calls[:20],
        "examples_missing": finding.missing_requests[:20],
        "estimates": {name: asdict(sums) for name, sums in sorted(finding.estimates.items())},
        "invoice_nano": finding.invoice_nano,
        "ledger_nano": finding.ledger_nano,
        "reconciled": {
            **reconciled["ledger"],
            "corrections_written": reconciled["corrections_written"],
            "matched_by_time": reconciled["matched_by_time"],
            "not_in_ledger": len(reconciled["not_in_ledger"]),
            "written_by_a_second_run": again["corrections_written"],
        },
        "exact": finding.exact,
    }


def summary(figures: dict[str, Any]) -> str:
    """The finding, as Markdown."""
    found, fixed = figures, figures["reconciled"]
    usd = {name: f"{found[name] / 1e9:,.9f}" for name in ("invoice_nano", "ledger_nano", "stated_nano")}
    whole = fixed["total_nano"] == found["invoice_nano"]
    lines = [
        f"Tenbin {found['version']}, {found['date']} (UTC): {found['requests']:,} requests in {found['seconds']:,.0f} "
        f"s, {found['kills']} times `kill -9` of the gateway.",
        "",
        "| what | found |",
        "| --- | --: |",
        f"| calls on the provider's invoice, refused and failed ones too | {found['calls']:,} |",
        f"| attempts in the ledger | {found['rows']:,} |",
        f"| recognised by the provider's id; by time and model | {found['recognised_by_id']:,}; "
        f"{found['recognised_by_time']:,} |",
        f"| **calls that cost something, without a row** | {found['calls_without_a_row']:,} |",
        f"| free calls without a row: {_listed(found['free_calls_without_a_row'])} | "
        f"{sum(found['free_calls_without_a_row'].values()):,} |",
        f"| rows without a call (the provider never had it); of them unexplained | {found['rows_without_a_call']:,}; "
        f"{found['of_them_unexplained']:,} |",
        f"| requests that a client had an id of, not in the ledger | "
        f"{_or_unseen(found['requests_not_in_the_ledger'])} |",
        f"| rows with stated usage that cost something | {found['stated_rows']:,}, {usd['stated_nano']} USD |",
        f"| **of them not equal to the nano-USD** | {found['stated_and_differing']:,} |",
        f"| invoice | {usd['invoice_nano']} USD |",
        f"| ledger as settled, estimates in it | {usd['ledger_nano']} USD "
        f"({100 * (found['ledger_nano'] / found['invoice_nano'] - 1):+.3f} %) |",
        f"| **ledger reconciled with the invoice** | {fixed['total_nano'] / 1e9:,.9f} USD: "
        f"{'equal' if whole else 'NOT EQUAL'} |",
        f"| corrections written; by a second run | {fixed['corrections_written']:,}; "
        f"{fixed['written_by_a_second_run']:,} |",
        "",
        "What was estimated, before the invoice came:",
        "",
        "| how the answer ended | rows | exact | ledger, USD | invoice, USD | ledger / invoice |",
        "| --- | --: | --: | --: | --: | --: |",
    ]
    for name, sums in found["estimates"].items():
        ratio = f"{sums['ledger'] / sums['invoice']:.3f}" if sums["invoice"] else "-"
        lines.append(
            f"| {name} | {sums['rows']:,} | {sums['exact']:,} | {sums['ledger'] / 1e9:.6f} | "
            f"{sums['invoice'] / 1e9:.6f} | {ratio} |"
        )
    seen = ", ".join(f"{name} {count:,}" for name, count in found["seen"].items())
    return "\n".join([*lines, "", f"What the clients saw: {seen or 'not kept of this run'}."])


def _or_unseen(count: int | None) -> str:
    return "not looked at in this run" if count is None else f"{count:,}"


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items())) or "none"
