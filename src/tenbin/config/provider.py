"""A provider with nothing left to guess: what its row of configuration says, completed by its profile."""

import re
from typing import Any

import msgspec

from tenbin.config.model import DirectConfig, ModelFacts, ProviderConfig
from tenbin.config.quirks import MODEL_QUIRKS, PROFILES, Profile, resolve
from tenbin.core.target import DialectName, Quirks, Target

EMBEDDED = "local"
"""Name of the provider that is the embedded model."""


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """How a provider is reached and spoken to."""

    name: str
    profile: str | None
    base_url: str
    """Without a slash at its end."""
    dialects: tuple[DialectName, ...]
    api_key: str | None
    headers: dict[str, str]
    quirks: dict[str, Any]
    """Overrides of single quirks."""
    models: dict[str, ModelFacts]
    free: bool
    direct: DirectConfig | None
    subscription: bool = False
    region: str = ""
    """Where it runs, in small letters; empty where nobody says."""

    def region_of(self, model: str) -> str:
        """Where one of its models runs; empty where nobody says."""
        facts = self.models.get(model)
        return (facts.region.lower() if facts is not None and facts.region else "") or self.region

    def target(self, model: str) -> Target:
        """One of its models as a Target, with what is known of it. An empty name stands for any model."""
        facts = self.models.get(model, ModelFacts())
        return Target(
            provider=self.name,
            model=model,
            dialects=self.dialects,
            quirks=resolve(self.profile, {**self.quirks, **facts.quirks}, model),
            context=facts.context,
            max_output=facts.max_output,
        )

    def variants(self) -> tuple[tuple[str, Quirks], ...]:
        """(beginning of a model's name, the quirks of such models), the longest first."""
        prefixes = sorted(MODEL_QUIRKS.get(self.profile or "", ()), key=len, reverse=True)
        return tuple((prefix, resolve(self.profile, self.quirks, prefix)) for prefix in prefixes)


def profile_of(name: str, config: ProviderConfig) -> tuple[str | None, Profile | None]:
    """A provider's profile and its name: the one it says, else that of its own name, else none."""
    known = config.profile or (name if name in PROFILES else None)
    return known, PROFILES.get(known) if known else None


def complete(name: str, config: ProviderConfig) -> Provider:
    """Fill a provider's gaps from its profile. The configuration must have been checked (``config.check``)."""
    profile_name, profile = profile_of(name, config)
    dialects: tuple[DialectName, ...] = tuple(config.dialects)
    if not dialects and config.dialect is not None:
        dialects = (config.dialect,)
    if not dialects:
        assert profile is not None, f"{name} has no dialect"
        dialects = profile.dialects
    base_url = config.base_url or (profile.base_url if profile else None)
    assert base_url is not None, f"{name} has no base_url"
    return Provider(
        name=name,
        profile=profile_name,
        base_url=base_url.rstrip("/"),
        dialects=dialects,
        api_key=config.api_key or None,
        headers=config.headers,
        quirks=config.quirks,
        models=config.models,
        free=config.free,
        direct=config.direct,
        subscription=config.subscription is not None,
        region=(config.region or "").lower(),
    )


def split_target(target: str) -> tuple[str, str] | None:
    """Provider and model of ``provider/model`` or ``provider,model``; None when it is neither."""
    match = re.fullmatch(r"([^/,\s]+)[/,](.+)", target)
    return (match[1], match[2]) if match else None
