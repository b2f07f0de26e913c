"""Columns of outcomes in a table: which models were asked, how good their answers were, and what they cost."""

import re
from collections import Counter

import numpy as np

from tenbin.measure.routing.families import Pair, known_pairs, plain, sized_pairs
from tenbin.measure.routing.files import Columns
from tenbin.measure.routing.formulas import FEWEST_ROWS, Floats, Ints
from tenbin.measure.routing.tables import ModelOutcomes, Outcomes, Rows

QUALITY = ("score", "correct", "quality", "accuracy", "acc", "ok", "performance", "rating")
COST = ("cost", "usd", "price", "cost_usd")
WEAK = ("weak", "cheap", "small")
STRONG = ("strong", "large", "expensive", "best")
TURN = re.compile(r"_?(?:turn)?_?\d$")
SCORE_OF = re.compile(r"([_ ](turn_?\d|score|rating|correct|t\d|\d))+$", re.IGNORECASE)
NOT_QUALITY = re.compile(
    r"chars|char|len|length|token|latency|_ms|seconds|usd|cost|price|response|answer|model|name|id$"
)
"""In the name of a column of a weak or strong model that says something else than how good its answer was."""

LENGTH = re.compile(r"(out_chars|len|length|chars|tokens|out_tokens)\|")
"""Columns that hold how long a model's answers are."""

MOST_SIZED = 3
"""Pairs of one model in two sizes that are measured in a table without pairs that are sold side by side."""
MOST_ABSENT = 0.2
"""Of the rows: a model with fewer outcomes is left out of comparisons of all models."""

Priced = dict[str, float]
"""Model -> USD for a typical answer."""


def unrolled(columns: Columns) -> Columns:
    """A table with one row for each prompt and model, as one with a column for each model; any other as it is."""
    names = {name.lower(): name for name in reversed(list(columns))}
    asked, model = names.get("prompt") or names.get("question"), names.get("model")
    quality = next((names[name] for name in QUALITY if name in names), None)
    cost = next((names[name] for name in COST if name in names), None)
    if asked is None or model is None or quality is None:
        return columns
    prompts = [value if isinstance(value, str) else "" for value in columns[asked]]
    asked_of = [value if isinstance(value, str) else "" for value in columns[model]]
    models = sorted(set(asked_of) - {""})
    first: dict[str, int] = {}
    for row, prompt in enumerate(prompts):
        first.setdefault(prompt, row)
    if len(models) < 2 or len(first) * 2 > len(prompts) + 1:
        return columns
    place = {prompt: number for number, prompt in enumerate(first)}
    told = {"score": quality} | ({"cost": cost} if cost is not None else {})
    wide: Columns = {
        name: [columns[name][row] for row in first.values()] for name in columns if name not in (model, *told.values())
    }
    for kind, name in told.items():
        wide |= {f"{kind}|{each}": [None] * len(first) for each in models}
        for prompt, each, value in zip(prompts, asked_of, columns[name], strict=True):
            if each:
                wide[f"{kind}|{each}"][place[prompt]] = value
    return wide


def two_models(rows: Rows) -> list[Outcomes]:
    """Columns named for a weak and a strong model: ``weak`` and ``strong``, ``cheap_correct`` and ``strong_correct``,
    or one for each turn (``weak_turn1``, ``weak_turn2`` ...), of which the mean counts."""
    names = {name.lower(): name for name in reversed(list(rows.columns))}
    for weak in WEAK:
        for strong in STRONG:
            halves = _halves(names, weak, strong)
            if not halves:
                continue
            low, high = (np.mean([rows.numbers(names[half[side]]) for half in halves], axis=0) for side in (0, 1))
            mean = f" (mean of {len(halves)})" if len(halves) > 1 else ""
            if found := outcomes(rows, f"{names[halves[0][0]]} / {names[halves[0][1]]}{mean}", low, high):
                return [found]
    return []


def _halves(names: dict[str, str], weak: str, strong: str) -> list[tuple[str, str]]:
    """Columns that say the same of the two models: those named for them and nothing else, or all there are."""
    if weak in names and strong in names:
        return [(weak, strong)]
    word = re.compile(rf"(?<![a-z]){weak}(?![a-z])")
    return [
        (name, other)
        for name in names
        if word.search(name)
        and not NOT_QUALITY.search(word.sub("", name))
        and (other := word.sub(strong, name)) in names
    ]


