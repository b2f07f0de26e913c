"""4. A router of one's own has its say: its order goes before the one that was selected; its faults do no harm."""

from collections.abc import Sequence
from typing import Any

from tenbin.core.features import Features
from tenbin.core.router import Router
from tenbin.core.weighing import Candidate, Opinion
from tenbin.decide.selection import Selection

LONGEST_FAULT = 200
"""Characters kept of what a router said when it failed."""


def consult(router: Router, name: str, features: Features, candidates: Sequence[Candidate]) -> Opinion:
    """Ask a router. Whatever it raises or returns, an Opinion comes of it."""
    try:
        answer: Any = router(features, candidates)
        if answer is None:
            return Opinion(router=name)
        if isinstance(answer, str | bytes) or not isinstance(answer, Sequence):
            return Opinion(router=name, fault=f"it gave a {type(answer).__name__}, not a list of targets")
        strange = next((one for one in answer if not isinstance(one, str)), None)
        if strange is not None:
            return Opinion(router=name, fault=f"it gave a {type(strange).__name__} for the name of a target")
        return Opinion(router=name, order=tuple(dict.fromkeys(answer)))
    except Exception as error:  # noqa: BLE001 - somebody else's code: whatever it raises, the request goes on
        return Opinion(router=name, fault=f"{type(error).__name__}: {error}"[:LONGEST_FAULT])


def follow(opinion: Opinion, selection: Selection) -> Selection:
    """The selection in the router's order; the targets that it does not name follow in the order selected.

    Where it has no opinion, has failed, or names what is no eligible candidate, the selection stands; its reason says
    so.
    """
    fault = opinion.fault
    stranger = next((target for target in opinion.order if target not in selection.order), None)
    if stranger is not None:
        fault = f"{stranger!r}"[:LONGEST_FAULT] + " is no eligible candidate"
    if fault:
        return selection._replace(reason=f"{selection.reason}; router {opinion.router} was passed over: {fault}")
    if not opinion.order:
        return selection._replace(reason=f"{selection.reason}; router {opinion.router} had no opinion")
    rest = tuple(target for target in selection.order if target not in opinion.order)
    return selection._replace(order=(*opinion.order, *rest), reason=f"router {opinion.router}")
