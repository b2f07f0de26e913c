"""The month's tables as Markdown, and its page in docs/."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.harness import report
from benchmarks.month.arithmetic import MIX, Bill
from benchmarks.month.outcomes import CLASSES, rates, tables
from benchmarks.month.parameters import BATCH_KINDS, FIGURES, TURN_KINDS, Figure, Spread
from benchmarks.month.policies import LADDER
from benchmarks.month.score import Score, matched

PAGE = report.PAGE.with_name("month.md")
PUBLISHED = Path(__file__).with_name("published.json")
NAMES = {target: target.rpartition("/")[2].removeprefix("claude-") for target in LADDER}


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the month."""

    date: str
    seed: int
    scale: float
    seconds: float
    kinds: dict[str, int]
    """Requests by kind."""
    scores: list[Score]
    bills: list[Bill]

    def write(self, path: Path) -> None:
        """Keep it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")


def read(path: Path) -> Result:
    """A run that was kept."""
    return msgspec.json.decode(path.read_bytes(), type=Result)


def render(result: Result) -> str:
    """The results of a run."""
    best = result.scores[0]
    kinds = ", ".join(f"{count:,} {name.replace('_', '-')}" for name, count in result.kinds.items())
    head = (
        f"Run of {result.date} (UTC), seed {result.seed}, scale {result.scale:g}, {result.seconds:.0f} s for "
        f"{len(result.scores)} policies. {kinds}; {best.prompt_tokens / 1e6:.1f} million prompt tokens, "
        f"{best.output_tokens / 1e6:.2f} million of output. Each policy had exactly these requests."
    )
    return "\n\n".join(
        [
            head,
            "### Money, quality, caches\n\n" + _money(result.scores),
            "### What a router sees that ignores caches\n\n" + _ignored(result.scores),
            "### At equal quality\n\n" + _equal(result.scores),
            "### Cash against quality\n\n" + _picture(result.scores),
            "### The usual sum\n\n" + _sums(result.bills),
        ]
    )


def publish(result: Result, page: Path = PAGE) -> None:
    """Write the results, and what the month is made of, into the page."""
    report.publish("results", render(result), page)
    report.publish("parameters", parameters(), page)
    report.publish("outcomes", outcomes(), page)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A Markdown table; the first columns to the left, the others to the right."""
    marks = ["---" if number < left else "--:" for number in range(len(head))]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, marks, *rows])


def usd(nano: int) -> str:
    """Nano-USD as dollars, to the cent."""
    return f"-${-nano / 1e9:,.2f}" if nano < 0 else f"${nano / 1e9:,.2f}"


def _title(score: Score) -> str:
    return f"**{score.title}**" if score.policy == "tenbin" else score.title


def _money(scores: Sequence[Score]) -> str:
    strongest = scores[0].cash_nano
    rows = [
        [
            _title(one),
            usd(one.cash_nano),
            f"{one.cash_nano / strongest:.0%}",
            f"{usd(one.cash_nano - one.programs_nano)} / {usd(one.programs_nano)}",
            f"{one.quality:.1%} ({one.quality_low:.0%}-{one.quality_high:.0%})",
            f"{one.agents:.0%} / {one.programs:.0%}",
            f"{one.hit_ratio:.1%}",
            f"{one.switches}",
            " / ".join(f"{one.requests.get(target, 0):,}" for target in LADDER),
            f"{one.decision_p50_ms:.2f}",
        ]
        for one in scores
    ]
    mix = " / ".join(NAMES[target] for target in LADDER)
    head = [
        "policy",
        "cash",
        "of all-Opus",
        "agents / programs",
        "quality kept",
        "agents / programs",
        "read from cache",
    ]
    head.append("switches")
    electricity = max(one.electricity_nano for one in scores)
    return (
        table([*head, f"requests: {mix}", "decided in, ms"], rows)
        + "\n\nCash is the ledger's sum of receipts; it is exact to the nano-USD, shown to the cent. Quality is "
        "relative to always asking Opus, with the interval that other questions of the same kind would give. The local "
        f"model's electricity is not in the cash: {usd(electricity)} at most."
    )