def named_models(rows: Rows) -> list[Outcomes]:
    """Columns of numbers that bear the names of models that are sold side by side, perhaps with the turn or ``score``
    after it: ``mixtral-8x7b-instruct-v0.1_turn1`` and ``gpt-4-1106-preview_turn1``."""
    columns: dict[str, list[Floats]] = {}
    for name in rows.columns:
        model = SCORE_OF.sub("", name)
        if "|" not in name and np.isfinite(values := rows.numbers(name)).mean() >= 1 - MOST_ABSENT:
            columns.setdefault(model, []).append(values)
    means = {model: np.mean(values, axis=0) for model, values in columns.items()}
    found = [outcomes(rows, _said(pair), means[pair.weak], means[pair.strong]) for pair in known_pairs(list(means))]
    return [each for each in found if each]


def outcomes(rows: Rows, name: str, weak: Floats, strong: Floats, *notes: str) -> Outcomes | None:
    """The rows for which both outcomes are known; None where they are too few."""
    known = np.flatnonzero(np.isfinite(weak) & np.isfinite(strong))
    if len(known) < FEWEST_ROWS:
        return None
    if len(known) < len(weak):
        notes = (*notes, f"{len(weak) - len(known)} rows lack an outcome")
    return Outcomes(name, known, weak[known], strong[known], rows.group_of(known), notes)


def many_models(rows: Rows, prices: Priced) -> tuple[list[ModelOutcomes], list[Outcomes]]:
    """Columns ``score|MODEL`` and ``cost|MODEL``: the models together, and pairs of a cheap and a strong one.

    ``score|MODEL|1`` and ``score|MODEL|2`` are turns; their mean counts.
    """
    quality = _by_model(rows, QUALITY)
    if len(quality) < 2:
        return [], []
    cost = _by_model(rows, COST)
    models = [name for name in quality if np.isnan(quality[name]).mean() <= MOST_ABSENT]
    if len(models) < 2:
        models = list(quality)
    priced = all(name in cost for name in models)
    scores = np.stack([quality[name] for name in models], axis=1)
    costs = np.stack([cost[name] for name in models], axis=1) if priced else None
    known = np.isfinite(scores if costs is None else np.concatenate([scores, costs], axis=1)).all(axis=1)
    kept = np.flatnonzero(known)
    pairs = [
        outcomes(rows, _said(pair), quality[pair.weak], quality[pair.strong], *notes)
        for pair, notes in _pairs(quality, cost if priced else {}, prices)
    ]
    if len(kept) < FEWEST_ROWS:
        return [], [pair for pair in pairs if pair]
    notes = [f"{len(known) - len(kept)} rows lack an outcome"] if len(kept) < len(known) else []
    if left := [plain(name) for name in quality if name not in models]:
        notes.append(f"left out, for they lack too many outcomes: {', '.join(left)}")
    together = ModelOutcomes(
        kept, tuple(models), scores[kept], costs[kept] if costs is not None else None, tuple(notes)
    )
    return [together], [pair for pair in pairs if pair]


def judged(rows: Rows) -> list[Outcomes]:
    """Columns ``score|JUDGE|MODEL``: for each judge the pairs of models that are sold side by side, and the mean of
    those the table describes best. Each part of the table (its benchmarks have scales of their own) is brought to 0..1
    by its own range."""
    columns = [name for name in rows.columns if name.count("|") == 2 and name.split("|")[0].lower() in QUALITY]
    columns = [name for name in columns if not _is_turn(name.split("|")[2])]
    if not columns:
        return []
    scores = dict(zip(columns, _to_unit(rows, np.stack([rows.numbers(name) for name in columns])), strict=True))
    described = {name.split("|")[1] for name in rows.columns if LENGTH.match(name)}
    found: list[Outcomes | None] = []
    summed: list[Outcomes | None] = []
    for judge in dict.fromkeys(name.split("|")[1] for name in columns):
        of_judge = {name.split("|")[2]: scores[name] for name in columns if name.split("|")[1] == judge}
        pairs = known_pairs(list(of_judge), described)
        by_name = {
            pair: (of_judge[pair.weak], of_judge[pair.strong])
            for pair in pairs or sized_pairs(list(of_judge))[:MOST_SIZED]
        }
        found += [outcomes(rows, f"{_said(pair)}, judged by {judge}", *both) for pair, both in by_name.items()]
        best = [pair for pair in by_name if pair.weak in described and pair.strong in described] or list(by_name)
        if len(best) > 1:
            said = (
                " + ".join(plain(pair.weak) for pair in best) + " / " + " + ".join(plain(pair.strong) for pair in best)
            )
            weak, strong = (_mean([by_name[pair][side] for pair in best]) for side in (0, 1))
            summed.append(outcomes(rows, f"{said}, judged by {judge}", weak, strong))
    return [each for each in (*summed, *found) if each]


