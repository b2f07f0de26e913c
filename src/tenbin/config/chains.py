"""Every place of a configuration that names targets, with its path in the file."""

from collections.abc import Iterator

from tenbin.config.cascade import CascadeConfig
from tenbin.config.model import Config
from tenbin.config.problem import KeyPath


def chains(config: Config) -> Iterator[tuple[KeyPath, list[str]]]:
    """(path, targets) of each list, in the order of the file's documentation."""
    for name, chain in config.models.items():
        yield ("models", name), chain
    for name, cascade in config.cascades.items():
        yield from _rungs(("cascades", name), cascade)
    yield ("default",), config.default
    yield ("fallback",), config.fallback
    routing = config.routing
    if routing.climb is not None:
        yield from _rungs(("routing", "climb"), routing.climb)
    for part in ("tiers", "categories"):
        section = getattr(routing, part)
        for name in section.__struct_fields__:
            yield ("routing", part, name), getattr(section, name)
    for number, rule in enumerate(routing.rules):
        yield ("routing", "rules", number, "use"), rule.use
    yield ("routing", "step_up", "ladder"), routing.step_up.ladder
    if routing.judge.target is not None:
        yield ("routing", "judge", "target"), [routing.judge.target]
    for name in ("judge", "strongest"):
        target = getattr(config.shadow, name)
        if target is not None:
            yield ("shadow", name), [target]


def _rungs(path: KeyPath, cascade: CascadeConfig) -> Iterator[tuple[KeyPath, list[str]]]:
    for number, rung in enumerate(cascade.ladder):
        yield (*path, "ladder", number, "target"), [rung.target]
        if rung.judge is not None:
            yield (*path, "ladder", number, "judge", "target"), [rung.judge.target]
