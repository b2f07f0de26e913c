"""Thresholds of the semantic cache: from labelled pairs, by embedder and language, into decide/caching/thresholds.json.

    python -m training.cache_thresholds --data DIR --vectors DIR

Learned only from tables whose licence lets calibrations be shipped: those of SOURCES; every other table in the folder
is left alone. A profile's threshold is the least cosine at which the bare cosine, without the guard, would serve no
more than a given share of the traps: the guard is then one of two safeguards, not the only one.
"""

import argparse
import hashlib
import json
from pathlib import Path

import msgspec
import numpy as np
from sklearn.linear_model import LogisticRegression

from tenbin.core.agreement import Agreement
from tenbin.decide.caching.serving import features
from tenbin.decide.caching.thresholds import FORMAT, Calibration, Chance, HeldOut, Profile, Thresholds
from tenbin.discern.embedding.registry import load
from tenbin.discern.guard import check
from tenbin.measure.caching.evaluation import texts_of
from tenbin.measure.caching.rows import Table, look_into
from tenbin.measure.caching.vectors import KeptVectors

SOURCES = {
    "nearmiss_en": "the project's own",
    "nearmiss_ja": "the project's own",
    "fow_pairs": "CC BY 4.0, (c) 2026 Mabon ap Gwyn",
    "gptcache_mock": "MIT, zilliztech/GPTCache",
    "banking77": "CC BY 4.0, PolyAI-LDN/task-specific-datasets",
    "clinc150": "CC BY 3.0, clinc/oos-eval",
}
"""Table -> licence."""
EMBEDDERS = {"en": "minilm", "ja": "multilingual-e5"}
BARE_TRAPS: dict[str, dict[Profile, float]] = {
    "en": {"strict": 0.08, "balanced": 0.27, "loose": 0.38},
    "ja": {"strict": 0.18, "balanced": 0.40, "loose": 0.50},
}
"""Share of traps that the cosine alone may serve. More in Japanese: its embedder's cosines tell a changed word from a
rewording less well, so that the guard carries more there."""
GRID = np.round(np.arange(0.80, 0.9951, 0.005), 3)
OUTPUT = Path(__file__).parents[1] / "src" / "tenbin" / "decide" / "caching" / "thresholds.json"

Row = tuple[float, Agreement, int, bool]
"""Cosine, what the guard found, label, half."""


def rows_of(table: Table, kept: KeptVectors) -> list[Row]:
    """The pairs of a table; of intents, each second text with the nearest one of another intent: another answer."""
    if table.pairs:
        cosines = (kept.of(pair.a for pair in table.pairs) * kept.of(pair.b for pair in table.pairs)).sum(axis=1)
        return [
            (float(cosine), check(pair.a, pair.b), pair.label, half(pair.a_key + pair.a))
            for pair, cosine in zip(table.pairs, cosines, strict=True)
        ]
    texts = [text for text, _ in table.intents]
    intents = np.unique([intent for _, intent in table.intents], return_inverse=True)[1]
    vectors = kept.of(texts)
    found: list[Row] = []
    for at in range(0, len(texts), 2):
        cosines = np.where(intents == intents[at], -1, vectors @ vectors[at])
        other = int(cosines.argmax())
        found.append((float(cosines[other]), check(texts[at], texts[other]), 0, half(texts[at])))
    return found


def half(text: str) -> bool:
    """Which half of the pairs a text is in."""
    return hashlib.sha256(text.encode()).digest()[0] % 2 == 0


def least_cosine(rows: list[Row], share: float) -> float:
    """The least cosine of the grid at which the bare cosine serves at most this share of the traps."""
    traps = np.array([cosine for cosine, _, label, _ in rows if label == 0])
    return float(next((step for step in GRID if (traps >= step).mean() <= share), GRID[-1]))


def learned(rows: list[Row], natural: list[Row], shares: dict[Profile, float]) -> Thresholds:
    """The thresholds from labelled pairs, the score from those and from natural neighbours with another answer."""
    scored = [row for row in rows + natural if row[0] >= 0.7]
    weighed = np.array([features(cosine, agreement) for cosine, agreement, _, _ in scored])
    labels = np.array([label for _, _, label, _ in scored])
    model = LogisticRegression(C=1.0, max_iter=1000).fit(weighed, labels)
    weights = [round(float(weight), 4) for weight in model.coef_[0]]
    similarity = {profile: least_cosine(rows, share) for profile, share in shares.items()}
    return Thresholds(
        similarity=similarity,
        score=Chance(round(float(model.intercept_[0]), 4), *weights),
        rows=len(scored),
        held_out={profile: held_out(rows, share) for profile, share in shares.items()},
    )


def held_out(rows: list[Row], share: float) -> HeldOut:
    """Each half measured with the threshold learned from the other."""
    steps = tuple(least_cosine([row for row in rows if row[3] == side], share) for side in (False, True))
    judged = [(cosine >= steps[not side], agreement.agrees, label) for cosine, agreement, label, side in rows]
    same = [alike and agrees for alike, agrees, label in judged if label == 1]
    other = [(alike, alike and agrees) for alike, agrees, label in judged if label == 0]
    return HeldOut(
        (steps[0], steps[1]),
        round(sum(same) / len(same), 4),
        round(sum(served for _, served in other) / len(other), 4),
        round(sum(alike for alike, _ in other) / len(other), 4),
    )


def main() -> None:
    """Write the calibration."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--vectors", type=Path, help="folder in which vectors are kept between runs")
    parser.add_argument("--date", required=True, help="of the calibration, YYYY-MM-DD")
    given = parser.parse_args()
    tables = [table for table in look_into(given.data, None).tables if table.name.split(".")[0] in SOURCES]
    embedders: dict[str, dict[str, Thresholds]] = {}
    for language, name in EMBEDDERS.items():
        chosen = [table for table in tables if table.language == language]
        embedder = load(name)
        kept = KeptVectors(embedder, given.vectors)
        kept.embed(kept.missing(text for table in chosen for text in texts_of(table)), lambda _: None)
        rows = [row for table in chosen if table.pairs for row in rows_of(table, kept)]
        natural = [row for table in chosen if table.intents for row in rows_of(table, kept)]
        embedders[embedder.id] = {language: learned(rows, natural, BARE_TRAPS[language])}
    sources = [f"{name}: {SOURCES[name]}" for name in (table.name.split(".")[0] for table in tables)]
    made = Calibration(FORMAT, given.date, sources, embedders)
    OUTPUT.write_text(json.dumps(msgspec.to_builtins(made), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
