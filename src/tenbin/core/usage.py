"""What an answer used, in disjoint buckets: every token is counted in exactly one of them.

Dialects report usage gross (OpenAI: the prompt count holds the cached ones) or net (Anthropic); each codec
converts, and proves in its tests that the buckets sum to the provider's own total.
"""

import msgspec


class Usage(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Token counts of one answer. ``reasoning`` is a part of ``output``; all other token fields are disjoint."""

    input: int = 0
    """Prompt tokens neither read from nor written to a provider's prompt cache."""
    cache_read: int = 0
    """Prompt tokens read from a provider's prompt cache."""
    cache_write_5m: int = 0
    """Prompt tokens written to the cache with the provider's short life (Anthropic 5 min, OpenAI 30 min)."""
    cache_write_1h: int = 0
    """Prompt tokens written to the cache with the provider's long life (Anthropic 1 h, OpenAI 12 h)."""
    output: int = 0
    """Tokens produced, reasoning included."""
    reasoning: int = 0
    """Of ``output``: tokens spent on thinking."""
    audio_input: int = 0
    """Of ``input``: audio tokens, where the provider tells them apart."""
    audio_output: int = 0
    """Of ``output``: audio tokens, where the provider tells them apart."""
    web_searches: int = 0
    """Server-side web searches, billed each."""
    input_estimated: bool = False
    """The prompt side was counted by Tenbin, not stated by the provider."""
    output_estimated: bool = False
    """The output side was counted by Tenbin, not stated by the provider."""

    @property
    def prompt(self) -> int:
        """All prompt tokens, cached or not: the number that price steps and context limits look at."""
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h

    @property
    def estimated(self) -> bool:
        """True when any side is Tenbin's own count."""
        return self.input_estimated or self.output_estimated


NOTHING = Usage()
"""No usage at all: a request that never reached a model."""
