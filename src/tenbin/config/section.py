"""The types that blocks of tenbin.yaml are made of."""

from typing import Annotated, TypeAlias

import msgspec

TargetName: TypeAlias = Annotated[
    str, msgspec.Meta(pattern=r"^[^/,\s]+[/,].+$", examples=["anthropic/claude-opus-5-5"])
]
"""``provider/model`` (or ``provider,model``)."""

Whole: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
OneOrMore: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
Seconds: TypeAlias = Annotated[float, msgspec.Meta(gt=0)]
Price: TypeAlias = Annotated[float, msgspec.Meta(ge=0)]
"""USD per one million tokens, or per request."""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A block of the file; a key it does not know is an error."""
