"""Signals of a conversation through the real gateway: on the receipt, in the quality table, after a restart, by key."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tenbin.config.learning import Learning
from tenbin.config.routing import RoutingConfig
from tenbin.core.features import Features
from tenbin.core.gating import Gating
from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.weighing import Candidate, Quality, Weighing
from tenbin.decide.evidence import Cell, fold_receipt
from tenbin.decide.weigh import choose
from tenbin.execute.hearing import with_signals
from tenbin.ledger.queries import reading, signals
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained
from tests.real.books import House, serving

SMALL, MIDDLE, LARGE = "anthropic/claude-haiku-5-5", "anthropic/claude-sonnet-5-5", "anthropic/claude-opus-5-5"
TIERS = {"low": [SMALL], "medium": [SMALL, MIDDLE], "high": [MIDDLE], "highest": [LARGE]}
SESSION = {"x-claude-code-session-id": "one-conversation"}
TOOLS = [{"name": name, "description": name, "input_schema": {"type": "object"}} for name in ("Bash", "Edit", "Read")]
NOT_FOUND = "<tool_use_error>String to replace not found in file.\nString: x</tool_use_error>"
GREEN = "14 passed in 0.29s"


def configuration(simulator: RunningSimulator, **routing: Any) -> Any:
    return chained(simulator.url, routing={"tiers": TIERS, "floor": 0.3, **routing})


@contextmanager
def calling(house: House) -> Iterator[Caller]:
    one = Caller(house.url)
    yield one
    one.http.close()


class Talk:
    """A coding agent's conversation, its tool calls as the test says they were."""

    def __init__(self, caller: Caller, headers: dict[str, str] = SESSION) -> None:
        self.caller = caller
        self.headers = headers
        self.messages: list[dict[str, Any]] = []

    def say(self, text: str) -> Any:
        if self.messages:
            self.messages.append({"role": "assistant", "content": [{"type": "text", "text": "I have done that."}]})
        self.messages.append({"role": "user", "content": text})
        return self.send()

    def result(self, tool: str, given: dict[str, Any], result: str, failed: bool = False) -> Any:
        identity = f"toolu_{len(self.messages)}"
        called = {"type": "tool_use", "id": identity, "name": tool, "input": given}
        brought: dict[str, Any] = {"type": "tool_result", "tool_use_id": identity, "content": result}
        if failed:
            brought["is_error"] = True
        self.messages.append({"role": "assistant", "content": [called]})
        self.messages.append({"role": "user", "content": [brought]})
        return self.send()

    def send(self) -> Any:
        response = self.caller.http.post(
            "/v1/messages",
            json={"model": "auto", "max_tokens": 200, "messages": self.messages, "tools": TOOLS},
            headers=self.headers,
        )
        assert response.status_code == 200, response.text
        return response


def told(receipt: Receipt) -> dict[str, str]:
    return {signal.kind: signal.about.request_id for signal in receipt.signals}


def test_the_next_request_labels_the_decision_before_it(simulator: RunningSimulator, tmp_path: Path) -> None:
    with serving(configuration(simulator, learning={"evidence": True}), tmp_path) as house, calling(house) as caller:
        talk = Talk(caller)
        talk.say("Fix the total of the cart.")
        talk.result("Edit", {"file_path": "/app/cart.py"}, NOT_FOUND, failed=True)
        talk.result("Bash", {"command": "pytest -q"}, GREEN)
        talk.say("ありがとうございます！")
        first, second, third, fourth = house.books.new(4)
        assert first.signals == ()
        assert told(second) == {"edit_failed": first.request_id}
        assert told(third) == {"tests_passed": second.request_id}
        assert told(fourth) == {"accepted": third.request_id}
        known = house.running.gateway.conversations
        table = known.evidence_of("local")
        target = f"{first.attempts[0].provider}/{first.attempts[0].model}"
        assert table[Cell(target)].trials == pytest.approx(0.5 + 0.6 + 0.6, rel=1e-3)
        assert table[Cell(target)].successes == pytest.approx(1.2, rel=1e-3)
        assert known.evidence_of("somebody") == {}
        live = dict(known.evidence)
        talk.say("Now the footer.")
        (fifth,) = house.books.new(1)
        assert fifth.weighing is not None
        judged = next(one for one in fifth.weighing.candidates if one.target == target)
        assert judged.quality is not None
        assert judged.quality.trials > 1
        assert choose(fifth.weighing) == fifth.weighing
        from_receipts: Any = {}
        for receipt in (first, second, third, fourth, fifth):
            from_receipts = fold_receipt(from_receipts, receipt)
        assert from_receipts == live
    with serving(configuration(simulator, learning={"evidence": True}), tmp_path) as house:
        assert house.running.gateway.conversations.evidence == live
    with serving(configuration(simulator), tmp_path) as house:
        assert house.running.gateway.conversations.evidence == {}


