"""8. The semantic cache's judgement measured on labelled tables: pair by pair, and as a stream of look-ups."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from tenbin.decide.caching.serving import judge
from tenbin.decide.caching.thresholds import shipped
from tenbin.discern.embedding.embedder import Embedder
from tenbin.discern.guard import check
from tenbin.measure.caching.measured import FORMAT, PairFigures, Report, Share, StreamFigures, WrongHit, share
from tenbin.measure.caching.rows import Folder, Table
from tenbin.measure.caching.stream import LookUp, look_ups, passes, served
from tenbin.measure.caching.vectors import KeptVectors

PROFILES = ("strict", "balanced", "loose")
STEPS = {"en": (0.80, 0.85, 0.88, 0.90, 0.92, 0.95, 0.97), "ja": (0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98)}
"""Cosines at which the bare policies are measured."""
MOST_WRONG_HITS = 500


def texts_of(table: Table) -> list[str]:
    """Every text of a table."""
    return [text for pair in table.pairs for text in (pair.a, pair.b)] + [text for text, _ in table.intents]


def evaluate(
    folder: Folder,
    data: Path,
    embedders: dict[str, Embedder],
    kept: dict[str, KeptVectors],
    progress: Callable[[int], object],
) -> Report:
    """Measure everything. ``embedders`` by language; ``kept`` holds the vectors of all texts, by language; ``progress``
    is told of each look-up that is done.
    """
    pairs: list[PairFigures] = []
    streams: list[StreamFigures] = []
    wrong: list[WrongHit] = []
    for language, embedder in embedders.items():
        tables = folder.of(language)
        for table in tables:
            if table.pairs:
                pairs += _pairs(table, embedder.id, language, kept[language])
        groups = [[table for table in tables if table.pairs and not table.conversations]]
        groups += [[table] for table in tables if table.intents]
        for group in groups:
            if not group:
                continue
            entries, found = look_ups(group, kept[language].of, progress)
            for policy, threshold in policies(language):
                streams.append(_stream(group, found, entries, policy, threshold, embedder.id, language))
            if not group[0].intents:
                wrong += _wrong_hits(found, embedder.id, language)
    unused = dict(folder.unused)
    for table in folder.tables:
        if table.language not in embedders:
            unused[table.name] = f"no embedder for its language, {table.language}, was asked for or is installed"
    return Report(
        format=FORMAT,
        data=str(data),
        calibration=shipped().made,
        embedders={language: embedder.id for language, embedder in embedders.items()},
        pairs=tuple(pairs),
        streams=tuple(streams),
        wrong_hits=tuple(wrong[:MOST_WRONG_HITS]),
        unused=unused,
    )


def policies(language: str) -> list[tuple[str, float | None]]:
    """Every policy that is measured, with its threshold."""
    steps = STEPS.get(language, STEPS["en"])
    bare: list[tuple[str, float | None]] = [(policy, step) for policy in ("cosine", "guard") for step in steps]
    return [*bare, *((profile, None) for profile in PROFILES)]


def _pairs(table: Table, embedder: str, language: str, kept: KeptVectors) -> list[PairFigures]:
    first = kept.of(pair.a for pair in table.pairs)
    second = kept.of(pair.b for pair in table.pairs)
    similarities = [float(value) for value in (first * second).sum(axis=1)]
    agreements = [check(pair.a, pair.b) for pair in table.pairs]
    counted = Counter((pair.label, pair.kind) for pair in table.pairs)
    figures = []
    for policy, threshold in policies(language):
        passed: Counter[tuple[int, str]] = Counter()
        for pair, similarity, agreement in zip(table.pairs, similarities, agreements, strict=True):
            # What was said before must be the same, whatever the policy but for the bare cosine of the last message.
            known = pair.same_history or policy == "cosine"
            if known and passes(similarity, agreement, policy, threshold, embedder, language):
                passed[pair.label, pair.kind] += 1
        figures.append(
            PairFigures(
                file=table.name,
                embedder=embedder,
                policy=policy,
                threshold=threshold,
                hits=_total(passed, counted, 1),
                traps=_total(passed, counted, 0),
                traps_by_kind=_by_kind(passed, counted, 0),
                hits_by_kind=_by_kind(passed, counted, 1),
            )
        )
    return figures


def _total(passed: Counter[tuple[int, str]], counted: Counter[tuple[int, str]], label: int) -> Share:
    return share(
        sum(count for (found, _), count in passed.items() if found == label),
        sum(count for (found, _), count in counted.items() if found == label),
    )


def _by_kind(passed: Counter[tuple[int, str]], counted: Counter[tuple[int, str]], label: int) -> dict[str, Share]:
    kinds = sorted(kind for found, kind in counted if found == label)
    return {kind: share(passed[label, kind], counted[label, kind]) for kind in kinds}


def _stream(
    group: Sequence[Table],
    found: Sequence[LookUp],
    entries: int,
    policy: str,
    threshold: float | None,
    embedder: str,
    language: str,
) -> StreamFigures:
    answerable: Counter[str] = Counter()
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    given: Counter[str] = Counter()
    trapped: Counter[str] = Counter()
    laid: Counter[str] = Counter()
    for look_up in found:
        candidate = served(look_up, policy, threshold, embedder, language)
        answerable[look_up.file] += look_up.answerable
        if candidate is not None:
            given[look_up.file] += 1
            (right if candidate.right else wrong)[look_up.file] += 1
        if not look_up.answerable:
            for kind in look_up.traps:
                laid[f"{look_up.file}: {kind}"] += 1
                trapped[f"{look_up.file}: {kind}"] += candidate is not None
    total, bad = sum(given.values()), sum(wrong.values())
    return StreamFigures(
        language=language,
        files=tuple(table.name for table in group),
        embedder=embedder,
        policy=policy,
        threshold=threshold,
        entries=entries,
        look_ups=len(found),
        served=total,
        wrong_of_served=share(bad, total),
        wrong_of_look_ups=share(bad, len(found)),
        hits={table.name: share(right[table.name], answerable[table.name]) for table in group},
        wrong={table.name: share(wrong[table.name], given[table.name]) for table in group},
        traps={kind: share(trapped[kind], count) for kind, count in sorted(laid.items())},
    )


def _wrong_hits(found: Sequence[LookUp], embedder: str, language: str) -> list[WrongHit]:
    hits = []
    for look_up in found:
        candidate = served(look_up, "balanced", None, embedder, language)
        if candidate is not None and not candidate.right:
            chance = judge(candidate.similarity, candidate.agreement, embedder=embedder, language=language).chance
            hits.append(
                WrongHit(look_up.file, look_up.text, candidate.text, round(candidate.similarity, 4), round(chance, 4))
            )
    return hits
