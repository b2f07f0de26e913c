"""The cascade's tables as Markdown, and its page and plot in docs/."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.cascade import plot
from benchmarks.cascade.figures import QUARTER, AsGood, Figures, Result, Single
from benchmarks.harness import report

PAGE = report.PAGE.with_name("cascade-benchmark.md")
PLOT = PAGE.with_suffix(".svg")

TITLES = {
    "random": "cascade, a gate that tells nothing",
    "routing": "routing alone: Tenbin's router",
    "oracle_routing": "oracle: routing that knows the outcomes",
    "words": "cascade, gates on words alone",
    "cascade": "**cascade, gates on words and log-probabilities**",
    "routed": "the same, the router's expectation as prior",
    "fooled": "the same, gates err together on a prompt",
    "unskipped": "the same, no rung skipped (`skip: false`)",
    "best": "the same, the last rung judged too, best answer given (`judge_top: true`)",
    "perfect": "oracle: cascade with a gate that knows",
}


def read(path: Path) -> Result:
    """A run that was kept."""
    return msgspec.json.decode(path.read_bytes(), type=Result)


def gate_from(path: Path) -> str:
    """Of which answers the gates' noise was measured."""
    found = msgspec.json.decode(path.read_bytes())
    return f"{found['from']}, calibrated on {found['calibration']}"


def publish(result: Result, page: Path = PAGE) -> None:
    """Write the results into the page, and draw them."""
    report.publish("results", render(result), page)
    page.with_suffix(".svg").write_text(plot.draw(result), encoding="utf-8")


def render(result: Result) -> str:
    """The results of a run."""
    facts = ", ".join(f"{name} {result.machine[name]}" for name in ("processor", "cores", "Python"))
    head = (
        f"Run of {result.date} (UTC), seed {result.seed}, {result.seconds:.0f} s; {facts}. {result.prompts:,} prompts, "
        f"{result.resamples:,} resamples of them, {result.draws} draws of the gate's noise. Gates: {result.gate_from}."
    )
    return "\n\n".join(
        [
            head,
            _answer(result),
            "### Against the best single model\n\n" + _ways(result),
            "### A setting chosen in advance\n\n" + _in_advance(result),
            "### How good the gate must be\n\n" + _sweep(result),
            "### Single models\n\n" + _singles(result),
            "### FrugalGPT's published points\n\n" + _frugal(result),
        ]
    )


def _answer(result: Result) -> str:
    cascade, best = result.named("cascade"), result.best.model.rpartition("/")[2]
    reached = cascade.equal.value <= QUARTER
    auc = result.gate_auc["one-answer"]
    said = (
        f"**At {best}'s accuracy the cascade costs {share(cascade.equal)} of it"
        + (", as was asked for" if reached else f", not the {QUARTER:.0%} that were asked for")
        + f"**, with gates as they were measured (AUC {_auc(auc)}). For {QUARTER:.0%} of the cost it has "
        f"{share(cascade.quarter, 1)} of the accuracy; {_near(cascade)}."
    )
    if not reached and (needed := result.needed()) is not None:
        said += f" A quarter would take a gate with an AUC of {needed:.2f}{_precision(result, needed)}"
        if (needed := result.needed(best_of=True)) is not None:
            said += f"; {needed:.2f} if the last rung's answer were judged as well and the best answer of all given"
        said += ": see the sweep below."
    return said


def _precision(result: Result, auc: float) -> str:
    """Of the escalations of a gate of this AUC, between those that were swept."""
    told = [(each.auc, each.figures.as_good) for each in result.swept]
    known = [
        (area, found.precision, found.recall) for area, found in told if found and found.precision and found.recall
    ]
    at = [float(np.interp(auc, [one[0] for one in known], [one[place] for one in known])) for place in (1, 2)]
    return f" (precision {at[0]:.2f} at a recall of {at[1]:.2f})"


def _near(figures: Figures) -> str:
    return ", ".join(f"{part} of it is had for {share(cost)} of the cost" for part, cost in figures.near.items())


