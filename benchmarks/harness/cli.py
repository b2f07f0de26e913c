"""The commands of `benchmarks/run`."""

import argparse
import fcntl
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.cascade import command as cascade
from benchmarks.harness import caching, decision, lookups, machine, peers, profile, report, results, soak
from benchmarks.harness.contestants import CONTESTANTS, Contestant
from benchmarks.harness.contestants.base import BENCHMARKS
from benchmarks.harness.gates import judge
from benchmarks.harness.mock import MissingTool, mock_upstream, require_tools
from benchmarks.harness.points import all_points, quick_points
from benchmarks.harness.results import Run
from benchmarks.harness.session import measure
from benchmarks.invoice import command as invoice
from benchmarks.month import command as month
from benchmarks.spending import command as spending
from benchmarks.spending import overshoot

WORK = BENCHMARKS / ".work"
LATEST = BENCHMARKS / "results" / "latest.json"
PUBLISHED = BENCHMARKS / "published.json"


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    if not given or (given[0].startswith("-") and given[0] not in ("-h", "--help")):
        given = ["measure", *given]
    chosen = _parser().parse_args(given)
    try:
        if chosen.run not in (month.run, cascade.run, lookups.run) and getattr(chosen, "needs_tools", True):
            require_tools()
        WORK.mkdir(parents=True, exist_ok=True)
        with (WORK / "lock").open("w") as lock:
            # Two runs at once would measure each other, and share the directories of the gateways.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return int(chosen.run(chosen))
    except MissingTool as missing:
        print(missing, file=sys.stderr)
        return 2
    except BlockingIOError:
        print("another benchmark is running here; wait for its end", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks/run", description="CPU per request of Tenbin and its peers.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    measuring = commands.add_parser("measure", help="measure and print the tables (the default command)")
    measuring.add_argument("--only", help="names, with commas: " + ",".join(c.name for c in CONTESTANTS))
    measuring.add_argument("--quick", action="store_true", help="only the points that the targets are about")
    measuring.add_argument("--seconds", type=int, default=3, help="load per point (default 3)")
    measuring.add_argument("--rounds", type=int, default=1, help="repeat every point and take the best (default 1)")
    measuring.add_argument("--json", type=Path, default=LATEST, help="where the results go")
    measuring.add_argument("--peers", action="store_true", help="install missing peers first")
    measuring.add_argument("--publish", action="store_true", help="also write published.json and docs/benchmarks.md")
    measuring.add_argument("--strict", action="store_true", help="exit 1 unless every target is reached")
    measuring.set_defaults(run=_measure)

    installing = commands.add_parser("peers", help="install the other gateways under benchmarks/.peers")
    installing.set_defaults(run=_peers)

    rendering = commands.add_parser("render", help="write docs/benchmarks.md from published.json again")
    rendering.set_defaults(run=_render)

    soaking = commands.add_parser("soak", help="many requests in a row: is memory flat?")
    soak.add_arguments(soaking)
    soaking.set_defaults(run=lambda chosen: soak.run(chosen, WORK))

    deciding = commands.add_parser("decision", help="how long a weighed decision takes, without any network")
    decision.add_arguments(deciding)
    deciding.set_defaults(run=decision.run)

    looking = commands.add_parser("lookups", help="how long a look by meaning takes: embedders and vector indexes")
    lookups.add_arguments(looking)
    looking.set_defaults(run=lookups.run)

    caches = commands.add_parser(
        "cache", help="an answer out of the cache beside one that is asked for, and peers' ones"
    )
    caching.add_arguments(caches)
    caches.set_defaults(run=lambda chosen: caching.run(chosen, WORK))

    playing = commands.add_parser("month", help="a simulated month of traffic: what each way to choose a model costs")
    month.add_arguments(playing)
    playing.set_defaults(run=month.run)

    cascading = commands.add_parser("cascade", help="a cascade on public results: what it costs, how often it is right")
    cascade.add_arguments(cascading)
    cascading.set_defaults(run=cascade.run)

    _add_money(commands)

    profiling = commands.add_parser("profile", help="where Tenbin's CPU time goes, by py-spy")
    profile.add_arguments(profiling)
    profiling.set_defaults(run=lambda chosen: profile.run(chosen, WORK))
    return parser


def _add_money(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands about what is paid."""
    drilling = commands.add_parser("invoice", help="the ledger beside the provider's invoice, after many random deaths")
    invoice.add_arguments(drilling)
    drilling.set_defaults(run=lambda chosen: invoice.run(chosen, WORK), needs_tools=False)

    counting = commands.add_parser("spending", help="what keys, budgets and plans cost a request")
    spending.add_arguments(counting)
    counting.set_defaults(run=lambda chosen: spending.run(chosen, WORK))

    pressing = commands.add_parser("overshoot", help="does a hard budget hold when everything comes at once?")
    overshoot.add_arguments(pressing)
    pressing.set_defaults(run=lambda chosen: overshoot.run(chosen, WORK), needs_tools=False)


def _chosen(only: str | None) -> list[Contestant]:
    names = only.split(",") if only else [contestant.name for contestant in CONTESTANTS]
    unknown = set(names) - {contestant.name for contestant in CONTESTANTS}
    if unknown:
        raise SystemExit(f"--only: nobody is called {', '.join(sorted(unknown))}")
    return [contestant for contestant in CONTESTANTS if contestant.name in names]


def _measure(chosen: argparse.Namespace) -> int:
    contestants = _chosen(chosen.only)
    if chosen.peers:
        _peers(chosen)
    points = quick_points() if chosen.quick else all_points()
    begun = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    run = Run(begun, machine.describe(), chosen.seconds, chosen.rounds, [])
    with mock_upstream(WORK) as mock:
        run.contestants = measure(contestants, points, WORK, mock.port, seconds=chosen.seconds, rounds=chosen.rounds)
    run.write(chosen.json)
    print(report.render(run))
    print(f"\nwritten: {chosen.json}", file=sys.stderr)
    if chosen.publish:
        run.write(PUBLISHED)
        report.publish("results", report.render(run))
    return _status(run, chosen.strict)


def _status(run: Run, strict: bool) -> int:
    """1 if Tenbin was asked for and could not be measured, erred or answered wrongly; or, strictly, missed a target."""
    ours = next((standing for standing in run.contestants if standing.name == "tenbin"), None)
    gates = judge(run)
    broken = ours is not None and (ours.problem is not None or not all(gate.reached for gate in gates[-2:]))
    return 1 if broken or (strict and not all(gate.reached for gate in gates)) else 0


def _peers(_: argparse.Namespace) -> int:
    failures = peers.install()
    for name, why in failures.items():
        print(f"{name}: COULD NOT BE INSTALLED: {why}", file=sys.stderr)
    return 1 if failures else 0


def _render(_: argparse.Namespace) -> int:
    report.publish("results", report.render(results.read(PUBLISHED)))
    return 0
