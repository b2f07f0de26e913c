"""4. What a router of one's own is: a function that sees what is known of a request and orders the candidates."""

from collections.abc import Sequence
from typing import Protocol

from tenbin.core.features import Features
from tenbin.core.weighing import Candidate


class Router(Protocol):
    """Given the features of a request and its candidates, priced and with their quality expected: the names of the
    targets (``provider/model``) to try, the first one first; None for no opinion.

    It does no I/O, reads no clock and draws no chance: the same request gives the same answer, so that a decision can
    be replayed. It is called for every weighed request, between receiving and sending it.
    """

    def __call__(self, features: Features, candidates: Sequence[Candidate], /) -> Sequence[str] | None:
        """Order the candidates, or have no opinion."""
