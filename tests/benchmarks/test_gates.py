"""How a run is judged by its targets."""

from benchmarks.harness.gates import judge
from benchmarks.harness.results import Measured, Run, Standing

PASSED_THROUGH = [f"{load} {route}" for load in ("small", "ticked", "agent") for route in ("chat", "messages")]


def standing(name: str, small_ms: float, **others: float) -> Standing:
    points = []
    for pair in PASSED_THROUGH:
        load, route = pair.split()
        points.append(Measured(load, route, 16, cpu_ms=others.get(load, small_ms), requests=1000))
    return Standing(name, name, "", start_s=0.4, rss_loaded_mb=60.0, audit="as many", audit_exact=True, points=points)


def run(*standings: Standing) -> Run:
    return Run("2026-11-21 12:00", {}, 3, 1, list(standings))


def verdicts(of: Run) -> dict[str, bool | None]:
    return {gate.what: gate.reached for gate in judge(of)}


def test_a_run_within_every_target_reaches_all() -> None:
    ours = standing("tenbin", 0.2, ticked=1.0, agent=0.5)
    found = verdicts(run(ours, standing("tensorzero", 0.15), standing("litellm", 15.0)))
    assert set(found.values()) == {True}


def test_ratios_are_taken_against_the_peer_of_the_same_run() -> None:
    ours = standing("tenbin", 0.3)
    found = verdicts(run(ours, standing("tensorzero", 0.2), standing("litellm", 17.9)))
    assert found["small JSON against TensorZero"] is False
    assert found["small JSON against LiteLLM"] is False


def test_the_worse_dialect_counts() -> None:
    ours = standing("tenbin", 0.2)
    point = ours.point("small messages c16")
    assert point is not None
    point.cpu_ms = 0.36
    assert verdicts(run(ours))["small JSON, CPU per request"] is False


def test_what_was_not_measured_is_neither_reached_nor_missed() -> None:
    assert set(verdicts(run(standing("nginx", 0.01))).values()) == {None}
    assert verdicts(run(standing("tenbin", 0.2)))["small JSON against LiteLLM"] is None


def test_a_gateway_that_failed_lends_no_figure() -> None:
    peer = standing("tensorzero", 0.2)
    peer.problem = "did not start"
    assert verdicts(run(standing("tenbin", 0.2), peer))["small JSON against TensorZero"] is None


def test_books_that_disagree_fail_the_run() -> None:
    ours = standing("tenbin", 0.2)
    ours.audit_exact = False
    assert verdicts(run(ours))["a receipt for every answer, to the nano-USD"] is False


def test_one_error_or_wrong_answer_fails_the_run() -> None:
    erring, wrong, miscounting = (standing("tenbin", 0.2) for _ in range(3))
    erring.points[0].errors = {"status": 1}
    wrong.points[0].problem = "it says 'x'"
    miscounting.points[0].remark = "it states 0 output tokens instead of 20"
    assert verdicts(run(erring))["errors and wrong answers"] is False
    assert verdicts(run(wrong))["errors and wrong answers"] is False
    assert verdicts(run(miscounting))["errors and wrong answers"] is False
