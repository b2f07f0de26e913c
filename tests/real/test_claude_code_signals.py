"""Claude Code itself, at work with its tools: what it says of them in its own words labels the answers before."""

import contextlib
import json
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tenbin.core.receipt import Receipt
from tenbin.decide.weigh import choose
from tenbin.simulator import RunningSimulator
from tests.real.books import House, configured, serving
from tests.real.claude_code import ClaudeCode, program
from tests.real.conftest import providers
from tests.real.loopback import Loopback

SMALL, LARGE = "anthropic/claude-haiku-5-5", "anthropic/claude-opus-5-5"
TOOLS = ("--allowedTools", "Bash,Read,Edit,Write")

CART = "def total(prices):\n    return sum(prices) - 1\n"
TESTS = """import unittest

from cart import total


class Cart(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total([1, 2]), 3)
"""


@pytest.fixture(scope="module")
def arena(loopback: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Loopback, House, ClaudeCode]]:
    scratch, directory = tmp_path_factory.mktemp("claude"), tmp_path_factory.mktemp("arena")
    with contextlib.ExitStack() as stack:
        simulator = loopback.run(lambda: stack.enter_context(RunningSimulator()))
        config = configured(
            providers=providers(simulator.url),
            routing={
                "tiers": {"low": [SMALL], "highest": [LARGE]},
                "floor": 0.1,
                "learning": {"evidence": True},
                "step_up": {"ladder": [SMALL, LARGE], "after": 2},
            },
        )
        house = loopback.run(lambda: stack.enter_context(serving(config, directory)))
        environ = {
            "ANTHROPIC_BASE_URL": house.url,
            "ANTHROPIC_AUTH_TOKEN": "any",
            "CLAUDE_CODE_GATEWAY_HINT_HEADERS": "1",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
        }
        yield loopback, house, ClaudeCode(scratch, (str(program()),), environ)


def tool(name: str, **given: Any) -> dict[str, Any]:
    return {"tool": name, "input": given}


def kinds(receipt: Receipt) -> dict[str, int]:
    return {signal.kind: signal.count for signal in receipt.signals}


def test_its_own_words_of_tools_are_understood(arena: tuple[Loopback, House, ClaudeCode]) -> None:
    loopback, house, claude = arena
    project = claude.project
    project.mkdir(parents=True, exist_ok=True)
    (project / "cart.py").write_text(CART)
    (project / "test_cart.py").write_text(TESTS)
    assert shutil.which("git") is not None
    run = f"{sys.executable} -m unittest"
    git = "git -c user.name=a -c user.email=a@b.c"
    cart = str(project / "cart.py")
    steps = [
        (tool("Bash", command=f"cd {project} && {run}", description="test"), {"tests_failed": 1}),
        (tool("Bash", command=f"grep -n nothing {cart}", description="look"), {}),
        (tool("Read", file_path=cart), {}),
        (tool("Edit", file_path=cart, old_string="not there", new_string="x"), {"edit_failed": 1}),
        (tool("Edit", file_path=cart, old_string="(prices) - 1", new_string="(prices)"), {"edit_applied": 1}),
        (tool("Bash", command=f"cd {project} && {run}", description="test"), {"tests_passed": 1}),
        (tool("Grep"), {"tool_misused": 1}),
        (tool("NoSuchTool", a=1), {"tool_misused": 1}),
        (
            tool(
                "Bash",
                command=f"cd {project} && git init -q && git add cart.py && {git} commit -qm 'Fix the total'",
                description="commit",
            ),
            {"committed": 1},
        ),
        (tool("Bash", command="cat /no/such/file; exit 4", description="fail"), {}),
        (tool("Bash", command=f"{sys.executable} -c 'raise SystemExit(4)'", description="fail"), {"command_failed": 1}),
    ]
    script = json.dumps([*(step for step, _ in steps), {"text": "All done."}])

    def inside() -> tuple[list[Receipt], list[Receipt]]:
        turn = claude.ask(f"Do it.\nsimulate: {script}", "--model", "auto", *TOOLS)
        assert turn.status == 0, turn.stderr
        worked = house.books.new()
        claude.ask("ありがとう、動きました", "--model", "auto", "--continue", *TOOLS)
        return worked, house.books.new()

    worked, thanked = loopback.run(inside)
    assert [kinds(receipt) for receipt in worked] == [{}, *(told for _, told in steps)]
    assert {receipt.signals[0].about.request_id for receipt in worked[1:] if receipt.signals} <= {
        receipt.request_id for receipt in worked
    }
    targets = [receipt.attempts[-1].model for receipt in worked]
    assert targets[:4] == [SMALL[10:]] * 4
    assert targets[4:] == [LARGE[10:]] * len(targets[4:]), "tests and an edit had failed"
    for receipt in worked:
        assert receipt.weighing is not None
        assert choose(receipt.weighing) == receipt.weighing
    assert any(kinds(receipt) == {"accepted": 1} for receipt in thanked)
