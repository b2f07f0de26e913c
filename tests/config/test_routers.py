"""Finding a router of one's own, and saying what is wrong when it is not there."""

from pathlib import Path

import pytest

from tenbin.config.routers import GROUP, load_router

SOURCE = """
def route(features, candidates):
    return None

class House:
    @staticmethod
    def route(features, candidates):
        return []

number = 7
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "routers_of_mine.py").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "routers_that_break.py").write_text("raise RuntimeError('no such luck')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_by_path() -> None:
    assert load_router("routers_of_mine:route")(None, ()) is None  # type: ignore[arg-type]
    assert load_router("routers_of_mine:House.route")(None, ()) == []  # type: ignore[arg-type]


def test_by_the_name_of_an_installed_one(folder: Path) -> None:
    installed = folder / "house_rules-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: house-rules\nVersion: 1.0\n", encoding="utf-8")
    (installed / "entry_points.txt").write_text(
        f"[{GROUP}]\nhouse = routers_of_mine:route\nbroken = routers_that_break:route\n", encoding="utf-8"
    )
    assert load_router("house")(None, ()) is None  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"'broken' cannot be imported .RuntimeError: no such luck"):
        load_router("broken")
    with pytest.raises(ValueError, match=r"there is broken, house.* package.module:function"):
        load_router("hose")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere_at_all:route", "nowhere_at_all cannot be imported .ModuleNotFoundError.*PYTHONPATH"),
        ("routers_that_break:route", "RuntimeError: no such luck"),
        ("routers_of_mine:rout", "routers_of_mine has no rout"),
        ("routers_of_mine:number", "is a int, not a function"),
        ("no/such thing", "neither an installed router .there is none"),
    ],
)
def test_what_is_wrong_is_said(name: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        load_router(name)