def test_what_gates_said_counts_for_the_rung_that_they_judged() -> None:
    features = Features(task="debugging", suffices=(0.5, 0.9, 0.95, 0.99))
    good = Quality(value=0.8, prior=0.6, ability=1.0, source="test")
    weighing = Weighing(features=features, now_ms=1, draw=0.0, candidates=(Candidate(target=SMALL, quality=good),))
    judged = Gating(score=0.25, accept=0.8, passed=False, prior=0.7)
    unjudged = Gating(score=None, accept=0.8, passed=False, why="late")
    attempts = tuple(
        Attempt(number, "anthropic", name.partition("/")[2], "anthropic", 1, "answered", gating=gating)
        for number, name, gating in [(1, SMALL, judged), (2, MIDDLE, judged), (3, LARGE, unjudged), (4, LARGE, None)]
    )
    receipt = Receipt(
        "req_1", 1, "ann", "anthropic", "generate", "/v1/messages", "auto", False, "r", "answered", 200, "p",
        attempts, weighing=weighing,
    )  # fmt: skip
    settings = RoutingConfig(learning=Learning(evidence=True, weights={"gate": 0.2}))
    small, middle = with_signals(receipt, (), settings).signals
    assert (small.kind, small.success, small.weight, small.about.prior) == ("gate", 0.25, 0.2, 0.6)
    assert (middle.about.target, middle.about.prior, middle.about.band) == (MIDDLE, 0.7, "medium")
    assert with_signals(receipt, (), RoutingConfig()) is receipt
    assert with_signals(msgspec.structs.replace(receipt, weighing=None), (), settings).signals == ()


def test_what_only_the_journal_holds_is_known_at_the_next_start(simulator: RunningSimulator, tmp_path: Path) -> None:
    settings = configuration(simulator, learning={"evidence": True})
    with serving(settings, tmp_path) as house, calling(house) as caller:
        talk = Talk(caller)
        talk.say("Fix the total of the cart.")
        talk.result("Edit", {"file_path": "/app/cart.py"}, NOT_FOUND, failed=True)
        house.books.new(2)
        live = house.running.gateway.conversations.evidence
        assert live
        # As a gateway leaves it that is killed before its database has taken anything.
        crashed = tmp_path / "crashed"
        crashed.mkdir()
        shutil.copytree(tmp_path / "journal", crashed / "journal")
    with serving(settings, crashed) as house:
        assert house.running.gateway.conversations.evidence == live


def test_nothing_is_looked_for_where_nobody_asked_for_it(simulator: RunningSimulator, tmp_path: Path) -> None:
    with serving(configuration(simulator), tmp_path) as house, calling(house) as caller:
        talk = Talk(caller)
        talk.say("Fix the total of the cart.")
        talk.result("Edit", {"file_path": "/app/cart.py"}, NOT_FOUND, failed=True)
        assert [receipt.signals for receipt in house.books.new(2)] == [(), ()]
        assert house.running.gateway.world.listening is None


def test_a_request_sent_twice_says_it_once(simulator: RunningSimulator, tmp_path: Path) -> None:
    with serving(configuration(simulator, learning={"evidence": True}), tmp_path) as house, calling(house) as caller:
        talk = Talk(caller)
        talk.say("Fix the total of the cart.")
        talk.result("Edit", {"file_path": "/app/cart.py"}, NOT_FOUND, failed=True)
        talk.send()
        assert [len(receipt.signals) for receipt in house.books.new(3)] == [0, 1, 0]


def test_what_another_model_answered_in_between_labels_nobody(simulator: RunningSimulator, tmp_path: Path) -> None:
    with serving(configuration(simulator, learning={"evidence": True}), tmp_path) as house, calling(house) as caller:
        talk = Talk(caller)
        talk.say("Fix the total of the cart.")
        # A turn that the person sent to a model by name does not pass through the weighing.
        talk.messages += [
            {"role": "assistant", "content": "Done."},
            {"role": "user", "content": "And the tax?"},
        ]
        talk.result("Edit", {"file_path": "/app/cart.py"}, NOT_FOUND, failed=True)
        assert [receipt.signals for receipt in house.books.new(2)] == [(), ()]


def test_a_failing_conversation_steps_up_and_is_replayed_the_same(simulator: RunningSimulator, tmp_path: Path) -> None:
    step_up = {"ladder": [SMALL, MIDDLE, LARGE], "after": 2, "back_after": 3}
    with serving(configuration(simulator, step_up=step_up), tmp_path) as house, calling(house) as caller:
        talk = Talk(caller)
        talk.say("Say hello.")
        for _ in range(2):
            talk.result("Edit", {"file_path": "/app/cart.py"}, NOT_FOUND, failed=True)
        receipts = house.books.new(3)
        assert [receipt.attempts[-1].model for receipt in receipts] == [SMALL[10:], SMALL[10:], MIDDLE[10:]]
        weighing = receipts[-1].weighing
        assert weighing is not None
        assert weighing.step_up is not None
        assert weighing.step_up.taken
        assert weighing.step_up.turn_nano is not None
        assert "steps up to" in weighing.reason
        assert choose(weighing) == weighing
        with reading(tmp_path / "ledger.sqlite") as database:
            assert len(signals(database, 100)) == 2
    # The count is a fold of receipts: a new process goes on where the old one was.
    with serving(configuration(simulator, step_up=step_up), tmp_path) as house, calling(house) as caller:
        talk.caller = caller
        talk.result("Bash", {"command": "pytest -q"}, GREEN)
        talk.result("Bash", {"command": "ls"}, "cart.py")
        house.running.book.flush()
        held = house.books.new()[-2:]
        assert [receipt.attempts[-1].model for receipt in held] == [MIDDLE[10:]] * 2
        talk.say("Now the footer")
        (back,) = house.books.new(1)
        assert back.weighing is not None
        assert back.weighing.step_up is not None
        assert (back.weighing.step_up.why, back.attempts[-1].model) == ("back", SMALL[10:])
