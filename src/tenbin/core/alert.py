"""Something that a person should hear of, before it is decided who is told, when and how."""

from typing import Literal, NamedTuple, TypeAlias, get_args

import msgspec

AlertKind: TypeAlias = Literal["budget", "pace", "spike", "breaker", "provider", "limit", "price"]
Severity: TypeAlias = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""The mildest first."""
Language: TypeAlias = Literal["en", "ja"]


class Words(NamedTuple):
    """What is said, in one language."""

    title: str
    """One line."""
    body: str
    """What happened, how much, whose, and what to do; a few lines of plain text."""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to tell."""

    kind: AlertKind
    severity: Severity
    once: str
    """What it is said once for: a budget's window and threshold, a breaker's opening ... Another alert with the same
    is never told, also after a restart."""
    at_ms: int
    """UTC ms."""
    english: Words
    japanese: Words

    def words(self, language: Language) -> Words:
        """In the language."""
        return self.japanese if language == "ja" else self.english
