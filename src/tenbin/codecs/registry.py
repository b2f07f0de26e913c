"""Stage 2, a dialect by its name. Each is imported when it is first asked for, since start-up time counts.

Further dialects come from packages that name an object in the entry-point group ``tenbin.dialects``.
"""

from functools import cache
from importlib import import_module
from typing import cast

from tenbin.codecs.dialect import Dialect

ENTRY_POINTS = "tenbin.dialects"
"""The entry-point group: the dialect's name, and ``module:object`` of a Dialect."""

BUILT_IN = {
    "anthropic": "tenbin.codecs.anthropic_messages:ANTHROPIC",
    "openai_chat": "tenbin.codecs.openai_chat:OPENAI_CHAT",
    "openai_responses": "tenbin.codecs.openai_responses:OPENAI_RESPONSES",
    "ollama_chat": "tenbin.codecs.ollama_chat:OLLAMA_CHAT",
}
"""By name, ``module:object``, as an entry point has it."""


class UnknownDialect(LookupError):
    """No dialect of this name is built in or installed."""


@cache
def dialect(name: str) -> Dialect:
    """The dialect of this name. Raises UnknownDialect, naming those that there are."""
    built_in = BUILT_IN.get(name)
    if built_in is not None:
        module, _, attribute = built_in.partition(":")
        return cast(Dialect, getattr(import_module(module), attribute))
    # Looking through what is installed takes milliseconds: only names that are not built in pay for it.
    from importlib.metadata import entry_points

    installed = entry_points(group=ENTRY_POINTS)
    for entry_point in installed:
        if entry_point.name == name:
            return cast(Dialect, entry_point.load())
    known = sorted({*BUILT_IN, *(entry_point.name for entry_point in installed)})
    raise UnknownDialect(f"There is no dialect {name!r}; there are {', '.join(known)}.")
