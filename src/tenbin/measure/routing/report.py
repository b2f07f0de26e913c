"""An evaluation in words and columns, for people. Programs read the same as JSON."""

import re
from collections.abc import Sequence

from tenbin.measure.plain_text import columns, wrapped
from tenbin.measure.routing.measured import EvaluatedFile, Evaluation, Measure, Report, Value

HEADINGS = {
    "tenbin": "Tenbin [95 %]",
    "tenbin_cross_validated": "cross-validated",
    "length": "length",
    "random": "random",
    "most_frequent": "most frequent",
    "single_models": "single models",
    "cheapest": "cheapest",
    "strongest": "strongest",
    "oracle": "oracle",
}
"""Who is compared, in the order of the columns."""

BASELINES = ("length", "random", "most_frequent", "single_models", "cheapest", "strongest")

MEASURES = {
    "apgr": "APGR",
    "cpt50": "CPT(50) %",
    "cpt80": "CPT(80) %",
    "quality_at_half": "quality, half strong",
    "aiq": "AIQ",
    "saved_at_95": "saved at 95 % of best, %",
    "quality_at_any_cost": "quality at any cost",
    "cost_usd": "USD an answer",
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "spearman": "Spearman",
}

MOST_BLOCKS = 4
"""Pairs of models shown with all baselines; a file with more has one line for each."""
DATE = re.compile(r"-20\d\d-?\d\d-?\d\d\b")

LEGEND = (
    "APGR: part of the gap between the two models that is recovered, averaged over all shares of strong calls (random "
    "0.5).",
    "CPT(p): per cent of calls that go to the strong model when p % of the gap is recovered (less is better).",
    "AIQ: quality averaged over the cost from the cheapest model to the dearest, along the best mixtures.",
    "cheapest, strongest: always that model. single models: the best mixture of models without looking at the prompt.",
    "oracle: knows the outcomes; no router reaches it. [ ]: 95 % bootstrap interval over prompts.",
)


def lines(report: Report) -> list[str]:
    """The whole report."""
    told = [
        f"Router {report.router}, {report.folder}, {report.bootstrap} resamples, seed {report.seed}"
        + (f", at most {report.limit:,} rows of a file" if report.limit is not None else ""),
        "",
    ]
    if len(report.files) > 1:
        told += ["Summary", *_summary(report.files), ""]
    for file in report.files:
        told += [*_file(file), ""]
    if report.unused:
        told += ["Not measured"]
        for unused in report.unused:
            told += wrapped(f"{unused.file}: {unused.why}", "  ")
        told += [""]
    if report.files:
        told += ["How to read this"]
        for line in LEGEND:
            told += wrapped(line, "  ")
    return told


def _file(file: EvaluatedFile) -> list[str]:
    dropped = "; ".join(f"{count:,} {why}" for why, count in file.dropped.items())
    told = [f"{file.file}: {file.used:,} of {file.rows:,} rows" + (f" ({dropped})" if dropped else "")]
    for note in file.notes:
        told += wrapped(f"! {note}", "  ")
    pairs = [each for each in file.evaluations if each.kind == "two_models"]
    if len(pairs) > MOST_BLOCKS:
        told += ["", *_overview(pairs)]
    for each in file.evaluations:
        if each.kind != "two_models" or len(pairs) <= MOST_BLOCKS:
            told += ["", *_block(each)]
    return told


def _block(evaluation: Evaluation) -> list[str]:
    who = [name for name in HEADINGS if any(name in measure.values for measure in evaluation.measures)]
    rows = [["", *(HEADINGS[name] for name in who)]]
    for measure in evaluation.measures:
        cells = [_cell(measure, name, interval=name.startswith("tenbin")) for name in who]
        rows.append([MEASURES.get(measure.name, measure.name), *cells])
    return [
        *wrapped(f"{evaluation.name} ({evaluation.rows:,} prompts)", "  "),
        *(f"    {line}" for line in columns(rows)),
        *(line for note in evaluation.notes for line in wrapped(f"- {note}", "    ")),
    ]


def _overview(pairs: Sequence[Evaluation]) -> list[str]:
    """One line for each pair, those of one judge under a heading."""
    rows = [["cheap / strong", "prompts", "quality", "APGR [95 %]", "length", "random", "oracle", "CPT(50)", "CPT(80)"]]
    headings: dict[int, str] = {}
    notes: list[str] = []
    judge = ""
    for pair in pairs:
        apgr, cpt50, cpt80, quality = pair.measures
        notes += [note for note in pair.notes if note not in notes]
        marks = "".join(f" ({notes.index(note) + 1})" for note in pair.notes)
        models, _, judged = pair.name.partition(", judged by ")
        if judged != judge:
            headings[len(rows)] = judge = judged
        rows.append(
            [
                DATE.sub("", models) + marks,
                f"{pair.rows:,}",
                f"{_number(quality, 'cheapest')}-{_number(quality, 'strongest')}",
                _cell(apgr, "tenbin", interval=True),
                *(_number(apgr, who) for who in ("length", "random", "oracle")),
                _number(cpt50, "tenbin"),
                _number(cpt80, "tenbin"),
            ]
        )
    told = []
    for place, line in enumerate(columns(rows)):
        told += [f"  judged by {headings[place]}"] if place in headings else []
        told += [f"    {line}"]
    return told + [line for place, note in enumerate(notes, 1) for line in wrapped(f"({place}) {note}", "    ")]


def _summary(files: Sequence[EvaluatedFile]) -> list[str]:
    """The first measure of each kind of evaluation of each file."""
    rows = [["", "prompts", "measure", "Tenbin [95 %]", "best baseline", "oracle", "seen in training"]]
    for file in files:
        for kind in dict.fromkeys(each.kind for each in file.evaluations):
            first = next(each for each in file.evaluations if each.kind == kind)
            measure = first.measures[0]
            rows.append(
                [
                    file.file,
                    f"{first.rows:,}",
                    MEASURES.get(measure.name, measure.name),
                    _cell(measure, "tenbin", interval=True),
                    _best_baseline(measure),
                    _number(measure, "oracle"),
                    f"{100 * file.trained_on / file.used:.0f} %" if file.trained_on else "-",
                ]
            )
    return [f"  {line}" for line in columns(rows)]


def _best_baseline(measure: Measure) -> str:
    known = [(each.value, who) for who in BASELINES if (each := measure.values.get(who)) and each.value is not None]
    if not known:
        return "-"
    best, whose = max(known) if measure.better == "higher" else min(known)
    return f"{_figure(measure.name, best)} {HEADINGS[whose]}"


def _number(measure: Measure, who: str) -> str:
    return _cell(measure, who, interval=False)


def _cell(measure: Measure, who: str, *, interval: bool) -> str:
    value = measure.values.get(who)
    if value is None or value.value is None:
        return "-"
    shown = _figure(measure.name, value.value)
    return shown + _interval(measure.name, value) if interval else shown


def _interval(name: str, value: Value) -> str:
    if value.low is None or value.high is None:
        return ""
    return f" [{_figure(name, value.low)}, {_figure(name, value.high)}]"


def _figure(name: str, figure: float) -> str:
    if name in ("cpt50", "cpt80", "saved_at_95"):
        return f"{figure:.1f}"
    return f"{figure:.6f}" if name == "cost_usd" else f"{figure:.3f}"
