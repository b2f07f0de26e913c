"""The public results that a cascade is played on: who was right on which prompt, at what cost; read, never kept."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from tenbin.measure.gates.formulas import Flags
from tenbin.measure.routing import files
from tenbin.measure.routing.evaluation import look_into
from tenbin.measure.routing.formulas import Floats, Ints
from tenbin.measure.routing.readings import FOLDS, cross_validated, read_all
from tenbin.measure.routing.runtime import Runtime

ROUTERBENCH = "routerbench_11models_3tasks.parquet"
FRUGALGPT = "frugalgpt_published_tradeoffs.parquet"


@dataclass(frozen=True)
class Outcomes:
    """Answers of all models to all prompts."""

    models: tuple[str, ...]
    good: Flags
    """(prompts, models)."""
    cost: Floats
    """USD, (prompts, models)."""
    fold: Ints
    """Which part of the cross-validation each prompt is scored in, by a digest of its words."""
    routed: Floats
    """What Tenbin's router expects of each answer, 0..1, with the other folds' outcomes as evidence."""
    trained_on: int
    """Prompts among those that the router's weights were trained on."""
    router: str

    @property
    def quality(self) -> Floats:
        """``good`` as numbers."""
        return self.good.astype(np.float64)

    @property
    def means(self) -> Floats:
        """How often each model was right on the other folds' prompts, (prompts, models)."""
        told = np.empty(self.good.shape)
        for held_out in range(FOLDS):
            told[self.fold == held_out] = self.good[self.fold != held_out].mean(axis=0)
        return told

    @property
    def best(self) -> int:
        """Which model is right most often."""
        return int(self.good.mean(axis=0).argmax())


def read(data: Path) -> Outcomes:
    """The table. Raises NothingHere, Unreadable, PyarrowMissing, OSError."""
    table = look_into(data / ROUTERBENCH, None).found[0].table
    results, reader = table.models[0], Runtime()
    assert results.cost is not None, "RouterBench states costs"
    readings = read_all(reader, table.prompts, lambda _: None)
    ties = table.ties[results.rows]
    mine = [readings[row] for row in results.rows.tolist()]
    return Outcomes(
        models=results.models,
        good=results.quality >= 0.5,
        cost=results.cost,
        fold=ties % FOLDS,
        routed=cross_validated(mine, results.models, results.quality, ties),
        trained_on=sum(reader.was_trained_on(table.prompts[row]) for row in results.rows.tolist()),
        router=reader.version,
    )


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """FrugalGPT on one data set, beside the best of its models by itself; accuracy and cost on its test part."""

    data: str
    best: str
    best_accuracy: float
    best_cost: float
    """USD a query."""
    points: list[tuple[float, float]]
    """(cost, accuracy), cheapest first."""

    @property
    def equal(self) -> float | None:
        """Its least cost at an accuracy no lower than the best model's, as a share of that model's cost."""
        return min((cost / self.best_cost for cost, told in self.points if told >= self.best_accuracy), default=None)


def published(data: Path) -> list[Published]:
    """FrugalGPT's own figures (its repository, summary/*.csv)."""
    table = files.read(data / FRUGALGPT)
    columns = [table[name] for name in ("dataset", "Provider", "Method", "Test_acc", "Test_cost")]
    rows = [(str(a), str(b), str(c), float(d), float(e)) for a, b, c, d, e in zip(*columns, strict=True)]
    found = []
    for name in sorted({row[0] for row in rows}):
        mine = [row for row in rows if row[0] == name]
        best = max((row for row in mine if row[1] != "FrugalGPT"), key=lambda row: (row[3], -row[4]))
        points = sorted({(row[4], row[3]) for row in mine if row[1] == "FrugalGPT"})
        found.append(Published(data=name, best=best[2], best_accuracy=best[3], best_cost=best[4], points=points))
    return found
