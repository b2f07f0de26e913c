"""`benchmarks/run cascade`: plays the cascade and what stands beside it, prints the tables, and publishes them."""

import argparse
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.cascade import report
from benchmarks.cascade.figures import PUBLISHED, Result, Rung, Single, Swept, compared
from benchmarks.cascade.ladders import MOST_RUNGS, SCORED_ON, Played, play
from benchmarks.cascade.noise import FILE, PERFECT, Noise, bell, measured
from benchmarks.cascade.outcomes import ROUTERBENCH, Outcomes, published, read
from benchmarks.harness import machine
from tenbin.measure.gates.formulas import auc_value
from tenbin.measure.routing.files import PyarrowMissing
from tenbin.measure.routing.formulas import Floats
from tenbin.measure.routing.hull import chosen

LATEST = PUBLISHED.parent.parent / "results" / "cascade.json"
DATA = "TENBIN_ROUTING_DATA"
AREAS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.825, 0.85, 0.875, 0.9, 0.95, 0.99)
"""Of the gates that are swept: what each would have to tell apart right answers from wrong ones."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `cascade` takes."""
    parser.add_argument("--data", type=Path, help=f"folder with {ROUTERBENCH} and FrugalGPT's points (or ${DATA})")
    parser.add_argument("--seed", type=int, default=1, help="of the gate's noise and the intervals (default 1)")
    parser.add_argument("--resamples", type=int, default=1000, help="of the prompts, for intervals (default 1000)")
    parser.add_argument("--json", type=Path, default=LATEST, help="where the results go")
    parser.add_argument("--publish", action="store_true", help="also write cascade/published.json, the page, the plot")
    parser.add_argument("--render", action="store_true", help="write the page again from what was published")


def run(given: argparse.Namespace) -> int:
    """Plays, prints, writes; returns the exit status."""
    if given.render:
        report.publish(report.read(PUBLISHED))
        return 0
    data = given.data or (Path(os.environ[DATA]) if os.environ.get(DATA) else None)
    if data is None or not (data / ROUTERBENCH).is_file():
        print(f"--data (or ${DATA}) must name a folder that holds {ROUTERBENCH}", file=sys.stderr)
        return 2
    try:
        result = measure(data, seed=given.seed, resamples=given.resamples)
    except PyarrowMissing as missing:
        print(missing, file=sys.stderr)
        return 2
    result.write(given.json)
    print(report.render(result))
    print(f"\nwritten: {given.json}", file=sys.stderr)
    if given.publish:
        result.write(PUBLISHED)
        report.publish(result)
    return 0


def measure(data: Path, *, seed: int = 1, resamples: int = 1000) -> Result:
    """Play everything. Raises PyarrowMissing, Unreadable, OSError."""
    begun, started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M"), time.monotonic()
    table = read(data)
    gates = measured()
    shown: dict[str, Callable[[], Played]] = {
        "random": lambda: play(table, bell(0.5), table.means, seed),
        "routing": lambda: _routed(table, table.routed),
        "oracle_routing": lambda: _oracle(table),
        "words": lambda: play(table, gates["words"], table.means, seed),
        "cascade": lambda: play(table, gates["one-answer"], table.means, seed),
        "routed": lambda: play(table, gates["one-answer"], table.routed, seed),
        "fooled": lambda: play(table, gates["one-answer"], table.means, seed, shared=True),
        "unskipped": lambda: play(table, gates["one-answer"], table.means, seed, skip=False),
        "best": lambda: play(table, gates["one-answer"], table.means, seed, best_of=True),
        "perfect": lambda: play(table, PERFECT, table.means, seed),
    }
    figures = []
    for name, played in shown.items():
        print(f"{name} ...", file=sys.stderr, flush=True)
        figures.append(compared(name, table, played(), resamples, seed))
    swept = []
    for area in AREAS:
        print(f"a gate of AUC {area} ...", file=sys.stderr, flush=True)
        told, best = (play(table, bell(area), table.means, seed, best_of=each) for each in (False, True))
        swept.append(
            Swept(
                auc=area,
                figures=compared("swept", table, told, 0, seed),
                best_equal=compared("best", table, best, 0, seed).equal.value,
            )
        )
    return Result(
        date=begun,
        seed=seed,
        seconds=time.monotonic() - started,
        machine=machine.describe(),
        prompts=len(table.good),
        trained_on=table.trained_on,
        router=table.router,
        resamples=resamples,
        draws=SCORED_ON,
        most_rungs=MOST_RUNGS,
        gate_from=report.gate_from(FILE),
        gate_auc={name: _auc(noise, resamples, seed) for name, noise in gates.items()},
        best=_rung(table, table.best),
        singles=_singles(table),
        figures=figures,
        swept=swept,
        frugalgpt=published(data),
    )


def _auc(noise: Noise, resamples: int, seed: int) -> Single:
    told = np.concatenate([noise.right, noise.wrong])
    found = auc_value(told, np.arange(len(told)) < len(noise.right), resamples, seed)
    assert found.value is not None
    return Single(found.value, found.low, found.high)


def _rung(table: Outcomes, model: int) -> Rung:
    return Rung(
        model=table.models[model],
        accuracy=float(table.good[:, model].mean()),
        cost=float(table.cost[:, model].mean()),
    )


def _singles(table: Outcomes) -> list[Rung]:
    return sorted((_rung(table, model) for model in range(len(table.models))), key=lambda one: one.cost)


def _routed(table: Outcomes, expected: Floats) -> Played:
    """One model for each prompt, by what is expected of it and what its answers cost on average."""
    return _picked(table, chosen(expected, table.cost.mean(axis=0)))


def _oracle(table: Outcomes) -> Played:
    """The cheapest model that is right, where one is."""
    return _picked(table, chosen(table.quality, table.cost))


def _picked(table: Outcomes, picks: np.ndarray) -> Played:
    rows = np.arange(len(table.good))[:, None]
    return Played(table.quality[rows, picks], table.cost[rows, picks], None, [])
