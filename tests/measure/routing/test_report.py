"""The report for people holds every file, figure and reason."""

from pathlib import Path

from tenbin.measure.routing.evaluation import evaluate, look_into
from tenbin.measure.routing.report import lines
from tests.measure.routing.making import ByLength, prompts, write

N = 60


def told(folder: Path) -> list[str]:
    report = evaluate(
        look_into(folder, None), ByLength(), lambda _: None, seed=0, bootstrap=20, limit=None, cross_validate=False
    )
    return lines(report)


def test_figures_stand_beside_their_baselines(tmp_path: Path) -> None:
    outcomes = {"weak": [1] * 30 + [0] * 30, "strong": [1] * N}
    write(tmp_path, "gsm8k_part.parquet", {"prompt": prompts(N), **outcomes})
    write(tmp_path, "y.parquet", {"prompt": prompts(N), "weak": [0] * N, "strong": [0] * N})
    (tmp_path / "notes.txt").write_text("words", encoding="utf-8")
    text = told(tmp_path)
    heading = next(line for line in text if "Tenbin [95 %]" in line and "cheapest" in line)
    assert heading.split() == ["Tenbin", "[95", "%]", "length", "random", "cheapest", "strongest", "oracle"]
    apgr = next(line for line in text if line.startswith("    APGR "))
    assert apgr.split()[1].startswith("0.7")
    assert apgr.split()[-3:-1] == ["-", "-"]
    whole = "\n".join(text)
    assert "gsm8k_part.parquet: 60 of 60 rows" in whole
    assert "published for gsm8k, RouteLLM's best APGR / CPT(50) / CPT(80): 0.622 / 33.6 / 63.3" in whole
    assert "the strong model is not better here" in whole
    assert "notes.txt: its name does not end in" in whole
    assert whole.index("Summary") < whole.index("gsm8k_part.parquet: 60")
    assert "nan" not in whole


def test_many_pairs_get_one_line_each(tmp_path: Path) -> None:
    models = {"gpt-5-nano": 0, "gpt-5-mini": 1, "gpt-5-2025-08-07": 2, "gemini-2.5-flash": 0, "gemini-2.5-pro": 3}
    more = {"claude-3-haiku-20240307": 0, "claude-3-opus-20240229": 5}
    columns = {f"score|some-judge|{model}": [score] * N for model, score in (models | more).items()}
    write(tmp_path, "x.parquet", {"prompt": prompts(N), **columns})
    text = told(tmp_path)
    assert "  judged by some-judge" in text
    assert sum(line.startswith("    gpt-5-mini / gpt-5 ") for line in text) == 1
    assert sum(line.startswith("    claude-3-haiku / claude-3-opus ") for line in text) == 1
    assert not [line for line in text if line.startswith("    APGR ")]
