"""What is wrong with a configuration: every mistake with its place and its fix, all of them told at once."""

import re
from typing import TypeAlias

import msgspec

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a value stands: ``("providers", "openai", "base_url")``, ``("default", 0)``."""


class Position(msgspec.Struct, frozen=True):
    """A place in a text; both count from 1."""

    line: int
    column: int


class ConfigProblem(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake."""

    file: str
    line: int
    column: int
    key: str
    """The key's path, ``providers.openai.base_url``; empty when the text cannot be read at all."""
    message: str
    """What is wrong."""
    fix: str
    """What to write instead."""

    def __str__(self) -> str:
        """``tenbin.yaml:12:5: providers.openai.base_url: what is wrong. The fix.``"""
        place = f"{self.file}:{self.line}:{self.column}: "
        return f"{place}{self.key + ': ' if self.key else ''}{self.message}. {self.fix}"


class ConfigError(Exception):
    """The configuration cannot be used; ``problems`` holds every mistake found in it, in the order of the text."""

    def __init__(self, problems: list[ConfigProblem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))
        super().__init__("\n".join(map(str, self.problems)))

    @classmethod
    def of(cls, key: str, message: str, fix: str, file: str = "tenbin.yaml") -> "ConfigError":
        """One mistake that shows only when the configuration is put in force: its line is not known any more."""
        return cls([ConfigProblem(file=file, line=1, column=1, key=key, message=message, fix=fix)])


def written(path: KeyPath) -> str:
    """A key path as people write it: ``models.fast[0]``, ``providers.openai.models["gpt-6.1-sol"]``."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        elif re.fullmatch(r"[\w-]+", key):
            text += f".{key}" if text else key
        else:
            text += f'["{key}"]'
    return text
