"""Claude Code itself, as a budget empties: what it says at 80 % and 96 %, and when it is refused. docs/landing.md tells
people what is asserted here.
"""

import base64
import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tenbin.simulator import RunningSimulator
from tests.api.test_landing import OPUS, SONNET, Gateway
from tests.real.books import configured, serving
from tests.real.claude_code import QUIET, ClaudeCode, Turn, program
from tests.real.conftest import MASTER_KEY
from tests.real.loopback import Loopback
from tests.real.terminal import Terminal

TOOLS = ("--allowedTools", "Bash")


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


GATEWAYS = f"{_part({'alg': 'HS256'})}.{_part({'aud': 'claude-gateway', 'exp': 4_102_444_800})}.c2ln"
"""A token whose audience is a gateway: with any other the headers are not read."""
PLAIN = "any"


@dataclass(frozen=True)
class Arena:
    """Claude Code, a gateway whose budget of a dollar empties as it is told to, and a network of their own."""

    loopback: Loopback
    simulator: RunningSimulator
    gateway: Gateway
    claude: ClaudeCode

    def filled(self, share: float) -> None:
        self.loopback.run(lambda: self.gateway.spend(share))

    def ask(self, token: str, *arguments: str, prompt: str = "Say hello.") -> tuple[Turn, list[Any]]:
        """A run, and its receipts."""
        turn = self.loopback.run(
            lambda: self.claude.ask(prompt, "--model", OPUS, *arguments, ANTHROPIC_AUTH_TOKEN=token)
        )
        receipts = self.gateway.house.books.new()
        self.gateway.spent += sum(receipt.billed_nano or 0 for receipt in receipts)
        return turn, receipts


