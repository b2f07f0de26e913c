"""Runs a wired gateway: ``serve`` until a signal, in the foreground; ``RunningGateway`` in a thread, for tests and for
commands that need a gateway for a moment. Watches the configuration's file meanwhile.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import uvloop

from tenbin.api.server import Server
from tenbin.app import DRAIN_SECONDS, Gateway
from tenbin.config.address import BadAddress, check_listen, split_listen
from tenbin.config.load import not_taken_over, stamp
from tenbin.config.model import Config
from tenbin.config.problem import ConfigError
from tenbin.execute.clock import Clock, start_task
from tenbin.execute.memory import settle_collector, share_one_arena
from tenbin.ledger.book import Book

LOG = logging.getLogger("tenbin")

WATCH_MS = 1_000
"""How often the configuration's file is looked at."""


def listening_socket(host: str, port: int) -> socket.socket:
    """A bound socket. Raises OSError, as when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


async def run(
    gateway: Gateway,
    listener: socket.socket,
    *,
    reload: Callable[[], Config] | None = None,
    watched: Path | None = None,
    started: Callable[[], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until ``stop`` is set. ``reload`` gives a fresh Config when ``watched`` changes or on SIGHUP."""
    application, limits = gateway.application, gateway.config.limits
    servers = [(Server(application, limits, lambda: gateway.config.limits), listener)]
    for apart in _admin_listener(gateway.config):
        servers.append((Server(application.administer, limits, lambda: gateway.config.limits), apart))
    gateway.recall()
    gateway.alarms.start()
    watches = [
        start_task(gateway.experiments.run(gateway.take_up_experiment), name="experiment watch"),
        start_task(gateway.watch_keys(), name="key watch"),
    ]
    if reload is not None:
        host: str = listener.getsockname()[0]
        watches.append(start_task(_watch(gateway, reload, watched, host), name="configuration watch"))
    try:
        for server, socket_of_it in servers:
            await server.listen(socket_of_it)
        await gateway.start_local_model()
        gateway.prepare_cache()
        # The first request need not pay for what it will surely use.
        await asyncio.to_thread(gateway.load_dialects)
        settle_collector()
        if started is not None:
            started()
        await (stop or asyncio.Event()).wait()
        gateway.stopping()
        await asyncio.gather(*(server.stop(DRAIN_SECONDS) for server, _ in servers))
    finally:
        for watch in watches:
            watch.cancel()
        for _, socket_of_it in servers:
            socket_of_it.close()
        await gateway.close()


def _admin_listener(config: Config) -> list[socket.socket]:
    """The socket of the admin API, where it has one of its own. Raises BadAddress."""
    admin = config.admin
    if not admin.enabled or admin.listen is None:
        return []
    host, port = split_listen(admin.listen)
    check_listen(host, config.master_key)
    try:
        return [listening_socket(host, port)]
    except OSError as error:
        raise BadAddress(
            f"Cannot listen at {admin.listen} (admin.listen): {error.strerror or error}", "Choose another port there."
        ) from error


async def _watch(gateway: Gateway, reload: Callable[[], Config], watched: Path | None, host: str) -> None:
    """Reload when the file has changed; a broken new file leaves the old configuration in force, and is told of.

    So does one without a master key, where ``host`` is an address that strangers reach.
    """
    asked = asyncio.Event()
    with contextlib.suppress(ValueError, NotImplementedError, RuntimeError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked.set)
    before = stamp(watched)
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asked.wait(), WATCH_MS / 1000)
        now = stamp(watched)
        if now == before and not asked.is_set():
            continue
        before = now
        asked.clear()
        try:
            config = await asyncio.to_thread(reload)
            check_listen(host, config.master_key)
            former, old = gateway.config, gateway.world.policy.hash
            gateway.apply(config)
            await gateway.start_local_model()
            gateway.prepare_cache()
        except (ConfigError, BadAddress) as error:
            LOG.error("The changed configuration is not taken; the old one stays in force.\n%s", error)
        except Exception:
            LOG.exception("The changed configuration could not be put in force.")
        else:
            for key in not_taken_over(former, config):
                LOG.warning("A changed `%s` takes effect at the next start.", key)
            LOG.info("The configuration has been reloaded (%s -> %s).", old[:12], gateway.world.policy.hash[:12])


def serve(
    config: Config,
    *,
    data_dir: Path,
    host: str | None = None,
    port: int | None = None,
    reload: Callable[[], Config] | None = None,
    config_path: Path | None = None,
    announce: Callable[[Gateway, str], None] | None = None,
) -> None:
    """Run a gateway in the foreground until SIGINT or SIGTERM. ``announce`` is called with the URL once it listens.

    Raises OSError when the port cannot be had, BadAddress for an open address without a key, LedgerUnusable.
    """
    configured_host, configured_port = split_listen(config.listen)
    host, port = host or configured_host, configured_port if port is None else port
    check_listen(host, config.master_key)
    share_one_arena()
    listener = listening_socket(host, port)
    try:
        gateway = Gateway(config, data_dir)
    except BaseException:
        listener.close()
        raise
    url = _url(listener)

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await run(
            gateway,
            listener,
            reload=reload,
            watched=config_path,
            started=lambda: announce(gateway, url) if announce is not None else None,
            stop=stop,
        )

    uvloop.run(main())


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class RunningGateway:
    """A gateway in a thread of this process: ``with RunningGateway(config, data_dir) as gateway: gateway.url``."""

    def __init__(
        self,
        config: Config,
        data_dir: Path,
        *,
        reload: Callable[[], Config] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._data_dir = data_dir
        self._reload = reload
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._up = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._main, name="tenbin-gateway", daemon=True)
        self.url = ""
        self.gateway: Gateway

    def __enter__(self) -> "RunningGateway":
        self._thread.start()
        self._up.wait(30)
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(DRAIN_SECONDS + 10)
        if self._failure is not None and error is None:
            raise self._failure

    @property
    def book(self) -> Book:
        """The gateway's ledger; ``book.flush()`` waits until the database holds all that is settled."""
        return self.gateway.book

    def call(self, function: Callable[[], Any]) -> Any:
        """Call a function in the gateway's own thread, between two steps of its work; returns or raises what that
        does.
        """

        async def called() -> Any:
            return function()

        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(called(), self._loop).result(30)

    def _main(self) -> None:
        try:
            uvloop.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that entered
            self._failure = error
        finally:
            self._up.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        listener = listening_socket("127.0.0.1", 0)
        try:
            self.gateway = Gateway(self._config, self._data_dir, self._clock)
        except BaseException:
            listener.close()
            raise
        self.url = _url(listener)
        await run(self.gateway, listener, reload=self._reload, started=self._up.set, stop=self._stop)
