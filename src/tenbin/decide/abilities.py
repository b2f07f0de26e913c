"""4. How able a model is, before any evidence of one's own: a dated table, and an estimate for names not in it.

The scale is that of the tiers: 0 is a typical low-tier model, 1 medium, 2 high, 3 highest. ``training/abilities.py``
writes the table and says where each figure comes from; docs/quality.md says what the figures mean.
"""

import fnmatch
import math
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import msgspec

from tenbin.core.features import Domain, Language, TaskType

TASK_GROUPS: Mapping[TaskType, str] = {
    "code_generation": "code",
    "refactoring": "code",
    "test_writing": "code",
    "debugging": "code",
    "planning": "code",
    "comment_generation": "code",
    "mathematics": "mathematics",
    "creative_writing": "writing",
    "content_generation": "writing",
    "rewriting": "writing",
    "chat": "writing",
}
"""Tasks in which models are known to differ from their overall ability; the others count as overall."""
MULTIPLE_CHOICE = "multiple_choice"
"""The group of questions with lettered options: a form in which some models answer far better or worse than freely."""
DOMAIN_GROUPS: Mapping[Domain, str] = {"computer_science": "code", "mathematics": "mathematics"}
"""The same by domain, where neither the task nor the form says anything."""
QUESTION = "question"
"""The group of other short questions: of facts and of common sense."""


def group_of(task: TaskType | None, domain: Domain, options: int) -> str:
    """The group by which a request's offset is looked up; empty where models count as they are overall."""
    if task is None:
        return ""
    group = TASK_GROUPS.get(task)
    if group is not None:
        return group
    if options:
        return MULTIPLE_CHOICE
    return DOMAIN_GROUPS.get(domain, QUESTION if task == "short_answer" else "")


GUESS = 1.0
"""Ability of a model of which nothing at all can be told: a medium one."""
WEAKEST, STRONGEST = -4.0, 4.5
"""What an estimate is kept within; the table's own figures lie inside."""
REMEMBERED = 4_096
"""Names whose row is remembered; clients may invent any number of them."""


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One model, or one family of models."""

    match: tuple[str, ...]
    """Globs over plain names (``plain``)."""
    ability: float
    source: str
    date: str
    """``YYYY-MM`` of the source."""
    offsets: Mapping[str, float] = {}
    """What is added in a group of tasks (code, mathematics, writing, question, multiple_choice) and for a language
    (japanese)."""
    family: bool = False
    """Stands for all models of a family that have no row of their own."""
    serves: Mapping[str, str] = {}
    """By profile, the name under which it stands in for its kind when tiers are made up: see ``decide.tiers``."""
    context: int | None = None
    """Context window in tokens."""
    max_output: int | None = None
    """Most output tokens."""
    tokens_per_second: float | None = None
    """Typical speed of output."""


class Line(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A straight line over a natural logarithm."""

    intercept: float
    slope: float

    def at(self, x: float) -> float:
        """Its height over ``ln x``, within the table's range."""
        return min(max(self.intercept + self.slope * math.log(x), WEAKEST), STRONGEST)


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """The data file."""

    version: str
    """Its date, ``YYYY-MM-DD``."""
    scale: str
    rows: tuple[Row, ...]
    by_word: Mapping[str, float]
    """Ability by a word of size in the name, the first one found counts."""
    by_parameters: Line
    """Over billions of parameters."""
    by_price: Line
    """Over USD per million tokens, three of input for one of output."""


class Ability(NamedTuple):
    """A model's ability for one kind of request."""

    value: float
    source: str


_GUESS = Ability(GUESS, "guess")


class _Known(NamedTuple):
    base: float | None
    offsets: Mapping[str, float]
    source: str


