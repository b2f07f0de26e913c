"""Quality kept: shares and intervals against known ones, and conversations that count less than their answers."""

from typing import Any

import msgspec
import numpy as np
import pytest

from tenbin.core.receipt import Receipt
from tenbin.core.shadow import OPERATION, Preferred
from tenbin.measure.experiments.kept import design_effect, kept_report, lines, wilson
from tests.ledger.making import A_SHADOW, a_receipt, an_attempt
from tests.measure.experiments.making import a_ledger, enter


def an_evaluation(number: int, preferred: Preferred, unit: str = "", fault: str = "", **changes: Any) -> Receipt:
    shadow = msgspec.structs.replace(A_SHADOW, preferred=preferred, unit=unit or f"u{number}", fault=fault, **changes)
    return a_receipt(f"req_{number}", an_attempt(cost_nano=100), operation=OPERATION, shadow=shadow)


def test_wilson_is_the_published_interval() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263, and 0 of 20.
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)


def test_of_independent_answers_each_counts() -> None:
    random = np.random.default_rng(1)
    effects = [design_effect([(int(x), 1) for x in random.random(400) < 0.8]) for _ in range(20)]
    assert effects == pytest.approx([1.0] * 20, abs=0.01)


def test_of_conversations_of_one_mind_each_counts_once() -> None:
    assert design_effect([(10, 10)] * 8 + [(0, 10)] * 2) == pytest.approx(10, rel=0.15)
    assert design_effect([(10, 10)] * 8) == 10
    assert design_effect([(3, 10)]) == 10


def test_the_report_counts_by_task_and_model_and_what_was_not_judged() -> None:
    database = a_ledger()
    evaluations = [an_evaluation(n, "tie" if n % 4 else "strong") for n in range(40)]
    evaluations += [an_evaluation(n, "cheap", task="debugging") for n in range(40, 50)]
    evaluations += [an_evaluation(50, "", fault="it had not answered after 300 s")]
    enter(database, evaluations)
    told = kept_report(database)
    assert told.all is not None
    assert (told.evaluations, told.all.judged, told.all.better, told.all.ties, told.all.worse) == (51, 50, 10, 30, 10)
    assert told.all.share == 0.8
    assert told.all.low < 0.8 < told.all.high
    assert [(one.task, one.judged) for one in told.by] == [("planning", 40), ("debugging", 10)]
    assert told.faults == {"it had not answered after 300 s": 1}
    assert told.billed_nano == 51 * 100
    english = "\n".join(lines(told, lambda english, japanese: english))
    assert "Quality kept: 80.0%" in english
    assert "品質維持率: 80.0%" in "\n".join(lines(told, lambda english, japanese: japanese))


def test_before_the_first_verdict_it_says_so() -> None:
    told = kept_report(a_ledger())
    assert told.all is None
    assert lines(told, lambda english, japanese: english)[0] == "No cheap answer has been judged yet."
