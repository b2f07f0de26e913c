"""4. A router of one's own has its say: its order goes before the one that was selected; its faults do no harm."""

from collections.abc import Sequence

from tenbin.core.features import Features
from tenbin.core.router import Router
from tenbin.decide.selection import Selection

LONGEST_FAULT = 200
"""Characters kept of what a router said when it failed."""


def consult(router: Router, name: str, features: Features, selection: Selection) -> Selection:
    """The selection in the router's order; the targets that it does not name follow in the order selected.

    Where it has no opinion, raises, or names what is no eligible candidate, the selection stands; its reason says so.
    """
    try:
        answer = router(features, selection.candidates)
        fault = _fault(answer, selection)
    except Exception as error:  # noqa: BLE001 - somebody else's code: whatever it raises, the request goes on
        answer, fault = None, f"{type(error).__name__}: {error}"[:LONGEST_FAULT]
    if fault:
        return selection._replace(reason=f"{selection.reason}; router {name} was passed over: {fault}")
    if not answer:
        return selection._replace(reason=f"{selection.reason}; router {name} had no opinion")
    named = tuple(dict.fromkeys(answer))
    rest = tuple(target for target in selection.order if target not in named)
    return selection._replace(order=(*named, *rest), reason=f"router {name}")


def _fault(answer: Sequence[str] | None, selection: Selection) -> str:
    """What is wrong with a router's answer, in words; empty when nothing is."""
    if answer is None:
        return ""
    if isinstance(answer, str | bytes) or not isinstance(answer, Sequence):
        return f"it gave a {type(answer).__name__}, not a list of targets"
    for target in answer:
        if target not in selection.order:
            return f"{target!r}"[:LONGEST_FAULT] + " is no eligible candidate"
    return ""
