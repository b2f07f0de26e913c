"""Whose key it is and what it may do: what the store of keys holds, as every stage may read it."""

import re
from typing import Literal, TypeAlias

import msgspec

from tenbin.core.budget import Allotment

OwnerKind: TypeAlias = Literal["team", "user"]

OPERATIONS = ("generate", "count_tokens", "embed")
"""What a key can be bound to."""
CLEARABLE = ("tags", "models", "targets", "routes", "operations", "networks", "tiers", "budgets")
"""Rules of a key that are lists: without any, they bound nothing."""
RESERVED = ("local", "master")
"""Names that receipts bear for something else."""
MOST_NAME = 64
"""Characters of a key's, a team's or a user's name."""
OWNER_NAME = re.compile(r"[\w@+-]([\w@+. -]{0,62}[\w@+.-])?")
"""Of a team or a user, and of a key made over HTTP: it can stand in a path, in a header and in a shell."""


class Account(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A key of the store. Never the key itself, nor anything that it could be found by. Times are UTC milliseconds."""

    key_id: str
    """``key_`` and 16 hex digits; stands on receipts, and stays when the key is rotated."""
    name: str
    team: str = ""
    user: str = ""
    plan: str = ""
    tags: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    """Names that it may ask for, ``*`` standing for any characters; empty: all."""
    targets: tuple[str, ...] = ()
    """``provider/model`` (or a model's name alone) that may answer it, with ``*``; empty: all."""
    routes: tuple[str, ...] = ()
    """Paths that it may use (``/v1/messages``), with ``*``; empty: all that are meant for clients."""
    operations: tuple[str, ...] = ()
    """Of ``generate``, ``count_tokens`` and ``embed``; empty: all."""
    networks: tuple[str, ...] = ()
    """Addresses that it may come from, in CIDR form; empty: all."""
    created_at_ms: int = 0
    expires_at_ms: int | None = None
    revoked_at_ms: int | None = None
    rotated_at_ms: int | None = None
    """When it was last given a new key."""
    tiers: tuple[str, ...] = ()
    """Tiers of models (``low``, ``medium``, ``high``, ``highest``) that may answer it; empty: all. A model in none
    of the configuration's tiers is then not for it."""
    budgets: tuple[Allotment, ...] = ()
    """What the key, its user and its team may spend, as far as the store of keys says so."""
    admin: bool = False
    """It may administer, and nothing else."""
    plan_targets: tuple[str, ...] | None = None
    """What its plan lets answer, beside its own rules; written as ``targets``. None: all. Stands in no store: whoever
    knows the plans fills it in."""

    @property
    def restricted(self) -> bool:
        """Whether some models are not for it."""
        return bool(self.models or self.targets or self.tiers) or self.plan_targets is not None


class Owner(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A team or a user of the store: what its keys have in common. Times are UTC milliseconds."""

    kind: OwnerKind
    name: str
    plan: str = ""
    """For keys that have none of their own; a user's goes before a team's."""
    tags: tuple[str, ...] = ()
    budgets: tuple[Allotment, ...] = ()
    """What all its keys together may spend."""
    created_at_ms: int = 0
    disabled_at_ms: int | None = None
    """Since when none of its keys is taken."""
