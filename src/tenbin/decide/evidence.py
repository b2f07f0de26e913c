"""4. What was learned of models in one's own traffic: successes and trials by kind of request, fading with time.

A fold of judged answers (gates, tool results, feedback), the same live and from the ledger; bounded in size.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple, TypeAlias

import msgspec

from tenbin.core.features import TIERS, Features, Tier
from tenbin.core.receipt import Receipt
from tenbin.core.signal import Decided, Signal

HALF_LIFE_MS = 30 * 86_400_000
"""Evidence counts half after thirty days: providers change models under one name."""
MOST_CELLS = 4_096
"""Kinds of request kept, over all targets; beyond it those go of which least is left."""
SUFFICIENT = 0.8
"""A tier's chance from which a request counts as no harder than that tier."""


class Cell(NamedTuple):
    """What evidence is counted by. Empty words stand for all: ``(target, "", "", "")`` is all that a target did."""

    target: str
    task: str = ""
    domain: str = ""
    band: str = ""


class Tally(msgspec.Struct, frozen=True, gc=False):
    """Evidence of one cell as it was at one moment."""

    successes: float
    trials: float
    expected: float
    """Sum of the chances that the priors gave to these trials: what would have been successes if they were right."""
    at_ms: int
    """UTC ms of the latest one; older ones have faded until then."""

    def faded(self, now_ms: int) -> "Tally":
        """The same as it counts at a later moment."""
        if now_ms <= self.at_ms:
            return self
        left: float = 0.5 ** ((now_ms - self.at_ms) / HALF_LIFE_MS)
        return Tally(self.successes * left, self.trials * left, self.expected * left, now_ms)


EvidenceTable: TypeAlias = Mapping[Cell, Tally]
"""Never changed in place: ``fold`` gives a new one."""

NO_EVIDENCE: EvidenceTable = {}

EvidenceByKey: TypeAlias = Mapping[str, EvidenceTable]
"""By the id of the key whose requests taught it, the one that was taught longest ago first; never changed in place."""

MOST_CELLS_OF_ALL = 65_536
"""Cells kept over all keys; beyond it those keys are forgotten that were taught longest ago."""
EVERYBODY = "*"
"""Stands for all keys where evidence is pooled."""


def band(features: Features) -> Tier:
    """A request's difficulty: the weakest tier that most likely suffices."""
    for tier, chance in zip(TIERS, features.suffices, strict=True):
        if chance >= SUFFICIENT:
            return tier
    return TIERS[-1]


def cell(target: str, features: Features) -> Cell:
    """The cell that a request to a target falls into."""
    return Cell(target, features.task, features.domain, band(features))


def wider(narrow: Cell) -> tuple[Cell, Cell]:
    """The cells that a cell is part of: all that its target did, and all of its task."""
    return Cell(narrow.target), Cell(narrow.target, narrow.task)


def fold(
    table: EvidenceTable, narrow: Cell, success: float, prior: float, now_ms: int, weight: float = 1.0
) -> dict[Cell, Tally]:
    """The evidence after one more judged answer.

    ``success`` is 0..1 (1: good enough), ``prior`` the chance that the ability table gave it (``Quality.prior``),
    ``weight`` how many trials it counts as; a negative one takes an earlier one back. Raises ValueError for a success
    or prior outside 0..1.
    """
    after = dict(table)
    _count(after, narrow, success, prior, now_ms, weight)
    return after if len(after) <= MOST_CELLS else _trimmed(after)


def fold_receipt(known: EvidenceByKey, receipt: Receipt, *, pooled: bool = False) -> EvidenceByKey:
    """What is known after one more settled receipt: its signals count for the key that they are about."""
    if not receipt.signals:
        return known
    for signal in receipt.signals:
        at_ms = signal.at_ms or receipt.arrived_at_ms
        known = fold_signals(known, signal.key_id or receipt.key_id, [(at_ms, signal)], pooled=pooled)
    return known


def fold_signals(
    known: EvidenceByKey, key_id: str, told: Iterable[tuple[int, Signal]], *, pooled: bool = False
) -> EvidenceByKey:
    """What is known after signals (UTC ms, signal) about one key's requests, in their order."""
    key_id = EVERYBODY if pooled else key_id
    table: dict[Cell, Tally] | None = None
    for at_ms, signal in told:
        prior = signal.about.prior
        if prior is None or not signal.weight:
            continue
        table = dict(known.get(key_id, NO_EVIDENCE)) if table is None else table
        _count(table, cell_of(signal.about), signal.success, prior, at_ms, signal.weight)
        if len(table) > MOST_CELLS:
            table = _trimmed(table)
    if table is None:
        return known
    after = {key: of_key for key, of_key in known.items() if key != key_id}
    after[key_id] = table
    excess = sum(map(len, after.values())) - MOST_CELLS_OF_ALL
    for key in tuple(after)[:-1]:
        if excess <= 0:
            break
        excess -= len(after.pop(key))
    return after


def fold_all(known: EvidenceByKey, told: Iterable[tuple[str, int, Signal]], *, pooled: bool = False) -> EvidenceByKey:
    """What is known after signals of several keys (key id, UTC ms, signal), in their order: each by itself would give
    the same, at the price of a copy of the table.
    """
    for key_id, run in groupby(told, key=itemgetter(0)):
        known = fold_signals(known, key_id, [(at_ms, signal) for _, at_ms, signal in run], pooled=pooled)
    return known


def cell_of(about: Decided) -> Cell:
    """The cell that a decision fell into."""
    return Cell(about.target, about.task, about.domain, about.band)


def _count(table: dict[Cell, Tally], narrow: Cell, success: float, prior: float, now_ms: int, weight: float) -> None:
    if not (0 <= success <= 1 and 0 <= prior <= 1):
        raise ValueError(f"success {success} and prior {prior} are chances: 0 to 1")
    told = Tally(success * weight, weight, prior * weight, now_ms)
    for one in (*wider(narrow), narrow):
        before = table.get(one)
        if before is None:
            table[one] = told
            continue
        # An answer judged late counts as much as it would have come to by now.
        late, old = told.faded(before.at_ms), before.faded(now_ms)
        table[one] = Tally(
            old.successes + late.successes, old.trials + late.trials, old.expected + late.expected, old.at_ms
        )


def _trimmed(table: dict[Cell, Tally]) -> dict[Cell, Tally]:
    """An eighth less, so that trimming is rare: those go of which least is left."""
    latest = max(tally.at_ms for tally in table.values())
    kept = sorted(table, key=lambda one: (-table[one].faded(latest).trials, one))[: MOST_CELLS * 7 // 8]
    return {one: table[one] for one in kept}
