"""Does the `routing` block make sense? What no type can say: words that must be known, names that must not circle."""

import re
from collections.abc import Iterator

from tenbin.config.model import Config
from tenbin.config.problem import KeyPath
from tenbin.config.routers import load_router
from tenbin.config.routing import RoutingConfig
from tenbin.config.shape import suggestion
from tenbin.core.features import CATEGORIES, TASK_TYPES
from tenbin.core.signal import SIGNAL_KINDS

Mistake = tuple[KeyPath, str, str]
"""Where, what is wrong, how to mend it."""

_ROUTER = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*|[\w.-]+")


def routing_mistakes(config: Config) -> Iterator[Mistake]:
    """All mistakes of the block that do not concern targets."""
    routing = config.routing
    known = {*CATEGORIES, *TASK_TYPES}
    for word in routing.floors:
        if word not in known:
            message = f"{word} is neither a category nor a task type"
            yield ("routing", "floors", word), message, suggestion(word, known)
    yield from _aliases(routing)
    for number, rule in enumerate(routing.rules):
        yield from _rule(("routing", "rules", number), rule.use, rule.among, rule.without)
        for place, key in enumerate(rule.when.keys):
            if key not in ("local", "master") and key not in config.keys:
                where: KeyPath = ("routing", "rules", number, "when", "keys", place)
                yield where, f"no key is named {key}", suggestion(key, {"local", "master", *config.keys})
    for kind in routing.learning.weights:
        if kind not in SIGNAL_KINDS:
            yield (
                ("routing", "learning", "weights", kind),
                f"{kind} is no kind of signal",
                suggestion(kind, SIGNAL_KINDS),
            )
    ladder = routing.step_up.ladder
    for place, rung in enumerate(ladder):
        if rung in ladder[:place]:
            yield ("routing", "step_up", "ladder", place), f"{rung} is on the ladder twice", "Name each rung once."
    if len(ladder) == 1:
        yield ("routing", "step_up", "ladder"), "one rung leads nowhere", "Name two or more, the weakest first."
    if routing.judge.least > routing.judge.most:
        yield ("routing", "judge", "most"), "it is less than `least`", "Write the lower chance under `least`."
    if routing.router is not None and not _ROUTER.fullmatch(routing.router):
        message = f"{routing.router!r} names no router"
        yield ("routing", "router"), message, "Write package.module:function, or an installed router's name."
    elif routing.router is not None:
        try:
            load_router(routing.router)
        except ValueError as error:
            yield ("routing", "router"), str(error), "docs/write-a-router.md shows one."


def _rule(path: KeyPath, use: list[str], among: list[str], without: list[str]) -> Iterator[Mistake]:
    if use and (among or without):
        message = "`use` names the targets, so nothing is left to choose among"
        yield (*path, "use"), message, "Remove `among` and `without`, or `use`."


def _aliases(routing: RoutingConfig) -> Iterator[Mistake]:
    for name in routing.aliases:
        seen, at = {name}, routing.aliases[name]
        while at in routing.aliases and at not in seen:
            seen.add(at)
            at = routing.aliases[at]
        if at in seen:
            path: KeyPath = ("routing", "aliases", name)
            yield path, f"{name} leads back to itself", "Let the last name be a model's or provider/model."
