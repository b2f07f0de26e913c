"""What Tenbin is built from is looked over, and a change that should not get in does not."""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from tests.security.loading import tool

ROOT = Path(__file__).parents[2]


def run(tool: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, str(tool)], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    return tool("audit")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The tools, the lock files and the project's own file, to change."""
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    for path in (*ROOT.glob("requirements*.lock"), ROOT / "pyproject.toml"):
        shutil.copy(path, tmp_path)
    return tmp_path


def test_nothing_is_wrong(copied: Path) -> None:
    done = run(copied / "tools" / "audit")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("requirements.lock", r"^    --hash.*\n", "", "has no hash"),
        ("requirements.lock", r"^click==[\d.]+", "click>=8", "neither a package of one version nor a hash"),
        ("requirements.lock", r"^click==([\d.]+)", r"click==9.9.9", "not what is tested"),
        ("requirements.lock", r"^(uvicorn==[\d.]+)", r"\1+mine", "build of somebody's own"),
        ("requirements.lock", r"^# What", "--index-url https://evil.example/simple\n# What", "neither a package"),
        ("requirements.lock", r"^# What", "# https://evil.example/simple\n# What", "names an address"),
        ("requirements-dev.lock", r"^click==", "evil @ git+https://evil.example/x \\\\\nclick==", "neither a package"),
        ("requirements-dev.lock", r"^click==", "a-new-one==1.0 \\\\\nclick==", "a-new-one 1.0 has no hash"),
        ("pyproject.toml", r'"msgspec>=[\d.]+"', '"msgspec"', "msgspec: no lowest version"),
        ("pyproject.toml", r'"msgspec>=[\d.]+"', '"msgspec @ https://evil.example/x.whl"', "an address, not a package"),
    ],
)
def test_what_should_not_get_in_is_told(copied: Path, file: str, old: str, new: str, told: str) -> None:
    path = copied / file
    text, count = re.subn(old, new, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert count
    path.write_text(text, encoding="utf-8")
    done = run(copied / "tools" / "audit")
    assert done.returncode == 1
    assert told in done.stderr


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        ("MIT", True),
        ("Apache-2.0 OR GPL-3.0-only", True),
        ("MIT AND (BSD-3-Clause OR GPL-2.0-only)", True),
        ("GPL-3.0-only", False),
        ("AGPL-3.0-or-later", False),
        ("MIT AND GPL-3.0-only", False),
        ("SSPL-1.0", False),
        ("LicenseRef-Proprietary", False),
    ],
)
def test_licences(audit: ModuleType, expression: str, fits: bool) -> None:
    assert audit.allowed(expression) is fits


def test_the_bill_of_materials_names_every_locked_package_with_its_hashes() -> None:
    once, again = run(ROOT / "tools" / "sbom"), run(ROOT / "tools" / "sbom")
    assert once.returncode == 0, once.stderr
    assert once.stdout == again.stdout
    document = json.loads(once.stdout)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    hashes = Counter(re.findall(r"sha256:([0-9a-f]{64})", "".join(
        (ROOT / name).read_text(encoding="utf-8") for name in ("requirements.lock", "requirements-model.lock")
    )))  # fmt: skip
    stated = Counter(
        one["hashes"][0]["content"] for part in document["components"] for one in part["externalReferences"]
    )
    assert stated == hashes
    references = [document["metadata"]["component"]["bom-ref"], *(part["bom-ref"] for part in document["components"])]
    assert len(set(references)) == len(references)
    assert [row["ref"] for row in document["dependencies"]] == references
    assert {ref for row in document["dependencies"] for ref in row["dependsOn"]} <= set(references)
    unlicensed = [part["name"] for part in document["components"] if "licenses" not in part and "scope" not in part]
    assert unlicensed == []
