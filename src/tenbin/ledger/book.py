"""7. The ledger as the rest of the house sees it: a request is opened before each call, and settled once."""

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from tenbin.core.ask import Ask
from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.target import Target
from tenbin.core.usage import NOTHING, Usage
from tenbin.ledger.journal import SEGMENT_BYTES, WAITING_BYTES, Clock, Journal
from tenbin.ledger.migrations import SchemaTooNew
from tenbin.ledger.prices import PriceBook
from tenbin.ledger.records import OPENED, PROGRESS, SETTLED, Opened, Progress, frame
from tenbin.ledger.segments import DATABASE, JOURNAL, Claim, LedgerUnusable, unsettled
from tenbin.ledger.settlement import interrupted, price_receipt
from tenbin.ledger.writer import Writer, refuse_newer

PROGRESS_BYTES = 2_048
"""Progress is written down each time an answer has grown by this much."""

Sink = Callable[[Receipt], None]
"""Is given each settled receipt, in the thread that settles; it must be quick."""


class Health(msgspec.Struct, frozen=True):
    """Whether the ledger keeps its promise in full just now, and if not, why."""

    ok: bool
    reasons: tuple[str, ...] = ()


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """For metrics, since the start."""

    opened: int
    settled: int
    interrupted: int
    """Requests of an earlier process that recovery settled."""
    in_flight: int
    entered: int
    """Receipts that the database has taken."""
    backlog_bytes: int
    """Of the journal, not yet in the database."""
    waiting_bytes: int
    """Of the journal, not yet taken by the disk."""
    rejected: int
    """Receipts that the database can't hold, kept in rejected.journal."""
    lost: int
    """Receipts lost. Anything but 0 is a failure of the machine that no room was left for."""
    sink_errors: int


