"""A network of its own with nothing but loopback, for clients that would otherwise call home. It belongs to a thread:
what a thread that has entered one starts (threads, processes) lives in it too, the rest of this process stays where it
was. Linux lets root do that; elsewhere things run without, and the test session says so at its end.
"""

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_CLONE_NEWNET = 0x40000000  # <sched.h>
_SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x8913, 0x8914  # <linux/sockios.h>
_IFF_UP = 1

Result = TypeVar("Result")

MISSED: list[str] = []
"""Why there was no network apart, for the end of the test session."""


def _enter() -> None:
    """Give the calling thread a network of its own, and switch its loopback on. Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "unshare"):
        raise OSError("this system has no network namespaces")
    if library.unshare(_CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh22x", b"lo", 0)
        flags = struct.unpack("16sh22x", fcntl.ioctl(control, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | _IFF_UP))


class Loopback:
    """One thread, in a network apart where the machine allows it."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="loopback")
        try:
            self._thread.submit(_enter).result()
            self.apart = True
        except OSError as error:
            self.apart = False
            MISSED.append(f"Real clients ran WITHOUT a network namespace of their own: {error}. (Root can make one.)")

    def run(self, function: Callable[[], Result]) -> Result:
        """Call a function in there."""
        return self._thread.submit(function).result()

    def free_port(self) -> int:
        """A port on which nobody listens in there."""

        def find() -> int:
            with socket.socket() as listener:
                listener.bind(("127.0.0.1", 0))
                return int(listener.getsockname()[1])

        return self.run(find)

    def reaches(self, port: int) -> bool:
        """Whether somebody in there listens on a port."""

        def connects() -> bool:
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", port)) == 0

        return self.run(connects)

    def close(self) -> None:
        """End the thread; the network goes with the last one who lives in it."""
        self._thread.shutdown()
