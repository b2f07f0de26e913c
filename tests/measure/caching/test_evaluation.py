"""The evaluation with the real English embedder: pairs, streams and intents of a small folder."""

import json
from pathlib import Path

from tenbin.discern.embedding.registry import load
from tenbin.measure.caching.evaluation import evaluate, policies, texts_of
from tenbin.measure.caching.measured import share
from tenbin.measure.caching.plot import plot
from tenbin.measure.caching.report import lines, wrong_hits
from tenbin.measure.caching.rows import look_into
from tenbin.measure.caching.vectors import KeptVectors

ROWS = [
    {"a": "How do I reset my password?", "b": "How can I reset my password?", "label": 1, "kind": "rewording"},
    {"a": "What was Japan's GDP in 2019?", "b": "What was Japan's GDP in 2018?", "label": 0, "kind": "year"},
    {"a": "How do I enable dark mode?", "b": "How do I disable dark mode?", "label": 0, "kind": "opposite"},
    {"a": "What is the capital of Peru?", "b": "Which city is Peru's capital?", "label": 1, "kind": "rewording"},
]


def talk(greeting: str) -> list[dict[str, str]]:
    said = (greeting, "Yes?", "Prices?")
    return [{"role": ("user", "assistant")[at % 2], "content": words} for at, words in enumerate(said)]


TALK = {"a": talk("Hi"), "b": talk("Ho"), "label": 0}


def test_a_folder_is_measured_pair_by_pair_and_as_a_stream(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "faq.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    (data / "talks.jsonl").write_text(json.dumps(TALK) + "\n", encoding="utf-8")
    intents = [{"text": f"{words} my card", "intent": words} for words in ("Block", "Unblock") for _ in range(2)]
    (data / "intents.jsonl").write_text("".join(json.dumps(row) + "\n" for row in intents), encoding="utf-8")
    folder = look_into(data, None)
    embedder = load("minilm")
    kept = KeptVectors(embedder, tmp_path / "vectors")
    texts = [text for table in folder.tables for text in texts_of(table)]
    kept.embed(kept.missing(texts), lambda _: None)
    report = evaluate(folder, data, {"en": embedder}, {"en": kept}, lambda _: None)

    balanced = {each.file: each for each in report.pairs if each.policy == "balanced"}
    assert balanced["faq.jsonl"].hits == share(2, 2)
    assert balanced["faq.jsonl"].traps_by_kind == {"opposite": share(0, 1), "year": share(0, 1)}
    assert balanced["talks.jsonl"].traps == share(0, 1)
    bare = next(each for each in report.pairs if each.file == "talks.jsonl" and each.policy == "cosine")
    assert bare.traps == share(1, 1)
    assert len([each for each in report.pairs if each.file == "faq.jsonl"]) == len(policies("en"))
    (stream,) = (each for each in report.streams if each.policy == "balanced" and each.files == ("faq.jsonl",))
    assert (stream.served, stream.wrong_of_served.count, stream.look_ups) == (2, 0, 4)
    assert stream.hits["faq.jsonl"] == share(2, 2)
    assert report.wrong_hits == ()

    shown = "\n".join([*lines(report), *wrong_hits(report)])
    assert "traps served at balanced: opposite 0/1, year 0/1" in shown
    assert plot(report).count("<polyline") == 2
    again = KeptVectors(embedder, tmp_path / "vectors")
    assert again.missing(texts) == []


def test_shares_have_wilsons_interval() -> None:
    assert share(0, 0).value is None
    none = share(0, 100)
    assert (none.value, none.low) == (0, 0)
    assert none.high is not None
    assert 0.03 < none.high < 0.04
