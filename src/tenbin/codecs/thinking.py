"""Stage 2, marking opaque thinking (a signature, encrypted reasoning) that crosses to another dialect.

A provider refuses opaque thinking that it did not make. The mark names the model that wrote it, so that a later
request, which may go anywhere, gives it back to that model and to no other. An answer is marked as it crosses; a
request's reader leaves the mark on, and the target's writer takes it off. Opaque thinking without a mark comes from
the client's own dialect: a Responses item is told by its ``id`` (empty where the client left it out).

Why so: docs/decisions/0003-thinking-across-models.md
"""

import re

_PREFIX = "tenbin:"
_DATE = re.compile(r"[-@](\d{3,8}|\d{4}-\d\d-\d\d|latest)")
"""What may follow a model's name; one or two digits are another version of it."""

MARK = b'"tenbin:'
"""How marked thinking looks in the bytes of a request: a JSON string that begins with the mark."""


def mark(model: str, opaque: str) -> str:
    """The opaque text (empty where the model gave none) with the model that wrote it. Never marks twice."""
    return opaque if opaque.startswith(_PREFIX) else f"{_PREFIX}{model.replace(':', '%3A')}:{opaque}"


def is_marked(opaque: str) -> bool:
    """Whether a signature or other opaque text bears a mark."""
    return opaque.startswith(_PREFIX)


def unmark(marked: str | None) -> tuple[str | None, str | None]:
    """(model, opaque text) of a marked text; (None, the text itself) of any other one."""
    if marked is None or not marked.startswith(_PREFIX):
        return None, marked
    model, _, opaque = marked[len(_PREFIX) :].partition(":")
    return model.replace("%3A", ":"), opaque or None


def same_model(writer: str | None, target: str) -> bool:
    """Whether the model that wrote is the one that is asked: providers answer with a dated or prefixed name."""
    if not writer:
        return False
    writer, target = writer.rpartition("/")[2], target.rpartition("/")[2]
    shorter, longer = sorted((writer, target), key=len)
    return longer.startswith(shorter) and (shorter == longer or _DATE.fullmatch(longer, len(shorter)) is not None)
