"""A bug in Tenbin itself costs its request, and no more: it is settled like any other."""

from collections.abc import Iterator

import pytest

from tenbin.codecs.translation import Translation
from tenbin.execute import estimate
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller
from tests.real.books import Books


@pytest.fixture(autouse=True)
def nothing_failed_inside() -> Iterator[None]:
    """Here something does."""
    return iter([None])


@pytest.mark.parametrize("stream", [False, True])
def test_a_bug_while_an_answer_is_read(
    caller: Caller,
    books: Books,
    simulator: RunningSimulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    stream: bool,
) -> None:
    def broken(self: Translation, data: bytes) -> bytes:
        raise RuntimeError("secret words of the answer")

    monkeypatch.setattr(Translation, "feed", broken)
    response = caller.ask("anthropic", "chat", stream=stream)
    assert response.status_code == 500
    assert response.json()["error"]["type"] == "api_error"
    assert "secret" not in response.text
    receipt = books.one()
    assert response.headers["x-tenbin-request-id"] == receipt.request_id
    assert (receipt.outcome, receipt.status) == ("failed", 500)
    (attempt,) = receipt.attempts
    assert attempt.outcome == "failed"
    assert attempt.usage.input_estimated
    assert receipt.request_id in caplog.text
    monkeypatch.undo()
    assert caller.ask("anthropic", "chat", stream=stream).status_code == 200


def test_a_bug_in_the_middle_of_a_stream(
    caller: Caller, books: Books, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed = Translation.feed
    calls = []

    def breaks_later(self: Translation, data: bytes) -> bytes:
        calls.append(data)
        if len(calls) > 5:
            raise RuntimeError
        return fed(self, data)

    monkeypatch.setattr(Translation, "feed", breaks_later)
    simulator.script(output_tokens=100, tick_ms=5)
    with pytest.raises(Exception, match=r"incomplete|closed|protocol"):
        caller.ask("anthropic", "chat", stream=True)
    receipt = books.one()
    assert (receipt.outcome, receipt.status) == ("cut", 200)
    assert receipt.attempts[0].usage.output > 0


def test_a_bug_in_the_estimate_loses_no_receipt(
    caller: Caller, books: Books, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object, **named: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(estimate, "completed", broken)
    simulator.script(output_tokens=100, cut_after_events=9)
    caller.ask("anthropic", "one", stream=True)
    receipt = books.one()
    assert receipt.outcome == "cut"
    assert receipt.usage.estimated
