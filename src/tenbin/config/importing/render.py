"""The text of an imported tenbin.yaml: blocks one below the other, lists in brackets, notes as comments at the end."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from tenbin.config.importing.report import Note
from tenbin.config.problem import KeyPath

_WIDTH = 100
_ENDLESS = 10**9
_TITLES = {
    "lost": "Not carried over",
    "changed": "Works differently here",
    "secret": "Keys in plain text",
    "needless": "Not needed here",
}


def render(head: str, config: Mapping[str, Any], comments: Mapping[KeyPath, str], notes: Sequence[Note]) -> str:
    """``head`` opens the file; ``comments`` stand above the key of their path."""
    parts = [commented(head)]
    for name, value in config.items():
        parts.append("\n".join(_lines({name: value}, (), comments)) + "\n")
    for kind, title in _TITLES.items():
        told = [f"- {note}" for note in notes if note.kind == kind]
        if told:
            parts.append(commented("\n".join([f"{title}:", *told])))
    return "\n".join(parts)


def commented(text: str) -> str:
    """Sentences as comment lines; whatever a key of the source holds, it stays inside the comment."""
    lines = []
    for line in text.split("\n"):
        safe = "".join(each if each.isprintable() else repr(each)[1:-1] for each in line)
        lines += textwrap.wrap(safe, _WIDTH, subsequent_indent="  " if safe.startswith("- ") else "") or [""]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def _lines(block: Mapping[str, Any], path: KeyPath, comments: Mapping[KeyPath, str]) -> list[str]:
    indent = "  " * len(path)
    lines = []
    for name, value in block.items():
        here = (*path, name)
        if here in comments:
            lines += [f"{indent}{line}" for line in commented(comments[here]).splitlines()]
        if isinstance(value, dict):
            lines.append(f"{indent}{_flow(name)}:" if value else f"{indent}{_flow(name)}: {{}}")
            lines += _lines(value, here, comments)
        else:
            lines.append(f"{indent}{_flow(name)}: {_flow(value)}")
    return lines


def _flow(value: Any) -> str:
    """A value on one line; text in quotes where YAML would take it for something else."""
    texts = value if isinstance(value, list) else [value]
    if isinstance(value, str) and re.fullmatch(r"\$\{\w+\}", value):
        return value
    if all(str(text).isprintable() for text in texts):
        style, plain = None, True
    else:
        style, plain = '"', False  # written with escapes, so that it stays on its line
    written = yaml.safe_dump([value], default_flow_style=True, default_style=style, allow_unicode=plain, width=_ENDLESS)
    return str(written).strip()[1:-1]
