"""`tenbin simulate`, as a process of its own."""

import re
import socket
import subprocess
import sys
from urllib.request import urlopen

from tests.cli.conftest import Spawn


def test_it_serves_until_it_is_told_to_end() -> None:
    command = [sys.executable, "-u", "-m", "tenbin.cli", "simulate", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert found, said
        with urlopen(f"{found[0]}/ollama/api/tags", timeout=60) as answer:
            assert answer.status == 200
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_a_port_that_is_taken_is_told(spawn: Spawn) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = spawn("simulate", "--port", str(taken.getsockname()[1]))
    assert said.returncode == 1
    assert "Choose another port" in said.stderr
