"""The network between a gateway and its store: it can be cut in the middle of a question, or hold one back."""

import asyncio
from typing import Literal
from urllib.parse import urlsplit

Mode = Literal["through", "cut", "swallow", "late"]


class Cable:
    """``async with Cable(address) as cable: cable.address``."""

    def __init__(self, address: str) -> None:
        self._parts = urlsplit(address)
        self.mode: Mode = "through"
        """``cut``: a question is not passed on, and the connection breaks. ``swallow``: it is passed on, and the
        connection breaks before the answer. ``late``: it hangs until ``deliver``, when it is passed on after all."""
        self._held = asyncio.Event()
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.questions = 0

    @property
    def address(self) -> str:
        user = f"{self._parts.username}@" if self._parts.username else ""
        return self._parts._replace(netloc=f"{user}127.0.0.1:{self._port}").geturl()

    def deliver(self) -> None:
        self.mode = "through"
        self._held.set()

    def cut_all(self) -> None:
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    async def __aenter__(self) -> "Cable":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._held.set()
        self._server.close()
        self.cut_all()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self._parts.hostname is not None
        there_reader, there = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        self._writers += [writer, there]
        swallows = asyncio.Event()
        back = asyncio.get_running_loop().create_task(self._back(there_reader, writer, swallows))
        try:
            while data := await reader.read(65_536):
                self.questions += 1
                if self.mode == "cut":
                    break
                if self.mode == "swallow":
                    swallows.set()
                    there.write(data)
                    await there.drain()
                    await asyncio.sleep(0.1)
                    break
                if self.mode == "late":
                    await self._held.wait()
                there.write(data)
                await there.drain()
        except OSError:
            pass
        finally:
            await asyncio.sleep(0)
            if self.mode == "through":
                await asyncio.sleep(0.05)
            back.cancel()
            writer.close()
            there.close()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, swallows: asyncio.Event) -> None:
        try:
            while data := await reader.read(65_536):
                if not swallows.is_set():
                    writer.write(data)
                    await writer.drain()
        except OSError:
            pass
        writer.close()
