"""Estimates: words that came are counted, words that were announced too, and a final statement is believed."""

import json

import pytest

from tenbin.codecs.registry import dialect
from tenbin.core.usage import Usage
from tenbin.execute.estimate import completed
from tenbin.execute.owed import TOKENS_PER_SECOND, Heard
from tests.ledger.making import an_ask

BODY = json.dumps({"model": "m", "max_tokens": 500, "messages": [{"role": "user", "content": "Hello there"}]}).encode()
WORDS = "the scale weighs what it is given " * 40


def estimated(stated: Usage, heard: Heard, operation: str = "generate") -> Usage:
    ask = an_ask(body=BODY, operation=operation)
    return completed(stated, ask, dialect("anthropic"), heard)


def test_a_final_statement_is_believed() -> None:
    stated = Usage(input=5, output=7)
    assert estimated(stated, Heard(WORDS, ended=True)) == stated


def test_what_broke_off_is_an_estimate_also_where_it_equals_the_last_statement() -> None:
    assert estimated(Usage(input=5, output=1), Heard()) == Usage(input=5, output=1, output_estimated=True)
    found = estimated(Usage(input=5, output=1), Heard(WORDS))
    assert found.output == pytest.approx(280, abs=5)
    assert estimated(Usage(input=5, output=900), Heard(WORDS)).output == 900


def test_a_prompt_that_nobody_stated_is_counted() -> None:
    found = estimated(Usage(), Heard(WORDS, ended=True))
    assert found.input_estimated
    assert 0 < found.input < 30


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_of_a_torn_answer_all_was_written(share: float) -> None:
    content = [{"type": "text", "text": WORDS}]
    usage = {"input_tokens": 3, "output_tokens": 280, "cache_read_input_tokens": 0, "service_tier": "standard"}
    body = json.dumps({"id": "msg_1", "type": "message", "content": content, "usage": usage}).encode()
    torn = body[: int(len(body) * share)]
    assert estimated(Usage(), Heard(torn=torn, announced_bytes=len(body))).output == pytest.approx(280, rel=0.3)
    assert estimated(Usage(), Heard(torn=torn)).output == pytest.approx(280 * share, rel=0.2)


def test_a_torn_tool_call_counts() -> None:
    body = b'{"content":[{"type":"tool_use","id":"toolu_1","name":"write","input":{"path":"a.txt","text":"one two thr'
    assert estimated(Usage(), Heard(torn=body)).output > 8


def test_time_tells_of_an_answer_that_nobody_saw() -> None:
    assert estimated(Usage(), Heard(waited_s=2.0)).output == 2 * TOKENS_PER_SECOND


def test_embeddings_have_no_output() -> None:
    assert estimated(Usage(), Heard(waited_s=2.0), "embed").output == 0
