"""Results are kept whole, and rounds are merged honestly."""

from pathlib import Path

from benchmarks.harness.results import Measured, Run, Standing, read


def test_a_run_reads_back_as_it_was_written(tmp_path: Path) -> None:
    point = Measured("small", "chat", 16, cpu_ms=0.25, errors={"read": 2}, every_cpu_ms=[0.25, 0.3])
    run = Run("2026-11-21 12:00", {"cores": "2"}, 3, 2, [Standing("tenbin", "Tenbin", "n", points=[point])])
    run.write(tmp_path / "run.json")
    assert read(tmp_path / "run.json") == run


def test_rounds_keep_the_best_figure_and_every_error() -> None:
    one = Standing("x", "X", "", start_s=0.5, rss_loaded_mb=50.0)
    other = Standing("x", "X", "", start_s=0.4, rss_loaded_mb=60.0)
    one.points = [Measured("small", "chat", 16, cpu_ms=0.3, every_cpu_ms=[0.3], errors={"read": 1})]
    other.points = [Measured("small", "chat", 16, cpu_ms=0.2, every_cpu_ms=[0.2], errors={"status": 2})]
    one.merge(other)
    assert (one.start_s, one.rss_loaded_mb) == (0.4, 60.0)
    assert one.points[0].cpu_ms == 0.2
    assert one.points[0].every_cpu_ms == [0.3, 0.2]
    assert one.points[0].errors == {"read": 1, "status": 2}


def test_a_problem_in_any_round_stays() -> None:
    one, other = Standing("x", "X", ""), Standing("x", "X", "")
    one.points = [Measured("small", "chat", 16, cpu_ms=0.3)]
    other.points = [Measured("small", "chat", 16, problem="wrong")]
    one.merge(other)
    assert one.points[0].problem == "wrong"
    one.merge(Standing("x", "X", "", problem="did not start"))
    assert one.problem == "did not start"
