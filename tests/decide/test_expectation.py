"""How long an answer is expected to be: the table, what was learned, the conversation, the limits."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.features import TASK_TYPES, Features
from tenbin.core.session import Session
from tenbin.core.usage import Usage
from tenbin.core.weighing import Weighing
from tenbin.decide.expectation import (
    MOST_THINKERS,
    REMEMBERED,
    UNTAUGHT,
    Histogram,
    Outputs,
    expected,
    fold,
    fold_receipt,
)
from tests.decide import turns
from tests.decide.turns import HAIKU, LUNA, OPUS
from tests.ledger.making import NOON_MS, a_receipt, an_attempt


def asking(**changes: Any) -> Features:
    return Features(**{"prompt_tokens": 1_000, "task": "code_generation", **changes})


def taught(features: Features, *answers: int, target: str = "", reasoning: int = 0) -> Outputs:
    outputs = UNTAUGHT
    for answer in answers:
        outputs = fold(outputs, features, Usage(output=answer + reasoning, reasoning=reasoning), target)
    return outputs


def test_a_class_is_shorter_than_a_program() -> None:
    short = expected(UNTAUGHT, None, asking(task="classification"), HAIKU)
    long = expected(UNTAUGHT, None, asking(), HAIKU)
    assert short.output_p90 < long.output_mean
    assert short.reasoning == long.reasoning == 0


def test_a_translation_is_as_long_as_its_text() -> None:
    short = expected(UNTAUGHT, None, asking(task="translation", prompt_tokens=100), HAIKU)
    long = expected(UNTAUGHT, None, asking(task="translation", prompt_tokens=5_000), HAIKU)
    assert short.output_mean == 210
    assert long.output_mean == 4_000


def test_an_agents_step_is_an_agents_step_whatever_it_is_about() -> None:
    answers = {expected(UNTAUGHT, None, asking(task=task, agent=True), HAIKU).output_mean for task in TASK_TYPES}
    assert answers == {523}


def test_opus_thinks_unasked_and_haiku_does_not() -> None:
    assert expected(UNTAUGHT, None, asking(), OPUS).reasoning > 0
    assert expected(UNTAUGHT, None, asking(), HAIKU).reasoning == 0
    low, high = (expected(UNTAUGHT, None, asking(effort=effort), OPUS).reasoning for effort in ("low", "high"))
    assert low < high


def test_the_ledger_teaches_the_length_of_a_kind_of_answer() -> None:
    outputs = taught(asking(), *[3_000] * 200)
    assert 2_800 < expected(outputs, None, asking(), HAIKU).output_mean < 3_000
    assert 2_700 < expected(outputs, None, asking(), HAIKU).output_p90 < 3_700
    assert expected(outputs, None, asking(task="chat"), HAIKU) == expected(UNTAUGHT, None, asking(task="chat"), HAIKU)


def test_the_ledger_teaches_how_much_a_model_thinks() -> None:
    outputs = taught(asking(), *[500] * 400, target=LUNA, reasoning=2_000)
    assert expected(outputs, None, asking(), LUNA).reasoning > 3 * expected(outputs, None, asking(), LUNA).output_mean
    assert expected(outputs, None, asking(), HAIKU).reasoning == 0
    # What was seen at one effort says nothing of another.
    assert expected(outputs, None, asking(effort="low"), LUNA).reasoning < 500


def test_the_conversation_itself_counts_more_the_longer_it_is() -> None:
    def mean(requests: int) -> int:
        session = Session(target=HAIKU, requests=requests, output_tokens=100 * requests)
        return expected(UNTAUGHT, session, asking(), HAIKU).output_mean

    assert mean(0) == 700 > mean(2) > mean(20) > mean(200) > 100


def test_thinking_of_the_model_before_is_not_taken_for_length() -> None:
    """Half of Opus' answers of 200 tokens is thinking: Haiku is expected to give the other 100."""
    session = Session(target=OPUS, requests=10_000, output_tokens=2_000_000)
    assert expected(UNTAUGHT, session, asking(), HAIKU).output_mean == pytest.approx(100, abs=2)


