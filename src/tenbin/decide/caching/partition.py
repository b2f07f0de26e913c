"""4. By meaning only the last words of a person are compared; all before and around them must be equal.

Here a request falls apart into those words and the rest, or it is said why it may not be answered by meaning at all.
"""

import re
from typing import Any

import msgspec

from tenbin.core.features import Language
from tenbin.decide.caching.canonical import Canonical, is_words
from tenbin.decide.caching.sensitive import personal_or_security
from tenbin.decide.caching.ttl import asks_about_now

FEWEST_WORDS = 3
"""Of a question in an alphabet: "yes", "continue" mean nothing without what was said before."""
FEWEST_CHARACTERS = 6
"""Of a question in Japanese, which writes no spaces."""
MOST_CHARACTERS = 2_000
"""Longer questions differ in places that no vector of a whole text shows."""
MOST_CODE = 200
"""Characters of code blocks in a question: one sign changes what code does, and hardly its vector."""

_CODE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
_encode = msgspec.json.Encoder(order="sorted").encode


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What of a request may be compared by meaning."""

    text: str
    """The last words of the user."""
    rest: bytes
    """Everything else, in canonical form: what must be equal."""


def partition(asked: Canonical, language: Language) -> Question | str:
    """The question and what must be equal beside it; a string says why the request is never answered by meaning."""
    if asked.dialect not in ("anthropic", "openai_chat"):
        return "its dialect is compared as a whole"
    if asked.tools:
        return "tools"
    if not asked.turns or asked.turns[-1][0] != "user":
        return "the last turn is not the user's"
    if any(_beyond_words(parts) for parts in (asked.system, *(turn[1] for turn in asked.turns))):
        return "images, files or other content"
    role, parts, more = asked.turns[-1]
    if not parts:
        return "no words"
    text: str = parts[-1][1]
    reason = unfit(text, language)
    if reason:
        return reason
    rest = [*asked.turns[:-1], [role, parts[:-1], more]]
    return Question(text=text, rest=_encode([asked.fields, asked.system, rest]))


def unfit(text: str, language: Language) -> str:
    """Why these words are never answered by meaning; empty when they may be."""
    stripped = text.strip()
    if len(stripped) < FEWEST_CHARACTERS or (language != "ja" and len(stripped.split()) < FEWEST_WORDS):
        return "too short"
    if len(stripped) > MOST_CHARACTERS:
        return "too long"
    if sum(len(block) for block in _CODE.findall(stripped)) > MOST_CODE:
        return "code"
    if asks_about_now(stripped):
        return "about now"
    kind = personal_or_security(stripped)
    return f"personal or security data ({kind})" if kind else ""


def _beyond_words(parts: list[Any]) -> bool:
    return not all(is_words(part) for part in parts)
