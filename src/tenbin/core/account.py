"""Whose key it is and what it may do: what the store of keys holds, as every stage may read it."""

import msgspec

from tenbin.core.budget import Allotment


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
    """Tiers of models (``nano``, ``mini`` ...) that may answer it; empty: all."""
    budgets: tuple[Allotment, ...] = ()
    """What the key, its user and its team may spend, as far as the store of keys says so."""

    @property
    def restricted(self) -> bool:
        """Whether some models are not for it."""
        return bool(self.models or self.targets)
