"""4. What a caller asks of the choice in so many words: headers, a tag in a sub-agent's prompt, an alias for a model.

Documented in docs/categories.md. A bad value is refused and never ignored: somebody who asks for a model in vain must
not pay for another one unaware.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar, get_args

import msgspec

from tenbin.config.routing import Mode, Speed
from tenbin.core.features import CATEGORIES, Category
from tenbin.core.problems import Problem, invalid
from tenbin.core.sketch import Sketch
from tenbin.decide.categories import sub_agent
from tenbin.decide.hints import Hints
from tenbin.decide.policy import Policy

MODEL = "x-tenbin-model"
CATEGORY = "x-tenbin-category"
FLOOR = "x-tenbin-floor"
MODE = "x-tenbin-mode"
SPEED = "x-tenbin-speed"

STEERING: frozenset[bytes] = frozenset(
    {MODEL.encode(), CATEGORY.encode(), FLOOR.encode(), MODE.encode(), SPEED.encode(), b"x-claude-code-agent-id"}
)
"""A request with one of these headers asks something of the choice, or comes from a sub-agent, whose prompt may."""

MODES: tuple[Mode, ...] = get_args(Mode)
SPEEDS: tuple[Speed, ...] = get_args(Speed)

T = TypeVar("T", bound=str)


class Overrides(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the request's headers ask for; None where they are silent."""

    model: str | None = None
    """In place of the body's ``model``: a configured name, an alias, or ``provider/model``."""
    category: Category | None = None
    """In place of what the rules would say."""
    floor: float | None = None
    """Least quality, 0 to 1 of the strongest's, in place of the configured one."""
    mode: Mode | None = None
    speed: Speed | None = None


NONE = Overrides()
"""Of a request that asks for nothing."""


def overrides(headers: Iterable[tuple[bytes, bytes]]) -> Overrides | Problem:
    """Read what headers ask for (names in lower case); a Problem that names the header and what it may say.

    Of a header that comes twice the last one counts, as with every other header that Tenbin reads.
    """
    found: dict[str, str] = {}
    for name, value in headers:
        if name.startswith(b"x-tenbin-"):
            found[name.decode("latin-1")] = value.decode("latin-1").strip()
    if not found:
        return NONE
    category = _one_of(CATEGORY, found, CATEGORIES)
    mode = _one_of(MODE, found, MODES)
    speed = _one_of(SPEED, found, SPEEDS)
    floor = _share(found)
    for problem in (category, mode, speed, floor):
        if isinstance(problem, Problem):
            return problem
    model = found.get(MODEL)
    if model == "":
        return _refused(MODEL, "", "a model's name, an alias, or provider/model")
    assert not isinstance(category, Problem)
    assert not isinstance(mode, Problem)
    assert not isinstance(speed, Problem)
    assert not isinstance(floor, Problem)
    return Overrides(model=model, category=category, floor=floor, mode=mode, speed=speed)


def _one_of(header: str, found: Mapping[str, str], allowed: tuple[T, ...]) -> T | Problem | None:
    value = found.get(header)
    if value is None:
        return None
    spelt = value.lower().replace("-", "_")
    return next((word for word in allowed if word == spelt), None) or _refused(header, value, ", ".join(allowed))


def _share(found: Mapping[str, str]) -> float | Problem | None:
    value = found.get(FLOOR)
    if value is None:
        return None
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:  # also refuses nan
        return _refused(FLOOR, value, "a number from 0 to 1, such as 0.9")
    return share


def _refused(header: str, value: str, allowed: str) -> Problem:
    said = f"{value[:80]!r} is not allowed" if value else "it is empty"
    return invalid(f"The header {header} may be {allowed}; {said}.", param=header)


class Wanted(NamedTuple):
    """Which model is asked for, and by what."""

    name: str
    """What to resolve: a configured name, ``provider/model``, or a name to be weighed."""
    by: str = ""
    """``header``, ``tag``, ``alias:NAME``, or several of them joined by ``+``; empty for the body's own field."""
    tagged: bool = False
    """The tag was followed: it is taken out of the body before that goes upstream (Dialect.without_model_tag)."""


MOST_ALIASES = 8
"""How many aliases of aliases are followed."""


def wanted(model: str, asked: Overrides, policy: Policy, tag: str = "") -> Wanted | Problem:
    """The model that is asked for: by header, else by a sub-agent's tag (``followed_tag``), else by the body; aliases
    replaced. What header or tag name must be there, else it is a Problem.
    """
    if asked.model is not None:
        name, by, where = asked.model, "header", f"The header {MODEL}"
    elif tag:
        name, by, where = tag, "tag", "The model tag at the head of the prompt"
    else:
        return Wanted(*_replaced(model, "", policy.aliases)) if model in policy.aliases else Wanted(model)
    name, by = _replaced(name, by, policy.aliases)
    if not _known(name, policy):
        providers = ", ".join(sorted(policy.providers)) or "none"
        return invalid(
            f"{where} names {name[:80]!r}, which is no configured model, alias or provider/model. "
            f"Configured providers: {providers}.",
            param=MODEL if by.startswith("header") else "system",
        )
    return Wanted(name, by, tagged=bool(tag))


def followed_tag(sketch: Sketch, hints: Hints) -> str:
    """The model that a tag in the prompt asks for, where it counts; else nothing.

    It counts at the head of a system block, which only the client writes, and at the head of the first user turn only
    when a sub-agent is asking: then its prompt was written by the agent that started it. Never in tool results or later
    turns, which may hold anybody's words.
    """
    if not sketch.model_tag:
        return ""
    if sketch.model_tag_place == "user" and not sub_agent(sketch, hints):
        return ""
    return sketch.model_tag


def _replaced(name: str, by: str, aliases: Mapping[str, str]) -> tuple[str, str]:
    """The name that an alias means, and by what it was come to. A circle of aliases ends where it began."""
    seen = {name}
    for _ in range(MOST_ALIASES):
        meant = aliases.get(name)
        if meant is None or meant in seen:
            break
        by = f"{by}+alias:{name}" if by else f"alias:{name}"
        seen.add(meant)
        name = meant
    return name, by


def _known(name: str, policy: Policy) -> bool:
    """Whether a name leads somewhere by itself, not only to the default chain."""
    if name in policy.chains or (policy.routing is not None and name in policy.routing.requested):
        return True
    if any(found and rest and provider in policy.providers for provider, found, rest in _split(name)):
        return True
    return any(name.startswith(prefix) and provider in policy.providers for prefix, provider in policy.families)


def _split(name: str) -> list[tuple[str, str, str]]:
    return [name.partition(separator) for separator in "/,"]
