"""What came of a run of the cascade: plain figures, with intervals over prompts."""

from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from benchmarks.cascade.ladders import Played
from benchmarks.cascade.outcomes import Outcomes, Published
from tenbin.measure.routing.formulas import Floats, interval, resamples
from tenbin.measure.routing.hull import Hull, hull

PUBLISHED = Path(__file__).with_name("published.json")
QUARTER = 0.25
"""Of the best single model's cost: what the cascade is asked for."""


class Single(NamedTuple):
    """A figure with its 95 % interval, where one was drawn."""

    value: float
    low: float | None = None
    high: float | None = None


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """A model asked for everything."""

    model: str
    accuracy: float
    cost: float
    """USD a prompt."""


class AsGood(msgspec.Struct, frozen=True, kw_only=True):
    """A cascade at the setting that was, on the other folds, as good as the best single model and cheapest."""

    cost: Single
    """Share of the best single model's."""
    accuracy: Single
    """Of the best single model's, a ratio."""
    precision: float | None
    """Of the answers that were escalated, the share that was wrong."""
    recall: float | None
    """Of the wrong answers that were gated, the share that was escalated."""
    ladders: dict[str, int]
    """Models and threshold -> how many prompts were scored with it."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One way to answer."""

    name: str
    points: list[tuple[float, float]]
    """(cost, accuracy) of its hull, USD a prompt, cheapest first."""
    equal: Single
    """Least cost at the best single model's accuracy, a share of that model's cost. 1 where only that model itself
    reaches it."""
    near: dict[str, Single]
    """The same at 95 % and 98 % of its accuracy."""
    quarter: Single
    """Accuracy for a quarter of its cost, a ratio to its accuracy."""
    highest: Single
    """Accuracy at any cost."""
    as_good: AsGood | None = None


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """A gate that was made up."""

    auc: float
    figures: Figures
    best_equal: float
    """``Figures.equal`` where the last rung's answer is judged too, and the best one of all is given."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    date: str
    seed: int
    seconds: float
    machine: dict[str, str]
    prompts: int
    trained_on: int
    router: str
    resamples: int
    draws: int
    most_rungs: int
    gate_from: str
    gate_auc: dict[str, Single]
    best: Rung
    singles: list[Rung]
    figures: list[Figures]
    swept: list[Swept]
    frugalgpt: list[Published]

    def named(self, name: str) -> Figures:
        """One way to answer."""
        return next(each for each in self.figures if each.name == name)

    def needed(self, *, best_of: bool = False) -> float | None:
        """The AUC from which on a swept gate's cascade costs a quarter at equal accuracy, between the swept ones
        linearly; None where none does.
        """
        before = None
        for each in self.swept:
            cost = each.best_equal if best_of else each.figures.equal.value
            if cost <= QUARTER:
                if before is None:
                    return each.auc
                far = (before[1] - QUARTER) / (before[1] - cost)
                return before[0] + far * (each.auc - before[0])
            before = (each.auc, cost)
        return None

    def write(self, path: Path) -> None:
        """Keep it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")


NEAR = {"95 %": 0.95, "98 %": 0.98}


def compared(name: str, table: Outcomes, played: Played, draws: int, seed: int) -> Figures:
    """The figures of a way to answer, beside the best single model on the same prompts."""
    settings = played.good.shape[1]
    columns = [table.quality[:, [table.best]], table.cost[:, [table.best]], played.good, played.cost]
    if played.equal is not None:
        columns += [played.equal.good[:, None], played.equal.cost[:, None]]
    points = np.concatenate(columns, axis=1)

    def told(means: Floats) -> list[float]:
        accuracy, cost = float(means[0]), float(means[1])
        of = _hull(means[: 2 + 2 * settings])
        found = [of.cost_of(accuracy) / cost, *(of.cost_of(part * accuracy) / cost for part in NEAR.values())]
        found += [of.at(QUARTER * cost) / accuracy, float(of.quality[-1])]
        if played.equal is not None:
            found += [float(means[-1]) / cost, float(means[-2]) / accuracy]
        return found

    whole = told(points.mean(axis=0))
    samples = np.empty((0, len(whole)))
    if draws:
        drawn = resamples(len(points), draws, np.random.default_rng(seed))
        samples = np.array([told(_means(row, points)) for rows in drawn for row in rows])
    values = [_single(value, samples[:, place]) for place, value in enumerate(whole)]
    of = _hull(points.mean(axis=0)[: 2 + 2 * settings])
    return Figures(
        name=name,
        points=list(zip(of.cost.tolist(), of.quality.tolist(), strict=True)),
        equal=values[0],
        near=dict(zip(NEAR, values[1:], strict=False)),
        quarter=values[1 + len(NEAR)],
        highest=values[2 + len(NEAR)],
        as_good=_as_good(table, played, values[-2], values[-1]) if played.equal is not None else None,
    )


def _hull(means: Floats) -> Hull:
    """Of the settings, and of the best single model: nobody has to do worse than it."""
    settings = (len(means) - 2) // 2
    cost = np.append(means[2 + settings :], means[1])
    return hull(cost, np.append(means[2 : 2 + settings], means[0]))


def _means(rows: np.ndarray, points: Floats) -> Floats:
    means: Floats = np.bincount(rows, minlength=len(points)).astype(np.float64) @ points / len(points)
    return means


def _single(value: float, drawn: Floats) -> Single:
    told = interval(value, drawn)
    known = np.isfinite(told.low)
    return Single(float(told.value), float(told.low) if known else None, float(told.high) if known else None)


def _as_good(table: Outcomes, played: Played, cost: Single, accuracy: Single) -> AsGood:
    assert played.equal is not None
    ladders: dict[str, int] = {}
    for ladder, prompts in played.chosen:
        words = " -> ".join(table.models[model].rpartition("/")[2] for model in ladder.rungs)
        words += f", from {ladder.accepts:.2f}" if len(ladder.rungs) > 1 else ""
        ladders[words] = ladders.get(words, 0) + prompts
    shares = (played.equal.precision, played.equal.recall)
    precision, recall = (share if np.isfinite(share) else None for share in shares)
    return AsGood(cost=cost, accuracy=accuracy, precision=precision, recall=recall, ladders=ladders)
