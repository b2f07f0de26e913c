"""What Claude Code itself sends today falls into the categories meant for it, whether or not it labels its requests."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import pytest

from tenbin.codecs.anthropic_messages import ANTHROPIC
from tenbin.core.sketch import Sketch
from tenbin.decide.categories import categorize, compaction
from tenbin.decide.hints import Hints, hints, session_key
from tenbin.simulator import RunningSimulator
from tests.real.claude_code import ClaudeCode, program
from tests.real.loopback import Loopback
from tests.real.terminal import Terminal

TOOLS = ("--allowedTools", "Bash,Read,Agent,WebSearch")
LABELS = (
    "x-claude-code-request-class",
    "x-claude-1p-request-class",
    "x-claude-code-agent-",
    "x-claude-code-compaction",
)


@dataclass(frozen=True)
class Seen:
    """One request as the provider saw it."""

    body: bytes
    headers: tuple[tuple[bytes, bytes], ...]

    @property
    def sketch(self) -> Sketch:
        return ANTHROPIC.sketch(self.body)

    def given(self, *, labelled: bool = True) -> Hints:
        kept = [one for one in self.headers if labelled or not one[0].decode().startswith(LABELS)]
        return hints(kept)

    @property
    def category(self) -> str:
        """With and without labels: they must agree."""
        found = {
            categorize(self.sketch, self.given(labelled=labelled), ANTHROPIC.read_head(self.body))[0]
            for labelled in (True, False)
        }
        assert len(found) == 1
        return found.pop()

    @property
    def conversation(self) -> str:
        return session_key("k", self.given(), ANTHROPIC.read_head(self.body).session, self.sketch)


@dataclass(frozen=True)
class Recorder:
    """Claude Code in front of a simulator, in a network of their own."""

    loopback: Loopback
    simulator: RunningSimulator
    claude: ClaudeCode

    def play(self, prompt: str, *arguments: str, model: str = "claude-opus-5-5") -> list[Seen]:
        def inside() -> list[dict[str, Any]]:
            self.simulator.reset()
            self.claude.ask(prompt, "--model", model, *arguments)
            return self.simulator.requests()

        return _seen(self.loopback.run(inside))

    def type_in(self, *lines: tuple[str, int]) -> list[Seen]:
        """What it sends when lines are typed into its terminal; after each one, that many requests must have come."""
        settings = {"hasCompletedOnboarding": True, "theme": "dark"}
        trusted = {str(self.claude.project): {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}}

        def inside() -> list[dict[str, Any]]:
            self.simulator.reset()
            self.claude.project.mkdir(parents=True, exist_ok=True)
            home = self.claude.home / "sitting"
            home.mkdir()
            (home / ".claude.json").write_text(json.dumps({**settings, "projects": trusted}))
            # Without the switch that keeps it from calling home, which also keeps it from asking for a title.
            quiet = {"DISABLE_TELEMETRY": "1", "DISABLE_AUTOUPDATER": "1", "DISABLE_ERROR_REPORTING": "1"}
            environ = {"HOME": str(home), "PATH": "/usr/bin:/bin", **quiet, **self.claude.environ}
            command = (*self.claude.command, "--model", "claude-opus-5-5")
            with Terminal(command, self.claude.project, environ) as terminal:
                terminal.until(lambda: len(terminal.screen) > 500)
                terminal.rest()
                for line, requests in lines:
                    terminal.enter(line)
                    terminal.until(partial(self._came, requests))
                    terminal.rest()
            return self.simulator.requests()

        return _seen(self.loopback.run(inside))

    def _came(self, requests: int) -> bool:
        return len(_seen(self.simulator.requests())) >= requests


def _seen(requests: list[dict[str, Any]]) -> list[Seen]:
    return [
        Seen(msgspec.json.encode(request["body"]), _headers(request["headers"]))
        for request in requests
        if request["method"] == "POST" and "messages" in (request["body"] or {})
    ]


def _headers(found: Any) -> tuple[tuple[bytes, bytes], ...]:
    pairs = found.items() if isinstance(found, dict) else found
    return tuple((name.lower().encode(), value.encode()) for name, value in pairs)


@pytest.fixture(scope="module")
def recorder(loopback: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    with contextlib.ExitStack() as stack:
        simulator = loopback.run(lambda: stack.enter_context(RunningSimulator()))
        environ = {
            "ANTHROPIC_BASE_URL": f"{simulator.url}/anthropic",
            "ANTHROPIC_AUTH_TOKEN": "any",
            "CLAUDE_CODE_GATEWAY_HINT_HEADERS": "1",
        }
        home = tmp_path_factory.mktemp("recorder")
        yield Recorder(loopback, simulator, ClaudeCode(home, (str(program()),), environ))


def scripted(*turns: dict[str, Any]) -> str:
    return f"Do it.\nsimulate: {json.dumps(list(turns))}"


@pytest.mark.parametrize(
    ("arguments", "model", "category"),
    [
        ((), "claude-opus-5-5", "default"),
        ((), "claude-haiku-5-5", "default"),
        ((), "claude-opus-4-5", "default"),
        ((), "auto", "default"),
        (("--effort", "max"), "auto", "think"),
        (("--permission-mode", "plan"), "claude-opus-5-5", "think"),
    ],
)
def test_a_turn_of_a_person(recorder: Recorder, arguments: tuple[str, ...], model: str, category: str) -> None:
    seen = recorder.play(scripted({"text": "done"}), *arguments, model=model)
    assert {one.category for one in seen} == {category}
    assert seen[0].sketch.user.startswith("Do it.")


def test_a_tool_loop_stays_one_turn_of_one_conversation(recorder: Recorder) -> None:
    script = scripted({"tool": "Bash", "input": {"command": "exit 3", "description": "fail"}}, {"text": "done"})
    first, second = recorder.play(script, *TOOLS)
    assert (first.category, second.category) == ("default", "default")
    assert (second.sketch.user, second.sketch.failed_tool_results) == (first.sketch.user, 1)
    assert first.sketch.origin == second.sketch.origin
    assert first.conversation == second.conversation


def test_a_sub_agent(recorder: Recorder) -> None:
    call = {"description": "look", "subagent_type": "Explore", "prompt": 'simulate: {"text": "seen"}'}
    seen = recorder.play(scripted({"tool": "Agent", "input": call}, {"text": "waiting"}, {"text": "done"}), *TOOLS)
    helping = [one for one in seen if one.category == "sub_agent"]
    assert [one.sketch.user for one in helping] == ['simulate: {"text": "seen"}']
    assert {one.category for one in seen} == {"default", "sub_agent"}
    assert len({one.conversation for one in seen}) == 2
    assert {one.sketch.origin for one in helping}.isdisjoint(one.sketch.origin for one in seen if one not in helping)


def test_a_web_search(recorder: Recorder) -> None:
    seen = recorder.play(scripted({"tool": "WebSearch", "input": {"query": "weather"}}, {"text": "done"}), *TOOLS)
    assert [one.category for one in seen] == ["default", "web_search", "default"]


def test_a_compaction(recorder: Recorder) -> None:
    recorder.play(scripted({"text": "a plan of ten steps"}))
    seen = recorder.play("/compact", "--continue")
    assert seen
    for one in seen:
        assert one.category == "default"
        assert compaction(one.sketch, one.given())
        assert compaction(one.sketch, one.given(labelled=False))


def test_a_title_and_a_probe(recorder: Recorder) -> None:
    """A new session is given a title beside its first turn; a change of the model is tried out with one token."""
    seen = recorder.type_in(("Please fix the login button", 2), ("/model claude-haiku-5-5", 3))
    assert sorted(one.category for one in seen) == ["background", "background", "default"]
    [turn] = [one for one in seen if one.category == "default"]
    assert turn.sketch.user == "Please fix the login button"
    [probe] = [one for one in seen if one.sketch.max_tokens == 1]
    assert probe.sketch.user == "Hi"
    [title] = [one for one in seen if one not in (turn, probe)]
    assert title.sketch.structured_fields == ("title",)
