"""The report says what was measured, what was not, and stands in the docs as it was published."""

from pathlib import Path

import pytest

from benchmarks.harness import report, results
from benchmarks.harness.cli import PUBLISHED
from benchmarks.harness.results import Measured, Run, Standing


def a_run() -> Run:
    tenbin = Standing("tenbin", "Tenbin, complete", "n", version="1", start_s=0.4, rss_loaded_mb=60)
    tenbin.points = [Measured("small", "chat", 16, cpu_ms=0.2), Measured("small", "messages->chat", 16, cpu_ms=0.3)]
    peer = Standing("litellm", "LiteLLM proxy", "n", version="1")
    peer.points = [
        Measured("small", "chat", 16, cpu_ms=15.0),
        Measured("small", "messages->chat", 16, problem="status 500: {a|b}\nc"),
    ]
    absent = Standing("portkey", "Portkey gateway", "n", problem="not installed: benchmarks/run peers")
    return Run("2026-11-21 12:00", {"cores": "2"}, 3, 1, [tenbin, peer, absent])


def test_each_peer_stands_beside_its_ratio() -> None:
    text = report.render(a_run())
    assert "| **Tenbin, complete** | 0.200 |" in text
    assert "| LiteLLM proxy | 15.0 (75x) |" in text


def test_what_is_missing_is_said_on_one_line() -> None:
    text = report.render(a_run())
    assert "- **Portkey gateway was not measured:** not installed: benchmarks/run peers" in text
    assert "- **LiteLLM proxy, small messages->chat c16, has no number:** status 500: {a/b} c" in text


def test_only_what_stands_between_the_markers_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Before\n<!-- results: begin -->\nold\n<!-- results: end -->\nafter\n")
    report.publish("results", report.render(a_run()), page)
    once = page.read_text()
    assert once.startswith("# Before\n")
    assert once.endswith("after\n")
    assert "old" not in once
    report.publish("results", report.render(a_run()), page)
    assert page.read_text() == once


def test_a_page_without_markers_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Nothing here\n")
    with pytest.raises(ValueError, match="has no lines"):
        report.publish("results", report.render(a_run()), page)
    assert page.read_text() == "# Nothing here\n"


def test_the_docs_show_the_published_run(tmp_path: Path) -> None:
    """`benchmarks/run render` writes the page again from published.json."""
    page = tmp_path / "page.md"
    page.write_text(report.PAGE.read_text())
    report.publish("results", report.render(results.read(PUBLISHED)), page)
    assert page.read_text() == report.PAGE.read_text()
