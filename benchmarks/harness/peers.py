"""Installs the other gateways, each in a place of its own, in exactly the versions listed in peers/."""

import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmarks.harness.contestants.base import BENCHMARKS, PEERS

PINS = BENCHMARKS / "peers"
PYTHON_PEERS = ("litellm", "tensorzero")
NODE_PEERS = ("portkey", "claude-code-router")


def install(names: Iterable[str] = (*PYTHON_PEERS, *NODE_PEERS), under: Path = PEERS) -> dict[str, str]:
    """Installs what is not installed yet, each in a directory of its name. Returns those that could not be, and why."""
    under.mkdir(parents=True, exist_ok=True)
    failures = {}
    for name in names:
        place, pins = under / name, PINS / (f"{name}.txt" if name in PYTHON_PEERS else f"{name}/package-lock.json")
        stamp = place / "installed-from"
        if stamp.exists() and stamp.read_text() == pins.read_text():
            continue
        print(f"installing {name} ...", file=sys.stderr, flush=True)
        shutil.rmtree(place, ignore_errors=True)
        try:
            _python(place, pins) if name in PYTHON_PEERS else _node(place, pins.parent)
        except (subprocess.CalledProcessError, FileNotFoundError) as failure:
            failures[name] = _why(failure)
            shutil.rmtree(place, ignore_errors=True)
        else:
            stamp.write_text(pins.read_text())
    return failures


def _python(place: Path, pins: Path) -> None:
    """A virtual environment with the listed versions and no others; wheels only, so that nothing is built."""
    _run([sys.executable, "-m", "venv", str(place)])
    pip = [str(place / "bin" / "pip"), "install", "--quiet", "--no-deps", "--only-binary", ":all:"]
    _run([*pip, "--requirement", str(pins)])


def _node(place: Path, pins: Path) -> None:
    """The locked packages, checked against their digests; no install script is run."""
    place.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(pins / name, place / name)
    _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], place)


def _run(command: list[str], directory: Path | None = None) -> None:
    """Runs politely: an installation must not take the machine from whoever works on it."""
    subprocess.run(["nice", "-n", "10", *command], cwd=directory, check=True, capture_output=True, text=True)


def _why(failure: subprocess.CalledProcessError | FileNotFoundError) -> str:
    if isinstance(failure, FileNotFoundError):
        return str(failure)
    return (failure.stderr or failure.stdout or str(failure)).strip()[-500:]
