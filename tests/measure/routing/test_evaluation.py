"""A folder is measured on all that its columns allow, whatever its files are called; nothing in it stops the rest."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.measure.routing.evaluation import Folder, Found, NothingHere, evaluate, look_into, recognised
from tenbin.measure.routing.measured import Evaluation, Report
from tenbin.measure.routing.report import lines
from tenbin.measure.routing.tables import Unfit
from tests.measure.routing.making import ByLength, prompts, write

N = 120


def easy_then_hard(part: float) -> list[int]:
    """Right on this part of the prompts, the shorter ones."""
    return [int(number < part * N) for number in range(N)]


def measured(folder: Path, reader: ByLength | None = None, **settings: Any) -> Report:
    settings = {"seed": 0, "bootstrap": 50, "limit": None, "cross_validate": False} | settings
    return evaluate(look_into(folder, settings["limit"]), reader or ByLength(), lambda _: None, **settings)


def figures(evaluation: Evaluation) -> dict[str, dict[str, float | None]]:
    return {each.name: {who: value.value for who, value in each.values.items()} for each in evaluation.measures}


def only(report: Report) -> Evaluation:
    ((evaluation,),) = [file.evaluations for file in report.files]
    return evaluation


def test_two_models(tmp_path: Path) -> None:
    write(tmp_path, "x.parquet", {"prompt": prompts(N), "weak": easy_then_hard(0.5), "strong": [1] * N})
    told = only(measured(tmp_path))
    found = figures(told)
    assert told.kind == "two_models"
    assert list(found) == ["apgr", "cpt50", "cpt80", "quality_at_half"]
    # What is long is hard here, so a router by length knows all that an oracle does.
    assert found["apgr"]["tenbin"] == found["apgr"]["length"] == found["apgr"]["oracle"]
    assert found["apgr"]["tenbin"] == pytest.approx(0.75, abs=0.01)
    assert found["apgr"]["random"] == pytest.approx(0.5, abs=0.05)
    assert found["quality_at_half"]["cheapest"] == 0.5
    assert found["quality_at_half"]["strongest"] == 1
    assert found["quality_at_half"]["tenbin"] == pytest.approx(1)


def test_without_the_part_that_dominates(tmp_path: Path) -> None:
    subjects = ["moral"] * 30 + ["law"] * 45 + ["history"] * 45
    weak = [0] * 30 + [int(number % 5 > 0) for number in range(90)]
    columns: dict[str, list[Any]] = {"prompt": prompts(N), "subject": subjects, "weak": weak, "strong": [1] * N}
    write(tmp_path, "x.parquet", columns)
    whole, rest = measured(tmp_path).files[0].evaluations
    assert whole.rows == N
    assert rest.rows == 90
    assert rest.name == "weak / strong, without moral"
    assert rest.notes[0] == "moral is left out: it makes 62 % of the gap with 25 % of the rows"


def test_many_models_with_costs(tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {
        "prompt": prompts(N),
        "score|mistral-7b-chat": easy_then_hard(0.5),
        "cost|mistral-7b-chat": [0.0001] * N,
        "score|gpt-4-1106-preview": [1] * N,
        "cost|gpt-4-1106-preview": [0.001] * N,
    }
    write(tmp_path, "x.parquet", columns)
    pair, models = measured(tmp_path, cross_validate=True).files[0].evaluations
    found = figures(models)
    assert pair.kind == "two_models"
    assert list(found) == ["aiq", "saved_at_95", "cost_usd", "quality_at_any_cost"]
    assert found["aiq"]["single_models"] == pytest.approx(0.75)
    assert found["aiq"]["oracle"] == pytest.approx(0.875)
    assert found["aiq"]["oracle"] >= found["aiq"]["tenbin"] > 0.8  # type: ignore[operator]
    assert found["aiq"]["length"] == pytest.approx(0.875, abs=0.01)
    assert found["saved_at_95"]["oracle"] == pytest.approx(49.5, abs=0.5)
    assert found["cost_usd"] == {"cheapest": pytest.approx(0.0001), "strongest": pytest.approx(0.001)}
    assert "tenbin_cross_validated" in found["aiq"]


def test_prices_stand_in_for_costs(tmp_path: Path) -> None:
    scores = {"score|mistral-7b": easy_then_hard(0.5), "score|llama-3-70b": [1] * N}
    write(tmp_path, "x.parquet", {"prompt": prompts(N), **scores})
    (_, without) = measured(tmp_path).files[0].evaluations
    assert list(figures(without)) == ["quality_at_any_cost"]
    assert "no prices of mistral-7b, llama-3-70b" in without.notes[0]
    prices: dict[str, list[Any]] = {
        "model": ["mistral-7b", "llama-3-70b"],
        "usd_per_mtok_in": [0.1, 1.0],
        "usd_per_mtok_out": [0.1, 1.0],
    }
    write(tmp_path, "p.parquet", prices)
    report = measured(tmp_path)
    (_, priced) = report.files[0].evaluations
    found = figures(priced)["aiq"]
    assert 0.7 < found["single_models"] < found["oracle"] < 1  # type: ignore[operator]
    assert priced.notes[0].startswith("costs are estimated: listed prices")
    assert report.unused[0].why == "it holds the prices of 2 models, which are used"


def test_labels_and_difficulty(tmp_path: Path) -> None:
    long = [reading.features.task == "code_generation" for reading in map(ByLength().read, prompts(N))]
    kinds = ["code_generation" if is_long else "closed_qa" for is_long in long]
    columns: dict[str, list[Any]] = {"prompt": prompts(N), "task_type": kinds, "tier": ["LOW"] * 60 + ["HIGH"] * 60}
    write(tmp_path, "x.parquet", columns)
    labels, difficulty = measured(tmp_path).files[0].evaluations
    assert figures(labels)["accuracy"]["tenbin"] == 1
    assert figures(labels)["macro_f1"]["tenbin"] == 1
    assert 0 < figures(labels)["accuracy"]["most_frequent"] < 1  # type: ignore[operator]
    assert figures(difficulty)["spearman"]["oracle"] == pytest.approx(1)
    assert figures(difficulty)["spearman"]["length"] == pytest.approx(0.866, abs=0.001)


def test_all_ties_are_said_and_random(tmp_path: Path) -> None:
    same = [f"Same length {number:05d}" for number in range(N)]
    write(tmp_path, "x.parquet", {"prompt": same, "weak": easy_then_hard(0.5), "strong": [1] * N})
    told = only(measured(tmp_path))
    assert told.notes == ("only 1 different scores; ties are broken by a digest of the prompt",)
    assert figures(told)["apgr"]["tenbin"] == pytest.approx(0.5, abs=0.15)


def test_a_strong_model_that_is_not_stronger_is_said(tmp_path: Path) -> None:
    write(tmp_path, "x.parquet", {"prompt": prompts(N), "weak": [1] * N, "strong": [0] * N})
    told = only(measured(tmp_path))
    assert figures(told)["apgr"] == {"tenbin": None, "length": None, "random": None, "oracle": None}
    assert "the strong model is not better here" in told.notes[0]


def test_prompts_that_it_was_trained_on_are_said(tmp_path: Path) -> None:
    write(tmp_path, "x.parquet", {"prompt": prompts(N), "weak": easy_then_hard(0.5), "strong": [1] * N})
    write(tmp_path, "y.parquet", {"prompt": prompts(N), "weak": easy_then_hard(0.5), "strong": [1] * N})
    report = measured(tmp_path, ByLength(seen=frozenset(prompts(60))))
    assert report.files[0].trained_on == 60
    assert any(line.endswith(" 50 %") for line in lines(report))
    assert report.files[0].notes[0].startswith("in-sample: the router was trained on 60 of these 120 prompts")


def test_whatever_else_lies_there_is_named_with_the_reason(tmp_path: Path) -> None:
    good: dict[str, list[Any]] = {"prompt": prompts(N), "weak": easy_then_hard(0.5), "strong": [1] * N}
    write(tmp_path, "good.jsonl", good)
    write(tmp_path, "one_row.parquet", {name: values[:1] for name, values in good.items()})
    write(tmp_path, "no_prompts.parquet", {"weak": [1] * N, "strong": [1] * N})
    write(tmp_path, "no_outcomes.parquet", {"prompt": prompts(N), "answer": ["x"] * N})
    write(tmp_path, "numbers.parquet", {"prompt": list(range(N)), "weak": [1] * N, "strong": [1] * N})
    write(tmp_path, "all_nan.parquet", {**good, "weak": [float("nan")] * N})
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no")
    (tmp_path / "README.md").write_text("words", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    (tmp_path / ".hidden").write_text("words", encoding="utf-8")
    report = measured(tmp_path)
    assert [file.file for file in report.files] == ["good.jsonl"]
    why = {each.file: each.why for each in report.unused}
    assert list(why) == sorted(why)
    assert why.keys() == {path.name for path in tmp_path.iterdir()} - {"good.jsonl", ".hidden"}
    assert why["one_row.parquet"] == "only 1 of its 1 rows can be used; at least 10 are needed"
    assert why["numbers.parquet"] == (
        "only 0 of its 120 rows can be used (120: the prompt is not text); at least 10 are needed"
    )
    assert "it has prompts, but no outcomes" in why["no_outcomes.parquet"]
    assert "its columns: prompt, weak, strong" in why["all_nan.parquet"]
    assert why["broken.parquet"].startswith("it is broken: ")


NAMES = [
    "prompt", "question", "messages", "weak", "strong", "cheap_score", "strong_score", "score|a", "score|b", "cost|a",
    "cost|b", "score|j|gpt-5-nano", "score|j|gpt-5", "pref|a", "len|b", "model", "score", "ok", "cost", "task_type",
    "category", "tier", "contaminated", "subject", "bench", "|", "score|", "||", "",
]  # fmt: skip
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.binary(max_size=2),
    st.sampled_from(["a", "b", "law", "math", "LOW", "HIGH", "closed_qa"]), st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=1),
)  # fmt: skip


@given(st.data(), st.integers(1, 40))
def test_no_table_is_so_odd_that_it_stops_the_rest(data: st.DataObject, count: int) -> None:
    columns: dict[str, list[Any]] = {
        name: data.draw(st.lists(ODD, min_size=count, max_size=count))
        for name in data.draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1, max_size=8))
    }
    if data.draw(st.booleans()):
        columns["prompt"] = prompts(count)
    try:
        table = recognised(columns, None, {})
    except Unfit:
        return
    found = Found("odd.parquet", count, table)
    folder = Folder(Path(), (found,), (), {})
    report = evaluate(folder, ByLength(), lambda _: None, seed=0, bootstrap=2, limit=None, cross_validate=True)
    assert report.files[0].evaluations
    assert not re.search(r"\b(nan|inf)\b", "\n".join(lines(report)))


def test_a_folder_without_tables(tmp_path: Path) -> None:
    with pytest.raises(NothingHere, match="holds no table: files that end in"):
        look_into(tmp_path, None)


def test_one_file_instead_of_a_folder(tmp_path: Path) -> None:
    good: dict[str, list[Any]] = {"prompt": prompts(N), "weak": easy_then_hard(0.5), "strong": [1] * N}
    write(tmp_path, "other.jsonl", good)
    assert [file.file for file in measured(write(tmp_path, "x.jsonl", good)).files] == ["x.jsonl"]


def test_a_run_can_be_repeated_and_kept(tmp_path: Path) -> None:
    write(tmp_path, "x.parquet", {"prompt": prompts(N), "weak": easy_then_hard(0.5), "strong": [1] * N})
    first, second = measured(tmp_path, limit=50), measured(tmp_path, limit=50)
    assert first == second
    assert first.files[0].used == 50
    assert msgspec.convert(msgspec.to_builtins(first), Report) == first
    assert measured(tmp_path, limit=50, seed=1) != first
