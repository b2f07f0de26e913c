"""The table of hits: each beside the same gateway's uncached request, doubts and books told."""

from benchmarks.harness.caching import POINTS, _share, _text
from benchmarks.harness.contestants.caching import CACHING, TELLS, UNCACHED
from benchmarks.harness.results import Measured, Run, Standing


def test_a_hit_stands_beside_the_uncached_request() -> None:
    plain, hit = Standing("tenbin", "Tenbin", ""), Standing("tenbin-cached", "Tenbin, exact hit", "how it was run")
    plain.take(Measured("small", "chat", 16, cpu_ms=0.1, requests=10))
    hit.take(Measured("small", "chat", 16, cpu_ms=0.04, requests=10))
    hit.audit = "10 answers, 10 receipts"
    run = Run("2026-11-22", {"cores": "2"}, 1, 1, [plain, hit])
    assert round(_share(run, hit, POINTS[0]), 3) == 0.4
    assert _share(run, hit, POINTS[1]) == float("inf")
    text = _text(run, ["**Somebody: no hit**"])
    assert "| 0.040 (0.40 x) | - | - |" in text
    for line in ("- **Somebody: no hit**", "- Tenbin, exact hit: 10 answers, 10 receipts", "how it was run"):
        assert line in text


def test_every_cache_is_measured_beside_its_gateway_without() -> None:
    assert {one.name for one in CACHING} == UNCACHED.keys() == TELLS.keys()
