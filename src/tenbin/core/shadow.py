"""7. A cheap answer that was given a second time by the strongest model, and which of the two a judge preferred.

Stands on the receipt of the shadow evaluation, a request of Tenbin's own; no words of either answer are kept.
"""

from typing import Literal, TypeAlias

import msgspec

OPERATION = "shadow"
"""Operation and route of the receipts of shadow evaluations."""

Preferred: TypeAlias = Literal["cheap", "strong", "tie", ""]
"""Whose answer is better; empty when nothing was judged."""


class Shadow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One cheap answer against the strongest model's."""

    of_request: str
    """Id of the request that was answered live."""
    cheap: str
    """Who answered it, ``provider/model``."""
    strong: str
    """Who answered it again."""
    judge: str
    """Who compared them."""
    preferred: Preferred = ""
    """What both judgements, places exchanged, agree on; where they do not, a tie."""
    fault: str = ""
    """Why nothing was judged, in words."""
    task: str = ""
    domain: str = ""
    band: str = ""
    """The request's kind, as evidence is counted by (decide.evidence)."""
    prior: float | None = None
    """Chance that the ability table gave the cheap answer of being good enough; None where nothing was weighed."""
    unit: str = ""
    """Digest of the conversation: answers of one are not independent."""

    @property
    def kept(self) -> bool | None:
        """Whether the cheap answer is at least as good; None when nothing was judged."""
        return None if not self.preferred else self.preferred != "strong"
