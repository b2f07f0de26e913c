"""What the table of abilities is worth: ``python -m training.abilities_figures --data DIR``.

Several models at their prices, as ``tenbin eval routing`` measures them (AIQ, saving; quality at any cost): with the
shipped table, and with one fitted to four fifths of each table's rows, five times, and asked about the last fifth. The
readings are those of the shipped weights. Beside them, how well the table's order agrees with tables that took no part:
56 hard problems, and preferences over an old model's answers. Writes training/abilities_figures.json, of which
docs/quality.md is written (``python -m tests.documents``).
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from tenbin.core.features import Features
from tenbin.decide.abilities import Abilities, Table, parameters, shipped
from tenbin.decide.evidence import NO_EVIDENCE
from tenbin.decide.quality import expected
from tenbin.measure.routing.hull import bought, chosen
from tenbin.measure.routing.runtime import Runtime
from training.abilities import DATE, TARGET, document
from training.readings import Floats

RESULTS = Path(__file__).parent / "abilities_figures.json"
PRICED, UNPRICED = "routerbench_11models_3tasks", "llmrouter_9models"
FOLDS, SPLITS = 5, 3
"""Each figure is the mean over several ways of splitting."""


class Outcomes:
    """A table of several models' outcomes, and what the router reads in its prompts."""

    def __init__(self, data: Path, name: str, reader: Runtime) -> None:
        frame = pd.read_parquet(data / f"{name}.parquet")
        columns = [column for column in frame if column.startswith(("score|", "cost|"))]
        self.rows_in_file = len(frame)
        self.kept = np.flatnonzero(frame[columns].notna().all(axis=1))
        frame = frame.iloc[self.kept]
        scores = [column for column in columns if column.startswith("score|")]
        self.models = [column.removeprefix("score|") for column in scores]
        self.quality: Floats = frame[scores].to_numpy(float)
        costs = [f"cost|{model}" for model in self.models]
        self.cost: Floats | None = frame[costs].to_numpy(float) if set(costs) <= set(columns) else None
        self.tasks = frame["task"].to_numpy(str)
        self.features: list[Features] = [reader.read(prompt).features for prompt in frame["prompt"]]

    def expected(self, abilities: Abilities, rows: "np.ndarray") -> Floats:  # type: ignore[type-arg]
        """The chance that each model's answer to each of these rows suffices."""
        return np.array(
            [[expected(m, self.features[row], NO_EVIDENCE, abilities).value for m in self.models] for row in rows]
        )

    def measured(self, told: Floats, rows: "np.ndarray") -> dict[str, float]:  # type: ignore[type-arg]
        """AIQ and saving (where there are costs), the quality of the best at any cost, and how far expectations are
        from outcomes, over these rows and all models."""
        quality = self.quality[rows]
        figures = {
            "at_any_cost": float(quality[np.arange(len(rows)), told.argmax(axis=1)].mean()),
            "best_model": float(quality.mean(axis=0).max()),
            "brier": float(((told - quality) ** 2).mean()),
        }
        if self.cost is not None:
            cost = self.cost[rows]
            picks = chosen(told, cost.mean(axis=0))
            found = bought(picks, quality, cost, 0, 0)
            alone = bought(picks, quality, cost, 0, 0, singles=True)
            figures |= {"aiq": found.aiq.value, "aiq_of_single_models": alone.aiq.value}
            figures |= {"saved": found.saved.value, "saved_of_single_models": alone.saved.value}
        return figures

    def cross_validated(self, data: Path, name: str, seed: int) -> tuple[dict[str, float], dict[str, float]]:
        """The same, where no row's own outcomes took part in the table that it is routed by: of each fifth by itself,
        averaged, and of all rows with one knob for the five tables."""
        fold = np.random.default_rng(seed).permutation(self.rows_in_file) % FOLDS
        told = np.empty_like(self.quality)
        each = []
        for held_out in range(FOLDS):
            table = msgspec.convert(document(data, DATE, {name: fold != held_out}), Table)
            rows = np.flatnonzero(fold[self.kept] == held_out)
            told[rows] = self.expected(Abilities(table), rows)
            each.append(self.measured(told[rows], rows))
        return mean(each), self.measured(told, np.arange(len(told)))


def mean(each: list[dict[str, float]]) -> dict[str, float]:
    """Figure by figure."""
    return {figure: float(np.mean([one[figure] for one in each])) for figure in each[0]}


def rank_correlation(one: "pd.Series[float]", other: "pd.Series[float]") -> float:
    """Spearman's."""
    return float(one.rank().corr(other.rank()))


def agreement(data: Path, abilities: Abilities) -> dict[str, Any]:
    """Rank correlations of the table with outcomes that it was not fitted to."""
    hard = pd.read_parquet(data / "superhard_17models_cost_latency.parquet").groupby("model")["ok"].mean()
    hard = hard[[model for model in hard.index if "fugu" not in model]]
    table = pd.Series({model: abilities.ability(model).value for model in hard.index})
    preferred = pd.read_parquet(data / "alpacaeval2_pref_vs_gpt4turbo.parquet")
    means = preferred[[column for column in preferred if column.startswith("pref|")]].mean()
    means.index = [name.removeprefix("pref|") for name in means.index]
    stated = [name for name in means.index if abilities.row(name) is None and parameters(name) is not None]
    listed = [name for name in means.index if (row := abilities.row(name)) is not None and not row.family]
    return {
        "hard_problems": {"models": len(hard), "rank_correlation": rank_correlation(hard, table)},
        "preferences": {
            kind: {
                "models": len(names),
                "rank_correlation": rank_correlation(
                    means[names], pd.Series({name: abilities.ability(name).value for name in names})
                ),
            }
            for kind, names in (("all", list(means.index)), ("stated_parameters", stated), ("listed", listed))
        },
    }


def digest(path: Path) -> str:
    """Which table was measured."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]


def rounded(found: Any) -> Any:
    """To four digits, all the way down."""
    if isinstance(found, dict):
        return {name: rounded(value) for name, value in found.items()}
    return round(found, 4) if isinstance(found, float) else found


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the outcome tables")
    data = parser.parse_args().data
    reader, abilities = Runtime(), Abilities(shipped())
    results: dict[str, Any] = {"weights": reader.version, "abilities": digest(TARGET)}
    for name in (PRICED, UNPRICED):
        table = Outcomes(data, name, reader)
        each = [table.cross_validated(data, name, seed) for seed in range(SPLITS)]
        rows = np.arange(len(table.kept))
        results[name] = {
            "rows": len(rows),
            "in_sample": table.measured(table.expected(abilities, rows), rows),
            "cross_validated": mean([by_fifth for by_fifth, _ in each]),
            "cross_validated_with_one_knob": mean([pooled for _, pooled in each]),
        }
    results["agreement"] = agreement(data, abilities)
    RESULTS.write_text(json.dumps(rounded(results), indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
