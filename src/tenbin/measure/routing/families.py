"""Which model is the cheap one and which the strong one of a pair, told by their names.

Used to find pairs in tables of many models' scores. A name may come with a provider before it and a date after it.
"""

import re
from collections.abc import Container
from typing import NamedTuple


class Pair(NamedTuple):
    """Two models as a table names them."""

    weak: str
    strong: str


DATED = r"(-preview)?(-?\d{4}(-?\d{2}){0,2})?(-preview|-latest)?(-v\d)?$"
"""What may follow a model's name: its date or snapshot."""

FAMILIES: tuple[tuple[str, str], ...] = (
    (r"mixtral-8x7b\S*", r"gpt-?4-1106(-preview)?"),
    (r"claude-instant-v?1(\.\d)?", r"claude-(v?2(\.\d)?|v1)"),
    (r"claude-3-haiku", r"claude-3-opus"),
    (r"claude-3-5-haiku", r"claude-3-(5|7)-sonnet"),
    (r"claude-haiku-(?P<v>[\d-]+?)", r"claude-opus-(?P=v)"),
    (r"gpt-3\.5-turbo", r"gpt-4(-turbo)?"),
    (r"gpt-4o-mini", r"gpt-4-turbo"),
    (r"gpt-4o-mini", r"gpt-4o"),
    (r"gpt-4\.1-nano", r"gpt-4\.1"),
    (r"gpt-4\.1-mini", r"gpt-4\.1"),
    (r"gpt-5-nano", r"gpt-5"),
    (r"gpt-5-mini", r"gpt-5"),
    (r"gpt-(?P<v>5\.\d)-(nano|mini)", r"gpt-(?P=v)"),
    (r"gemini-(?P<v>[\d.]+)-flash(-lite)?", r"gemini-(?P=v)-pro"),
)
"""Names of models that are sold side by side, the cheap and the strong one; ``v`` is the same in both."""

SIZE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)b(?![a-z])")
LEAST_RATIO = 4
"""Of the sizes of two open models that make a pair."""


def plain(name: str) -> str:
    """A model's name without the provider before it, in lower case."""
    return re.split(r"/|__", name)[-1].lower()


def known_pairs(models: list[str], described: Container[str] = ()) -> list[Pair]:
    """Pairs that are sold side by side, in the order of FAMILIES.

    Of several snapshots of a model one counts: one that is ``described`` (the table holds more of it than the others),
    else a dated one, the latest.
    """

    def rank(name: str) -> tuple[bool, bool, str, str]:
        return name in described, bool(re.search(r"\d{4}", plain(name))), plain(name), name

    found = []
    for weak, strong in FAMILIES:
        versions: dict[str, str] = {}
        for model in sorted(models, key=rank):
            if match := re.match(rf"(?:{weak}){DATED}", plain(model)):
                versions[match.groupdict().get("v") or ""] = model
        for version, model in sorted(versions.items()):
            pattern = strong.replace("(?P=v)", re.escape(version))
            partners = [other for other in models if re.match(rf"(?:{pattern}){DATED}", plain(other))]
            if partners:
                found.append(Pair(model, max(partners, key=rank)))
    return list(dict.fromkeys(found))


def sized_pairs(models: list[str]) -> list[Pair]:
    """The smallest and the largest model of one name that differs in its size only, most different first."""
    lines: dict[str, list[tuple[float, str]]] = {}
    for model in models:
        if match := SIZE.search(plain(model)):
            rest = SIZE.sub("#", plain(model), count=1)
            lines.setdefault(rest, []).append((float(match[1]), model))
    pairs = [
        (largest[0] / smallest[0], Pair(smallest[1], largest[1]))
        for smallest, largest in ((min(line), max(line)) for line in lines.values())
        if largest[0] >= LEAST_RATIO * smallest[0]
    ]
    return [pair for _, pair in sorted(pairs, key=lambda found: (-found[0], found[1]))]
