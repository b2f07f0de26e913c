"""Receivers of alerts: the library apprise knows how each service is spoken to. It blocks, so it runs in a thread.

Addresses hold secrets: no word of one is ever logged, shown or kept, whatever the library says of a failure.
"""

import asyncio
import contextlib
import logging
import re
import threading
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from tenbin.config.alerts import PUBLIC_HOSTS
from tenbin.core.alert import Severity

EXTRA = "pip install 'tenbin[alerts]'"
SHORTEST_SECRET = 3
"""Characters of a part of an address that is masked wherever it turns up."""
MOST_WHY = 300
"""Characters of a failure's reason."""


class CannotSend(Exception):
    """A receiver cannot be used at all; carries why and what to do, without its address."""

    def __init__(self, number: int, message: str, fix: str) -> None:
        """``number``: its place in ``alerts.to``, from 0."""
        super().__init__(f"alerts.to[{number}]: {message}. {fix}")
        self.number, self.message, self.fix = number, message, fix


class Receiver:
    """One receiver."""

    def __init__(self, number: int, address: str, seconds: float) -> None:
        """``number``: its place in ``alerts.to``, from 0; ``seconds``: how long it may take. Raises CannotSend."""
        self.id = blake2b(address.encode(), digest_size=8, person=b"tenbin.alerts").hexdigest()
        self.label = label(number, address)
        self._seconds = seconds
        self._secrets = secrets_of(address)
        self._service = _service(number, address, seconds)
        self._busy = threading.Lock()

    async def send(self, severity: Severity, title: str, body: str) -> str:
        """Send it; why it failed, or nothing. Takes no longer than it may, also where the library would."""
        if not self._busy.acquire(blocking=False):
            return "it still has not taken the last message"
        loop = asyncio.get_running_loop()
        done: asyncio.Future[str] = loop.create_future()

        def work() -> None:
            try:
                why = self._notify(severity, title, body)
            finally:
                self._busy.release()
            try:
                loop.call_soon_threadsafe(_settle, done, why)
            except RuntimeError:  # the loop has ended meanwhile: nobody waits
                return

        # A thread of its own that nobody waits for at the end: one that hangs keeps neither others nor a stop waiting.
        threading.Thread(target=work, name=f"alert {self.label}", daemon=True).start()
        try:
            # Not wait_for: before Python 3.12 it loses a cancellation that comes together with the answer.
            async with asyncio.timeout(self._seconds + 1.0):
                return await done
        except TimeoutError:
            return f"it had not answered after {self._seconds:g} s"

    def _notify(self, severity: Severity, title: str, body: str) -> str:
        import apprise

        kinds = {
            "info": apprise.NotifyType.INFO,
            "warning": apprise.NotifyType.WARNING,
            "critical": apprise.NotifyType.FAILURE,
        }
        with _heard() as heard:
            try:
                sent = self._service.notify(
                    title=title, body=body, notify_type=kinds[severity], body_format=apprise.NotifyFormat.TEXT
                )
            except Exception as error:  # noqa: BLE001 - a plug-in of a library may raise anything
                return self.masked(f"{type(error).__name__}: {error}")
        return "" if sent else self.masked(" ".join(heard) or "it did not take the message")

    def masked(self, text: str) -> str:
        """A text in which nothing of the address stands but what its label shows."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return " ".join(text.split())[:MOST_WHY]


def receivers(addresses: Sequence[str], seconds: float) -> list[Receiver]:
    """All of them. Raises CannotSend for the first that cannot be used."""
    places = {address: number for number, address in reversed(list(enumerate(addresses)))}
    return [Receiver(number, address, seconds) for address, number in sorted(places.items(), key=lambda one: one[1])]


def label(number: int, address: str) -> str:
    """What a receiver is called: its place and its kind, and its host where that is no secret."""
    parts = urlsplit(address)
    host = parts.hostname if parts.scheme in PUBLIC_HOSTS else None
    return f"{number + 1}. {parts.scheme}" + (f"://{host}" if host else "")


def secrets_of(address: str) -> list[str]:
    """The parts of an address that must not be seen, the longest first."""
    parts = urlsplit(address)
    _, _, rest = address.partition("://")
    found = {rest}
    for text in (rest, unquote_plus(rest)):
        found.update(re.split(r"[/?&=@:#,;\s]+", text))
    found |= {f"{parts.username}:{parts.password}"} if parts.password else set()
    public = {parts.hostname or "", str(parts.netloc.rpartition(":")[2])} if parts.scheme in PUBLIC_HOSTS else set()
    return sorted((one for one in found - public if len(one) >= SHORTEST_SECRET), key=len, reverse=True)


def _service(number: int, address: str, seconds: float) -> Any:
    try:
        import apprise
    except ImportError:
        raise CannotSend(number, "alerts are sent by the library apprise, which is not installed", EXTRA) from None
    asset = apprise.AppriseAsset(
        app_id="Tenbin",
        app_desc="Tenbin",
        app_url="",
        async_mode=False,
        http_redirects=False,
        pgp_autogen=False,
        pem_autogen=False,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )
    with _heard():
        try:
            service = apprise.Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
        except Exception:  # noqa: BLE001 - its words may hold the address
            service = None
    if service is None:
        fix = "Look at apprise's page of this service for how its address is written."
        raise CannotSend(number, f"apprise cannot read this {urlsplit(address).scheme} address", fix)
    if "cto=" not in address:
        service.socket_connect_timeout = seconds / 2
    if "rto=" not in address:
        service.socket_read_timeout = seconds / 2
    return service


def _settle(done: "asyncio.Future[str]", why: str) -> None:
    if not done.done():
        done.set_result(why)


class _Hearing(logging.Filter):
    """What the library logs goes to whoever listens in the same thread, and nowhere else."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[int, list[str]] = {}
        """By thread."""

    def filter(self, record: logging.LogRecord) -> bool:
        heard = self.lines.get(record.thread or 0)
        if heard is not None and record.levelno >= logging.WARNING:
            heard.append(record.getMessage())
        return False


_HEARING = _Hearing()


@contextlib.contextmanager
def _heard() -> Iterator[list[str]]:
    """What the library says in this thread meanwhile."""
    library = logging.getLogger("apprise")
    if _HEARING not in library.filters:
        library.addFilter(_HEARING)
        # What it is made of tells whole addresses in its finer levels.
        for name in ("urllib3", "requests", "requests_oauthlib"):
            logging.getLogger(name).setLevel(logging.ERROR)
    thread = threading.get_ident()
    lines = _HEARING.lines[thread] = []
    try:
        yield lines
    finally:
        del _HEARING.lines[thread]
