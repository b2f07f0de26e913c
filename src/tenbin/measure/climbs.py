"""8. Counters of ladders: which rung answered, how often the next one was needed, what the gates said."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

from tenbin.core.receipt import Receipt

SCORES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Upper bounds of the histogram of gate scores."""
MOST_LADDERS = 200
"""Past this many names the rest is counted under ``other``."""


class _Ladder:
    __slots__ = ("answered", "escalations", "opinions", "repaired", "scores", "sum")

    def __init__(self) -> None:
        self.answered: dict[int, int] = {}
        """By rung, 0 for none."""
        self.escalations = 0
        self.opinions = 0
        self.repaired = 0
        self.scores = [0] * (len(SCORES) + 1)
        self.sum = 0.0


class Climbs:
    """Sums over settled receipts that went up a ladder."""

    def __init__(self) -> None:
        self._ladders: dict[str, _Ladder] = {}

    def add(self, receipt: Receipt) -> None:
        """Count one."""
        assert receipt.climb is not None
        name = receipt.climb.name
        if name not in self._ladders and len(self._ladders) >= MOST_LADDERS:
            name = "other"
        ladder = self._ladders.setdefault(name, _Ladder())
        last = receipt.last
        rung = last.rung if last is not None and receipt.outcome == "answered" else 0
        ladder.answered[rung] = ladder.answered.get(rung, 0) + 1
        for attempt in receipt.attempts:
            gating = attempt.gating
            ladder.opinions += bool(attempt.purpose)
            if gating is None or gating.score is None:
                continue
            ladder.scores[bisect_left(SCORES, gating.score)] += 1
            ladder.sum += gating.score
            ladder.escalations += not gating.passed
            ladder.repaired += bool(gating.repaired)

    def collect(self) -> Iterator[Any]:
        """The metrics as prometheus_client wants them from a collector; none where nothing has climbed."""
        if not self._ladders:
            return
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

        names = ["cascade"]
        answered = CounterMetricFamily(
            "tenbin_rung_answers", "Requests by the rung that answered; 0: none.", labels=[*names, "rung"]
        )
        refused = CounterMetricFamily("tenbin_escalations", "Answers that gates did not let pass.", labels=names)
        asked = CounterMetricFamily("tenbin_gate_opinions", "Further samples and judges' marks.", labels=names)
        mended = CounterMetricFamily("tenbin_gate_repairs", "Answers that were mended.", labels=names)
        scores = HistogramMetricFamily("tenbin_gate_score", "What gates together said of held answers.", labels=names)
        for name, ladder in list(self._ladders.items()):
            for rung, count in list(ladder.answered.items()):
                answered.add_metric([name, str(rung)], count)
            refused.add_metric([name], ladder.escalations)
            asked.add_metric([name], ladder.opinions)
            mended.add_metric([name], ladder.repaired)
            total, rows = 0, []
            for bound, count in zip((*SCORES, None), ladder.scores, strict=True):
                total += count
                rows.append(("+Inf" if bound is None else repr(bound), total))
            scores.add_metric([name], rows, ladder.sum)
        yield from (answered, refused, asked, mended, scores)
