"""8. Files of labelled pairs and of intents, read for the evaluation; recognised by their columns alone."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tenbin.discern.language import language
from tenbin.measure.routing.files import FORMS, Columns, Unreadable, form_of, read

SAME_SCORE = 4.0
"""Of a score of likeness 0..5: from here on the answer is the same."""
OTHER_SCORE = 3.0
"""Up to here it is another one; between the two nothing is said."""
INFERENCE = {"contradiction": 0, "entailment": -1, "neutral": -1}
"""Labels of tables of inference, where there is no other: only a contradiction surely has another answer."""


class NothingHere(Exception):
    """There is nothing labelled to be found; the message says what is looked for."""


class Pair(NamedTuple):
    """Would the answer cached for ``a`` be right for ``b``?"""

    a: str
    b: str
    label: int
    """1 yes, 0 no."""
    kind: str
    a_key: str
    """What identifies the question; two texts of one key have the same answer. "" where the table has no keys."""
    b_key: str
    same_history: bool
    """Whether all that was said before the two texts is the same."""


class Table(NamedTuple):
    """One file."""

    name: str
    language: str
    pairs: tuple[Pair, ...]
    intents: tuple[tuple[str, str], ...]
    """(text, intent), of a file of intents."""
    conversations: bool


class Folder(NamedTuple):
    """All that was found."""

    tables: tuple[Table, ...]
    unused: dict[str, str]
    """File -> why it, or some of its rows, were not used."""

    def of(self, language: str) -> list[Table]:
        """The tables in one language."""
        return [table for table in self.tables if table.language == language]


def look_into(path: Path, limit: int | None) -> Folder:
    """The tables of a folder, or of one file; at most ``limit`` rows of each, chosen by a digest.

    Raises NothingHere, OSError, and PyarrowMissing.
    """
    found: list[Table] = []
    unused: dict[str, str] = {}
    for file in [path] if path.is_file() else sorted(path.iterdir()):
        if file.is_dir() or not form_of(file):
            continue
        try:
            table, dropped = _table(file.name, read(file), limit)
        except Unreadable as error:
            unused[file.name] = str(error)
            continue
        if dropped:
            unused[file.name] = f"{dropped:,} rows have no label of 0 or 1, or lack a text, and are left out"
        if table.pairs or table.intents:
            found.append(table)
    if not found:
        why = "".join(f" {name}: {reason}." for name, reason in unused.items())
        raise NothingHere(
            f"{path} holds no labelled pairs: files that end in {', '.join(FORMS)} with the columns a, b and label (1: "
            f"the same answer, 0: another), or text and intent.{why}"
        )
    return Folder(tuple(found), unused)


def _table(name: str, columns: Columns, limit: int | None) -> tuple[Table, int]:
    count = len(next(iter(columns.values())))
    if "text" in columns and "intent" in columns:
        rows = [(columns["text"][at], columns["intent"][at]) for at in range(count)]
        intents = [
            (text, str(intent))
            for text, intent in rows
            if isinstance(text, str) and text.strip() and intent is not None
        ]
        kept = _chosen(intents, limit, lambda row: row[0])
        return Table(name, _language([text for text, _ in kept]), (), tuple(kept), False), count - len(intents)
    lacking = [column for column in ("a", "b") if column not in columns]
    if lacking or not {"label", "score", "kind"} & columns.keys():
        lacking = lacking or ["label"]
        raise Unreadable(f"it has no column {' and no column '.join(lacking)}, nor the columns text and intent")
    pairs = [pair for at in range(count) for pair in _pair({key: values[at] for key, values in columns.items()})]
    conversations = any(isinstance(value, list) for value in columns["a"][:50])
    kept_pairs = _chosen(pairs, limit, lambda pair: pair.a + "\0" + pair.b)
    return Table(name, _language([pair.a for pair in kept_pairs]), tuple(kept_pairs), (), conversations), count - len(
        pairs
    )


def _pair(row: dict[str, Any]) -> Iterator[Pair]:
    label = _label(row)
    a, before_a = _last(row.get("a"))
    b, before_b = _last(row.get("b"))
    if label < 0 or not a.strip() or not b.strip():
        return
    keys = [_key(row, own, other) for own, other in (("ka", "ca"), ("kb", "cb"))]
    kind = row.get("kind") or row.get("subtype") or ("same" if label else "other")
    yield Pair(a, b, label, str(kind), keys[0], keys[1], before_a == before_b)


def _key(row: dict[str, Any], own: str, other: str) -> str:
    value = row.get(own) if row.get(own) is not None else row.get(other)
    if value is None:
        return ""
    return json.dumps([row.get("template"), value], ensure_ascii=False)


def _label(row: dict[str, Any]) -> int:
    label = row.get("label")
    if label is not None:
        return int(label) if str(label) in ("0", "1", "0.0", "1.0", "True", "False") else -1
    score = row.get("score")
    if score is not None:
        return 1 if float(score) >= SAME_SCORE else 0 if float(score) <= OTHER_SCORE else -1
    return INFERENCE.get(str(row.get("kind")), -1)


def _last(value: Any) -> tuple[str, str]:
    """The last text of the user, and all that was said before it."""
    if isinstance(value, str):
        return value, ""
    if not isinstance(value, list):
        return "", ""
    users = [at for at, turn in enumerate(value) if isinstance(turn, dict) and turn.get("role") == "user"]
    if not users:
        return "", ""
    text = value[users[-1]].get("content")
    return (text if isinstance(text, str) else ""), json.dumps(value[: users[-1]], sort_keys=True)


def _language(texts: list[str]) -> str:
    """The language of most of the first texts."""
    told = [language(text) for text in texts[:200]]
    return max(sorted(set(told)), key=told.count) if told else "en"


def _chosen(rows: list[Any], limit: int | None, text: Any) -> list[Any]:
    if limit is None or len(rows) <= limit:
        return rows
    digests = {at: hashlib.sha256(text(row).encode()).digest() for at, row in enumerate(rows)}
    return [rows[at] for at in sorted(sorted(digests, key=digests.__getitem__)[:limit])]
