"""What all tests share: the event loop, a data directory, hypothesis' settings, and the promise that no test reaches
beyond this machine or sees a real key.
"""

import ipaddress
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# No timed assertions: a slow machine is not a failing test. `HYPOTHESIS_PROFILE=thorough` looks longer.
settings.register_profile(
    "house", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("ci", settings.get_profile("house"), derandomize=True)
settings.register_profile("thorough", settings.get_profile("house"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "house"))

# A developer's own keys, endpoints and proxies must not reach a test: it would spend money or test another server.
_OWN_SETTINGS = re.compile(
    r"(?i).+_API_KEYS?|(ANTHROPIC|OPENAI|CLAUDE|CLAUDECODE|OLLAMA|TENBIN|DISABLE)(_.*)?|(HTTPS?|ALL|NO)_PROXY"
)
for _name in [name for name in os.environ if _OWN_SETTINGS.fullmatch(name)]:
    del os.environ[_name]


def _is_loopback(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host is None or host in ("", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        # A name in a domain kept for tests resolves nowhere, so nothing is reached by asking for it.
        return str(host).endswith((".invalid", ".localhost"))
    return address.is_loopback or address.is_unspecified


def _refuse_beyond_loopback(event: str, arguments: tuple[Any, ...]) -> None:
    """Audit hook: sees every connection made through Python's sockets, whichever library makes it. (uvloop connects
    past it; child processes have their own.) Not an OSError: what handles a failed connection must not swallow it.
    """
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if not _is_loopback(host):
        raise RuntimeError(f"a test tried to reach {host!r}: tests talk to this machine only ({event})")


sys.addaudithook(_refuse_beyond_loopback)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Tests marked `anyio` run on asyncio, the loop that the gateway is written for."""
    return "asyncio"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """An empty directory for what a gateway keeps: journal, database, hashed keys."""
    directory = tmp_path / "data"
    directory.mkdir(mode=0o700)
    return directory
