"""What broke a prompt cache's prefix is found out, and who moved it, as seen against the simulator's caches."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tenbin.decide.prompt_caching.flight import Diagnosis
from tenbin.execute.flight_recorder import FILE, diagnoses
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained
from tests.real.books import House, serving

SYSTEM = "You are a careful engineer. " * 400
MARK = {"type": "ephemeral"}

Ask = Callable[..., Any]


@pytest.fixture
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ledger")


@pytest.fixture
def recording(simulator: RunningSimulator, directory: Path) -> Iterator[House]:
    with serving(chained(simulator.url), directory) as house:
        yield house


@pytest.fixture
def say(recording: House) -> Iterator[Ask]:
    """Sends a conversation in Anthropic's dialect, the way Claude Code marks it."""
    caller = Caller(recording.url)

    def one(*words: str, system: str = SYSTEM, session: str = "s-1", tools: tuple[str, ...] = (), **fields: Any) -> Any:
        messages: list[dict[str, Any]] = []
        for number, text in enumerate(words):
            role = "assistant" if number % 2 else "user"
            messages.append({"role": role, "content": [{"type": "text", "text": text}]})
        messages[-1]["content"][-1]["cache_control"] = MARK
        body = {
            "model": "one",
            "max_tokens": 20,
            "system": [{"type": "text", "text": system, "cache_control": MARK}],
            "messages": messages,
            **({"tools": [{"name": name, "input_schema": {"type": "object"}} for name in tools]} if tools else {}),
            **fields,
        }
        answer = caller.http.post("/v1/messages", json=body, headers={"x-claude-code-session-id": session})
        assert answer.status_code == 200, answer.text
        return answer

    yield one
    caller.http.close()


def found(house: House, directory: Path) -> list[Diagnosis]:
    house.running.gateway.recorder.flush()
    return list(diagnoses(directory))


def test_a_conversation_that_only_grows_has_no_diagnosis(recording: House, directory: Path, say: Ask) -> None:
    say("One " * 50)
    say("One " * 50, "Yes.", "Two")
    say("One " * 50, "Yes.", "Two", "Yes.", "Three")
    assert found(recording, directory) == []


def test_a_system_prompt_that_changes_is_the_clients_doing(recording: House, directory: Path, say: Ask) -> None:
    say("One " * 50)
    say("One " * 50, "Yes.", "Two", system=SYSTEM + "It is 12:01.")
    (one,) = found(recording, directory)
    assert (one.cause, one.block) == ("client", "system 1")
    assert one.read == 0
    assert one.expected > 1_024
    # Written again at 3.75 USD a million in place of read at 0.3.
    assert one.lost_nano == one.expected * 3_450


def test_a_tool_that_comes_or_goes_is_named(recording: House, directory: Path, say: Ask) -> None:
    say("One " * 50, tools=("Read", "Edit"))
    say("One " * 50, "Yes.", "Two", tools=("Read", "Bash", "Edit"))
    (one,) = found(recording, directory)
    assert (one.cause, one.block) == ("client", "tool 2 (Bash)")


def test_an_earlier_turn_that_is_rewritten_is_named(recording: House, directory: Path, say: Ask) -> None:
    say("One " * 1_500, "Yes.", "Two")
    say("One! " * 1_500, "Yes.", "Two", "Yes.", "Three")
    (one,) = found(recording, directory)
    assert (one.cause, one.block) == ("client", "turn 1 (user), part 1")
    assert one.read > 0, "what stands before it was read"


def test_thinking_that_is_switched_is_a_setting(recording: House, directory: Path, say: Ask) -> None:
    say("One " * 1_500)
    say("One " * 1_500, "Yes.", "Two", tool_choice={"type": "none"}, tools=())
    causes = {one.cause for one in found(recording, directory)}
    assert causes <= {"settings"}


def test_another_conversation_of_the_same_session_is_not_compared(recording: House, directory: Path, say: Ask) -> None:
    say("One " * 50)
    say("Find the file", system="You are a helper that searches. " * 300)
    say("One " * 50, "Yes.", "Two")
    assert found(recording, directory) == []


def test_no_words_are_written_down(recording: House, directory: Path, say: Ask) -> None:
    say("Swordfish " * 50)
    say("Swordfish " * 50, "Yes.", "Two", system=SYSTEM + "Swordfish")
    assert len(found(recording, directory)) == 1
    assert b"Swordfish" not in (directory / FILE).read_bytes()


def test_a_file_that_cannot_be_written_to_is_told_of_once_and_spoils_nothing(
    recording: House, directory: Path, say: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    (directory / FILE).mkdir()
    say("One " * 50)
    for minute in range(3):
        say("One " * 50, "Yes.", "Two", system=f"{SYSTEM}It is 12:0{minute}.")
    recording.running.gateway.recorder.flush()
    assert len([one for one in caplog.records if "flight recorder" in one.getMessage()]) == 1


def test_nothing_is_recorded_of_who_names_no_conversation(recording: House, directory: Path) -> None:
    caller = Caller(recording.url)
    for system in (SYSTEM, SYSTEM + "!"):
        caller.ask("anthropic", "one", system=[{"type": "text", "text": system, "cache_control": MARK}])
    caller.http.close()
    assert found(recording, directory) == []
