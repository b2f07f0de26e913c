"""What ladders did adds up to what was settled."""

from prometheus_client.parser import text_string_to_metric_families

from tenbin.core.gating import Climb, Gating, PlannedRung
from tenbin.core.receipt import Attempt
from tenbin.measure.climbs import MOST_LADDERS
from tenbin.measure.metrics import Metrics
from tests.ledger.making import a_receipt, an_attempt


def climb(name: str) -> Climb:
    return Climb(name, (PlannedRung("a/x"), PlannedRung("b/y")))


def rung(
    number: int, score: float | None, *, given: bool = False, purpose: str = "", repaired: bool = False
) -> Attempt:
    accept = 0.7
    gating = None
    if score is not None:
        changes = ("mended",) if repaired else ()
        gating = Gating(score=score, accept=accept, passed=score >= accept, given=given, repaired=changes)
    return an_attempt(number, rung=number, gating=gating, purpose=purpose)


def counted(metrics: Metrics) -> dict[tuple[str, ...], float]:
    found = {}
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            if "cascade" in sample.labels:
                found[(sample.name, *sample.labels.values())] = sample.value
    return found


def test_rungs_refusals_repairs_and_scores() -> None:
    metrics = Metrics(dict)
    metrics.add(a_receipt("req_1", rung(1, 0.9, given=True, repaired=True), climb=climb("up")))
    metrics.add(a_receipt("req_2", rung(1, 0.35), rung(2, None), climb=climb("up")))
    metrics.add(a_receipt("req_3", rung(1, 0.5), rung(2, None, purpose="judge"), outcome="failed", climb=climb("up")))
    told = counted(metrics)
    assert told[("tenbin_rung_answers_total", "up", "1")] == 1
    assert told[("tenbin_rung_answers_total", "up", "2")] == 1
    assert told[("tenbin_rung_answers_total", "up", "0")] == 1
    assert told[("tenbin_escalations_total", "up")] == 2
    assert told[("tenbin_gate_opinions_total", "up")] == 1
    assert told[("tenbin_gate_repairs_total", "up")] == 1
    assert told[("tenbin_gate_score_bucket", "up", "0.4")] == 1
    assert told[("tenbin_gate_score_bucket", "up", "+Inf")] == 3
    assert told[("tenbin_gate_score_sum", "up")] == 0.9 + 0.35 + 0.5


def test_where_nothing_climbs_nothing_is_told() -> None:
    metrics = Metrics(dict)
    metrics.add(a_receipt())
    assert not counted(metrics)


def test_names_are_bounded() -> None:
    metrics = Metrics(dict)
    for number in range(MOST_LADDERS + 5):
        metrics.add(a_receipt(f"req_{number}", rung(1, 0.9, given=True), climb=climb(f"c{number}")))
    assert counted(metrics)[("tenbin_rung_answers_total", "other", "1")] == 5
