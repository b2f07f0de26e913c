"""Embedders by name, those of other packages too."""

import sys
from pathlib import Path

import pytest

from tenbin.discern.embedding import minilm, registry


def test_an_unknown_name_is_told_with_those_there_are() -> None:
    with pytest.raises(registry.UnknownEmbedder, match=r"no embedder 'mini'; there are minilm, multilingual-e5\."):
        registry.load("mini")


def test_another_package_offers_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "house_embedder.py").write_text("class House:\n    id = 'house-1'\n\ndef load():\n    return House()\n")
    information = tmp_path / "house_embedder-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: house-embedder\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[tenbin.embedders]\nhouse = house_embedder:load\nminilm = house_embedder:load\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        assert registry.names() == ("minilm", "multilingual-e5", "house")
        assert registry.load("house").id == "house-1"
        assert registry.load("minilm").id == minilm.ID, "a built-in name cannot be taken"
    finally:
        sys.modules.pop("house_embedder", None)
