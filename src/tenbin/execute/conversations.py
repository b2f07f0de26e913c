"""6. What is remembered between requests so that the next can be weighed: conversations, and how long answers are.

Folds of settled receipts (decide.affinity, decide.expectation), begun again from the ledger at a start; bounded.
"""

from collections.abc import Iterable

from tenbin.core.features import Complexity
from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.session import Session
from tenbin.core.signal import Signal
from tenbin.core.sketch import Sketch
from tenbin.decide import affinity, evidence, expectation, signals, step_up, strong_share
from tenbin.decide.affinity import FindRules
from tenbin.decide.evidence import EVERYBODY, NO_EVIDENCE, EvidenceByKey, EvidenceTable
from tenbin.decide.expectation import UNTAUGHT, Outputs
from tenbin.decide.strong_share import NOTHING_SEEN, StrongShare

MOST_CONVERSATIONS = 20_000
"""Conversations remembered; the one that has been silent longest goes first."""
SHORTEST_MEASURED = 20
"""Tokens of an answer from which its speed is worth noting: below it the time to the first one is all."""
MOST_MEASURED = 1_000
"""Targets whose speed is remembered."""


class Conversations:
    """The memory of one process. Used from the event loop only."""

    def __init__(self) -> None:
        self.outputs: Outputs = UNTAUGHT
        self.share: StrongShare = NOTHING_SEEN
        self.speeds: dict[str, float] = {}
        """By target, tokens of output per second: a mean in which the latest answer counts a tenth."""
        self.evidence: EvidenceByKey = {}
        """What was learned of models, by key; empty unless ``routing.learning`` counts it."""
        self.pooled = False
        """All keys' evidence counts for each."""
        self._sessions: dict[str, Session] = {}
        self._read: dict[str, tuple[int, Complexity]] = {}

    def session(self, key: str) -> Session | None:
        """What is known of a conversation; None when nothing is."""
        return self._sessions.get(key) if key else None

    def fold(self, receipt: Receipt, find: FindRules, share: float = 0.0) -> None:
        """Learn from one settled receipt; one that was not weighed teaches nothing. ``share``: the one in force."""
        weighing = receipt.weighing
        if weighing is None:
            return
        self.outputs = expectation.fold_receipt(self.outputs, receipt)
        self.fold_speed(receipt.attempts)
        if weighing.strong is not None:
            self.share = strong_share.fold(self.share, share, strong_share.score(weighing.features))
        key = weighing.session_key
        if key:
            sessions = self._sessions
            session = affinity.fold(sessions.pop(key, None), receipt, find)
            sessions[key] = step_up.remember(signals.remember(session, receipt), receipt)
            if len(sessions) > MOST_CONVERSATIONS:
                del sessions[next(iter(sessions))]

    def evidence_of(self, key_id: str) -> EvidenceTable:
        """The evidence that counts for a key's requests."""
        return self.evidence.get(EVERYBODY if self.pooled else key_id, NO_EVIDENCE)

    def learn(self, receipt: Receipt) -> None:
        """Count the signals of one settled receipt."""
        if receipt.signals:
            self.evidence = evidence.fold_receipt(self.evidence, receipt, pooled=self.pooled)

    def learn_all(self, told: Iterable[tuple[str, int, Signal]]) -> None:
        """Count signals of the ledger (key id, UTC ms, signal), oldest first."""
        self.evidence = evidence.fold_all(self.evidence, told, pooled=self.pooled)

    def fold_speed(self, attempts: Iterable[Attempt]) -> None:
        """Learn how fast targets write, from requests that were not weighed as well."""
        for attempt in attempts:
            if (
                not attempt.number
                or attempt.outcome != "answered"
                or attempt.usage.output < SHORTEST_MEASURED
                or attempt.total_ms <= 0
            ):
                continue
            name, speeds = f"{attempt.provider}/{attempt.model}", self.speeds
            speed = 1_000 * attempt.usage.output / attempt.total_ms
            speeds[name] = speed if name not in speeds else 0.9 * speeds[name] + 0.1 * speed
            if len(speeds) > MOST_MEASURED:
                del speeds[next(iter(speeds))]

    def fold_all(self, receipts: Iterable[Receipt], find: FindRules, share: float = 0.0) -> int:
        """Learn from the ledger, oldest first; returns from how many."""
        count = 0
        for receipt in receipts:
            self.fold(receipt, find, share)
            count += 1
        return count

    def complexity(self, key: str, sketch: Sketch) -> Complexity | None:
        """What was read out of this same turn of a person before, when its tools' results come back."""
        known = self._read.get(key) if key else None
        return known[1] if known is not None and known[0] == _turn(sketch) else None

    def keep(self, key: str, sketch: Sketch, complexity: Complexity) -> None:
        """Remember what was read out of a turn of a conversation."""
        if key:
            self._read.pop(key, None)
            self._read[key] = (_turn(sketch), complexity)
            if len(self._read) > MOST_CONVERSATIONS:
                del self._read[next(iter(self._read))]


def _turn(sketch: Sketch) -> int:
    return hash((sketch.user, sketch.user_characters, sketch.user_turns))
