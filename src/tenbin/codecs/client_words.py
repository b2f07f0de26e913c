"""2. What a client puts into a user's message beside the person's words, and the model tag of a sub-agent's prompt."""

import re

_TAGS = (
    "system-reminder",
    "local-command-caveat",
    "local-command-stdout",
    "local-command-stderr",
    "task-notification",
    "ide_opened_file",
    "environment_context",
    "user_instructions",
    "recommended_plugins",
)
"""What Claude Code and Codex put around words of their own inside a user's message."""
OPENINGS = tuple(f"<{tag}>" for tag in _TAGS)
"""How such a block begins."""
_CLOSINGS = tuple(f"</{tag}>" for tag in _TAGS)
_PROJECT_RULES = "# AGENTS.md instructions for "
"""How Codex begins a project's rules; ``</INSTRUCTIONS>`` ends them."""
_INTERRUPTED = "[Request interrupted by user"


def without_client_words(text: str) -> str:
    """The text without blocks of the client's own at its beginning and end, and without space around it."""
    start, end = _skipped(text, 0), len(text.rstrip())
    while True:
        if text.startswith(OPENINGS, start):
            closing = "</" + text[start + 1 : text.index(">", start) + 1]
        elif text.startswith(_PROJECT_RULES, start):
            closing = "</INSTRUCTIONS>"
        else:
            break
        found = text.find(closing, start)
        if found < 0:
            break
        start = _skipped(text, found + len(closing))
    while True:
        while end > start and text[end - 1].isspace():
            end -= 1
        if not text.endswith(_CLOSINGS, start, end):
            break
        opening = text.rfind("<" + text[text.rindex("</", start, end) + 2 : end], start, end)
        if opening < 0:
            break
        end = opening
    if text.startswith(_INTERRUPTED, start) and end - start < 60 and text[end - 1] == "]":
        return ""
    return text[start:end]


_SPACE = re.compile(r"\s*")


def _skipped(text: str, start: int) -> int:
    found = _SPACE.match(text, start)
    return found.end() if found is not None else start


_TAG = re.compile(r"\s*<(TENBIN|CCR)-SUBAGENT-MODEL>([^<>]{1,300})</\1-SUBAGENT-MODEL>\s*")


def tag_of(text: str) -> str:
    """The model that a tag at the very head of a text asks for; empty without one."""
    found = _TAG.match(text)
    return found.group(2).strip() if found is not None else ""


def without_tag(text: str) -> str:
    """The text without the tag at its head."""
    found = _TAG.match(text)
    return text[found.end() :] if found is not None else text
