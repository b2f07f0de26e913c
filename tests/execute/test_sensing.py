"""What a decision asks is looked up off the event loop where it takes long, and does without where it cannot be had."""

import asyncio
import logging
import threading

import msgspec
import pytest

from tenbin.codecs.registry import dialect
from tenbin.core.features import Complexity, Features
from tenbin.core.sketch import Sketch
from tenbin.core.steps import Sense, Sensed
from tenbin.decide.policy import Policy
from tenbin.execute.sensing import Senses
from tests.decide.plans import ask
from tests.decide.weighed import MIDDLE, TEXT, a_policy

POLICY = a_policy()
BODY = b'{"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": "Fix the bug"}]}'
ASK = msgspec.structs.replace(ask("auto"), body=BODY)


class Reader:
    """A discerner that remembers who asked it."""

    def __init__(self, broken: bool = False) -> None:
        self.broken = broken
        self.asked: list[tuple[bool, str]] = []

    def complexity(self, sketch: Sketch) -> Complexity:
        """Debugging, whatever it is."""
        self.asked.append((threading.current_thread() is threading.main_thread(), sketch.user))
        if self.broken:
            raise ImportError("there is no numpy here")
        chances = (0.1, 0.2, 0.3, 0.4)
        return Complexity(
            task="debugging",
            task_chance=0.9,
            domain="other",
            domain_chance=0.5,
            language="en",
            suffices=chances,
            model="test",
        )


def sensed(senses: Senses, times: int = 1) -> Sensed:
    """The words of so many requests, read one after another."""

    async def read() -> list[Sensed]:
        return [(await senses.of(ASK, dialect("anthropic"), POLICY)).perform(Sense("complexity")) for _ in range(times)]

    return asyncio.run(read())[-1]


def test_what_was_learned_is_loaded_once_and_off_the_event_loop() -> None:
    reader = Reader()
    features = sensed(Senses(discerner=lambda: reader), times=2).features
    assert (features.task, features.learned) == ("debugging", "test")
    assert reader.asked[0] == (False, ""), "loaded in a thread"
    assert reader.asked[1:] == [(True, "Fix the bug")], "read once; the same turn is not read twice"


def test_without_what_was_learned_rules_decide_and_the_log_says_why(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        features = sensed(Senses(discerner=lambda: Reader(broken=True))).features
    assert (features.learned, features.suffices) == ("", Features().suffices)
    assert "rules alone decide" in caplog.text
    assert "no numpy" in caplog.text
    assert "Fix the bug" not in caplog.text
    caplog.clear()


def test_by_rules_alone_a_small_call_of_the_clients_is_easy() -> None:
    title = BODY.replace(b"Fix the bug", b"Generate a short title for this conversation: Hello")
    asked = msgspec.structs.replace(ASK, body=title)
    sensing = asyncio.run(Senses().of(asked, dialect("anthropic"), POLICY))
    features = sensing.perform(Sense("request")).features
    assert features.category == "background"
    assert features.suffices[0] > 0.8 > Features().suffices[0]


@pytest.mark.parametrize(
    ("model", "policy"), [("auto", a_policy(TEXT + "  learned: false\n")), ("pinned", POLICY), (MIDDLE, POLICY)]
)
def test_nothing_is_loaded_for_a_request_whose_words_are_not_read(model: str, policy: Policy) -> None:
    reader = Reader()
    senses = Senses(discerner=lambda: reader)
    asked = msgspec.structs.replace(ask(model), body=BODY)
    asyncio.run(senses.of(asked, dialect("anthropic"), policy))
    assert reader.asked == []
