"""8. The semantic cache's figures in words and columns, for people. Programs read the same as JSON."""

from collections.abc import Sequence

from tenbin.measure.caching.measured import PairFigures, Report, Share, StreamFigures
from tenbin.measure.plain_text import columns, wrapped

LEGEND = (
    "hits: of pairs (or look-ups) whose answer is in the cache, those that are given it. traps: of pairs with another "
    "answer, those that are given the wrong one.",
    "cosine: likeness of meaning alone. guard: cosine, and the guard finds no difference. strict, balanced, loose: "
    "what the gateway does, with the learned threshold of the embedder.",
    "A stream: the first text of every pair is cached, the second one looked up among all of them; the first of the "
    "five nearest that passes is served. Right is what the labels say: of natural questions many that are the same "
    "were never labelled so, and count as wrong here. --wrong lists them for reading.",
    "[ ]: Wilson's 95 % interval. -: nothing to divide by.",
)


def lines(report: Report) -> list[str]:
    """The whole report."""
    told = [f"{report.data}: thresholds of {report.calibration}"]
    told += [f"  {language}: {embedder}" for language, embedder in report.embedders.items()]
    told += [line for name, why in report.unused.items() for line in wrapped(f"! {name}: {why}", "  ")]
    for file in dict.fromkeys(figures.file for figures in report.pairs):
        told += ["", f"{file}, pair by pair", *_pairs([each for each in report.pairs if each.file == file])]
    for files in dict.fromkeys(figures.files for figures in report.streams):
        told += ["", *_stream([each for each in report.streams if each.files == files])]
    return [*told, "", "How to read this", *(line for words in LEGEND for line in wrapped(words, "  "))]


def wrong_hits(report: Report) -> list[str]:
    """The answers that the balanced profile would have given wrongly by the labels, for reading."""
    told = []
    for hit in report.wrong_hits:
        told += [f"{hit.similarity:.3f}  {hit.file}", f"  asked:  {hit.asked}", f"  cached: {hit.served}"]
    return told or ["Nothing was served wrongly."]


def _policy(figures: PairFigures | StreamFigures) -> str:
    return figures.policy if figures.threshold is None else f"{figures.policy} >= {figures.threshold:.2f}"


def _pairs(figures: Sequence[PairFigures]) -> list[str]:
    rows = [["", f"hits of {figures[0].hits.of:,}", f"traps of {figures[0].traps.of:,} [95 %]"]]
    rows += [[_policy(each), shown(each.hits, False), shown(each.traps)] for each in figures]
    told = columns(rows, "  ")
    balanced = next(each for each in figures if each.policy == "balanced")
    if len(balanced.traps_by_kind) > 1:
        kinds = ", ".join(f"{kind} {each.count}/{each.of}" for kind, each in balanced.traps_by_kind.items())
        told += wrapped(f"traps served at balanced: {kinds}", "  ")
    return told


def _stream(figures: Sequence[StreamFigures]) -> list[str]:
    first = figures[0]
    heading = f"A stream of {first.look_ups:,} look-ups against {first.entries:,} entries: {', '.join(first.files)}"
    rows = [["", "served", "wrong of served [95 %]", "wrong of look-ups", *(f"hits {name}" for name in first.hits)]]
    for each in figures:
        hits = [shown(share, False) for share in each.hits.values()]
        rows.append(
            [
                _policy(each),
                f"{each.served:,}",
                shown(each.wrong_of_served),
                shown(each.wrong_of_look_ups, False),
                *hits,
            ]
        )
    told = [*wrapped(heading, ""), *columns(rows, "  ")]
    balanced = next(each for each in figures if each.policy == "balanced")
    wrong = ", ".join(f"{name} {each.count}/{each.of}" for name, each in balanced.wrong.items())
    told += wrapped(f"wrong of served at balanced: {wrong}", "  ")
    if balanced.traps:
        traps = ", ".join(f"{kind} {each.count}/{each.of}" for kind, each in balanced.traps.items())
        told += wrapped(f"traps served at balanced: {traps}", "  ")
    return told


def shown(share: Share, interval: bool = True) -> str:
    """A share with its interval, in per cent."""
    if share.value is None or share.low is None or share.high is None:
        return "-"
    if not interval:
        return f"{100 * share.value:.1f} %"
    return f"{100 * share.value:.1f} % [{100 * share.low:.1f}, {100 * share.high:.1f}]"
