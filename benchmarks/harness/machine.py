"""On what a run was made: the facts without which its numbers mean nothing."""

import os
import platform
import shutil
import subprocess
from pathlib import Path


def describe() -> dict[str, str]:
    """Processor, cores, memory, kernel, system, and the versions of what takes part."""
    processor = _first(Path("/proc/cpuinfo"), "model name", ":")
    memory_kb = int(_first(Path("/proc/meminfo"), "MemTotal", ":").split()[0])
    system = _first(Path("/etc/os-release"), "PRETTY_NAME", "=").strip('"')
    return {
        "processor": processor,
        "cores": str(os.cpu_count()),
        "memory": f"{memory_kb / 1024 / 1024:.0f} GiB",
        "virtual machine": "yes" if "hypervisor" in Path("/proc/cpuinfo").read_text() else "no",
        "kernel": platform.release(),
        "system": system,
        "Python": platform.python_version(),
        "Node": _said("node", "--version").lstrip("v"),
        "wrk": _said("wrk", "-v").split("[")[0].removeprefix("wrk").strip(),
        "gcc": _said("gcc", "-dumpfullversion"),
        "load average at start": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def _first(path: Path, name: str, separator: str) -> str:
    for line in path.read_text().splitlines():
        if line.startswith(name):
            return line.split(separator, 1)[1].strip()
    return "unknown"


def _said(program: str, *arguments: str) -> str:
    if shutil.which(program) is None:
        return "not installed"
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    return (done.stdout or done.stderr).strip().splitlines()[0]
