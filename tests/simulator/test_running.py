"""The simulator in a thread of a test, and as a process of its own."""

import ast
import asyncio
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import tenbin.simulator
from tenbin.simulator import RunningSimulator
from tests.simulator.conftest import Client


def test_it_shares_no_code_with_the_gateway() -> None:
    allowed = {"tenbin.simulator", "bpe_openai", "msgspec", "uvicorn"}
    for path in Path(tenbin.simulator.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                known = name.partition(".")[0] in sys.stdlib_module_names
                assert known or any(name == root or name.startswith(f"{root}.") for root in allowed), (path, name)


def test_in_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "tenbin.simulator", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("provider simulator on http://127.0.0.1:")
            with urlopen(f"{line.split()[-1]}/api/version", timeout=20) as answer:
                assert answer.status == 200
        finally:
            process.terminate()


def test_several_at_once_and_from_within_a_loop() -> None:
    async def inside() -> None:
        with RunningSimulator() as one, RunningSimulator() as other:
            assert one.url != other.url
            one.script("*", text="one")
            for running in (one, other):
                client = Client(running.url)
                await asyncio.to_thread(client.messages)
                client.http.close()
            assert len(one.requests()) == len(other.requests()) == 1

    asyncio.run(inside())


def test_identifiers_never_repeat() -> None:
    seen = set()
    for _ in range(2):
        with RunningSimulator() as running:
            client = Client(running.url)
            seen |= {client.messages().json()["id"] for _ in range(3)}
            client.http.close()
    assert len(seen) == 6
