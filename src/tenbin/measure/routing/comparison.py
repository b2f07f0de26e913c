"""The router beside its baselines, on each kind of table.

These are random, length, always the cheapest, always the strongest, and an oracle that knows the outcomes.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tenbin.core.features import DOMAINS, TASK_TYPES
from tenbin.decide.abilities import plain
from tenbin.decide.evidence import NO_EVIDENCE
from tenbin.decide.output_priors import TASKS
from tenbin.measure.routing.formulas import (
    FEWEST_ROWS,
    Estimate,
    Floats,
    Ints,
    Ranked,
    accuracy,
    estimated,
    macro_f1,
    ranked,
    ranking,
    spearman,
    strong_counts,
)
from tenbin.measure.routing.hull import Bought, bought, chosen
from tenbin.measure.routing.measured import Evaluation, Measure, Value, value
from tenbin.measure.routing.readings import FOLDS, Reading, cross_validated, expected_qualities
from tenbin.measure.routing.tables import Difficulty, Labels, ModelOutcomes, Outcomes

CHARACTERS_A_TOKEN = 4
"""Of English text; used where a table states prices, but no costs."""
DOMINATES, LEAST_OF_GAP = 1.3, 0.15
"""A part of a table dominates its gap when it makes so many times more of it than of the rows, and this much of it."""
FEWEST_FOR_FOLDS = 100
"""Rows below which nothing is cross-validated."""


@dataclass(frozen=True)
class Settings:
    """How to measure."""

    bootstrap: int
    seed: int
    cross_validate: bool
    prices: Mapping[str, tuple[float, float]]
    """Plain name of a model -> USD per million tokens of input and of output."""


@dataclass(frozen=True)
class Asked:
    """The prompts of a table and what the router read in them."""

    prompts: Sequence[str]
    readings: Sequence[Reading]
    ties: Ints

    def lengths(self, rows: Ints) -> Floats:
        """Characters of prompts."""
        return np.array([len(self.prompts[row]) for row in rows], dtype=np.float64)

    def gains(self, rows: Ints) -> Floats:
        """How much the router thinks a strong model is needed."""
        return np.array([self.readings[row].gain for row in rows], dtype=np.float64)


def two_models(table: Outcomes, asked: Asked, settings: Settings) -> list[Evaluation]:
    """CPT and APGR; once more without the part of the table that dominates the gap, if one does."""
    found = [_two_models(table, asked, settings)]
    if len(set(table.groups)) < 3:
        return found
    by_group: dict[str, float] = defaultdict(float)
    for group, gain in zip(table.groups, (table.strong - table.weak).tolist(), strict=True):
        by_group[group] += gain
    most = max(by_group, key=lambda group: (by_group[group], group))
    kept = np.array([group != most for group in table.groups])
    total, rows = float((table.strong - table.weak).sum()), 1 - float(kept.mean())
    if total > 0 and by_group[most] / total >= max(DOMINATES * rows, LEAST_OF_GAP) and kept.sum() >= FEWEST_ROWS:
        share = f"it makes {100 * by_group[most] / total:.0f} % of the gap with {100 * rows:.0f} % of the rows"
        rest = Outcomes(
            f"{table.name}, without {most}",
            table.rows[kept],
            table.weak[kept],
            table.strong[kept],
            notes=(f"{most} is left out: {share}",),
        )
        found.append(_two_models(rest, asked, settings))
    return found


def _two_models(table: Outcomes, asked: Asked, settings: Settings) -> Evaluation:
    weak, strong, ties = table.weak, table.strong, asked.ties[table.rows]
    gains = asked.gains(table.rows)
    orders: dict[str, Ints | None] = {
        "tenbin": ranking(gains, ties),
        "length": ranking(asked.lengths(table.rows), ties),
        "random": None,
        "oracle": ranking(strong - weak, ties),
    }
    told = {name: ranked(order, weak, strong, settings.bootstrap, settings.seed) for name, order in orders.items()}

    def measure(name: str, place: int, better: str = "higher", **more: Value) -> Measure:
        values = {who: value(figures[place]) for who, figures in told.items()}
        return Measure(name=name, better="higher" if better == "higher" else "lower", values=values | more)

    cheapest, strongest = (_mean(column, settings) for column in (weak, strong))
    notes = list(table.notes)
    gap = _mean(strong - weak, settings)
    if not gap.value > 0:
        notes.append("the strong model is not better here: there is nothing to recover, so no APGR and no CPT")
    elif not gap.low > 0:
        notes.append(f"the strong model is not surely better (gap {gap.value:.3f}): APGR and CPT mean little")
    if (different := len(set(gains.tolist()))) < len(gains) / 10:
        notes.append(f"only {different} different scores; ties are broken by a digest of the prompt")
    assert Ranked._fields == ("apgr", "cpt50", "cpt80", "half")
    return Evaluation(
        kind="two_models",
        name=table.name,
        rows=len(weak),
        measures=(
            measure("apgr", 0),
            measure("cpt50", 1, "lower"),
            measure("cpt80", 2, "lower"),
            measure("quality_at_half", 3, cheapest=value(cheapest), strongest=value(strongest)),
        ),
        notes=tuple(notes),
    )


def many_models(table: ModelOutcomes, asked: Asked, settings: Settings) -> Evaluation:
    """AIQ and what is saved where costs or prices are known; quality when cost is no object."""
    readings = [asked.readings[row] for row in table.rows]
    ties = asked.ties[table.rows]
    notes = list(table.notes)
    cost, known = table.cost, table.cost is not None
    if cost is None:
        cost = _costs_from_prices(table.models, [asked.prompts[row] for row in table.rows], readings, settings.prices)
        if cost is not None:
            notes.append(
                "costs are estimated: listed prices, 4 characters a token, answers of the length usual for the task"
            )
        else:
            lacking = [model for model in table.models if plain(model) not in settings.prices]
            notes.append(f"no costs, and no prices of {', '.join(map(plain, lacking))}: AIQ cannot be told")
    told = {"tenbin": expected_qualities(readings, table.models, NO_EVIDENCE)}
    if settings.cross_validate and len(readings) >= FEWEST_FOR_FOLDS:
        told["tenbin_cross_validated"] = cross_validated(readings, table.models, table.quality, ties)
        notes.append(
            f"cross-validated: the outcomes of the other {FOLDS - 1} of {FOLDS} folds are the router's evidence"
        )
    elif settings.cross_validate:
        notes.append(f"not cross-validated: that takes {FEWEST_FOR_FOLDS} rows")
    measures = [_at_any_cost(table, told, settings)]
    if cost is not None:
        # The router knows what a model's answers cost on average, not what this one did; from prices it knows its
        # own estimate, which is all there is.
        believed = cost.mean(axis=0) if known else cost
        measures = [*_with_costs(table, cost, believed, told, asked, settings), *measures]
    return Evaluation(
        kind="many_models",
        name=f"{len(table.models)} models: {', '.join(plain(model) for model in table.models)}",
        rows=len(readings),
        measures=tuple(measures),
        notes=tuple(notes),
    )


def _with_costs(
    table: ModelOutcomes, cost: Floats, believed: Floats, told: Mapping[str, Floats], asked: Asked, settings: Settings
) -> list[Measure]:
    quality, draws, seed = table.quality, settings.bootstrap, settings.seed
    means = cost.mean(axis=0)
    cheapest, best = int(means.argmin()), int(quality.mean(axis=0).argmax())
    by_length = ranking(asked.lengths(table.rows), asked.ties[table.rows])
    by_chance: Ints = np.random.default_rng(seed).permutation(len(quality))
    results: dict[str, Bought] = {
        name: bought(chosen(values, believed), quality, cost, draws, seed) for name, values in told.items()
    }
    no_picks = np.empty((len(quality), 0), dtype=np.int64)
    results["single_models"] = bought(no_picks, quality, cost, draws, seed, singles=True)
    results["length"] = bought(_between(by_length, cheapest, best), quality, cost, draws, seed)
    results["random"] = bought(_between(by_chance, cheapest, best), quality, cost, draws, seed)
    results["oracle"] = bought(chosen(quality, cost), quality, cost, draws, seed)
    ends = {"cheapest": cheapest, "strongest": best}
    return [
        Measure(name="aiq", better="higher", values={who: value(of.aiq) for who, of in results.items()}),
        Measure(name="saved_at_95", better="higher", values={who: value(of.saved) for who, of in results.items()}),
        Measure(
            name="cost_usd",
            better="lower",
            values={who: value(_mean(cost[:, place], settings)) for who, place in ends.items()},
        ),
    ]


def _at_any_cost(table: ModelOutcomes, told: Mapping[str, Floats], settings: Settings) -> Measure:
    rows = np.arange(len(table.quality))
    means = table.quality.mean(axis=0)
    values = {who: table.quality[rows, estimate.argmax(axis=1)] for who, estimate in told.items()}
    values["random"] = table.quality.mean(axis=1)
    if table.cost is not None:
        values["cheapest"] = table.quality[:, int(table.cost.mean(axis=0).argmin())]
    values["strongest"] = table.quality[:, int(means.argmax())]
    values["oracle"] = table.quality.max(axis=1)
    return Measure(
        name="quality_at_any_cost",
        better="higher",
        values={who: value(_mean(column, settings)) for who, column in values.items()},
    )


def _between(order: Ints, cheapest: int, best: int) -> Ints:
    """Picks that send the first so many of an order to the best model and the rest to the cheapest."""
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return np.where(place[:, None] < strong_counts(len(order))[None, :], best, cheapest)


def _costs_from_prices(
    models: Sequence[str],
    prompts: Sequence[str],
    readings: Sequence[Reading],
    prices: Mapping[str, tuple[float, float]],
) -> Floats | None:
    listed = [prices.get(plain(model)) for model in models]
    if any(price is None for price in listed):
        return None
    rates = np.array(listed, dtype=np.float64) / 1e6
    tokens = np.array([len(prompt) / CHARACTERS_A_TOKEN for prompt in prompts])
    answers = np.array([TASKS[reading.features.task].mean for reading in readings])
    costs: Floats = tokens[:, None] * rates[None, :, 0] + answers[:, None] * rates[None, :, 1]
    return costs


def labels(table: Labels, asked: Asked, settings: Settings) -> Evaluation:
    """Accuracy and macro-F1 of the task type or domain."""
    words: tuple[str, ...] = TASK_TYPES if table.what == "task type" else DOMAINS
    place = {word: number for number, word in enumerate(words)}
    true = np.array([place[label] for label in table.labels])
    read = [asked.readings[row].features for row in table.rows]
    told = np.array([place[each.task if table.what == "task type" else each.domain] for each in read])
    occurring = np.unique(true)
    guessed = np.random.default_rng(settings.seed).choice(occurring, len(true))
    frequent = np.full(len(true), np.bincount(true).argmax())
    answers = {"tenbin": told, "random": guessed, "most_frequent": frequent, "oracle": true}

    def measure(of: Ints, *, f1: bool) -> Value:
        return value(
            estimated(
                lambda rows: macro_f1(true[rows], of[rows], len(words)) if f1 else accuracy(true[rows], of[rows]),
                len(true),
                settings.bootstrap,
                settings.seed,
            )
        )

    return Evaluation(
        kind="labels",
        name=f"{table.what}, {len(occurring)} labels",
        rows=len(true),
        measures=(
            Measure(
                name="accuracy", better="higher", values={who: measure(of, f1=False) for who, of in answers.items()}
            ),
            Measure(
                name="macro_f1", better="higher", values={who: measure(of, f1=True) for who, of in answers.items()}
            ),
        ),
        notes=table.notes,
    )


def difficulty(table: Difficulty, asked: Asked, settings: Settings) -> Evaluation:
    """Spearman's correlation of what a person found hard with what the router does."""
    # What decides which tier a request gets is the chance that each suffices.
    hard = [-sum(asked.readings[row].features.suffices) for row in table.rows]
    scores = {
        "tenbin": np.array(hard),
        "length": asked.lengths(table.rows),
        "random": np.random.default_rng(settings.seed).permutation(len(table.rows)).astype(np.float64),
        "oracle": table.degree,
    }
    values = {
        who: value(
            estimated(
                lambda rows, of=of: spearman(of[rows], table.degree[rows]),  # type: ignore[misc]
                len(table.rows),
                settings.bootstrap,
                settings.seed,
            )
        )
        for who, of in scores.items()
    }
    measures = (Measure(name="spearman", better="higher", values=values),)
    return Evaluation(kind="difficulty", name=table.name, rows=len(table.rows), measures=measures)


def _mean(column: Floats, settings: Settings) -> Estimate:
    return estimated(lambda rows: float(column[rows].mean()), len(column), settings.bootstrap, settings.seed)