class Book:
    """The ledger: journal, database and prices. Nothing it does on the way of a request waits for a disk, or raises.

    Order of use: construct, ``recover``, any number of ``open`` / ``progress`` / ``settle``, ``close``.
    """

    def __init__(
        self,
        directory: Path,
        prices: PriceBook,
        clock: Clock,
        *,
        sync_ms: int = 100,
        weighings_days: int | None = None,
        segment_bytes: int = SEGMENT_BYTES,
        waiting_bytes: int = WAITING_BYTES,
    ) -> None:
        """Claim the directory.

        Raises LedgerUnusable when it can't be written, another gateway has it, or a newer Tenbin wrote its database.
        """
        self.directory = directory
        self.prices = prices
        self._flights: dict[str, bytes] = {}
        """By request id: the frame that opened it, ready to be written into the next segment."""
        self._notes: dict[str, tuple[int, bytes]] = {}
        """Of long answers in flight: bytes of words at the last note, and its frame."""
        self._sinks: list[Sink] = []
        self._opened = self._settled = self._interrupted = self._sink_errors = 0
        self._last_sink_error = ""
        self._closed = threading.Event()
        self._claim = Claim(directory)
        prices.start()
        try:
            refuse_newer(directory / DATABASE)
            self._unsettled = unsettled(directory / JOURNAL)
            self._journal = Journal(
                directory / JOURNAL,
                clock,
                sync_ms=sync_ms,
                carry=self._in_flight,
                on_sync=lambda: self._writer.wake(),
                segment_bytes=segment_bytes,
                waiting_bytes=waiting_bytes,
            )
        except SchemaTooNew as error:
            self._claim.release()
            raise LedgerUnusable(str(error)) from error
        except OSError as error:
            self._claim.release()
            raise LedgerUnusable(f"the journal in {directory / JOURNAL} can't be used: {error.strerror}.") from error
        self._writer = Writer(directory / DATABASE, self._journal, weighings_days=weighings_days)

    def recover(self) -> int:
        """Settle what was in flight when the last process died, each request once; then take up work.

        Returns how many requests that were. Their usage is estimated.
        """
        unpriced = [interrupted(opened, progress) for opened, progress in self._unsettled]
        receipts = [price_receipt(receipt, self.prices.price) for receipt in unpriced]
        self._unsettled = []
        self._journal.begin(frame(SETTLED, receipt) for receipt in receipts)
        self._writer.start()
        self._writer.wake()
        self._interrupted = len(receipts)
        for receipt in receipts:
            self._tell(receipt)
        return len(receipts)

    def subscribe(self, sink: Sink) -> None:
        """Have each receipt settled from now on given to ``sink``. What it raises is counted, and harms nobody."""
        self._sinks.append(sink)

    def open(
        self,
        ask: Ask,
        target: Target,
        *,
        number: int,
        dialect: str,
        started_at_ms: int,
        input_tokens: int,
        route: str,
        policy: str,
        attempts: tuple[Attempt, ...] = (),
        reserved_nano: int | None = None,
    ) -> None:
        """Write down that a provider is about to be called.

        ``number`` counts attempts from 1, 0 is a judge's; ``dialect`` is the one the target is spoken to in;
        ``input_tokens`` is an estimate of the prompt; ``attempts`` are those of this request that have already ended;
        ``reserved_nano`` is what budgets have set aside for this one.
        """
        # By place: of more than 15 names Python makes a dictionary, five times as slow. A test holds each to its place.
        record = Opened(
            ask.request_id,
            ask.arrived_at_ms,
            ask.caller.key_id,
            ask.dialect,
            ask.operation,
            ask.path,
            ask.head.model,
            ask.head.stream,
            route,
            policy,
            ask.session,
            ask.client,
            number,
            target.provider,
            target.model,
            dialect,
            started_at_ms,
            input_tokens,
            attempts,
            ask.caller.team,
            ask.caller.user,
            reserved_nano,
        )
        data = frame(OPENED, record)
        # First the dict: a segment begun in between must carry the record over.
        self._flights[ask.request_id] = data
        if self._notes:
            self._notes.pop(ask.request_id, None)
        self._journal.append(data, OPENED)
        self._opened += 1

    def progress(self, request_id: str, number: int, output_bytes: int, usage: Usage = NOTHING) -> None:
        """Note how far an answer has come: bytes of its words so far (UTF-8), and what the provider stated of usage.

        May be called for every chunk: it writes only when the answer has grown by PROGRESS_BYTES, or the first time.
        """
        last = self._notes.get(request_id)
        if request_id not in self._flights or (last is not None and output_bytes - last[0] < PROGRESS_BYTES):
            return
        record = Progress(request_id=request_id, number=number, output_bytes=output_bytes, usage=usage)
        data = frame(PROGRESS, record)
        self._notes[request_id] = output_bytes, data
        self._journal.append(data, PROGRESS)

    def settle(self, receipt: Receipt) -> Receipt:
        """Price the request's attempts, write it down for good, return the priced receipt. Once for each request."""
        priced = price_receipt(receipt, self.prices.price)
        self._flights.pop(receipt.request_id, None)
        if self._notes:
            self._notes.pop(receipt.request_id, None)
        self._journal.append(frame(SETTLED, priced), SETTLED)
        self._settled += 1
        self._tell(priced)
        return priced

    def flush(self, seconds: float = 10.0) -> bool:
        """Have the disk take the journal and wait until the database holds all that is settled; False if it doesn't."""
        self._journal.sync()
        return self._writer.wait(seconds)

    def close(self, seconds: float = 10.0) -> None:
        """Write everything out and let go of the directory. What the database does not take in time, it takes at the
        next start.
        """
        if self._closed.is_set():
            return
        self._closed.set()
        self._writer.wait(seconds, while_well=True)
        self._journal.close()
        self._writer.close(empty_journal=not self._flights)
        self._claim.release()

    def health(self) -> Health:
        """Whether all is well; the reasons are for people."""
        reasons = [*self._journal.troubles(), self._writer.trouble, self.prices.trouble]
        if self._writer.damaged:
            reasons.append(f"{self._writer.damaged} bytes of the journal were damaged on the disk and passed over")
        if self._writer.rejected:
            reasons.append(f"{self._writer.rejected} receipts could not be entered and lie in rejected.journal")
        if self._last_sink_error:
            reasons.append(f"a receiver of receipts failed: {self._last_sink_error}")
        reasons = [reason for reason in reasons if reason]
        return Health(ok=not reasons, reasons=tuple(reasons))

    def counts(self) -> Counts:
        """Figures for metrics."""
        return Counts(
            opened=self._opened,
            settled=self._settled,
            interrupted=self._interrupted,
            in_flight=len(self._flights),
            entered=self._writer.applied,
            backlog_bytes=self._writer.backlog_bytes(),
            waiting_bytes=self._journal.waiting,
            rejected=self._writer.rejected,
            lost=self._journal.lost,
            sink_errors=self._sink_errors,
        )

    def _tell(self, receipt: Receipt) -> None:
        for sink in self._sinks:
            try:
                sink(receipt)
            except Exception as error:  # noqa: BLE001 - whatever a plug-in does, the request goes on
                self._sink_errors += 1
                self._last_sink_error = repr(error)

    def _in_flight(self) -> Iterable[bytes]:
        for request_id, opened in list(self._flights.items()):
            yield opened
            note = self._notes.get(request_id)
            if note is not None:
                yield note[1]
