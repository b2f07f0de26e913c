"""Drives a gateway with wrk from its own core, and checks that every answer came whole."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness.points import Dialect, Load

SCRIPT = Path(__file__).parent.parent / "lua" / "post.lua"


class LoadFailed(Exception):
    """wrk could not run at all; the message is what it said."""


@dataclass(frozen=True)
class Request:
    """One request as it goes out: where to, with which headers (Content-Type is added), and the JSON."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Sums:
    """What wrk counted. `errors` are connections refused or broken, statuses other than 200, timeouts (30 s) and
    answers that did not come whole; `p50_ms` and `p99_ms` run from the request to the last byte of the answer."""

    requests: int
    seconds: float
    errors: dict[str, int]
    p50_ms: float
    p99_ms: float

    @property
    def error_count(self) -> int:
        """All errors together."""
        return sum(self.errors.values())


def end_mark(load: Load, dialect: Dialect) -> str:
    """What only a whole answer contains."""
    if load in ("bulk", "ticked"):
        return "[DONE]" if dialect == "chat" else "message_stop"
    return "finish_reason" if dialect == "chat" else "stop_reason"


def drive(port: int, request: Request, *, mark: str, connections: int, seconds: float, core: int, work: Path) -> Sums:
    """Loads 127.0.0.1:`port` for `seconds` and returns the sums.

    Raises:
        LoadFailed: wrk printed no sums.
    """
    body, headers = work / "body.json", work / "headers.txt"
    body.write_bytes(request.body)
    lines = {"Content-Type": "application/json", **request.headers}
    headers.write_text("".join(f"{name}: {value}\n" for name, value in lines.items()))
    command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}", f"-d{_whole(seconds)}", "--timeout", "30s"]
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "BENCH_BODY": str(body),
        "BENCH_HEADERS": str(headers),
        "BENCH_MARK": mark,
    }
    done = subprocess.run(
        [*command, "-s", str(SCRIPT), f"http://127.0.0.1:{port}{request.path}"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds + 60,
    )
    return _sums(done.stdout, done.stderr)


def _whole(seconds: float) -> str:
    """wrk takes whole seconds only."""
    return f"{max(1, round(seconds))}s"


def _sums(output: str, complaint: str) -> Sums:
    for line in output.splitlines():
        if line.startswith("SUMS "):
            return _read(json.loads(line[5:]))
    raise LoadFailed(f"wrk printed no sums: {(complaint or output).strip()[-500:]}")


def _read(sums: dict[str, Any]) -> Sums:
    kinds = ("connect", "read", "write", "status", "timeout", "incomplete")
    return Sums(
        requests=sums["requests"],
        seconds=sums["duration_us"] / 1e6,
        errors={kind: sums[kind] for kind in kinds if sums[kind]},
        p50_ms=sums["p50_us"] / 1000,
        p99_ms=sums["p99_us"] / 1000,
    )
