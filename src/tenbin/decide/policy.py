"""4. The policy in force: what of the configuration a decision looks at, resolved and hashed."""

from collections.abc import Mapping

import msgspec

from tenbin.config.hedging import HedgingConfig
from tenbin.config.model import Cooldown, Retries
from tenbin.core.target import Quirks, Target
from tenbin.decide.access import Access
from tenbin.decide.caching.policy import CachePolicy
from tenbin.decide.ladder import Cascades
from tenbin.decide.routing import Routing
from tenbin.decide.substitutes import Substitutes


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Resolved routing: every name a chain of Targets."""

    hash: str
    """Hex digest of the configuration (without secrets) that this came from; stands on every receipt."""
    chains: Mapping[str, tuple[Target, ...]]
    """By the model name that a client asks for."""
    families: tuple[tuple[str, str], ...]
    """(prefix of a model name, provider): an unlisted name goes to the provider of its family."""
    providers: Mapping[str, Target]
    """By provider name: a Target with an empty model, to be completed with the model asked for."""
    facts: Mapping[str, Target]
    """By ``provider/model``: targets with facts of their own."""
    variants: Mapping[str, tuple[tuple[str, Quirks], ...]] = {}
    """By provider: (beginning of a model's name, the quirks of such models), the longest first."""
    default: tuple[Target, ...]
    fallback: tuple[Target, ...]
    aliases: Mapping[str, str] = {}
    """Other names: what a client asks for, and the name or ``provider/model`` that it means."""
    routing: Routing | None = None
    """None when nothing can be weighed: no tier has a target."""
    caching: CachePolicy | None = None
    """None where the response cache is switched off."""
    retries: Retries
    cooldown: Cooldown
    cascades: Cascades | None = None
    """None when no ladder is configured."""
    hedging: HedgingConfig | None = None
    """None: nobody is asked twice."""
    access: Access | None = None
    """Which models are for the caller's key (decide.restriction); None: all."""
    substitutes: Substitutes | None = None
    """What stands in for dearer models while a budget lands (decide.landing); None: nothing does."""