def _ways(result: Result) -> str:
    head = ["", "cost at equal accuracy", *(f"at {part} of it" for part in result.named("cascade").near)]
    head += [f"accuracy for {QUARTER:.0%} of the cost", "highest accuracy"]
    rows = []
    for figures in result.figures:
        cells = [TITLES[figures.name], share(figures.equal), *(share(cost) for cost in figures.near.values())]
        rows.append([*cells, share(figures.quarter, 1), share(figures.highest, 1)])
    return (
        table(head, rows)
        + f"\n\nCosts are shares of {result.best.model}'s, accuracy for a quarter is a share of its accuracy. Points "
        "are mixed by chance where that is better (the upper hull, as RouterBench draws it), and the best single model "
        "is one of them: 100 % is its own. [ ]: 95 % bootstrap interval over prompts."
    )


def _in_advance(result: Result) -> str:
    rows = []
    for figures in result.figures:
        told = figures.as_good
        if told is not None:
            cells = [TITLES[figures.name], share(told.cost), share(told.accuracy, 1)]
            rows.append([*cells, _ratio(told.precision), _ratio(told.recall)])
    cascade = result.named("cascade").as_good
    assert cascade is not None
    return (
        table(["", "cost", "accuracy", "precision", "recall"], rows)
        + "\n\nThe cheapest setting that was at least as accurate as the best single model on four fifths of the "
        "prompts, scored on the other fifth by the gateway's own decision, prompt by prompt; nothing is mixed or read "
        "off a curve. Precision: of the answers that were escalated the share that was wrong. Recall: of the wrong "
        "ones that were gated the share that was escalated.\n\n" + _ladders(cascade)
    )


def _ladders(told: AsGood) -> str:
    most = sorted(told.ladders.items(), key=lambda each: -each[1])
    return "Ladders of the cascade there, by fold:\n\n" + "\n".join(f"- {words} ({rows})" for words, rows in most)


def _sweep(result: Result) -> str:
    rows = []
    for each in result.swept:
        told = each.figures.as_good
        assert told is not None
        cells = [f"{each.auc:.3g}", share(each.figures.equal), f"{each.best_equal:.0%}", share(each.figures.quarter, 1)]
        rows.append([*cells, share(Single(told.cost.value)), _ratio(told.precision), _ratio(told.recall)])
    head = [
        "AUC",
        "cost at equal accuracy",
        "best answer given",
        f"accuracy for {QUARTER:.0%}",
        "in advance: cost",
        "precision",
        "recall",
    ]
    measured = "; ".join(f"{name.replace('-', ' ')}: {_auc(auc)}" for name, auc in result.gate_auc.items())
    return (
        "Gates whose evidence for right and for wrong answers is two normal distributions of one width, calibrated."
        "\n\n"
        + table(head, rows)
        + f"\n\nMeasured: {measured}. Their evidence is not shaped like this: they fail bad answers surely and "
        "approve good ones weakly."
    )


def _singles(result: Result) -> str:
    rows = [[one.model, f"{one.accuracy:.1%}", f"${1000 * one.cost:.3f}"] for one in result.singles]
    return table(["model", "accuracy", "1,000 prompts"], rows)


def _frugal(result: Result) -> str:
    rows = []
    for each in result.frugalgpt:
        most = max(accuracy for _, accuracy in each.points)
        equal = f"{each.equal:.0%}" if each.equal is not None else "never"
        rows.append([each.data, each.best, f"{each.best_accuracy:.1%}", equal, f"{most / each.best_accuracy:.1%}"])
    head = ["data", "best single model", "its accuracy", "FrugalGPT's cost at equal accuracy", "its highest accuracy"]
    return (
        table(head, rows, left=2) + "\n\nThese are other tasks, other models (of 2024) and a scorer trained for each "
        "task on its own labels; they stand here as what has been published of cascades, not as a contest."
    )


def share(value: Single, digits: int = 0) -> str:
    """A share in per cent, with its interval."""
    told = f"{value.value:.{digits}%}"
    if value.low is None or value.high is None:
        return told
    return f"{told} [{100 * value.low:.{digits}f}, {100 * value.high:.{digits}f}]"


def _auc(value: Single) -> str:
    return f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]" if value.low is not None else f"{value.value:.2f}"


def _ratio(value: float | None) -> str:
    return f"{value:.2f}" if value is not None else "-"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A Markdown table; the first columns to the left, the others to the right."""
    marks = ["---" if number < left else "--:" for number in range(len(head))]
    return "\n".join("| " + " | ".join(line) + " |" for line in [list(head), marks, *map(list, rows)])
