"""7. Code blocks of an answer, found line by line: what stands between fences, and the prose without it."""

import re
from typing import NamedTuple

_INLINE = re.compile(r"`[^`\n]{1,400}`")
_TAG = re.compile(r"[A-Za-z0-9+#_.-]{1,24}")


class Block(NamedTuple):
    """One code block."""

    tag: str
    """Language as the fence names it, small; empty when it does not."""
    text: str
    closed: bool


def code_blocks(text: str) -> list[Block]:
    """All fenced blocks (backticks or tildes), in order; one that is not closed goes on to the end."""
    found: list[Block] = []
    fence, tag, lines, indent = "", "", list[str](), 0
    for line in text.splitlines():
        stripped = line.strip()
        if not fence:
            mark = _fence(stripped)
            if mark and "`" not in stripped[len(mark) :]:
                named = _TAG.match(stripped[len(mark) :].strip())
                fence, tag, lines = mark, named[0].lower() if named else "", []
                indent = len(line) - len(line.lstrip())
        elif stripped and _fence(stripped) == stripped and stripped.startswith(fence):
            found.append(Block(tag, "\n".join(lines), True))
            fence = ""
        else:
            # The lines of a block inside a list are indented as its fence is.
            lines.append(line[indent:] if not line[:indent].strip() else line)
    if fence:
        found.append(Block(tag, "\n".join(lines), False))
    return found


def _fence(line: str) -> str:
    if not line.startswith(("```", "~~~")):
        return ""
    return line[: len(line) - len(line.lstrip(line[0]))]


def without_code(text: str) -> str:
    """The prose: without fenced blocks and words in backticks."""
    if "`" not in text and "~~~" not in text:
        return text
    kept: list[str] = []
    fence = ""
    for line in text.splitlines():
        stripped = line.strip()
        mark = _fence(stripped)
        if not fence:
            if mark and "`" not in stripped[len(mark) :]:
                fence = mark
            else:
                kept.append(_INLINE.sub(" ", line))
        elif mark == stripped and mark.startswith(fence):
            fence = ""
    return "\n".join(kept)
