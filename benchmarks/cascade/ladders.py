"""Choosing a ladder on prompts that it is not scored on, and scoring it on others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from benchmarks.cascade import product
from benchmarks.cascade.climbs import Climbed, Ladder, chances, climb
from benchmarks.cascade.noise import Noise
from benchmarks.cascade.outcomes import Outcomes
from tenbin.measure.gates.formulas import Flags
from tenbin.measure.routing.formulas import Floats
from tenbin.measure.routing.readings import FOLDS

MOST_RUNGS = 4
THRESHOLDS = 1 - np.logspace(-2.2, -0.3, 16)
"""Chances from which on an answer is accepted, 0.50 ... 0.994; one for all rungs of a ladder."""
WORTHS = np.logspace(-3.5, 1, 30)
"""What one right answer more is worth, USD: the knob that a curve is drawn by."""
LEARNED_ON, SCORED_ON = 4, 12
"""Times that the gate's noise is drawn for learning, and anew for scoring."""
LOOKED_AT, FINALISTS = 1800, 30
"""Ladders are compared on this many answers first, and the best ones then on all."""


def ladders(good: Flags, cost: Floats, *, skip: bool = True) -> Iterator[Ladder]:
    """All of them, each rung dearer than the one before by mean cost, but (``skip``) for those of which the gateway
    would skip a rung: without it, they are among the others.
    """
    right, spent = good.mean(axis=0), cost.mean(axis=0)
    order = np.argsort(spent, kind="stable").tolist()
    for rungs in range(1, MOST_RUNGS + 1):
        for chosen in combinations(order, rungs):
            if skip and not product.worth_trying(chosen, right, spent):
                continue
            for accepts in THRESHOLDS.tolist() if rungs > 1 else [0.0]:
                yield Ladder(chosen, accepts)


@dataclass(frozen=True)
class Played:
    """A way to answer, at every setting of its knob, on prompts that nothing was chosen by."""

    good: Floats
    """(prompts, settings): how often the given answer is right, over the draws."""
    cost: Floats
    """(prompts, settings): USD."""
    equal: Climbed | None
    """At the one setting that was as good as the best single model on the other folds, and cheapest; climbed prompt by
    prompt by the gateway's own decision. None of a way to answer that chooses no setting."""
    chosen: list[tuple[Ladder, int]]
    """At that setting: each fold's ladder, and how many prompts it was scored on."""


@dataclass(frozen=True)
class _Learned:
    by_worth: list[Ladder]
    equal: Ladder


def play(
    table: Outcomes,
    noise: Noise,
    prior: Floats,
    seed: int,
    *,
    best_of: bool = False,
    shared: bool = False,
    skip: bool = True,
) -> Played:
    """Choose ladders on four fifths of the prompts for each worth, and climb them with the others; five times."""
    generator = np.random.default_rng(seed)
    drawn = [chances(prior, noise.drawn(table.good, generator, shared=shared)) for _ in range(LEARNED_ON + SCORED_ON)]
    good, cost = np.zeros((len(table.good), len(WORTHS))), np.zeros((len(table.good), len(WORTHS)))
    equal = Climbed(np.zeros(len(good)), np.zeros(len(good)), np.zeros((2, 2), dtype=np.int64))
    chosen = []
    for held_out in range(FOLDS):
        scored = table.fold == held_out
        learned = _learn(table, drawn[:LEARNED_ON], ~scored, held_out, best_of=best_of, skip=skip)
        chosen.append((learned.equal, int(scored.sum())))
        for chance in drawn[LEARNED_ON:]:
            part = (table.good[scored], table.cost[scored], chance[scored])
            for setting, ladder in enumerate(learned.by_worth):
                climbed = climb(ladder, *part, best_of=best_of)
                good[scored, setting] += climbed.good / SCORED_ON
                cost[scored, setting] += climbed.cost / SCORED_ON
            costs = table.cost[~scored].mean(axis=0)
            climbed = product.climb(learned.equal, *part, prior[scored], costs, best_of=best_of, skip=skip)
            equal.good[scored] += climbed.good / SCORED_ON
            equal.cost[scored] += climbed.cost / SCORED_ON
            equal.judged[:] += climbed.judged
    return Played(good, cost, equal, chosen)


def _learn(table: Outcomes, drawn: Sequence[Floats], rows: Flags, seed: int, *, best_of: bool, skip: bool) -> _Learned:
    good = np.concatenate([table.good[rows]] * len(drawn))
    cost = np.concatenate([table.cost[rows]] * len(drawn))
    chance = np.concatenate([each[rows] for each in drawn])
    some = np.random.default_rng(seed).permutation(len(good))[:LOOKED_AT]
    candidates = list(ladders(table.good[rows], table.cost[rows], skip=skip))
    rough = np.array([_means(each, good[some], cost[some], chance[some], best_of) for each in candidates])
    exact: dict[int, tuple[float, float]] = {}
    picked = []
    for worth in WORTHS.tolist():
        finalists = np.argsort(rough[:, 1] / worth - rough[:, 0], kind="stable")[:FINALISTS].tolist()
        for each in finalists:
            if each not in exact:
                exact[each] = _means(candidates[each], good, cost, chance, best_of)
        picked.append(max(finalists, key=lambda each: exact[each][0] - exact[each][1] / worth))
    single = good.mean(axis=0)
    alone = next(each for each, ladder in enumerate(candidates) if ladder.rungs == (int(single.argmax()),))
    exact[alone] = _means(candidates[alone], good, cost, chance, best_of)
    as_good = [each for each, (right, _) in exact.items() if right >= exact[alone][0]]
    return _Learned([candidates[each] for each in picked], candidates[min(as_good, key=lambda each: exact[each][1])])


def _means(ladder: Ladder, good: Flags, cost: Floats, chance: Floats, best_of: bool) -> tuple[float, float]:
    climbed = climb(ladder, good, cost, chance, best_of=best_of)
    return float(climbed.good.mean()), float(climbed.cost.mean())
