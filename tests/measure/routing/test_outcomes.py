"""Columns of outcomes are recognised by their names, in every form in which such tables are published."""

from typing import Any

import numpy as np
import pytest

from tenbin.measure.routing import outcomes
from tenbin.measure.routing.tables import Rows, rows_of
from tests.measure.routing.making import prompts

N = 12
ONES, ZEROS = [1.0] * N, [0.0] * N


def rows(**columns: Any) -> Rows:
    return rows_of({"prompt": prompts(N), **columns}, None)[0]


@pytest.mark.parametrize(
    "columns",
    [
        {"weak": ZEROS, "strong": ONES},
        {"weak": [False] * N, "strong": [True] * N},
        {"cheap_correct": ZEROS, "strong_correct": ONES, "cheap_usd": ONES, "strong_usd": ZEROS},
        {"weak_score": ZEROS, "strong_score": ONES, "weak_response_chars": ONES, "strong_response_chars": ZEROS},
        {"score_weak": ["0"] * N, "score_strong": ["1"] * N},
        {"weak_turn1": [-1.0] * N, "weak_turn2": ONES, "strong_turn1": ONES, "strong_turn2": ONES},
        {"weak": ZEROS, "strong": ONES, "weak_turn1": ONES, "strong_turn1": ZEROS},
        {"weak": [[0, 0]] * N, "strong": [[1, 1]] * N},
    ],
)
def test_a_weak_and_a_strong_model(columns: dict[str, list[Any]]) -> None:
    (found,) = outcomes.two_models(rows(**columns))
    assert found.weak.tolist() == ZEROS
    assert found.strong.tolist() == ONES


def test_other_columns_about_two_models_are_no_outcomes() -> None:
    assert outcomes.two_models(rows(weak_latency_ms=ONES, strong_latency_ms=ONES, weaker=ONES, stronger=ONES)) == []


def test_rows_without_an_outcome_are_left_out_and_counted() -> None:
    (found,) = outcomes.two_models(rows(weak=[None, float("nan"), *ZEROS[2:]], strong=ONES))
    assert found.rows.tolist() == list(range(2, N))
    assert found.notes == ("2 rows lack an outcome",)
    assert outcomes.two_models(rows(weak=[None] * 5 + ZEROS[5:], strong=ONES)) == []


def test_many_models_with_costs() -> None:
    table = rows(**{"score|a": ZEROS, "score|b": ONES, "cost|a": [0.1] * N, "cost|b": [0.2] * N})
    (found,), (pair,) = outcomes.many_models(table, {})
    assert found.models == ("a", "b")
    assert found.quality[0].tolist() == [0, 1]
    assert found.cost is not None
    assert found.cost[0].tolist() == [0.1, 0.2]
    assert pair.name == "a / b"
    assert pair.notes == ("the cheapest model and the best one of this table",)


def test_without_all_costs_there_are_none() -> None:
    (found,), _ = outcomes.many_models(rows(**{"score|a": ZEROS, "score|b": ONES, "cost|a": ONES}), {})
    assert found.cost is None


def test_turns_are_averaged() -> None:
    table = rows(**{"score|a|1": ZEROS, "score|a|2": ONES, "score|b|1": ONES, "score|b|2": ONES})
    (found,), _ = outcomes.many_models(table, {})
    assert found.models == ("a", "b")
    assert found.quality[0].tolist() == [0.5, 1]
    assert outcomes.judged(table) == []
    (found,), _ = outcomes.many_models(rows(**{"score_turn1|a": ZEROS, "score_turn2|a": ONES, "score|b": ONES}), {})
    assert found.quality[0].tolist() == [0.5, 1]


def test_columns_that_bear_the_names_of_models() -> None:
    weak, strong = "Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"
    both = {f"{weak}_turn1": ZEROS, f"{weak}_turn2": ONES, f"{strong}_turn1": ONES, f"{strong}_turn2": ONES}
    (found,) = outcomes.named_models(rows(**both, category=["a"] * N))
    assert found.weak.tolist() == [0.5] * N
    assert found.strong.tolist() == ONES
    (found,) = outcomes.named_models(rows(**{weak: ZEROS, strong: ONES}))
    assert found.name == "mixtral-8x7b-instruct-v0.1 / gpt-4-1106-preview"
    turns = {f"turn{turn}|{model}": ONES for turn in (1, 2) for model in (weak, strong)}
    assert [each.name for each in outcomes.many_models(rows(**turns), {})[1]] == [found.name]


