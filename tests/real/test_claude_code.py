"""Claude Code itself, through Tenbin: to a provider of its own dialect, to others by translation, and to a real model.
Its own transcripts and Tenbin's ledger must tell of the same tokens.
"""

import base64
import contextlib
import json
import struct
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tenbin.core.receipt import Receipt
from tenbin.simulator import RunningSimulator
from tests.real.books import House, configured, receipts_in, serving
from tests.real.claude_code import ClaudeCode, Turn, booked, program
from tests.real.conftest import providers
from tests.real.loopback import Loopback

PASSED = "anthropic/claude-opus-5-5"
TRANSLATED = ("openai/gpt-5", "responses/gpt-5", "openrouter/some/model", "ollama/qwen3:8b")
TARGETS = (PASSED, *TRANSLATED)
TOOLS = ("--allowedTools", "Bash,Read,Write,Agent,ToolSearch")


@dataclass(frozen=True)
class Played:
    """A run of Claude Code, and what the others saw of it."""

    turn: Turn
    receipts: list[Receipt]
    requests: list[dict[str, Any]]
    """What reached the providers."""

    @property
    def text(self) -> str:
        """Claude Code's last words."""
        return str(self.turn.result["result"])


@dataclass(frozen=True)
class Arena:
    """Claude Code, a gateway and a simulator, in a network of their own."""

    loopback: Loopback
    simulator: RunningSimulator
    house: House
    claude: ClaudeCode

    def play(
        self,
        prompt: str,
        model: str,
        *arguments: str,
        queued: dict[str, list[dict[str, Any]]] | None = None,
        rules: dict[str, Any] | None = None,
        **environ: str,
    ) -> Played:
        """One run. ``queued``: scripts by the provider's model; ``rules``: what the simulator shall know of a model."""

        def inside() -> Played:
            self.house.books.new()
            self.simulator.reset()
            if rules is not None:
                self.simulator.control("POST", "models", rules)
            for name, scripts in (queued or {}).items():
                self.simulator.script(name, *scripts)
            turn = self.claude.ask(prompt, "--model", model, *arguments, **environ)
            return Played(turn, self.house.books.new(), self.simulator.requests())

        return self.loopback.run(inside)