@pytest.fixture
def arena(loopback: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    home, directory = tmp_path_factory.mktemp("claude"), tmp_path_factory.mktemp("landing")
    with contextlib.ExitStack() as stack:
        simulator = loopback.run(lambda: stack.enter_context(RunningSimulator()))
        cheap = {name: {"price": {"input": cost / 1_000, "output": cost / 200}} for name, cost in _COSTS.items()}
        fee = {"fee": {"price": {"input": 0, "output": 0, "per_request": 0.01}}}
        config = configured(
            providers={
                "anthropic": {"base_url": f"{simulator.url}/anthropic", "api_key": "k", "models": cheap},
                "openai": {"base_url": f"{simulator.url}/openai/v1", "api_key": "k", "models": fee},
            },
            models={"fee": ["openai/fee"]},
            spending={
                "budgets": [{"scope": "global", "window": "month", "usd": 1.0}],
                "landing": {"stages": [{"at": 0.9, "models": {"*opus*": SONNET}}]},
            },
        )
        house = loopback.run(lambda: stack.enter_context(serving(config, directory)))
        gateway = loopback.run(lambda: Gateway(house))
        stack.callback(gateway.caller.http.close)
        claude = ClaudeCode(home, (str(program()),), {"ANTHROPIC_BASE_URL": house.url})
        yield Arena(loopback, simulator, gateway, claude)


_COSTS = {OPUS: 5, SONNET: 3}


@pytest.mark.parametrize("token", [GATEWAYS, PLAIN], ids=["gateways", "plain"])
def test_the_refusal_is_shown_word_for_word_and_not_tried_again(arena: Arena, token: str) -> None:
    arena.filled(0.98)
    turn, receipts = arena.ask(token)
    assert [receipt.status for receipt in receipts] == [429]
    assert turn.result["is_error"]
    said = "this month's budget for everybody: $0.98 of $1.00 spent · resets "
    assert said in turn.result["result"]
    begins = "No new request is begun" if token == GATEWAYS else "API Error: Request rejected (429) · No new request"
    assert turn.result["result"].startswith(begins)


def test_a_turn_under_way_is_not_stopped_inside(arena: Arena) -> None:
    """The budget passes the stop while a tool runs; what comes back from it goes on, with the model of its turn."""
    arena.filled(0.85)
    spend = f"import urllib.request as u, json\nfor _ in range(13): u.urlopen(u.Request('{arena.gateway.house.url}"
    spend += "/v1/chat/completions', json.dumps({'model': 'fee', 'messages': MESSAGES}).encode()))\n"
    messages = [
        {"role": "user", "content": "Go."},
        {
            "role": "assistant",
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "seen"},
    ]
    arena.claude.project.mkdir(parents=True, exist_ok=True)
    script = arena.claude.project / "spend.py"
    script.write_text(spend.replace("MESSAGES", repr(messages)))
    calls = [
        {"tool": "Bash", "input": {"command": f"/usr/bin/env python3 {script}", "description": "spend"}},
        {"text": "All done."},
    ]
    turn, receipts = arena.ask(PLAIN, *TOOLS, prompt=f"Do it.\nsimulate: {json.dumps(calls)}")
    assert turn.result["result"] == "All done.", [(one.requested_model, one.status, one.trace) for one in receipts]
    own = [receipt for receipt in receipts if receipt.requested_model == OPUS]
    assert [receipt.attempts[-1].model for receipt in own] == [OPUS, OPUS]
    assert sum(receipt.billed_nano or 0 for receipt in receipts) > 130_000_000
    _, refused = arena.ask(PLAIN)
    assert [receipt.status for receipt in refused] == [429]


def test_a_new_turn_is_answered_by_what_stands_in(arena: Arena) -> None:
    arena.filled(0.92)
    turn, receipts = arena.ask(PLAIN)
    assert not turn.result["is_error"]
    assert [receipt.attempts[-1].model for receipt in receipts] == [SONNET]


@pytest.mark.parametrize(
    ("share", "words"), [(0.8, b"80% of your usage credits"), (0.96, b"96% of your usage credits")]
)
def test_its_terminal_warns_whoever_has_a_gateways_token(arena: Arena, share: float, words: bytes) -> None:
    arena.filled(share)
    home, project = arena.claude.home / "sitting", arena.claude.project
    project.mkdir(parents=True, exist_ok=True)
    home.mkdir()
    trusted = {str(project): {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}}
    settings = {"hasCompletedOnboarding": True, "theme": "dark", "projects": trusted}
    (home / ".claude.json").write_text(json.dumps(settings))
    environ = {"HOME": str(home), "PATH": "/usr/bin:/bin", **QUIET, **arena.claude.environ}

    def inside() -> None:
        command = (*arena.claude.command, "--model", OPUS)
        with Terminal(command, project, {**environ, "ANTHROPIC_AUTH_TOKEN": GATEWAYS}) as terminal:
            terminal.until(lambda: len(terminal.screen) > 500)
            terminal.rest()
            terminal.enter("Say hello")
            terminal.until(lambda: words in _shown(terminal.screen))

    arena.loopback.run(inside)


def _shown(screen: bytes) -> bytes:
    """The words on a screen; the terminal moves its cursor in place of some blanks."""
    plain, rest = b"", screen
    while rest:
        text, escape, rest = rest.partition(b"\x1b[")
        plain += text
        if escape:
            end = next((place for place, byte in enumerate(rest) if 0x40 <= byte <= 0x7E), len(rest))
            plain += b" " if rest[end : end + 1] == b"C" else b""
            rest = rest[end + 1 :]
    return plain


def test_a_key_may_go_beside_a_gateways_token(loopback: Loopback, tmp_path_factory: pytest.TempPathFactory) -> None:
    """So its user is warned whose key is no such token: Tenbin lets a client in by either header."""
    with contextlib.ExitStack() as stack:
        simulator = loopback.run(lambda: stack.enter_context(RunningSimulator()))
        provider = {"base_url": f"{simulator.url}/anthropic", "api_key": "k"}
        config = configured(
            master_key=MASTER_KEY,
            providers={"anthropic": provider},
            spending={"budgets": [{"scope": "global", "window": "month", "usd": 100}]},
        )
        directory = tmp_path_factory.mktemp("keyed")
        house = loopback.run(lambda: stack.enter_context(serving(config, directory)))
        environ = {"ANTHROPIC_BASE_URL": house.url, "ANTHROPIC_AUTH_TOKEN": GATEWAYS}
        claude = ClaudeCode(tmp_path_factory.mktemp("home"), (str(program()),), environ)
        keyed = {"ANTHROPIC_CUSTOM_HEADERS": f"x-api-key: {MASTER_KEY}"}
        turn = loopback.run(lambda: claude.ask("Say hello.", "--model", OPUS, **keyed))
        assert not turn.result["is_error"], turn.result
        assert house.books.one().key_id == "master"
        refused = loopback.run(lambda: claude.ask("Say hello.", "--model", OPUS))
        assert refused.result["is_error"]