def test_a_model_that_was_hardly_asked_is_left_out() -> None:
    table = rows(**{"score|a": ZEROS, "score|b": ONES, "score|c": [1.0] + [None] * (N - 1)})
    (found,), _ = outcomes.many_models(table, {})
    assert found.models == ("a", "b")
    assert found.notes == ("left out, for they lack too many outcomes: c",)


@pytest.mark.parametrize(
    ("models", "prices", "said"),
    [
        (("gpt-4o-mini", "gpt-4o", "x"), {}, "gpt-4o-mini / gpt-4o"),
        (("a", "c", "b"), {"a": 2.0, "b": 3.0, "c": 1.0}, "c / b"),
        (("llama-3-8b", "llama-3-70b", "x"), {}, "llama-3-8b / llama-3-70b"),
        (("a", "c", "b"), {}, "a / b"),
    ],
)
def test_pairs_are_told_by_name_then_price_then_size_then_outcome(
    models: tuple[str, ...], prices: dict[str, float], said: str
) -> None:
    scores = (ZEROS, [0.5] * N, ONES)
    table = rows(**{f"score|{model}": score for model, score in zip(models, scores, strict=True)})
    assert [pair.name for pair in outcomes.many_models(table, prices)[1]] == [said]


def test_judges_and_their_scales() -> None:
    """One benchmark gives 1 to 5, the other 0 to 10: each counts by its own range."""
    table = rows(
        **{
            "bench": ["one", "two"] * (N // 2),
            "score|judge|gpt-5-nano": [1, 0] * (N // 2),
            "score|judge|gpt-5": [3, 5] * (N // 2),
            "score|judge|other": [5, 10] * (N // 2),
        }
    )
    (found,) = outcomes.judged(table)
    assert found.name == "gpt-5-nano / gpt-5, judged by judge"
    assert found.weak.tolist() == ZEROS
    assert found.strong.tolist() == [0.5] * N
    assert set(found.groups) == {"one", "two"}


def test_pairs_of_one_judge_are_averaged_too() -> None:
    models = {"gpt-5-nano": 0.0, "gpt-5": 1.0, "gemini-2.5-flash": 0.5, "gemini-2.5-pro": 1.0}
    found = outcomes.judged(rows(**{f"score|j|{model}": [score] * N for model, score in models.items()}))
    assert [each.name for each in found] == [
        "gpt-5-nano + gemini-2.5-flash / gpt-5 + gemini-2.5-pro, judged by j",
        "gpt-5-nano / gpt-5, judged by j",
        "gemini-2.5-flash / gemini-2.5-pro, judged by j",
    ]
    assert found[0].weak.tolist() == [0.25] * N


def test_preferences_against_a_reference() -> None:
    """1: the reference is preferred, 2: the model. Models that win more often than not are not weaker."""
    table = rows(
        **{"pref|weak": [1.0] * N, "pref|middling": [1.25] * N, "pref|better": [1.75] * N, "len|gpt-4": [9] * N}
    )
    (found,) = outcomes.preferred(table)
    assert found.name == "2 weaker models together / gpt-4"
    assert found.weak.tolist() == [0.125] * N
    assert found.strong.tolist() == [0.875] * N


def test_a_row_for_each_model_becomes_a_column_for_each() -> None:
    asked = prompts(N)
    long: dict[str, list[Any]] = {
        "prompt": asked * 2,
        "model": ["a"] * N + ["b"] * N,
        "score": [*ZEROS, *ONES],
        "cost": [0.1] * N + [0.2] * N,
    }
    table, _ = rows_of(outcomes.unrolled(long), None)
    assert table.prompts == asked
    (found,), _ = outcomes.many_models(table, {})
    assert found.models == ("a", "b")
    assert np.mean(found.quality, axis=0).tolist() == [0, 1]
    plain: dict[str, list[Any]] = {"prompt": asked, "model": ["a"] * N, "score": ZEROS}
    assert outcomes.unrolled(plain) is plain
