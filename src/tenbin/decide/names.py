"""4. Model names that nobody configured, told by their family: who makes it, how large a model it is, which version.

Clients invent names (``claude-haiku-4-5-20251001``, ``gpt-5.4-nano``) or lag behind what is offered; such a name is
mapped to the nearest model that is there, and the route says so.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

Class: TypeAlias = Literal["small", "medium", "large"]

_CLASSES: tuple[Class, ...] = ("small", "medium", "large")


class Family(NamedTuple):
    """What a model's name says of it."""

    maker: str
    """anthropic, openai, google, deepseek, mistral, qwen, xai, meta, zai, moonshot, minimax; empty when unknown."""
    size: Class
    """small (haiku, mini, nano, flash), medium (sonnet, plain gpt, pro of others), large (opus, gpt pro, o-pro)."""
    line: str
    """Which of the maker's lines: ``opus``, ``gpt``, ``gpt-mini``, ``o``, ``gemini-flash`` ..."""
    version: tuple[int, ...]
    """(4, 5) of ``claude-haiku-4-5-20251001``; empty where none is written."""


_MAKERS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), maker)
    for pattern, maker in (
        (r"claude|(?:^|-)(?:opus|sonnet|haiku|fable)(?:-|$)", "anthropic"),
        (r"^(?:gpt|chatgpt|codex|o[1-9](?:-|$)|davinci|babbage)", "openai"),
        (r"^(?:gemini|gemma)", "google"),
        (r"^deepseek", "deepseek"),
        (r"^(?:mistral|mixtral|ministral|magistral|codestral|devstral|pixtral)", "mistral"),
        (r"^(?:qwen|qwq)", "qwen"),
        (r"^grok", "xai"),
        (r"^(?:meta-)?llama", "meta"),
        (r"^glm", "zai"),
        (r"^kimi", "moonshot"),
        (r"^minimax", "minimax"),
    )
)

_WORDS: tuple[tuple[str, Class], ...] = (
    ("nano", "small"),
    ("mini", "small"),
    ("lite", "small"),
    ("haiku", "small"),
    ("flash", "small"),
    ("small", "small"),
    ("tiny", "small"),
    ("air", "small"),
    ("fast", "small"),
    ("instant", "small"),
    ("ministral", "small"),
    ("sonnet", "medium"),
    ("medium", "medium"),
    ("opus", "large"),
    ("fable", "large"),
    ("ultra", "large"),
    ("heavy", "large"),
    ("large", "large"),
    ("max", "large"),
    ("pro", "large"),
)
"""Words that say how large a model is among its maker's, the first that is there counts."""

_DATE = re.compile(r"[-@](?:20\d{2}-?\d{2}-?\d{2}|\d{4}|latest|preview)(?=-|$)")
_VERSION = re.compile(r"(?<![a-z\d.])(?:[a-z]{1,12}?)?(\d{1,2}(?:[.-]\d{1,2})?)(?![\d.b]|[a-z]{3})")
_BILLIONS = re.compile(r"(?<![\d.])(\d{1,4}(?:\.\d+)?)b(?![a-z])")


@lru_cache(maxsize=512)
def family(name: str) -> Family:
    """What a model's name says, with or without a provider before it (``openrouter/anthropic/claude-sonnet-4.5``)."""
    plain = re.split(r"[/,]", name.lower()[-200:])[-1].replace("_", "-").replace(":", "-").removesuffix("-free")
    plain = _DATE.sub("", re.sub(r"^(?:[a-z]{2,6}\.)?(?:anthropic|openai|google|meta)\.", "", plain).partition("[")[0])
    maker = next((maker for pattern, maker in _MAKERS if pattern.search(plain)), "")
    words = re.findall(r"[a-z]+", plain)
    word, size = next(((word, size) for word, size in _WORDS if word in words), ("", _by_parameters(plain)))
    if maker == "google" and word == "pro":
        size = "medium"  # the plain one of its line; Google's largest is called ultra
    version = _VERSION.search(plain)
    head = re.match(r"[a-z]+", plain)
    lead = "gpt-oss" if "oss" in words else head.group() if head else ""
    line = word if maker == "anthropic" else f"{lead}-{word}".strip("-")
    return Family(maker, size, line, tuple(map(int, re.findall(r"\d+", version.group(1)))) if version else ())


def _by_parameters(plain: str) -> Class:
    stated = _BILLIONS.search(plain)
    if stated is None:
        return "medium"
    billions = float(stated.group(1))
    return "small" if billions < 15 else "medium" if billions < 100 else "large"


class Mapped(NamedTuple):
    """Which target stands for a name."""

    target: str
    """``provider/model``."""
    reason: str
    """Why this one, in words."""


def map_name(name: str, available: Iterable[str], *, same_maker: bool = False) -> Mapped | None:
    """The target (of ``provider/model`` names) that is nearest to a name that nobody serves, and why, in words.

    The same maker's same line in the nearest version, the newer of two; else the same maker's same size, then the next
    larger and smaller; else another maker's model of the same size, or the next larger: never a smaller one of somebody
    else. Ties go to the target that stands first. ``same_maker``: only the maker's own. None for a name that says
    nothing (no known maker), and when nothing is near.
    """
    wanted = family(name)
    if not wanted.maker:
        return None
    best: tuple[tuple[float, ...], str, str] | None = None
    for position, target in enumerate(available):
        other = family(target)
        found = _nearness(wanted, other)
        if found is not None and (other.maker == wanted.maker or not same_maker):
            rank = (*found[0], position)
            if best is None or rank < best[0]:
                best = (rank, target, found[1])
    return Mapped(best[1], best[2]) if best is not None else None


def _nearness(wanted: Family, other: Family) -> tuple[tuple[float, ...], str] | None:
    """(rank, why) of a model that might stand in, the lowest rank first; None when it must not."""
    apart = _CLASSES.index(other.size) - _CLASSES.index(wanted.size)
    if other.maker == wanted.maker:
        gap, older = _gap(wanted.version, other.version)
        if other.line == wanted.line:
            return (0, gap, older), f"the nearest {wanted.maker} {wanted.line} that is configured"
        if apart == 0:
            return (1, gap, older), f"of the same maker and size ({wanted.size})"
        return (2, abs(apart), apart < 0, gap), f"of the same maker; no {wanted.size} one is configured"
    if not other.maker or apart < 0:
        return None
    words = f"{wanted.size} as well" if apart == 0 else f"{other.size}, the next larger"
    return (3, apart, 0), f"{words}; no model of {wanted.maker} is configured"


def _gap(wanted: tuple[int, ...], other: tuple[int, ...]) -> tuple[float, bool]:
    """How far apart two versions are, and whether the other one is older; an unwritten version is the newest."""
    if not wanted or not other:
        return (0.0, False) if not other else (50.0 - _number(other), False)
    difference = _number(other) - _number(wanted)
    return abs(difference), difference < 0


def _number(version: tuple[int, ...]) -> float:
    return version[0] + (version[1] / 100 if len(version) > 1 else 0.0)
