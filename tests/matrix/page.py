"""The page that shows what the matrix has found: docs/capabilities.md, between its marks."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from tenbin.core.target import DialectName
from tests.matrix.clients import CLIENTS, ClientName
from tests.matrix.features import FEATURES, MODELS, Case

PAGE = Path(__file__).parents[2] / "docs" / "capabilities.md"
BEGIN = "<!-- written by: pytest tests/matrix --update-docs -->\n"
END = "<!-- end of what pytest writes -->\n"

Feature = Callable[["Case"], None]
Outcome = Literal["works", "refused", "unsayable"]
MARKS: Mapping[Outcome, str] = {"works": "yes", "refused": "no", "unsayable": "-"}

CLIENT_NAMES: Mapping[ClientName, str] = {
    "anthropic": "Anthropic Messages",
    "openai_chat": "OpenAI Chat Completions",
    "openai_responses": "OpenAI Responses",
}
PROVIDER_NAMES: Mapping[DialectName, str] = {
    "anthropic": "Anthropic",
    "openai_chat": "Chat Completions",
    "openai_responses": "Responses",
    "ollama_chat": "Ollama",
}


class Cell(NamedTuple):
    """Which feature, asked by whom, of whom, how."""

    feature: str
    client: ClientName
    provider: DialectName
    stream: bool


class Found(NamedTuple):
    """What came of it, and what the client was told where it was refused."""

    outcome: Outcome
    message: str = ""


def cells() -> list[Cell]:
    """All of them, in the page's order."""
    return [
        Cell(feature.__name__, client, provider, stream)
        for feature in FEATURES
        for client in CLIENTS
        for provider in MODELS
        for stream in (False, True)
    ]


def written(found: Mapping[Cell, Found]) -> str:
    """The tables, one for each client's dialect, and the refusals in the words that the client gets."""
    lines: list[str] = []
    for client in CLIENTS:
        lines += [f"## Clients of {CLIENT_NAMES[client]}", ""]
        lines += ["| | " + " | ".join(PROVIDER_NAMES[provider] for provider in MODELS) + " |"]
        lines += ["| --- |" + " --- |" * len(MODELS)]
        for feature in FEATURES:
            marks = [_mark(found, feature.__name__, client, provider) for provider in MODELS]
            lines.append(f"| {feature.__doc__} | " + " | ".join(marks) + " |")
        lines.append("")
    lines += ["## What is refused, and how it is said", ""]
    for feature in FEATURES:
        for provider in MODELS:
            messages = {
                result.message
                for cell, result in found.items()
                if cell.feature == feature.__name__ and cell.provider == provider and result.outcome == "refused"
            }
            lines += [
                f"- {feature.__doc__}, to {PROVIDER_NAMES[provider]}: *{message}*" for message in sorted(messages)
            ]
    return "\n".join(lines) + "\n"


def _mark(found: Mapping[Cell, Found], feature: str, client: ClientName, provider: DialectName) -> str:
    whole, stream = (MARKS[found[Cell(feature, client, provider, streamed)].outcome] for streamed in (False, True))
    if whole == MARKS["unsayable"]:
        return stream
    return whole if whole == stream else f"{whole}; streamed: {stream}"


def on_page() -> str:
    """What the page holds now."""
    content = PAGE.read_text(encoding="utf-8")
    return content[content.index(BEGIN) + len(BEGIN) : content.index(END)]


def update(found: Mapping[Cell, Found]) -> None:
    """Write the tables into the page."""
    content = PAGE.read_text(encoding="utf-8")
    before, after = content[: content.index(BEGIN)], content[content.index(END) :]
    PAGE.write_text(before + BEGIN + written(found) + after, encoding="utf-8")