class Abilities:
    """The table with the configuration's own figures laid over it (by ``provider/model``, model, or with ``*``).

    Asking changes nothing but a bounded memory.
    """

    def __init__(self, table: Table, overrides: Mapping[str, float] | None = None) -> None:
        self.table = table
        self.version = table.version
        self._overrides = dict(overrides or {})
        wild = sorted((name for name in self._overrides if "*" in name), key=lambda name: (-len(name), name))
        self._wild = tuple((re.compile(fnmatch.translate(name)), self._overrides[name]) for name in wild)
        self._exact: dict[str, Row] = {}
        globs: list[tuple[bool, int, re.Pattern[str], Row]] = []
        for row in table.rows:
            for pattern in row.match:
                if "*" in pattern:
                    literal = len(pattern) - pattern.count("*")
                    globs.append((row.family, -literal, re.compile(fnmatch.translate(pattern)), row))
                else:
                    self._exact.setdefault(pattern, row)
        globs.sort(key=lambda entry: entry[:2])
        self._globs = tuple((pattern, row) for _, _, pattern, row in globs)
        self._rows: dict[str, Row | None] = {}
        self._known: dict[str, _Known] = {}
        self._found: dict[tuple[str, TaskType | None, Domain, Language, bool], Ability] = {}

    def row(self, target: str) -> Row | None:
        """The row of a target (``provider/model``) or model, or its family's; None when there is none."""
        if target in self._rows:
            return self._rows[target]
        if len(self._rows) >= REMEMBERED:
            self._rows.clear()
        row = self._rows[target] = self._find(target)
        return row

    def ability(
        self,
        target: str,
        task: TaskType | None = None,
        domain: Domain = "other",
        language: Language = "en",
        price: float | None = None,
        options: int = 0,
    ) -> Ability:
        """A target's ability for one kind of request (none: overall), and where the figure comes from.

        ``target`` is ``provider/model`` or a model's name alone; ``price`` is USD per million tokens (three of input
        for one of output), looked at only when the name says nothing; ``options`` are those of a multiple choice.
        """
        kind = (target, task, domain, language, options > 0)
        found = self._found.get(kind)
        if found is None:
            if len(self._found) >= REMEMBERED:
                self._found.clear()
            found = self._found[kind] = self._of_kind(target, task, domain, language, options)
        if found.source or price is None or price <= 0:
            return found if found.source else _GUESS
        return Ability(round(self.table.by_price.at(price), 2), f"estimate: price position, {self.version}")

    def _of_kind(self, target: str, task: TaskType | None, domain: Domain, language: Language, options: int) -> Ability:
        """What the name tells; without a source where it tells nothing."""
        known = self._known.get(target)
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._known[target] = self._look_up(target)
        value = known.base
        if value is None:
            return Ability(GUESS, "")
        if known.offsets:
            value += known.offsets.get(group_of(task, domain, options), 0.0)
            if language == "ja":
                value += known.offsets.get("japanese", 0.0)
        return Ability(value, known.source)

    def _look_up(self, target: str) -> _Known:
        own = self._override(target)
        if own is not None:
            return _Known(own, {}, "configuration")
        row = self.row(target)
        billions = parameters(target)
        if row is not None and not (row.family and billions is not None):
            kind = "estimate: family, " if row.family else ""
            return _Known(row.ability, row.offsets, f"{kind}{row.source}, {row.date}")
        if billions is not None:
            value = round(self.table.by_parameters.at(billions), 2)
            return _Known(value, {}, f"estimate: {billions:.3g}B parameters, {self.version}")
        words = set(plain(target).split("-"))
        for word, value in self.table.by_word.items():
            if word in words:
                return _Known(value, {}, f"estimate: {word} in its name, {self.version}")
        return _Known(None, {}, "")

    def _override(self, target: str) -> float | None:
        """The configuration's figure: the whole name's, the bare model's, then the longest one with ``*``."""
        for name in (target, target.partition("/")[2]):
            if name in self._overrides:
                return self._overrides[name]
        return next((value for pattern, value in self._wild if pattern.match(target)), None)

    def _find(self, target: str) -> Row | None:
        for name in spellings(target):
            row = self._exact.get(name)
            if row is not None:
                return row
        name = plain(target)
        return next((row for pattern, row in self._globs if pattern.match(name)), None)


@cache
def shipped() -> Table:
    """The table that comes with the package; read once."""
    return msgspec.json.decode(files("tenbin.decide").joinpath("abilities.json").read_bytes(), type=Table)


_CLOUD = re.compile(r"^(?:[a-z]{2,6}\.)?(?:amazon|anthropic|cohere|deepseek|google|meta|mistral|openai|qwen|zai)\.")
_OFFER = re.compile(r":(?:free|batch|nitro|floor|online|exacto|extended|cloud|latest)$|\[[^]]*]$")
_DATE = re.compile(r"[-@](?:20\d{2}-\d{2}-\d{2}|20\d{6})(?:-v\d+(?::\d+)?)?$|-v\d+:\d+$")
_VARIANT = re.compile(
    r"-(?:preview|latest|instruct|it|chat|exp|fp8|fp16|bf16|hf|awq|gguf|gptq|nvfp4|mxfp4|qat|maas|nothink|thinking"
    r"|high|medium|low|fast|turbo|text|i?q\d(?:-[0-9a-z])*|\d{2}-\d{2}|\d{2}-20\d{2}|\d{4})$"
)
"""What may stand at the end of a name without naming another model."""


@cache
def _plain(name: str) -> str:
    name = _OFFER.sub("", name.lower().replace("__", "/").rsplit("/", 1)[-1])
    name = _DATE.sub("", _CLOUD.sub("", name))
    return re.sub(r"[^a-z0-9]+", "-", name).strip("-")


def plain(target: str) -> str:
    """A model's name without provider, date, offer or punctuation: ``anthropic/claude-haiku-4.5-20251001`` is
    ``claude-haiku-4-5``, ``ollama/qwen3-coder:30b`` is ``qwen3-coder-30b``.
    """
    return _plain(target) if len(target) <= 200 else _plain.__wrapped__(target[-200:])


def spellings(target: str) -> Iterator[str]:
    """A model's plain name, then the same without what may stand at its end: ``-preview``, ``-it``, ``-q4-k-m``."""
    name = plain(target)
    while name:
        yield name
        shorter = _VARIANT.sub("", name)
        if shorter == name:
            return
        name = shorter


_EXPERTS = re.compile(r"(?<![a-z0-9.])(\d+)x(\d+(?:\.\d+)?)b(?![a-z0-9])")
_SIZE = re.compile(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)([bm])(?![a-z0-9])")
_ACTIVE = re.compile(r"(?<![a-z0-9.])a(\d+(?:\.\d+)?)b(?![a-z0-9])")


def parameters(target: str) -> float | None:
    """Billions of parameters that a name states, as a dense model of like ability has them; None when it states none.

    A mixture of experts counts as the geometric mean of its total and its active parameters, a customary rule of thumb.
    """
    name = target.lower()
    experts = _EXPERTS.search(name)
    if experts:
        count, each = float(experts[1]), float(experts[2])
        return math.sqrt(count * each * 2 * each) or None
    size = _SIZE.search(name)
    if size is None:
        return None
    billions = float(size[1]) / (1_000 if size[2] == "m" else 1)
    active = _ACTIVE.search(name)
    return (math.sqrt(billions * float(active[1])) if active else billions) or None
