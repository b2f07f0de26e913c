"""Rows that can be used, and labels, are told by the columns; the rest is counted with its reason."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tenbin.measure.routing.tables import Unfit, first_turn, labels_of, number, order_of, rows_of
from tests.measure.routing.making import prompts


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Why?", "Why?"),
        (["Why?", "And then?"], "Why?"),
        ([{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Why?"}], "Why?"),
        ([{"role": "user", "content": [{"type": "text", "content": "Why?"}]}], "Why?"),
        (None, ""),
        (7, ""),
        (b"Why?", ""),
        ([], ""),
    ],
)
def test_the_first_turn_is_what_is_routed_by(value: Any, said: str) -> None:
    assert first_turn(value) == said


@pytest.mark.parametrize(
    ("value", "meant"),
    [(True, 1), (3, 3), ("0.5", 0.5), ("False", 0), (Decimal("0.25"), 0.25), ([8, 9], 8.5), ("", None), (None, None),
     ("n/a", None), (float("inf"), None), ([1, None], None), ({}, None), (10**400, None)],
)  # fmt: skip
def test_numbers(value: Any, meant: float | None) -> None:
    assert np.isnan(number(value)) if meant is None else number(value) == meant


def test_rows_without_a_prompt_or_marked_as_contaminated_are_left_out_and_counted() -> None:
    asked: list[Any] = [*prompts(12), None, 5, "  "]
    marks = [False] * 10 + [True] * 2 + [False] * 3
    rows, dropped = rows_of({"Prompt": asked, "contaminated": marks, "weak": list(range(15))}, None)
    assert rows.prompts == prompts(12)[:10]
    assert dropped == {"the prompt is not text": 3, "marked as contaminated": 2}
    assert rows.columns["weak"] == list(range(10))


def test_a_limit_takes_the_same_rows_whatever_their_order() -> None:
    asked = prompts(100)
    one, dropped = rows_of({"prompt": asked}, 20)
    other, _ = rows_of({"prompt": asked[::-1]}, 20)
    assert dropped == {"left out by --limit": 80}
    assert len(one.prompts) == 20
    assert set(one.prompts) == set(other.prompts)
    assert order_of(asked).tolist() == order_of(asked[::-1]).tolist()[::-1]


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"model": ["a"], "usd": [1.0]}, "it has no column of prompts .* but model, usd"),
        ({"prompt": ["a"], "weak": [1]}, "only 1 of its 1 rows can be used; at least 10 are needed"),
        ({"prompt": [None] * 50}, r"only 0 of its 50 rows can be used \(50: the prompt is not text\)"),
    ],
)
def test_what_cannot_be_used_is_told(columns: dict[str, list[Any]], why: str) -> None:
    with pytest.raises(Unfit, match=why):
        rows_of(columns, None)


def test_task_types_are_mapped_and_vague_labels_left_out() -> None:
    kinds = ["math", "closed_qa", "code_generation", "user_oriented"] * 5
    rows, _ = rows_of({"prompt": prompts(20), "task_type": kinds}, None)
    (labels,), difficulties = labels_of(rows)
    assert (labels.what, set(labels.labels)) == ("task type", {"mathematics", "short_answer", "code_generation"})
    assert len(labels.rows) == 15
    assert labels.notes == ("5 rows have labels that mean no single task type: user_oriented",)
    assert difficulties == []


def test_a_category_is_a_domain_where_most_of_its_labels_are() -> None:
    rows, _ = rows_of({"prompt": prompts(20), "category": ["computer science", "law"] * 10}, None)
    assert [(each.what, set(each.labels)) for each in labels_of(rows)[0]] == [("domain", {"computer_science", "law"})]
    rows, _ = rows_of({"prompt": prompts(20), "category": ["writing", "roleplay", "generic", "law"] * 5}, None)
    assert labels_of(rows)[0] == []


def test_tiers_are_degrees_of_difficulty() -> None:
    tiers = ["LOW", "MID", "HIGH", "unheard of"] * 5
    rows, _ = rows_of({"prompt": prompts(20), "tier": tiers, "score": list(range(20))}, None)
    tier, score = labels_of(rows)[1]
    assert (tier.name, tier.degree.tolist()) == ("tier", [1, 2, 3] * 5)
    assert (score.name, len(score.rows)) == ("score", 20)
    rows, _ = rows_of({"prompt": prompts(20), "score": list(range(20))}, None)
    assert labels_of(rows)[1] == []
