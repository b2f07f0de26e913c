"""What can be configured of providers' prompt caches: where marks are placed, and whether a recorder looks on."""

from typing import Literal

from tenbin.config.section import Price, Section


class PromptCachingConfig(Section, frozen=True):
    """Providers' prompt caches, for clients that set no marks of their own; marks that a client set always stay."""

    place: Literal["off", "translated", "all"] = "translated"
    """Set Anthropic's ``cache_control`` where the forecast says that the write pays. ``translated``: for clients of
    another dialect, who cannot. ``all``: also for clients of Anthropic's own dialect that set none, and a
    ``prompt_cache_key`` for OpenAI clients that send none."""
    record: bool = True
    """Keep digests of the blocks of conversations that name themselves (Claude Code's do), so that ``tenbin cache
    doctor`` can say what broke a prefix. Never words."""
    keep_alive_usd_per_day: Price = 0.0
    """Read a silent conversation's warm prompt shortly before it lapses, as long as that is expected to save more than
    it costs, for at most so many USD a day (UTC). Anthropic's dialect, conversations that name themselves, and only
    with the provider's own key. 0: never."""
