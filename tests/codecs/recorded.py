"""Requests of a real Claude Code (2.1.330), their long texts cut: tests/golden/anthropic/claude_code_requests.json."""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

_FILE = Path(__file__).parents[1] / "golden" / "anthropic" / "claude_code_requests.json"


class Recorded(NamedTuple):
    """One request as it came."""

    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def without_hints(self) -> "Recorded":
        """The same from a Claude Code that was not told to label its requests, behind something that drops its ids."""
        labels = (b"x-claude-code-", b"x-claude-1p-")
        return Recorded(tuple(header for header in self.headers if not header[0].startswith(labels)), self.body)


@cache
def _all() -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(_FILE.read_bytes())
    return found


def names() -> list[str]:
    """What was recorded."""
    return list(_all())


def recorded(name: str) -> Recorded:
    """One of the recorded requests."""
    found = _all()[name]
    headers = tuple((key.encode(), value.encode()) for key, value in found["headers"].items())
    return Recorded(headers, msgspec.json.encode(found["body"]))
