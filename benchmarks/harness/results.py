"""What a run found: the records that are written to results/latest.json and read again by the report."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Measured:
    """One point of one gateway. CPU in ms per completed request, latencies in ms.

    `cpu_ms` is the best (lowest) of the rounds, as neighbours on the machine can only add to it; `every_cpu_ms` has all
    of them. `problem` says why there is no number, `remark` what was wrong with the tokens that the gateway stated.
    `calibration_ms` is what a fixed loop took on the gateway's core just before,
    `rss_mb` the resident memory just after.
    """

    load: str
    route: str
    connections: int
    cpu_ms: float | None = None
    requests_per_s: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    requests: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    calibration_ms: float = 0.0
    rss_mb: float = 0.0
    every_cpu_ms: list[float] = field(default_factory=list)
    problem: str | None = None
    remark: str | None = None

    @property
    def key(self) -> str:
        """As `Point.key`."""
        return f"{self.load} {self.route} c{self.connections}"


@dataclass
class Standing:
    """One gateway in a run. Memory in MB of 10^6 bytes; `start_s` is wall time from start to ready, `start_cpu_ms` the
    CPU time until then; `rss_loaded_mb` the most seen after any load. `problem` says why it was not measured. `audit`
    is what its own books say of the load, and `audit_exact` whether that agrees; None if it keeps none."""

    name: str
    title: str
    note: str
    version: str = ""
    problem: str | None = None
    audit: str = ""
    audit_exact: bool | None = None
    start_s: float = 0.0
    start_cpu_ms: float = 0.0
    rss_ready_mb: float = 0.0
    rss_loaded_mb: float = 0.0
    points: list[Measured] = field(default_factory=list)

    def point(self, key: str) -> Measured | None:
        """The point of that key, if it was tried."""
        return next((point for point in self.points if point.key == key), None)

    def cpu_ms(self, key: str) -> float | None:
        """CPU ms per request at that point, if it was measured."""
        point = self.point(key)
        return point.cpu_ms if point else None

    def take(self, measured: Measured) -> None:
        """Takes a point in; of a point measured before, the best CPU, the most memory and all errors."""
        self.rss_loaded_mb = max(self.rss_loaded_mb, measured.rss_mb)
        before = self.point(measured.key)
        if before is None:
            self.points.append(measured)
        else:
            self.points[self.points.index(before)] = _better(before, measured)


def _better(one: Measured, other: Measured) -> Measured:
    if one.problem:
        return one
    if other.problem:
        return other
    best = min(one, other, key=lambda point: point.cpu_ms or 0.0)
    kinds = one.errors.keys() | other.errors.keys()
    best.errors = {kind: one.errors.get(kind, 0) + other.errors.get(kind, 0) for kind in sorted(kinds)}
    best.rss_mb = max(one.rss_mb, other.rss_mb)
    best.remark = one.remark or other.remark
    best.every_cpu_ms = one.every_cpu_ms + other.every_cpu_ms
    return best


@dataclass
class Run:
    """One run on one machine. `seconds` is how long each point was loaded, `date` is UTC."""

    date: str
    machine: dict[str, str]
    seconds: float
    rounds: int
    contestants: list[Standing]

    def contestant(self, name: str) -> Standing | None:
        """The gateway of that name, if it was measured."""
        found = next((standing for standing in self.contestants if standing.name == name), None)
        return found if found and not found.problem else None

    def write(self, path: Path) -> None:
        """Writes the run as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def read(path: Path) -> Run:
    """Reads what `Run.write` wrote."""
    stored: dict[str, Any] = json.loads(path.read_text())
    standings = [
        Standing(**{**standing, "points": [Measured(**point) for point in standing["points"]]})
        for standing in stored["contestants"]
    ]
    return Run(**{**stored, "contestants": standings})