@pytest.mark.parametrize("features", [asking(compaction=True), asking(category="background")])
def test_a_summary_and_a_title_are_not_like_the_conversation(features: Features) -> None:
    session = Session(target=HAIKU, requests=100, output_tokens=100 * 777)
    assert expected(UNTAUGHT, session, features, HAIKU) == expected(UNTAUGHT, None, features, HAIKU)


def test_a_probe_of_one_token_costs_one_token() -> None:
    tokens = expected(UNTAUGHT, None, asking(max_tokens=1), HAIKU)
    assert (tokens.output_mean, tokens.output_p90, tokens.reasoning) == (1, 1, 0)


@given(turns.features, st.one_of(st.none(), turns.sessions), st.sampled_from(turns.TARGETS), st.integers(1, 128_000))
def test_no_answer_is_expected_beyond_its_limits(
    features: Features, session: Session | None, target: str, most: int
) -> None:
    tokens = expected(UNTAUGHT, session, features, target, most)
    assert 0 <= tokens.output_mean <= tokens.output_p90
    assert tokens.reasoning >= 0
    assert tokens.output_p90 + tokens.reasoning <= min(most, features.max_tokens or most)


@given(st.lists(st.integers(1, 200_000), min_size=1, max_size=300), st.floats(0.01, 1))
def test_a_quantile_is_right_to_a_fifth(answers: list[int], share: float) -> None:
    histogram = Histogram()
    for answer in answers:
        histogram = histogram.added(answer)
    true = next(n for rank, n in enumerate(sorted(answers), 1) if rank >= share * len(answers))
    assert true <= histogram.quantile(share) + 1e-6
    assert histogram.quantile(share) + 1 <= (true + 1) * 2**0.25 + 1e-6
    assert histogram.total == sum(answers)


def test_a_histogram_follows_what_changes_and_stays_small() -> None:
    histogram = Histogram()
    for answer in [100] * 3_000 + [1_000] * 3_000:
        histogram = histogram.added(answer)
    assert histogram.count <= REMEMBERED
    assert histogram.quantile(0.5) > 900
    assert histogram.total / histogram.count > 900
    assert len(histogram.buckets) < 100


def test_no_more_models_are_remembered_than_fit() -> None:
    outputs = UNTAUGHT
    for n in range(MOST_THINKERS + 50):
        outputs = fold(outputs, asking(), Usage(output=10), f"acme/anvil-{n}")
    assert len(outputs.thinking) == MOST_THINKERS
    assert f"acme/anvil-{MOST_THINKERS + 49} " in outputs.thinking


def test_only_what_the_provider_stated_of_a_whole_answer_teaches() -> None:
    weighing = Weighing(features=asking(), now_ms=NOON_MS, draw=0.0)
    answered = a_receipt("req_1", an_attempt(usage=Usage(input=5, output=400)), weighing=weighing)
    assert fold_receipt(UNTAUGHT, answered).lengths["default:code_generation"].total == 400
    estimated = an_attempt(usage=Usage(input=5, output=400, output_estimated=True))
    judged = a_receipt("req_1", an_attempt(0, model="judge"), *answered.attempts, weighing=weighing)
    assert fold_receipt(UNTAUGHT, judged) == fold_receipt(UNTAUGHT, answered), "a judge's word is no answer"
    for teaches_nothing in (
        a_receipt("req_2", an_attempt()),
        a_receipt("req_3", an_attempt(), weighing=weighing, outcome="cut"),
        a_receipt("req_4", estimated, weighing=weighing),
        a_receipt("req_5", an_attempt(0), weighing=weighing),
    ):
        assert fold_receipt(UNTAUGHT, teaches_nothing) == UNTAUGHT
