"""Many requests in a row through one gateway: does its memory stay flat?"""

import argparse
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.harness import procfs, report
from benchmarks.harness.contestants import CONTESTANTS, Contestant
from benchmarks.harness.contestants.base import Place
from benchmarks.harness.load import drive, end_mark
from benchmarks.harness.mock import mock_upstream
from benchmarks.harness.points import CHAT, CHAT_TO_MESSAGES, MESSAGES, MESSAGES_TO_CHAT, Load, Route
from benchmarks.harness.process import LOAD_CORE, Running
from benchmarks.harness.session import gateway

FLAT_MB_PER_100K = 1.0
"""Memory counts as flat when it grows by no more than this over 100 000 requests once the caches are warm: 10 bytes a
request, less than the smallest object that a request could leave behind."""

MIX: tuple[tuple[Load, Route], ...] = (
    ("small", CHAT),
    ("small", MESSAGES),
    ("bulk", CHAT),
    ("bulk", MESSAGES_TO_CHAT),
    ("small", CHAT_TO_MESSAGES),
)
"""What is sent in turn, so that every path has the chance to leak."""


@dataclass(frozen=True)
class Sample:
    """Resident memory in MB (10^6 bytes) after so many requests."""

    requests: int
    rss_mb: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--warm-up", type=int, default=100_000, help="requests before the first sample (about)")
    parser.add_argument("--every", type=int, default=10_000, help="requests between two samples (about)")
    parser.add_argument("--contestant", default="tenbin", choices=[contestant.name for contestant in CONTESTANTS])
    parser.add_argument("--publish", action="store_true", help="also write the finding to docs/benchmarks.md")


def slope_mb_per_100k(samples: list[Sample]) -> float:
    """Growth of resident memory by least squares."""
    if len(samples) < 2:
        return 0.0
    mean_requests = sum(sample.requests for sample in samples) / len(samples)
    mean_rss = sum(sample.rss_mb for sample in samples) / len(samples)
    spread = sum((sample.requests - mean_requests) ** 2 for sample in samples)
    together = sum((sample.requests - mean_requests) * (sample.rss_mb - mean_rss) for sample in samples)
    return 100_000 * together / spread


def run(chosen: argparse.Namespace, work: Path) -> int:
    """Runs the soak and prints a sample a line; returns 1 if memory grows or an answer was wrong."""
    contestant = next(c for c in CONTESTANTS if c.name == chosen.contestant)
    if reason := contestant.missing():
        print(f"{contestant.name}: {reason}", file=sys.stderr)
        return 1
    with mock_upstream(work) as mock, gateway(contestant, work, mock.port) as (process, place):
        samples, errors = _soak(
            contestant, process, place, chosen.warm_up + chosen.every + chosen.requests, chosen.every
        )
    text = summary(contestant, samples, errors, chosen.warm_up)
    print(text)
    if chosen.publish:
        report.publish("soak", text)
    return 0 if slope_mb_per_100k(once_warm(samples, chosen.warm_up)) <= FLAT_MB_PER_100K and not errors else 1


def once_warm(samples: list[Sample], warm_up: int) -> list[Sample]:
    """The samples after so many requests. Until then the tokenizer is loaded by the first answer that was cut off, the
    database's and the allocator's pages fill, and so on."""
    return [sample for sample in samples if sample.requests >= warm_up]


def summary(contestant: Contestant, samples: list[Sample], errors: int, warm_up: int) -> str:
    """The finding and every sample, as Markdown."""
    counted = once_warm(samples, warm_up)
    slope = slope_mb_per_100k(counted)
    verdict = "flat" if slope <= FLAT_MB_PER_100K else "NOT FLAT"
    head = (
        f"{contestant.title} {contestant.version()}, {datetime.now(UTC):%Y-%m-%d} (UTC), {errors} errors. Over "
        f"{counted[-1].requests - counted[0].requests} requests, after {counted[0].requests} to warm up, resident "
        f"memory grows by {slope:+.2f} MB per 100 000 requests: {verdict} (limit {FLAT_MB_PER_100K:g})."
    )
    numbers = [f"{sample.requests} | {sample.rss_mb:.1f}" for sample in samples]
    return "\n".join([head, "", "| requests | RSS, MB |", "| --: | --: |", *(f"| {line} |" for line in numbers)])


def _soak(contestant: Contestant, process: Running, place: Place, wanted: int, every: int) -> tuple[list[Sample], int]:
    samples, done, errors, seconds, turn = [Sample(0, procfs.rss_mb(process.pid))], 0, 0, 1.0, 0
    mix = [(load, route) for load, route in MIX if route in contestant.routes]
    while done < wanted:
        share = 0
        while share < every:
            load, route = mix[turn % len(mix)]
            turn += 1
            sums = drive(
                process.port,
                contestant.request(load, route, place),
                mark=end_mark(load, route.client),
                connections=16,
                seconds=seconds,
                core=LOAD_CORE,
                work=place.work,
            )
            if sums.requests == 0:
                raise SystemExit(f"the soak stands still after {done + share} requests: {sums.errors}")
            share += sums.requests
            errors += sums.error_count
        done += share
        procfs.settled_cpu_ms(process.pid)
        samples.append(Sample(done, procfs.rss_mb(process.pid)))
        print(f"{done:9} requests   RSS {samples[-1].rss_mb:7.2f} MB   errors {errors}", flush=True)
    return samples, errors
