"""Where alerts are handed in: at once and without waiting. In the background they are kept, written and sent."""

import asyncio
import contextlib
import logging
import sqlite3
from collections import OrderedDict
from pathlib import Path

import msgspec

from tenbin.config.alerts import AlertsConfig
from tenbin.core.alert import SEVERITIES, Alert
from tenbin.execute.alerts.receivers import Receiver
from tenbin.execute.alerts.schedule import HOUR_MS, RETRY_MS, plan
from tenbin.execute.alerts.store import DATABASE, AlertStore, Delivery, Pending
from tenbin.execute.clock import Clock, start_task

LOG = logging.getLogger("tenbin.execute")

MOST_WAITING = 10_000
"""Alerts that wait to be kept; more at once are counted, no more."""
MOST_REMEMBERED = 20_000
"""Alerts of which it is known without a look into the file that they were told."""
STOP_SECONDS = 3.0
"""How long a stop waits for messages that are on their way, so that the next start does not send them once more."""
STORE_AGAIN_MS = 30_000
"""After a failure of the file."""


class AlertCounts(msgspec.Struct, frozen=True, kw_only=True):
    """For metrics, since the start."""

    taken: int
    repeated: int
    """Told before: said no second time."""
    dropped: int
    """Too many at once."""
    sent: int
    """Messages, once for each receiver."""
    retried: int
    failed: int
    """Given up after the last try."""
    held: int
    """Alerts that stand in no message yet."""


