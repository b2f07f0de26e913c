"""Every place of a configuration that names targets, with its path in the file."""

from collections.abc import Iterator

from tenbin.config.model import Config
from tenbin.config.problem import KeyPath


def chains(config: Config) -> Iterator[tuple[KeyPath, list[str]]]:
    """(path, targets) of each list, in the order of the file's documentation."""
    for name, chain in config.models.items():
        yield ("models", name), chain
    yield ("default",), config.default
    yield ("fallback",), config.fallback
    routing = config.routing
    for part in ("tiers", "categories"):
        section = getattr(routing, part)
        for name in section.__struct_fields__:
            yield ("routing", part, name), getattr(section, name)
    for number, rule in enumerate(routing.rules):
        yield ("routing", "rules", number, "use"), rule.use
    if routing.judge.target is not None:
        yield ("routing", "judge", "target"), [routing.judge.target]
