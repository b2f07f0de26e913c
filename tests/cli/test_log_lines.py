"""What a log line tells of an error, and what not."""

import logging
from collections.abc import Callable
from io import StringIO

import pytest

from tenbin.api import application
from tenbin.cli.log_lines import LogLines
from tenbin.core.ask import Ask
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained
from tests.real.books import serving

PROMPT = "canary-quincunx-41"


def logged(raising: Callable[[], object]) -> str:
    """What a handler with these lines writes of an error."""
    written = StringIO()
    logger = logging.Logger("of a test")
    handler = logging.StreamHandler(written)
    handler.setFormatter(LogLines("%(levelname)s %(message)s"))
    logger.addHandler(handler)
    try:
        raising()
    except Exception:
        logger.exception("it failed")
    return written.getvalue()


def looked_up() -> object:
    held: dict[str, object] = {}
    return held[PROMPT]


def chain() -> None:
    try:
        looked_up()
    except KeyError as error:
        raise ValueError(f"no {PROMPT}") from error


def group() -> None:
    raise ExceptionGroup(PROMPT, [ValueError(PROMPT), TypeError("a str is no int")])


@pytest.mark.parametrize("raising", [looked_up, chain, group, lambda: int(PROMPT)])
def test_the_place_is_told_and_what_was_given_is_not(raising: Callable[[], object]) -> None:
    said = logged(raising)
    assert PROMPT not in said
    assert "Error" in said
    assert "test_log_lines.py" in said


def test_causes_come_first_and_words_of_the_code_are_told() -> None:
    said = logged(chain)
    assert said.index("KeyError") < said.index("ValueError")
    assert "TypeError: a str is no int" in logged(group)
    assert "has no attribute 'nothing'" in logged(lambda: (5).nothing)  # type: ignore[attr-defined]


def test_a_request_that_fails_inside_leaves_its_words_out(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def __init__(self, world: object, ask: Ask, client: object) -> None:
            self.ask = ask

        async def run(self) -> None:
            raise ValueError(self.ask.body.decode())

    monkeypatch.setattr(application, "Exchange", Broken)
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(LogLines("%(message)s"))
    application.LOG.addHandler(handler)
    application.LOG.propagate = False
    try:
        with (
            RunningSimulator() as simulator,
            serving(chained(simulator.url), tmp_path_factory.mktemp("broken")) as house,
        ):
            caller = Caller(house.url)
            response = caller.ask("anthropic", "one", text=PROMPT)
            caller.http.close()
    finally:
        application.LOG.removeHandler(handler)
        application.LOG.propagate = True
    assert response.status_code == 500
    assert PROMPT not in response.text
    assert response.headers["x-tenbin-request-id"] in written.getvalue()
    assert "ValueError" in written.getvalue()
    assert PROMPT not in written.getvalue()
