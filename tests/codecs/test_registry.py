"""Dialects by name: the built-in ones without looking through what is installed, others by their entry points."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from tenbin.codecs.registry import BUILT_IN, UnknownDialect, dialect
from tenbin.core.target import DialectName


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_every_built_in_dialect_is_found_by_its_name(name: str) -> None:
    assert dialect(name).name == name


def test_every_name_that_a_target_may_have_is_built_in() -> None:
    assert set(BUILT_IN) == set(get_args(DialectName))


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(UnknownDialect, match=r"no dialect 'telex'; there are anthropic, ollama_chat, openai_chat"):
        dialect("telex")


def test_an_installed_package_can_bring_a_dialect(tmp_path: Path) -> None:
    information = tmp_path / "telex-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: telex\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[tenbin.dialects]\ntelex = telex:TELEX\n")
    (tmp_path / "telex.py").write_text("from tenbin.codecs.ollama_chat import OllamaChat\nTELEX = OllamaChat()\n")
    code = "from tenbin.codecs.registry import dialect; print(type(dialect('telex')).__name__)"
    found = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "OllamaChat"


def test_a_dialect_is_imported_when_it_is_asked_for_and_not_before() -> None:
    code = (
        "import sys; from tenbin.codecs.registry import dialect; dialect('ollama_chat'); "
        "print(*(name for name in sys.modules if name.startswith('tenbin.codecs.') or name == 'importlib.metadata'))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "tenbin.codecs.ollama_chat" in loaded
    for other in ("anthropic_messages", "openai_chat", "openai_responses", "importlib.metadata"):
        assert other not in loaded
