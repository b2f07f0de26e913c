"""The ways to choose a model that are compared: what each one writes into the request's model field.

Whoever chooses by itself names a target; Tenbin is asked for ``auto`` and weighs.
"""

from collections.abc import Callable
from typing import NamedTuple

from benchmarks.month.workload import Request
from tenbin.core.features import Features
from tenbin.core.sketch import Sketch
from tenbin.decide import quality
from tenbin.decide.abilities import Abilities
from tenbin.decide.evidence import NO_EVIDENCE
from tenbin.discern.complexity import Discerner

LOCAL = "laptop/qwen3-coder-30b"
HAIKU, SONNET, OPUS = (f"anthropic/claude-{name}-5-5" for name in ("haiku", "sonnet", "opus"))
LADDER = (LOCAL, HAIKU, SONNET, OPUS)
"""By list price and by strength alike, the weakest first."""
CLASS_OF = {LOCAL: "local", HAIKU: "low", SONNET: "high", OPUS: "highest"}
"""Which class of the outcome tables a target belongs to."""
LOCAL_CONTEXT = 131_072

ROOM = 0.9
"""Share of its context that a model is trusted with where tokens are only estimated."""

LONG_CONTEXT = 60_000
"""claude-code-router's longContextThreshold where it is not set."""


class Asked(NamedTuple):
    """What a policy may look at."""

    request: Request
    turn: Callable[[], Sketch]
    """The request as Tenbin reads it: the last words of a person, whatever tools have answered since."""
    message: Callable[[], Sketch]
    """Its latest message alone, as routers read it that know nothing of agents: often a tool's result."""
    discerner: Discerner
    abilities: Abilities


class Policy(NamedTuple):
    """One way to choose."""

    name: str
    title: str
    model: Callable[[Asked], str]
    """What stands in the request's model field."""
    floor: float | None = None
    """The share of the strongest's quality that it holds to, for those that hold to one."""
    told: str = ""
    """What it does, for the page."""


def _always(target: str) -> Callable[[Asked], str]:
    return lambda asked: target


def _claude_code_router(asked: Asked) -> str:
    """Its rules in its order, with the client's own model names: a long prompt, a small model's name, thinking."""
    request = asked.request
    if request.tokens > LONG_CONTEXT:
        return SONNET
    if "haiku" in request.model:
        return LOCAL
    return OPUS if "thinking" in request.body else SONNET


def _by_difficulty(floor: float, sketch: Callable[[Asked], Sketch]) -> Callable[[Asked], str]:
    """Each request by itself: the cheapest by list price whose expected quality reaches the floor."""

    def choose(asked: Asked) -> str:
        read = asked.discerner.complexity(sketch(asked))
        features = Features(task=read.task, domain=read.domain, language=read.language, suffices=read.suffices)
        chances = {target: quality.expected(target, features, NO_EVIDENCE, asked.abilities).value for target in LADDER}
        if asked.request.tokens > ROOM * LOCAL_CONTEXT:
            del chances[LOCAL]
        least = floor * max(chances.values()) - 1e-9
        return next(target for target, chance in chances.items() if chance >= least)

    return choose


ALL_OPUS = Policy("all-opus", "always Opus 5.5", _always(OPUS), told="every request to the strongest model")

TENBIN_FLOORS = (0.5, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.96, 0.97, 0.98, 1.0)
NAIVE_FLOORS = (0.7, 0.8, 0.85, 0.9, 0.95)
DEFAULT_FLOOR = 0.8


def _named(name: str, floor: float) -> str:
    return name if floor == DEFAULT_FLOOR else f"{name}-{floor:g}"


POLICIES: tuple[Policy, ...] = (
    ALL_OPUS,
    Policy("all-sonnet", "always Sonnet 5.5", _always(SONNET), told="every request to the middle model"),
    Policy(
        "all-haiku", "always Haiku 5.5", _always(HAIKU), told="every request to the smallest of the provider's models"
    ),
    Policy(
        "ccr",
        "claude-code-router's rules",
        _claude_code_router,
        told="above 60,000 tokens: longContext (Sonnet); haiku in the name: background (the local model); "
        "`thinking` set: think (Opus); else default (Sonnet)",
    ),
    *(
        Policy(
            _named("message", floor),
            f"by each message's difficulty, floor {floor:g}",
            _by_difficulty(floor, lambda asked: asked.message()),
            floor,
            "each request by itself, by its latest message (a tool's result, mostly): the cheapest model by list price "
            "whose expected quality, by the same learned classifier and abilities that Tenbin has, reaches the floor",
        )
        for floor in NAIVE_FLOORS
    ),
    *(
        Policy(
            _named("turn", floor),
            f"by each turn's difficulty, floor {floor:g}",
            _by_difficulty(floor, lambda asked: asked.turn()),
            floor,
            "the same by the last words of a person, so that a loop of tools stays on one model: Tenbin's own reading, "
            "without its caches and conversations",
        )
        for floor in NAIVE_FLOORS
    ),
    *(
        Policy(
            _named("tenbin", floor),
            f"Tenbin, floor {floor:g}" + (" (default)" if floor == DEFAULT_FLOOR else ""),
            _always("auto"),
            floor,
            "weighed, with the defaults",
        )
        for floor in TENBIN_FLOORS
    ),
)


def chosen(names: str | None) -> list[Policy]:
    """Those of these names (with commas), and always the strongest, which the others are held against.

    Raises ValueError for a name that nobody has.
    """
    if not names:
        return list(POLICIES)
    wanted = names.split(",")
    unknown = set(wanted) - {policy.name for policy in POLICIES}
    if unknown:
        raise ValueError(
            f"no policy is called {', '.join(sorted(unknown))}; there are {', '.join(p.name for p in POLICIES)}"
        )
    return [policy for policy in POLICIES if policy.name in wanted or policy is ALL_OPUS]
