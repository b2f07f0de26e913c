"""Runs Claude Code itself, with no variable but those it is given and a home of its own, and reads its transcripts."""

import contextlib
import json
import os
import signal
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tenbin.core.receipt import Receipt

QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_AUTOUPDATER": "1",
}
"""It has nobody to call anyway where it runs; so it loses no time over it."""

PATIENCE_SECONDS = 90


def program() -> Path:
    """The binary inside the wheel claude-agent-sdk. Raises AssertionError."""
    package = find_spec("claude_agent_sdk")
    assert package is not None
    assert package.submodule_search_locations
    found = Path(next(iter(package.submodule_search_locations))) / "_bundled" / "claude"
    assert found.is_file(), f"{found} is missing: run tools/setup dev"
    return found


@dataclass(frozen=True)
class Turn:
    """What a run of it came to."""

    status: int
    result: dict[str, Any]
    """What ``--output-format json`` says."""
    answers: list["TranscriptAnswer"]
    """The answers of models, from all transcripts of the session, subagents' included."""
    failures: list[dict[str, Any]]
    """Transcript lines that tell of a failed request."""
    stderr: str


@dataclass(frozen=True)
class TranscriptAnswer:
    """One answer as its transcript has it: several lines, one for each block, tell of the same one."""

    message_id: str
    request_id: str | None
    model: str
    input: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    output: int
    sidechain: bool

    @property
    def counts(self) -> tuple[int, int, int, int, int]:
        """The disjoint buckets, in the order of `booked`."""
        return self.input, self.cache_read, self.cache_write_5m, self.cache_write_1h, self.output


def booked(receipt: Receipt) -> tuple[int, int, int, int, int]:
    """The buckets of a receipt's last attempt: what the client's answer used."""
    usage = receipt.attempts[-1].usage
    return usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h, usage.output


@dataclass(frozen=True)
class ClaudeCode:
    """Claude Code in a scratch home."""

    home: Path
    command: tuple[str, ...]
    environ: dict[str, str]

    @property
    def project(self) -> Path:
        """The directory in which it works."""
        return self.home / "project"

    def ask(self, prompt: str, *arguments: str, **environ: str) -> Turn:
        """One run of ``claude -p``, in a session of its own. What it read and wrote is in the result."""
        self.project.mkdir(parents=True, exist_ok=True)
        before = set(self._transcripts())
        status, said, stderr = self._run(prompt, arguments, environ)
        try:
            result = json.loads(said)
        except ValueError:
            raise AssertionError(f"no result ({status}): {said[-2000:]} {stderr[-2000:]}") from None
        lines = [
            json.loads(line)
            for path in self._transcripts()
            if path not in before
            for line in path.read_text().splitlines()
        ]
        failures = [line for line in lines if line.get("isApiErrorMessage") or line.get("subtype") == "api_error"]
        return Turn(status, result, _answers(lines), failures, stderr)

    def _run(self, prompt: str, arguments: tuple[str, ...], environ: dict[str, str]) -> tuple[int, str, str]:
        """(exit status, standard output, standard error)."""
        process = subprocess.Popen(
            [*self.command, "-p", prompt, "--output-format", "json", *arguments],
            cwd=self.project,
            env={"HOME": str(self.home), "PATH": "/usr/bin:/bin", **QUIET, **self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            said, stderr = process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.terminate()  # in order: `tenbin code` then ends what it has started
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
        return process.returncode, said, stderr

    def _transcripts(self) -> list[Path]:
        return sorted((self.home / ".claude" / "projects").glob("**/*.jsonl"))


def _answers(lines: list[dict[str, Any]]) -> list[TranscriptAnswer]:
    found: dict[tuple[str, str | None], TranscriptAnswer] = {}
    for line in lines:
        message = line.get("message")
        if line.get("type") != "assistant" or not isinstance(message, dict) or message["model"] == "<synthetic>":
            continue
        usage = message["usage"]
        written = usage.get("cache_creation_input_tokens") or 0
        long = (usage.get("cache_creation") or {}).get("ephemeral_1h_input_tokens") or 0
        answer = TranscriptAnswer(
            message_id=message["id"],
            request_id=line.get("requestId"),
            model=message["model"],
            input=usage["input_tokens"],
            cache_read=usage.get("cache_read_input_tokens") or 0,
            cache_write_5m=written - long,
            cache_write_1h=long,
            output=usage["output_tokens"],
            sidechain=bool(line.get("isSidechain")),
        )
        key = (answer.message_id, answer.request_id)
        # An answer's earlier lines may be written before its last counts are known.
        if key not in found or answer.output >= found[key].output:
            found[key] = answer
    return list(found.values())
