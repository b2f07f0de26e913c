"""A held answer read and judged: from any deltas to what gates look at, certain faults, beginnings, repairs."""

from typing import Any

import pytest

from tenbin.core.answer import (
    AnswerFinished,
    AnswerStarted,
    ArgumentsDelta,
    BlockStarted,
    BlockStopped,
    Delta,
    LogprobsDelta,
    TextDelta,
    ThinkingDelta,
)
from tenbin.core.conversation import Conversation, Text, Tool, Turn
from tenbin.core.steps import Hold
from tenbin.core.usage import Usage
from tenbin.discern.gates.gate import Question
from tenbin.execute.gating import WORST, Opinions, answer_of, asked, judged

GATES = ("empty", "truncated", "repetition", "refusal", "language", "tool_calls", "confidence")
HOLD = Hold(gates=GATES, prior=0.8, accept=0.7)
SCHEMA: Any = b'{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}'


def text(*pieces: str, stop: Any = "end_turn") -> list[Delta]:
    deltas: list[Delta] = [AnswerStarted("id", "m", Usage()), BlockStarted(index=0, kind="text")]
    deltas += [TextDelta(0, piece) for piece in pieces]
    return [*deltas, BlockStopped(0), AnswerFinished(stop, Usage(output=5))]


def call(name: str, *pieces: str) -> list[Delta]:
    deltas: list[Delta] = [BlockStarted(index=1, kind="tool_call", id="c1", name=name)]
    return [*deltas, *(ArgumentsDelta(1, piece) for piece in pieces), BlockStopped(1)]


def question(prompt: str = "What is the capital of France?", *tools: Tool) -> Question:
    turn = Turn(role="user", parts=(Text(text=prompt),))
    return asked(Conversation(model="m", turns=(turn,), tools=tools), HOLD)


def test_an_answer_is_read_from_its_deltas() -> None:
    deltas = [ThinkingDelta(2, "hm"), *text("Par", "is."), *call("get", '{"n"', ":1}")]
    deltas.insert(3, LogprobsDelta(0, [{"token": "Par", "logprob": -0.5}]))
    answer = answer_of(deltas)
    assert answer.text == "Paris."
    assert [(one.name, one.arguments) for one in answer.tool_calls] == [("get", '{"n":1}')]
    assert answer.logprobs == (-0.5,)
    assert answer.stop_reason == "end_turn"


def test_what_is_right_passes_with_its_evidence() -> None:
    told = judged(question(), HOLD, text("The capital of France is Paris."), "whole")
    assert told.gating.passed
    assert told.usable
    assert {name for name, score, _ in told.gating.parts if score == 1.0} >= {"empty", "refusal"}


@pytest.mark.parametrize(
    "answer", ["", "I'm sorry, but I cannot help with that.", "申し訳ありませんが、お答えできません。"]
)
def test_a_certain_fault_cannot_be_made_up_for(answer: str) -> None:
    surely = Hold(gates=GATES, prior=0.999, accept=0.5)
    told = judged(question(), surely, text(answer), "whole")
    assert told.gating.score is not None
    assert told.gating.score <= WORST
    assert not told.gating.passed


def test_a_beginning_passes_unless_something_speaks_against_it() -> None:
    strict = Hold(gates=GATES, prior=0.3, accept=0.9)
    assert judged(question(), strict, text("The capital of", stop=None)[:-2], "prefix").gating.passed
    refused = text("I'm sorry, but I cannot help with that.")[:-2]
    assert not judged(question(), strict, refused, "prefix").gating.passed


def test_a_call_is_mended_and_the_rest_stays() -> None:
    tool = Tool(name="get_n", schema=SCHEMA)
    deltas = [*text("One moment.")[:-1], *call("Get_N", '{"n": ', '"7"}'), AnswerFinished("tool_use", Usage())]
    told = judged(question("Get n.", tool), HOLD, deltas, "whole")
    assert told.repaired is not None
    mended = answer_of(told.repaired)
    assert [(one.id, one.name, one.arguments) for one in mended.tool_calls] == [("c1", "get_n", '{"n":7}')]
    assert mended.text == "One moment."
    assert told.gating.repaired
    assert told.gating.passed


def test_others_and_marks_count() -> None:
    plain = judged(question(), HOLD, text("Paris."), "whole").gating.score
    bad = judged(question(), HOLD, text("Paris."), "whole", Opinions(("London.",), (("m/j", 0.0, ""),))).gating
    assert plain is not None
    assert bad.score is not None
    assert bad.score < plain
    assert {name for name, _, _ in bad.parts} >= {"agreement", "judge"}
    unread = judged(question(), HOLD, text("Paris."), "whole", Opinions((), (("m/j", None, "it gave no mark"),))).gating
    assert unread.score == plain, "who says nothing counts for nothing"


def test_a_gate_that_is_not_installed_judges_nothing(caplog: pytest.LogCaptureFixture) -> None:
    told = judged(question(), Hold(gates=("empty", "gone"), prior=0.8, accept=0.5), text("Paris."), "whole")
    assert [name for name, _, _ in told.gating.parts] == ["empty"]
    assert "no gate 'gone'" in caplog.text
    caplog.clear()


def test_without_a_prior_and_a_threshold_those_of_the_calibration_hold() -> None:
    told = judged(question(), Hold(gates=GATES, task="planning"), text("Paris."), "whole").gating
    assert told.accept == 1.0
    assert told.prior < 0.2
