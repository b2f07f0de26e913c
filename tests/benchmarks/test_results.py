"""Results are kept whole, and rounds are merged honestly."""

from pathlib import Path

from benchmarks.harness.results import Measured, Run, Standing, read


def test_a_run_reads_back_as_it_was_written(tmp_path: Path) -> None:
    point = Measured("small", "chat", 16, cpu_ms=0.25, errors={"read": 2}, every_cpu_ms=[0.25, 0.3])
    run = Run("2026-11-21 12:00", {"cores": "2"}, 3, 2, [Standing("tenbin", "Tenbin", "n", points=[point])])
    run.write(tmp_path / "run.json")
    assert read(tmp_path / "run.json") == run


def test_rounds_keep_the_best_figure_and_every_error() -> None:
    standing = Standing("x", "X", "")
    standing.take(Measured("small", "chat", 16, cpu_ms=0.3, every_cpu_ms=[0.3], errors={"read": 1}, rss_mb=60.0))
    standing.take(Measured("small", "chat", 16, cpu_ms=0.2, every_cpu_ms=[0.2], errors={"status": 2}, rss_mb=50.0))
    (point,) = standing.points
    assert standing.rss_loaded_mb == 60.0
    assert point.cpu_ms == 0.2
    assert point.rss_mb == 60.0
    assert point.every_cpu_ms == [0.3, 0.2]
    assert point.errors == {"read": 1, "status": 2}


def test_a_problem_in_any_round_stays() -> None:
    standing = Standing("x", "X", "")
    standing.take(Measured("small", "chat", 16, cpu_ms=0.3, rss_mb=1.0))
    standing.take(Measured("small", "chat", 16, problem="wrong", rss_mb=1.0))
    standing.take(Measured("small", "chat", 16, cpu_ms=0.3, rss_mb=1.0))
    assert standing.points[0].problem == "wrong"


def test_a_miscount_in_any_round_stays() -> None:
    standing = Standing("x", "X", "")
    standing.take(Measured("small", "chat", 16, cpu_ms=0.3, remark="it states 0", rss_mb=1.0))
    standing.take(Measured("small", "chat", 16, cpu_ms=0.2, rss_mb=1.0))
    assert standing.points[0].remark == "it states 0"