def preferred(rows: Rows) -> list[Outcomes]:
    """Columns ``pref|MODEL`` (1: the reference's answer is preferred, 2: the model's): each model against the
    reference, and the mean of all that are weaker than it."""
    columns = {name.split("|")[1]: rows.numbers(name) for name in rows.columns if name.lower().startswith("pref|")}
    wins = {name: values - 1 for name, values in columns.items() if np.isfinite(values).any()}
    weaker = {name: won for name, won in wins.items() if np.nanmean(won) < 0.5}
    if not weaker:
        return []
    lengths = [name.split("|")[1] for name in rows.columns if name.lower().startswith("len|")]
    reference = next((name for name in lengths if name not in columns), "the reference")
    mean = _mean(list(weaker.values()))
    found = [outcomes(rows, f"{len(weaker)} weaker models together / {reference}", mean, 1 - mean)]
    for pair in known_pairs([*weaker, reference]):
        if pair.strong == reference:
            found.append(outcomes(rows, _said(pair), weaker[pair.weak], 1 - weaker[pair.weak]))
    return [each for each in found if each]


def _by_model(rows: Rows, kinds: tuple[str, ...]) -> dict[str, Floats]:
    """Model -> the mean of its columns ``KIND|MODEL``, ``KIND|MODEL|TURN``, ``KIND_TURN|MODEL`` and, of the first kind,
    ``TURN|MODEL``."""
    turns: dict[str, list[Floats]] = {}
    for name in rows.columns:
        kind, *rest = name.split("|")
        if (TURN.sub("", kind.lower()) or kinds[0]) in kinds and (
            len(rest) == 1 or (len(rest) == 2 and _is_turn(rest[1]))
        ):
            turns.setdefault(rest[0], []).append(rows.numbers(name))
    return {model: np.mean(values, axis=0) for model, values in turns.items() if np.isfinite(values).any()}


def _is_turn(text: str) -> bool:
    return bool(TURN.fullmatch(text.lower()))


def _pairs(quality: dict[str, Floats], cost: dict[str, Floats], prices: Priced) -> list[tuple[Pair, tuple[str, ...]]]:
    """Pairs to measure among these models, and how they were chosen where their names did not tell."""
    if known := known_pairs(list(quality)):
        return [(pair, ()) for pair in known]
    means = {name: float(np.nanmean(values)) for name, values in quality.items()}
    spent = {name: float(np.nanmean(cost[name])) for name in quality if name in cost} or {
        name: prices[name] for name in quality if name in prices
    }
    best = max(means, key=lambda name: (means[name], name))
    chosen: list[tuple[Pair, tuple[str, ...]]] = []
    if len(spent) == len(quality):
        cheapest = min(spent, key=lambda name: (spent[name], name))
        if cheapest != best:
            chosen.append((Pair(cheapest, best), ("the cheapest model and the best one of this table",)))
    if not chosen:
        chosen += [(pair, ("one model in two sizes",)) for pair in sized_pairs(list(quality))[:MOST_SIZED]]
    if not chosen:
        worst = min(means, key=lambda name: (means[name], name))
        if worst != best:
            chosen.append((Pair(worst, best), ("the worst and the best model of this table, told by the outcomes",)))
    return chosen


def _said(pair: Pair) -> str:
    return f"{plain(pair.weak)} / {plain(pair.strong)}"


def _mean(columns: list[Floats]) -> Floats:
    """Row means of what is known; NaN where nothing is."""
    values = np.stack(columns)
    known = np.isfinite(values)
    counts = known.sum(axis=0)
    return np.where(counts > 0, np.where(known, values, 0).sum(axis=0) / np.maximum(counts, 1), np.nan)


def _to_unit(rows: Rows, scores: Floats) -> Floats:
    """Scores (columns, rows), each part of the table brought to 0..1 by the least and the greatest given in it."""
    unit = scores.copy()
    groups = np.array(rows.groups) if rows.groups else np.zeros(scores.shape[1])
    for group in Counter(groups.tolist()):
        part: Ints = np.flatnonzero(groups == group)
        within = scores[:, part]
        known = within[np.isfinite(within)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        unit[:, part] = (within - low) / (high - low) if high > low else 0.0
    return unit
