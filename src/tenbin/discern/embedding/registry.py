"""2. The embedders by their names: those built in, and those that packages offer by entry point."""

from collections.abc import Callable
from importlib import import_module
from typing import cast

from tenbin.discern.embedding.embedder import Embedder

ENTRY_POINTS = "tenbin.embedders"
"""The entry-point group: the embedder's name, and ``module:function`` of what loads it (``Callable[[], Embedder]``)."""

BUILT_IN = {
    "minilm": "tenbin.discern.embedding.minilm:load",
    "multilingual-e5": "tenbin.discern.embedding.multilingual_e5:load",
}
"""By name, ``module:function``, as an entry point has it. The first that covers a text's language is asked."""


class UnknownEmbedder(LookupError):
    """No embedder of this name is built in or installed."""


def load(name: str) -> Embedder:
    """Load the embedder of this name: some tenths of a second. Raises UnknownEmbedder, naming those that there are, and
    EmbedderMissing where its weights are not installed.
    """
    built_in = BUILT_IN.get(name)
    if built_in is not None:
        module, _, attribute = built_in.partition(":")
        return cast(Callable[[], Embedder], getattr(import_module(module), attribute))()
    from importlib.metadata import entry_points

    offered = {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}
    if name not in offered:
        raise UnknownEmbedder(f"There is no embedder {name!r}; there are {', '.join(sorted({*BUILT_IN, *offered}))}.")
    return cast(Callable[[], Embedder], offered[name].load())()


def names() -> tuple[str, ...]:
    """The names of all embedders: those built in first, then those installed. A built-in name cannot be taken."""
    from importlib.metadata import entry_points

    return (*BUILT_IN, *sorted({entry.name for entry in entry_points(group=ENTRY_POINTS)} - BUILT_IN.keys()))