@pytest.fixture(scope="module")
def arena(loopback: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    scratch = tmp_path_factory.mktemp("claude")
    directory = tmp_path_factory.mktemp("arena")
    with contextlib.ExitStack() as stack:
        simulator = loopback.run(lambda: stack.enter_context(RunningSimulator()))
        config = configured(
            providers=providers(simulator.url),
            models={"careful": ["anthropic/claude-sonnet-5-5", "openai/gpt-4o"]},
            retries={"per_target": 1, "base_ms": 1, "max_pause_ms": 100},
            cooldown={"after_failures": 1_000_000},
        )
        house = loopback.run(lambda: stack.enter_context(serving(config, directory)))
        environ = {
            "ANTHROPIC_BASE_URL": house.url,
            "ANTHROPIC_AUTH_TOKEN": "any",
            "CLAUDE_CODE_GATEWAY_HINT_HEADERS": "1",
        }
        yield Arena(loopback, simulator, house, ClaudeCode(scratch, (str(program()),), environ))


def agree(turn: Turn, receipts: list[Receipt]) -> None:
    """Each answer in the transcripts has its receipt, found by the request id that it carries, and the same tokens; and
    no answer was paid for that is not in the transcripts.
    """
    answered = [receipt for receipt in receipts if receipt.outcome == "answered"]
    by_id = {}
    for receipt in answered:
        for request_id in (receipt.request_id, receipt.attempts[-1].upstream_request_id):
            by_id[request_id] = receipt
    matched = []
    for answer in turn.answers:
        assert answer.request_id in by_id, f"no receipt has the request id {answer.request_id}"
        receipt = by_id[answer.request_id]
        assert answer.counts == booked(receipt)
        assert receipt.cost_nano or receipt.attempts[-1].price in ("free", "unknown")
        matched.append(receipt.request_id)
    assert sorted(matched) == sorted(receipt.request_id for receipt in answered)
    known = {receipt.request_id for receipt in receipts}
    known |= {attempt.upstream_request_id or "" for receipt in receipts for attempt in receipt.attempts}
    for line in turn.failures:
        assert line.get("requestId") in {None, *known}
    session = turn.result["session_id"]
    assert {receipt.session for receipt in receipts} == {session}
    assert all(receipt.client.startswith("claude-cli/") for receipt in receipts)


def scripted(*turns: dict[str, Any]) -> str:
    """A prompt that tells the simulator what to say in each turn."""
    return f"Do it.\nsimulate: {json.dumps(list(turns))}"


def bodies(played: Played) -> list[dict[str, Any]]:
    return [request["body"] for request in played.requests if request["method"] == "POST"]


@pytest.mark.parametrize("model", TARGETS)
def test_a_text_turn(arena: Arena, model: str) -> None:
    played = arena.play(scripted({"text": "Grüße, 猫!"}), model)
    assert played.text == "Grüße, 猫!"
    assert not played.turn.result["is_error"]
    assert len(played.receipts) == 1
    assert played.receipts[0].usage.prompt > 5_000, "its own long prompt has not arrived"
    agree(played.turn, played.receipts)
    sent = json.dumps(bodies(played)[0])
    assert "x-anthropic-billing-header" not in sent or model == PASSED
    assert "DeferredToolPlaceholder" not in sent or model == PASSED
    # Its messages of the role `system` tell of the working directory: a translator that drops them loses it.
    assert str(arena.claude.project) in sent


def test_its_own_figures_are_the_ledgers(arena: Arena) -> None:
    """Where Claude Code knows the model's list price, it comes to what the ledger says, to the nano-USD."""
    played = arena.play(scripted({"output_tokens": 321}), PASSED)
    assert played.turn.result["modelUsage"][PASSED]["costBasis"] == "list"
    cost = sum(receipt.cost_nano or 0 for receipt in played.receipts)
    assert round(played.turn.result["total_cost_usd"] * 1e9) == cost


def png() -> bytes:
    """A picture of 40 x 30 grey pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\x00" + b"\x80" * 40 for _ in range(30))
    head = struct.pack(">IIBBBBB", 40, 30, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("model", TARGETS)
def test_a_tool_loop(arena: Arena, model: str) -> None:
    """Parallel calls, a failing one, a picture, wrong arguments; the results come back in another order."""
    project = arena.claude.project
    project.mkdir(parents=True, exist_ok=True)
    written, picture = project / f"{model.replace('/', '-')}.txt", project / "grey.png"
    picture.write_bytes(png())
    content = 'línea "uno"\n\tdos\\ 🐈\n'
    played = arena.play(
        scripted(
            {
                "text": "I begin.",
                "tools": [
                    {"name": "Bash", "input": {"command": "echo out; echo err >&2; exit 3", "description": "fail"}},
                    {"name": "Write", "input": {"file_path": str(written), "content": content}},
                    {"name": "Read", "input": {"file_path": str(picture)}},
                    {"name": "Read", "input": {}},
                ],
            },
            {
                "tools": [
                    {"name": "Read", "input": {"file_path": str(written)}},
                    {"name": "Bash", "input": {"command": f"wc -c < '{written}'", "description": "count"}},
                ]
            },
            {"text": "All done."},
        ),
        model,
        *TOOLS,
    )
    assert played.text == "All done."
    assert written.read_text() == content
    assert len(played.receipts) == 3
    agree(played.turn, played.receipts)
    second, third = (json.dumps(body, ensure_ascii=False) for body in bodies(played)[1:])
    assert "Exit code 3" in second
    assert base64.b64encode(png()).decode() in second
    assert "InputValidationError" in second
    assert "línea" in third
    assert str(len(content.encode())) in third


@pytest.mark.parametrize("model", TARGETS)
def test_a_deferred_tool(arena: Arena, model: str) -> None:
    """A tool that is only named is searched for, then sent in full; other dialects have no words for that."""
    played = arena.play(
        scripted(
            {"tool": "ToolSearch", "input": {"query": "select:TaskStop", "max_results": 3}},
            {"text": "Found it."},
        ),
        model,
        *TOOLS,
    )
    assert played.text == "Found it."
    assert len(played.receipts) == 2
    agree(played.turn, played.receipts)
    last = json.dumps(bodies(played)[-1])
    assert "TaskStop" in last
    assert ("tool_reference" in last) == (model == PASSED)
    assert ("defer_loading" in last) == (model == PASSED)


@pytest.mark.parametrize("model", TARGETS)
def test_a_subagent(arena: Arena, model: str) -> None:
    inner = "simulate: " + json.dumps({"text": "seen"})
    call = {"description": "look", "subagent_type": "Explore", "prompt": inner}
    played = arena.play(
        scripted({"tool": "Agent", "input": call}, {"text": "waiting"}, {"text": "done"}), model, *TOOLS
    )
    assert played.text in ("waiting", "done")
    assert any(answer.sidechain for answer in played.turn.answers), "there was no subagent"
    assert any(not answer.sidechain for answer in played.turn.answers)
    agree(played.turn, played.receipts)


@pytest.mark.parametrize("model", [PASSED, "openai/gpt-5"])
class TestFailures:
    """What Claude Code does when a provider fails, and what is left of it in the ledger."""

    def name(self, model: str) -> str:
        return model.partition("/")[2]

    def test_a_refusal(self, arena: Arena, model: str) -> None:
        refusal = {"status": 400, "message": "this is refused"}
        played = arena.play("Hello", model, queued={self.name(model): [refusal] * 8})
        assert played.turn.result["is_error"]
        assert "this is refused" in played.text
        assert {receipt.outcome for receipt in played.receipts} == {"failed"}
        assert all(receipt.cost_nano == 0 for receipt in played.receipts)
        # It asks again by itself, each time with one of its betas less; Tenbin takes a refusal for an answer.
        assert all(len(receipt.attempts) == 1 for receipt in played.receipts)
        agree(played.turn, played.receipts)

    def test_a_rate_limit(self, arena: Arena, model: str) -> None:
        """It is told when to come again, waits, and goes on."""
        limited = {"status": 429, "retry_after": 1}
        played = arena.play("Hello", model, queued={self.name(model): [limited, {"text": "at last"}]})
        assert played.text == "at last"
        assert [receipt.status for receipt in played.receipts] == [429, 200]
        gap_ms = played.receipts[1].arrived_at_ms - played.receipts[0].arrived_at_ms
        assert gap_ms >= 900, "it was not told to wait"
        agree(played.turn, played.receipts)

    def test_an_error_in_the_middle(self, arena: Arena, model: str) -> None:
        """It throws the half answer away and asks again; both are in the ledger."""
        broken = {
            "output_tokens": 60,
            "error_event_at": 12,
            "stall_after_events": 8,
            "stall_ms": 400,
            "message": "overheated",
        }
        played = arena.play("Hello", model, queued={self.name(model): [broken, {"text": "better"}]})
        assert played.text == "better"
        assert [receipt.outcome for receipt in played.receipts] == ["cut", "answered"]
        assert played.receipts[0].usage.output_estimated
        assert 0 < played.receipts[0].usage.output < 60
        agree(played.turn, played.receipts)

    def test_a_cut_in_the_middle(self, arena: Arena, model: str) -> None:
        broken = {"output_tokens": 60, "cut_after_events": 12, "stall_after_events": 8, "stall_ms": 400}
        played = arena.play("Hello", model, queued={self.name(model): [broken, {"text": "better"}]})
        assert played.text == "better"
        assert [receipt.outcome for receipt in played.receipts] == ["cut", "answered"]
        agree(played.turn, played.receipts)

    def test_a_prompt_that_is_too_long(self, arena: Arena, model: str) -> None:
        """The sentence that it looks for, with both numbers, whatever the provider said."""
        tiny = f"{self.name(model)}-tiny"
        rules = {"name": tiny, "context": 3_000, "max_output": 1_000}
        played = arena.play("Hello", f"{model}-tiny", rules=rules, CLAUDE_CODE_MAX_OUTPUT_TOKENS="500")
        assert played.turn.result["is_error"]
        assert "rompt is too long" in played.text
        assert {receipt.failure for receipt in played.receipts} == {"context_exceeded"}
        told = json.dumps(played.turn.failures)
        assert "> 3000 maximum" in told


def test_an_overloaded_provider_is_replaced(arena: Arena) -> None:
    """Three 529s would end its session; it never sees one, and another provider answers."""
    played = arena.play(
        "Hello", "careful", queued={"claude-sonnet-5-5": [{"status": 529}] * 2, "gpt-4o": [{"text": "stepped in"}]}
    )
    assert played.text == "stepped in"
    [receipt] = played.receipts
    assert [attempt.outcome for attempt in receipt.attempts] == ["failed", "failed", "answered"]
    assert played.turn.failures == []
    agree(played.turn, played.receipts)


def test_tenbin_code_with_the_embedded_model(loopback: Loopback, tmp_path: Path) -> None:
    """On a machine with nothing at all: one command starts a gateway, a real model and Claude Code in front of it."""
    home, port = tmp_path / "home", loopback.free_port()
    home.mkdir()
    environ = {
        "PATH": f"{program().parent}:/usr/bin:/bin",
        "TENBIN_HOME": str(tmp_path / "data"),
        "CLAUDE_CODE_MAX_OUTPUT_TOKENS": "24",
    }
    command = (sys.executable, "-m", "tenbin.cli", "code", "--url", f"http://127.0.0.1:{port}")
    claude = ClaudeCode(home, command, environ)
    turn = loopback.run(lambda: claude.ask("Name one colour of the rainbow."))
    receipts = receipts_in(tmp_path / "data")
    assert "Only the embedded model is here" in turn.stderr
    assert turn.answers
    assert all(answer.output > 0 for answer in turn.answers)
    agree(turn, receipts)
    assert all(receipt.cost_nano == 0 for receipt in receipts)
    assert {receipt.outcome for receipt in receipts} == {"answered"}, "it must wait for the model to be loaded"
    assert len(receipts) <= 4, "one turn, which it may ask to go on with three times"
    assert not loopback.reaches(port), "the gateway must end with Claude Code"


def test_the_network_is_apart(loopback: Loopback, arena: Arena, simulator: RunningSimulator) -> None:
    """Where it can be had it must be had; where not, the end of the test session says so."""
    assert loopback.reaches(arena.simulator.port)
    if loopback.apart:
        assert not loopback.reaches(simulator.port), "what runs outside must not be reached from inside"
    else:
        assert not may_make_one(), "a network apart could be had"


def may_make_one() -> bool:
    """Whether this process has the right to (CAP_SYS_ADMIN)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return False
    capabilities = next(line for line in status.read_text().splitlines() if line.startswith("CapEff"))
    return bool(int(capabilities.split()[1], 16) >> 21 & 1)
