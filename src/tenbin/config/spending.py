"""Budgets as they are configured: what may be spent, by whom, in which stretch of time."""

from typing import Annotated, Literal

import msgspec

from tenbin.config.breaker import BreakerConfig
from tenbin.config.landing import LandingConfig
from tenbin.config.section import Section
from tenbin.core.budget import WindowKind


class BudgetConfig(Section, frozen=True):
    """One limit of money."""

    scope: Annotated[
        str, msgspec.Meta(pattern=r"^(global|(team|user|key|route|model):.+)$", examples=["global", "team:*"])
    ]
    """Whose: ``global``, or ``team:``, ``user:``, ``key:``, ``route:`` or ``model:`` with a name behind it; with ``*``
    each of them has one of its own."""
    window: WindowKind
    """How often it begins anew; ``total``: never."""
    usd: Annotated[float, msgspec.Meta(ge=0)]
    """The most that may be spent in a window, USD."""
    hard: bool = True
    """It is never passed: a call that might pass it is not made. ``false``: it is counted, warned of and acted upon."""
    timezone: str | None = None
    """In which its windows begin (IANA, as ``Asia/Tokyo``). Default: ``spending.timezone``."""


class SpendingConfig(Section, frozen=True):
    """What may be spent."""

    budgets: list[BudgetConfig] = []
    """The limits. A call must have room in each that counts it."""
    timezone: str = "UTC"
    """Time zone of budgets that name none."""
    store: str = "memory"
    """Where it is counted: ``memory`` (this process, taken up from its ledger at a start), ``sqlite`` (a file beside
    the ledger; ``sqlite:////FILE``: one that the gateways of this machine share), or a URL that gateways on many
    machines share (``redis://``, ``postgresql://``): docs/budget-stores.md."""
    when_unreachable: Literal["refuse", "serve"] = "refuse"
    """What happens to calls that a hard budget counts while a shared store cannot be reached."""
    breaker: BreakerConfig = BreakerConfig()
    """Stops all calls for a while when spending has run away."""
    landing: bool | LandingConfig = False
    """What is done as a budget empties: cheaper models and shorter answers first, no new turns last. ``true``: the
    standard stages of docs/landing.md."""
