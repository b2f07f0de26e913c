"""docs/clients.md names the versions that are tested."""

import importlib.metadata
import json
import re
from pathlib import Path

from benchmarks.harness.peers import PINS
from tests.real.claude_code import program
from tests.real.sdk import OLD_SDKS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "clients.md"


def listed() -> list[tuple[str, str]]:
    """(program, version) of the table's rows."""
    return re.findall(r"^\| ([^|]+?) \| (\d[\d.]*) \|", PAGE.read_text(), re.MULTILINE)


def old(name: str) -> str:
    [found] = OLD_SDKS.glob(f"{name}-*.dist-info")
    return found.name.removeprefix(f"{name}-").removesuffix(".dist-info")


def test_the_versions_are_those_that_are_tested() -> None:
    router = json.loads((PINS / "claude-code-router" / "package.json").read_text())["dependencies"]
    litellm = re.search(r"^litellm==(\S+)", (PINS / "litellm.txt").read_text(), re.MULTILINE)
    claude_code = re.search(r"\d+\.\d+\.\d+", program().with_name("claude.version").read_text())
    assert litellm
    assert claude_code
    assert sorted(listed()) == sorted(
        [
            ("Claude Code", claude_code[0]),
            ("anthropic (Python)", importlib.metadata.version("anthropic")),
            ("anthropic (Python)", old("anthropic")),
            ("openai (Python)", importlib.metadata.version("openai")),
            ("openai (Python)", old("openai")),
            ("llama.cpp's server (xllamacpp)", importlib.metadata.version("xllamacpp")),
            ("LiteLLM's proxy", litellm[1]),
            ("claude-code-router", router["@musistudio/claude-code-router"]),
        ]
    )
