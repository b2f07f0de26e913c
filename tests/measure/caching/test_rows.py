"""Tables of pairs and intents are told by their columns; what cannot be used is said."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tenbin.measure.caching.rows import NothingHere, look_into


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def test_pairs_are_read_with_labels_kinds_and_keys(tmp_path: Path) -> None:
    rows = [
        {"a": "Is it open?", "b": "Open today?", "label": 1, "kind": "time", "ca": "7", "cb": "7"},
        {"a": "Is it open?", "b": "Is it closed?", "label": 0, "ca": "7", "cb": "8"},
        {"a": "Is it open?", "b": "Hm.", "label": -1},
        {"a": "", "b": "Hm.", "label": 1},
    ]
    folder = look_into(written(tmp_path / "faq.jsonl.gz", rows), None)
    (table,) = folder.tables
    assert table.language == "en"
    assert [(pair.label, pair.kind, pair.a_key == pair.b_key) for pair in table.pairs] == [
        (1, "time", True),
        (0, "other", False),
    ]
    assert folder.unused == {"faq.jsonl.gz": "2 rows have no label of 0 or 1, or lack a text, and are left out"}


def test_a_score_or_a_contradiction_stands_for_a_label(tmp_path: Path) -> None:
    scored = [{"a": "犬が走る", "b": "犬が駆ける", "score": score} for score in (4.5, 3.5, 2.0)]
    written(tmp_path / "scored.jsonl", scored)
    inferred = [{"a": "犬が走る", "b": "犬が寝る", "kind": kind} for kind in ("contradiction", "neutral", "entailment")]
    written(tmp_path / "inferred.jsonl", inferred)
    found = {table.name: table for table in look_into(tmp_path, None).tables}
    assert [pair.label for pair in found["scored.jsonl"].pairs] == [1, 0]
    assert [pair.label for pair in found["inferred.jsonl"].pairs] == [0]
    assert found["scored.jsonl"].language == "ja"


def test_of_conversations_the_last_words_are_compared_and_the_rest_must_be_equal(tmp_path: Path) -> None:
    def said(*texts: str) -> list[dict[str, str]]:
        return [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)]

    rows = [
        {"a": said("Hi", "Hello", "And now?"), "b": said("Hi", "Hello", "What now?"), "label": 1},
        {"a": said("Hi", "Hello", "And now?"), "b": said("Hi", "Good day", "And now?"), "label": 0},
    ]
    (table,) = look_into(written(tmp_path / "talks.jsonl", rows), None).tables
    assert table.conversations
    assert [(pair.a, pair.same_history) for pair in table.pairs] == [("And now?", True), ("And now?", False)]


def test_intents_are_read_and_a_limit_always_takes_the_same_rows(tmp_path: Path) -> None:
    rows = [{"text": f"How do I do thing {number}?", "intent": number % 3} for number in range(50)]
    written(tmp_path / "intents.csv.jsonl", rows)
    tables = [look_into(tmp_path, 20).tables[0] for _ in range(2)]
    assert tables[0] == tables[1]
    assert len(tables[0].intents) == 20


def test_what_holds_no_pairs_is_told_with_what_is_looked_for(tmp_path: Path) -> None:
    written(tmp_path / "other.jsonl", [{"question": "?", "answer": "!"}])
    (tmp_path / "broken.jsonl").write_text("{", encoding="utf-8")
    with pytest.raises(NothingHere) as told:
        look_into(tmp_path, None)
    assert "columns a, b and label" in str(told.value)
    assert "other.jsonl: it has no column a and no column b" in str(told.value)
    assert "broken.jsonl: it is broken" in str(told.value)