def _ignored(scores: Sequence[Score]) -> str:
    plain, true = scores[0].uncached_nano, scores[0].cash_nano
    rows = [
        [
            _title(one),
            usd(one.uncached_nano),
            f"{1 - one.uncached_nano / plain:.0%}",
            usd(one.cash_nano),
            f"{1 - one.cash_nano / true:.0%}",
        ]
        for one in scores
    ]
    return (
        "The same requests to the same models, priced as if no prompt cache existed, and what they truly cost.\n\n"
        + table(["policy", "without caches", "it seems to save", "true cost", "it saves"], rows)
    )


def _equal(scores: Sequence[Score]) -> str:
    rows = []
    for rival, cash, settings in matched(scores):
        cells = [rival.title, f"{rival.quality:.1%}", usd(rival.cash_nano)]
        floors = " and ".join(f"{one.floor:g}" for one in settings)
        less = f"{1 - cash / rival.cash_nano:+.0%}" if cash is not None else ""
        rows.append([*cells, usd(cash) if cash is not None else "none is as good", floors, less])
    return (
        "For each of the others, what Tenbin costs at the same quality: by the cheapest of its floors, or of two of "
        "them of which each has some of the conversations (the lower hull, as RouterBench draws it). Less than a point "
        "of quality is noise.\n\n" + table(["policy", "quality", "cash", "Tenbin", "floor", "saved"], rows)
    )


COLUMNS, LINES = 72, 18


def _picture(scores: Sequence[Score]) -> str:
    """Cash to the right, quality upwards."""
    most = max(one.cash_nano for one in scores)
    least, best = min(one.quality for one in scores), max(one.quality for one in scores)
    cells = [[" "] * (COLUMNS + 1) for _ in range(LINES + 1)]
    for one in scores:
        right = round(COLUMNS * one.cash_nano / most)
        up = round(LINES * (one.quality - least) / ((best - least) or 1))
        cells[LINES - up][right] = _mark(one)
    lines = [f"{least + (best - least) * (LINES - n) / LINES:7.1%} |{''.join(row)}" for n, row in enumerate(cells)]
    axis = "        +" + "-" * (COLUMNS + 1)
    legend = "T Tenbin   m each message   t each turn   c claude-code-router   1 always one model"
    return "```text\n" + "\n".join([*lines, axis, f"         $0{usd(most):>{COLUMNS}}", f"  {legend}"]) + "\n```"


def _mark(score: Score) -> str:
    kinds: tuple[tuple[str, str], ...] = (("tenbin", "T"), ("message", "m"), ("turn", "t"), ("ccr", "c"))
    return next((mark for name, mark in kinds if score.policy.startswith(name)), "1")


def _sums(bills: Sequence[Bill]) -> str:
    rows = [
        [
            f"{bill.generation.replace('-', '.')}",
            usd(bill.all_opus),
            usd(bill.mix),
            ", ".join(f"{name} {usd(cost)}" for name, cost in bill.parts),
        ]
        for bill in bills
    ]
    mix = " / ".join(f"{percent} % {name}" for name, percent in MIX)
    return f"36 million tokens in and 12 million out, no caches: all to Opus, and {mix}.\n\n" + table(
        ["Claude generation", "all Opus", "the mix", "of it"], rows
    )


def figures(found: Sequence[Figure | Spread]) -> str:
    """Figures of a workload, each with its source."""
    rows = []
    for figure in found:
        value = (
            f"{figure.median:g}, deviation {figure.deviation:g}" if isinstance(figure, Spread) else f"{figure.value:g}"
        )
        rows.append([value, figure.what, figure.source])
    return table(["figure", "what it is", "source"], rows, left=3)


def parameters() -> str:
    """What the month is made of."""
    return (
        figures(FIGURES)
        + "\n\nSpreads are log-normal: median, and deviation of the natural logarithm. "
        + f"Turns of people: {_shares(TURN_KINDS)}. Batches: {_shares(BATCH_KINDS)}. Both assumed."
    )


def _shares(kinds: Sequence[tuple[str, float, int]]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {share:.0%}" for name, share, _ in kinds)


def outcomes() -> str:
    """The outcome tables' figures."""
    rows = []
    for place in range(len(CLASSES)):
        cells = [NAMES[LADDER[place]]]
        for kind in ("code", "language"):
            cells += [tables()[kind]["models"][place], f"{rates()[kind][place]:.1%}"]
        rows.append(cells)
    code, language = tables()["code"], tables()["language"]
    return table(
        [
            "model of the month",
            f"stands for it in code ({code['from']}, {len(code['rows'])})",
            "good",
            f"in language ({language['from']}, {len(language['rows'])})",
            "good",
        ],
        rows,
    )
