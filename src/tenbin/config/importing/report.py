"""What an import comes to: the text of tenbin.yaml, and a note for everything that is not in it as it was."""

from typing import Literal, TypeAlias

import msgspec

Kind: TypeAlias = Literal["lost", "changed", "secret", "needless"]
"""``lost``: not carried over. ``changed``: carried over, and works differently here. ``secret``: a key that stood in
plain text. ``needless``: Tenbin does it by itself, or has nothing that it could switch."""

KINDS: tuple[Kind, ...] = ("lost", "changed", "secret", "needless")


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the user should know."""

    kind: Kind
    keys: tuple[str, ...]
    """Where it stands in the imported file: ``Router.think``, ``model_list[0].litellm_params.rpm``."""
    message: str
    """What is so, and why."""
    fix: str = ""
    """What to do instead."""

    def __str__(self) -> str:
        """``Router.think: what is so. What to do.``"""
        more = f" (and {len(self.keys) - 1} more like it)" if len(self.keys) > 1 else ""
        return f"{self.keys[0]}{more}: {self.message}." + (f" {self.fix}" if self.fix else "")


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration in Tenbin's words."""

    text: str
    """Of tenbin.yaml. It loads without a mistake once ``variables`` are set."""
    notes: tuple[Note, ...]
    variables: tuple[str, ...]
    """Environment variables that it names."""
    holds_secrets: bool
    """A key stands in it in plain text."""
    counts: dict[str, int]
    """How many ``providers`` and ``models`` it has."""
