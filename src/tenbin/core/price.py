"""3. What one model costs at one moment: rates for each bucket of a Usage, and the one sum that prices an answer.

Settlement prices what was used with it; a decision prices what would be used.
"""

import msgspec

from tenbin.core.money import NanoUSD, PicoUSD, nano_from_pico
from tenbin.core.usage import Usage


class Rates(msgspec.Struct, frozen=True, gc=False):
    """Every bucket's price within one step, pico-USD each; None where nobody states one."""

    input: PicoUSD | None
    cache_read: PicoUSD | None
    cache_write_5m: PicoUSD | None
    cache_write_1h: PicoUSD | None
    output: PicoUSD | None
    reasoning: PicoUSD | None
    audio_input: PicoUSD | None
    audio_output: PicoUSD | None
    web_search: PicoUSD | None
    per_request: PicoUSD


class Price(msgspec.Struct, frozen=True):
    """What one model costs at one moment in one service tier."""

    label: str
    """Which price this is, for the ledger: source, model, tier, since when."""
    steps: tuple[tuple[int, Rates], ...]
    """(above this many prompt tokens, rates) in rising order; the first one is for every prompt."""

    def rates(self, prompt: int) -> Rates:
        """The rates for a prompt of this many tokens."""
        chosen = self.steps[0][1]
        for start, rates in self.steps[1:]:
            if prompt > start:
                chosen = rates
        return chosen

    def cost(self, usage: Usage) -> NanoUSD | None:
        """What this usage costs: summed exactly in pico-USD, rounded once. None when a bucket used has no price."""
        rates = self.steps[0][1] if len(self.steps) == 1 else self.rates(usage.prompt)
        parts = (
            (usage.input - usage.audio_input, rates.input),
            (usage.audio_input, rates.audio_input),
            (usage.cache_read, rates.cache_read),
            (usage.cache_write_5m, rates.cache_write_5m),
            (usage.cache_write_1h, rates.cache_write_1h),
            (usage.output - usage.reasoning - usage.audio_output, rates.output),
            (usage.reasoning, rates.reasoning),
            (usage.audio_output, rates.audio_output),
            (usage.web_searches, rates.web_search),
        )
        pico, used = 0, False
        for count, rate in parts:
            if count:
                if rate is None:
                    return None
                pico += count * rate
                used = True
        return nano_from_pico(pico + rates.per_request) if used else 0


FREE = Price(label="free", steps=((0, Rates(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)),))
"""Nothing is charged: a model on one's own machine."""

SUBSCRIPTION = Price(label="subscription", steps=FREE.steps)
"""Nothing is charged for the answer: the month is paid."""


def share_of(price: Price, share: float) -> Price:
    """A price of which every bucket costs this share of another's, rounded to the pico-USD."""

    def part(rate: PicoUSD | None) -> PicoUSD | None:
        return None if rate is None else round(rate * share)

    def rates(whole: Rates) -> Rates:
        return Rates(
            input=part(whole.input),
            cache_read=part(whole.cache_read),
            cache_write_5m=part(whole.cache_write_5m),
            cache_write_1h=part(whole.cache_write_1h),
            output=part(whole.output),
            reasoning=part(whole.reasoning),
            audio_input=part(whole.audio_input),
            audio_output=part(whole.audio_output),
            web_search=part(whole.web_search),
            per_request=round(whole.per_request * share),
        )

    label = f"{share:g} of {price.label}"
    return Price(label=label, steps=tuple((start, rates(whole)) for start, whole in price.steps))