class AlertDesk:
    """All alerts of one gateway. Used from the event loop only; nothing here waits for a receiver or a disk."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self.settings = AlertsConfig()
        self._receivers: list[Receiver] = []
        self._intake: list[Alert] = []
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._came = asyncio.Event()
        self._store: AlertStore | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._wakes: dict[str, asyncio.Event] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._taken = self._repeated = self._dropped = self._sent = self._retried = self._failed = self._held = 0

    def configure(self, settings: AlertsConfig, receivers: list[Receiver]) -> None:
        """Put settings in force, with the receivers that they name."""
        self.settings, self._receivers = settings, receivers
        self._came.set()

    def tell(self, alert: Alert) -> None:
        """Have people told. Never raises, never waits."""
        settings = self.settings
        if alert.kind not in settings.events or not self._receivers:
            return
        if SEVERITIES.index(alert.severity) < SEVERITIES.index(settings.severity):
            return
        if alert.once in self._seen:
            self._repeated += 1
            return
        if len(self._intake) >= MOST_WAITING:
            self._dropped += 1
            return
        self._seen[alert.once] = None
        if len(self._seen) > MOST_REMEMBERED:
            self._seen.popitem(last=False)
        self._intake.append(alert)
        self._came.set()

    def counts(self) -> AlertCounts:
        """Figures for metrics."""
        return AlertCounts(
            taken=self._taken,
            repeated=self._repeated,
            dropped=self._dropped,
            sent=self._sent,
            retried=self._retried,
            failed=self._failed,
            held=self._held + len(self._intake),
        )

    # -- in the background

    async def run(self) -> None:
        """Keep, write and send until cancelled."""
        try:
            while True:
                again_ms = None
                try:
                    again_ms = await self._turn()
                except (sqlite3.Error, OSError) as error:
                    LOG.warning("Alerts wait: %s", error)
                    again_ms = self._clock.now_ms() + STORE_AGAIN_MS
                except Exception:
                    LOG.exception("alerts could not be written")
                    again_ms = self._clock.now_ms() + STORE_AGAIN_MS
                await self._wait(self._came, again_ms)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            if self._under_way:
                _, late = await asyncio.wait(set(self._under_way), timeout=STOP_SECONDS)
                for one in late:
                    one.cancel()
                await asyncio.gather(*late, return_exceptions=True)
            if self._store is not None:
                with contextlib.suppress(sqlite3.Error):
                    self._keep_last(self._store)
                self._store.close()
                self._store = None

    def _keep_last(self, store: AlertStore) -> None:
        """What came in while the gateway stopped is told after its next start."""
        intake, self._intake = self._intake, []
        store.take([self._pending(alert) for alert in intake], self._clock.now_ms())

    async def _turn(self) -> int | None:
        """Take in what came, make messages of what may go; when to look again (UTC ms)."""
        self._came.clear()
        settings, store = self.settings, self._store
        if store is None and not self._receivers:
            return None
        if store is None:
            store = self._store = await asyncio.to_thread(self._open)
        intake, self._intake = self._intake, []
        now_ms = self._clock.now_ms()
        try:
            if intake:
                fresh = await asyncio.to_thread(store.take, [self._pending(alert) for alert in intake], now_ms)
                self._taken += fresh
                self._repeated += len(intake) - fresh
        except sqlite3.Error:
            self._intake[:0] = intake
            raise
        if not self._receivers:
            self._end_senders()
            return None
        held = await asyncio.to_thread(store.held)
        made = await asyncio.to_thread(store.made_since, now_ms - HOUR_MS)
        planned = plan(held, made, settings, now_ms)
        whom = [(one.id, one.label) for one in self._receivers]
        if planned.messages:
            await asyncio.to_thread(store.send, planned.messages, whom, now_ms)
        self._held = len(held) - sum(len(message.alerts) for message in planned.messages)
        await asyncio.to_thread(store.forget_others, [one.id for one in self._receivers], now_ms)
        self._begin_senders(store)
        return planned.again_ms

    def _open(self) -> AlertStore:
        try:
            return AlertStore(self._directory / DATABASE)
        except (sqlite3.Error, OSError) as error:
            LOG.warning("What was told is kept in memory only, and told again after a start: %s", error)
            return AlertStore(None)

    def _pending(self, alert: Alert) -> Pending:
        words = alert.words(self.settings.language)
        return Pending(alert.once, alert.kind, alert.severity, alert.at_ms, words.title, words.body)

    async def _wait(self, event: asyncio.Event, until_ms: int | None) -> None:
        """Until something has come, or it is time."""
        if until_ms is None:
            await event.wait()
            return
        coming = start_task(_came(event), name="alert that comes")
        pause = start_task(self._clock.pause(max(until_ms - self._clock.now_ms(), 1)), name="alert that waits")
        try:
            await asyncio.wait({coming, pause}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            coming.cancel()
            pause.cancel()

    # -- one sender for each receiver, so that none waits for another

    def _begin_senders(self, store: AlertStore) -> None:
        known = {receiver.id: receiver for receiver in self._receivers}
        for name in self._tasks.keys() - known.keys():
            self._tasks.pop(name).cancel()
            del self._wakes[name]
        for name, receiver in known.items():
            if name not in self._tasks or self._tasks[name].done():
                self._wakes[name] = asyncio.Event()
                self._tasks[name] = start_task(self._serve(receiver.id, store), name=f"alerts to {receiver.label}")
            self._wakes[name].set()

    def _end_senders(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()
        self._wakes.clear()

    async def _serve(self, name: str, store: AlertStore) -> None:
        wake = self._wakes[name]
        while True:
            wake.clear()
            again_ms: int | None
            try:
                again_ms = await self._send_due(name, store)
            except (sqlite3.Error, OSError) as error:
                LOG.warning("Alerts wait: %s", error)
                again_ms = self._clock.now_ms() + STORE_AGAIN_MS
            await self._wait(wake, again_ms)

    async def _send_due(self, name: str, store: AlertStore) -> int | None:
        """Send all that is due; when something else will be (UTC ms)."""
        while True:
            receiver = next((one for one in self._receivers if one.id == name), None)
            delivery, next_ms = await asyncio.to_thread(store.due, name, self._clock.now_ms())
            if delivery is None or receiver is None:
                return next_ms
            one = start_task(self._deliver(receiver, delivery, store), name=f"alert to {receiver.label}")
            self._under_way.add(one)
            one.add_done_callback(self._under_way.discard)
            # A stop waits a little for what has come of it: see ``run``.
            await asyncio.shield(one)

    async def _deliver(self, receiver: Receiver, delivery: Delivery, store: AlertStore) -> None:
        """Send a message and write down what came of it."""
        why = await receiver.send(delivery.severity, delivery.title, delivery.body)
        now_ms, again = self._clock.now_ms(), None
        if why:
            again = now_ms + RETRY_MS[delivery.tries] if delivery.tries < len(RETRY_MS) else None
            then = "it is tried again" if again is not None else "it is given up"
            LOG.warning("An alert to %s failed, %s: %s", receiver.label, then, why)
        await asyncio.to_thread(store.ended, delivery.message, receiver.id, now_ms, why, again)
        if not why:
            self._sent += 1
        elif again is not None:
            self._retried += 1
        else:
            self._failed += 1


async def _came(event: asyncio.Event) -> None:
    await event.wait()
