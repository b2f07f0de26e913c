"""Laws of answers, for every dialect and every pair of them: what was told is told on, however it was cut, streamed or
not, and costs the same.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenbin.codecs.registry import dialect
from tenbin.codecs.translation import Translation
from tenbin.core.answer import AnswerFailed, AnswerFinished, Delta
from tenbin.core.ask import Head
from tenbin.core.problems import Failure
from tenbin.core.target import DialectName
from tenbin.core.usage import Usage
from tests.laws.answers import DIALECTS, read_answer, sayable, target_of, told, write_answer
from tests.laws.strategies import answers, pieces_of

each_dialect = pytest.mark.parametrize("name", DIALECTS)
each_pair = pytest.mark.parametrize(("provider", "client"), [(a, b) for a in DIALECTS for b in DIALECTS])

in_each_pair = settings(max_examples=max(1, settings().max_examples // 5))
"""There are sixteen pairs, so that each gets fewer examples."""


@each_dialect
@given(data=st.data(), answer=answers())
def test_what_a_writer_writes_its_reader_reads(name: DialectName, data: st.DataObject, answer: list[Delta]) -> None:
    batches = data.draw(pieces_of(answer))
    for streamed in (True, False):
        written = write_answer(name, batches, streamed=streamed)
        assert told(read_answer(name, [written], streamed=streamed)) == sayable(name, told(answer))


@each_dialect
@given(data=st.data(), answer=answers())
def test_any_cutting_gives_the_same_deltas(name: DialectName, data: st.DataObject, answer: list[Delta]) -> None:
    for streamed in (True, False):
        written = write_answer(name, [answer], streamed=streamed)
        whole = read_answer(name, [written], streamed=streamed)
        assert read_answer(name, data.draw(pieces_of(written)), streamed=streamed) == whole
    bytewise = write_answer(name, [answer], streamed=True)
    pieces = [bytewise[place : place + 1] for place in range(len(bytewise))]
    assert read_answer(name, pieces, streamed=True) == read_answer(name, [bytewise], streamed=True)


@each_pair
@in_each_pair
@given(answer=answers())
def test_translation_keeps_what_both_dialects_can_tell(
    provider: DialectName, client: DialectName, answer: list[Delta]
) -> None:
    for streamed in (True, False):
        sent = write_answer(provider, [answer], streamed=streamed)
        got = write_answer(client, [read_answer(provider, [sent], streamed=streamed)], streamed=streamed)
        understood = told(read_answer(client, [got], streamed=streamed))
        assert understood == sayable(client, sayable(provider, told(answer)))


@each_pair
@in_each_pair
@given(data=st.data(), answer=answers())
def test_the_relay_of_a_translation_keeps_it_too_and_knows_the_usage(
    provider: DialectName, client: DialectName, data: st.DataObject, answer: list[Delta]
) -> None:
    sent = write_answer(provider, [answer], streamed=True)
    head = Head(model="a-model", stream=True)
    translation = Translation(
        dialect(provider).reader(streamed=True, target=target_of(provider)),
        dialect(client).writer(streamed=True, request_id="req_0123456789", head=head),
    )
    got = b"".join(translation.feed(piece) for piece in data.draw(pieces_of(sent))) + translation.finish()
    expected = sayable(provider, told(answer))
    assert told(read_answer(client, [got], streamed=True)) == sayable(client, expected)
    assert (translation.usage, translation.stop_reason, translation.ended) == (expected.usage, expected.ended, True)


@each_dialect
@given(data=st.data(), answer=answers())
def test_watching_an_answer_finds_what_reading_it_does(
    name: DialectName, data: st.DataObject, answer: list[Delta]
) -> None:
    for streamed in (True, False):
        written = write_answer(name, [answer], streamed=streamed)
        head = Head(model="a-model", stream=streamed)
        observer = dialect(name).observer(streamed=streamed, head=head, target=target_of(name))
        forwarded = b"".join(observer.feed(piece) for piece in data.draw(pieces_of(written))) + observer.finish()
        assert forwarded == written
        assert observer.ended
        assert observer.failure is None
        read = told(read_answer(name, [written], streamed=streamed))
        assert (observer.usage, observer.stop_reason) == (read.usage, read.ended)
        assert observer.started or not (read.text or read.calls)
        produced = observer.produced()
        for words in (read.text, read.thinking):
            assert words in produced


@each_dialect
@given(data=st.data(), answer=answers())
def test_an_answer_that_breaks_off_never_looks_finished_early(
    name: DialectName, data: st.DataObject, answer: list[Delta]
) -> None:
    written = write_answer(name, [answer], streamed=True)
    kept = data.draw(st.integers(0, len(written)))
    deltas = read_answer(name, [written[:kept]], streamed=True)
    whole = told(answer)
    if isinstance(deltas[-1], AnswerFinished):
        # Some dialects end with words that say nothing new, or with the usage: where it is missing, none is stated,
        # so that it will be counted.
        finished, expected = told(deltas), sayable(name, whole)
        assert finished._replace(usage=expected.usage) == expected
        assert finished.usage in (expected.usage, Usage())
    else:
        partial = deltas[-1]
        assert isinstance(partial, AnswerFailed)
        assert partial.failure.kind in ("cut", "malformed")


@each_dialect
@given(answer=answers(), usage=st.builds(Usage, input=st.integers(0, 99), output=st.integers(0, 99)))
def test_a_failure_in_the_middle_is_told_as_one(name: DialectName, answer: list[Delta], usage: Usage) -> None:
    failure = Failure(kind="overloaded", message="All scales are in use.", code="overloaded_error", status=529)
    broken: list[Delta] = [*answer[:-1], AnswerFailed(failure, usage)]
    written = write_answer(name, [broken], streamed=True)
    assert b"All scales are in use." in written
    last = read_answer(name, [written], streamed=True)[-1]
    assert isinstance(last, AnswerFailed)
    assert last.failure.message == failure.message
    assert last.failure.kind in ("overloaded", "server_error")
