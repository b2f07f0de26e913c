"""8. What was learned of models, to be looked at: cells with their counts, what was expected and what it has become."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from tenbin.core.signal import SignalKind
from tenbin.decide.evidence import EVERYBODY, Cell, EvidenceByKey, Tally, fold_all
from tenbin.decide.quality import PRIOR_TRIALS, WIDER_TRIALS
from tenbin.ledger.queries import Told

LEAST_TRIALS = 0.005
"""A cell of which less is left is not shown: it has faded, or was taken back."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One cell of one key."""

    key: str
    """``*``: all keys together."""
    target: str
    task: str
    """Empty, as domain and band: all of them."""
    domain: str
    band: str
    successes: float
    """Decayed until now, as the trials are."""
    trials: float
    prior: float
    """Mean chance that was expected of these trials before any evidence."""
    posterior: float
    """What such a chance has become."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """How often a kind of signal was seen."""

    kind: SignalKind
    requests: int
    trials: float
    """What they counted as, undecayed."""


def learned(told: Iterable[Told], *, pooled: bool = False) -> EvidenceByKey:
    """Evidence from the ledger's signals, oldest first: what a gateway that starts now would know."""
    return fold_all({}, ((one.key_id, one.at_ms, one.signal) for one in told), pooled=pooled)


def lines(known: EvidenceByKey, now_ms: int, key: str | None = None) -> list[Line]:
    """All cells that still say something, of one key or of all, the wider ones before those that they hold."""
    found = []
    for key_id, table in known.items():
        if key is not None and key_id not in (key, EVERYBODY):
            continue
        found += [_line(key_id, cell, tally.faded(now_ms)) for cell, tally in table.items()]
    found = [line for line in found if line.trials >= LEAST_TRIALS]
    return sorted(found, key=lambda one: (one.key, one.target, one.task, one.domain, one.band))


def kinds(told: Sequence[Told], key: str | None = None) -> list[Seen]:
    """What the ledger's signals were, the most frequent first."""
    requests: Counter[SignalKind] = Counter()
    trials: Counter[SignalKind] = Counter()
    for one in told:
        if (key is None or one.key_id == key) and one.signal.weight >= 0:
            requests[one.signal.kind] += 1
            trials[one.signal.kind] += one.signal.weight  # type: ignore[assignment]  # a Counter also adds up floats
    return [Seen(kind=kind, requests=count, trials=round(trials[kind], 3)) for kind, count in requests.most_common()]


def _line(key: str, cell: Cell, tally: Tally) -> Line:
    prior = min(max(tally.expected / tally.trials, 0.0), 1.0) if tally.trials > 0 else 0.0
    # As decide.quality weighs them: the narrowest cell against the prior's own trials, wider ones against more.
    against = PRIOR_TRIALS if cell.band else WIDER_TRIALS
    posterior = (prior * against + tally.successes) / (against + tally.trials)
    return Line(
        key=key,
        target=cell.target,
        task=cell.task,
        domain=cell.domain,
        band=cell.band,
        successes=round(tally.successes, 3),
        trials=round(tally.trials, 3),
        prior=round(prior, 4),
        posterior=round(posterior, 4),
    )
