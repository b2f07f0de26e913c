"""How log lines are written: an error's place in the code always, its words only where they cannot be a client's."""

import logging
import traceback
from types import TracebackType

WORDS_OF_CODE = (
    AssertionError,
    AttributeError,
    ImportError,
    MemoryError,
    NameError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ZeroDivisionError,
)
"""What these say is of names, types and files. A KeyError or ValueError may repeat what it was given, which may be a
prompt."""

MOST_CHAINED = 10


class LogLines(logging.Formatter):
    """Writes tracebacks without what an error was given."""

    def formatException(  # noqa: N802 - the base's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        """The errors of a chain, the first cause first."""
        chain: list[BaseException] = []
        error = ei[1]
        while error is not None and error not in chain and len(chain) < MOST_CHAINED:
            chain.append(error)
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\n".join(map(_told, reversed(chain)))


def _told(error: BaseException) -> str:
    name = type(error).__qualname__
    if isinstance(error, BaseExceptionGroup):
        within = "\n".join(_told(one) for one in error.exceptions[:MOST_CHAINED])
        name += f" of {len(error.exceptions)}:\n{within}"
    elif isinstance(error, WORDS_OF_CODE):
        name += f": {error}"
    places = "".join(traceback.format_tb(error.__traceback__))
    return f"Traceback (most recent call last):\n{places}{name}"
