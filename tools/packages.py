"""What the lock files say, and what is known of packages that are installed here: for tools/audit and tools/sbom."""

import re
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]


class Locked(NamedTuple):
    """One package of a lock file."""

    name: str
    version: str
    marker: str
    """On which machines it is installed; empty: on all."""
    hashes: tuple[str, ...]
    """SHA-256 of each of its files."""


_PACKAGE = re.compile(r"(?P<name>[a-z0-9][a-z0-9-]*)==(?P<version>[\w.!+]+)(?: ; (?P<marker>[^\\]*?))? \\")
_HASH = re.compile(r"    --hash=sha256:([0-9a-f]{64})(?: \\)?")


class Unlocked(Exception):
    """A line of a lock file that is neither a package of one version nor a hash."""


def lock_files() -> list[Path]:
    """All lock files."""
    return sorted(ROOT.glob("requirements*.lock"))


def locked(path: Path) -> list[Locked]:
    """The packages of a lock file. Raises Unlocked."""
    found: list[Locked] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if match := _PACKAGE.fullmatch(line):
            found.append(Locked(match["name"], match["version"], match["marker"] or "", ()))
        elif (match := _HASH.fullmatch(line)) and found:
            found[-1] = found[-1]._replace(hashes=(*found[-1].hashes, match[1]))
        elif not line.startswith("# "):
            raise Unlocked(f"{path.name}:{number}: neither a package of one version nor a hash: {line!r}")
    return found


def installed() -> dict[str, Distribution]:
    """What is installed beside the Python that runs this, by normalised name."""
    return {normal(one.metadata["Name"]): one for one in distributions() if one.metadata["Name"]}


def normal(name: str) -> str:
    """A package's name as lock files write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


_CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "zlib/libpng License": "Zlib",
}
_WORDS = (
    (r"apache[ -]*(license,? *)?(version )?2(\.0)?|apache-2\.0|^apache$|apache software license", "Apache-2.0"),
    (r"^(the )?mit( license)?$|permission is hereby granted, free of charge", "MIT"),
    (r"bsd[ -]2|2-clause bsd", "BSD-2-Clause"),
    (r"^(new |modified )?bsd|bsd[ -]3|3-clause bsd|redistribution and use in source", "BSD-3-Clause"),
    (r"mpl[ -]?2|mozilla public license", "MPL-2.0"),
    (r"^psf|python software foundation", "PSF-2.0"),
    (r"^isc", "ISC"),
)


def licence(distribution: Distribution) -> str | None:
    """Its licence as an SPDX expression, by what its metadata say; None where they say nothing that is understood."""
    metadata = distribution.metadata
    if expression := metadata.get("License-Expression"):
        return str(expression)
    named = [
        _CLASSIFIERS.get(classifier.rsplit(" :: ", 1)[-1])
        for classifier in metadata.get_all("Classifier") or []
        if classifier.startswith("License ::") and not classifier.endswith("OSI Approved")
    ]
    if named and all(named):
        return " OR ".join(dict.fromkeys(name for name in named if name))
    text = str(metadata.get("License") or "").strip().lower()
    return next((spdx for pattern, spdx in _WORDS if re.search(pattern, text)), None) if text else None


def main(names: list[str]) -> int:
    """Print what requirements-dev.lock says of these packages, as a lock file of its own: for images that need some of
    its extras and none of the rest. 1: one of them is not in it.
    """
    packages = locked(ROOT / "requirements-dev.lock")
    missing = set(names) - {one.name for one in packages}
    if missing:
        print(f"packages: not in requirements-dev.lock: {', '.join(sorted(missing))}", file=sys.stderr)
        return 1
    for one in packages:
        if one.name in names:
            marker = f" ; {one.marker}" if one.marker else ""
            print(
                " \\\n    ".join(
                    [f"{one.name}=={one.version}{marker}", *(f"--hash=sha256:{each}" for each in one.hashes)]
                )
            )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
