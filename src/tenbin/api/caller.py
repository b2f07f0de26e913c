"""1. Who is calling: a key in either header, or nobody but this machine's own user when no key is configured.

Without a key the gateway listens on loopback only, and then a web page that the user happens to visit must not
reach it either: a foreign Origin or Host is refused (cross-site requests, DNS rebinding).
"""

from collections.abc import Sequence
from functools import lru_cache

from tenbin.config.address import is_loopback
from tenbin.config.keys import KeyRing
from tenbin.core.ask import Caller
from tenbin.core.problems import Problem
from tenbin.ledger.accounts.known import KnownKeys

LOCAL = Caller(key_id="local")

Headers = Sequence[tuple[bytes, bytes]]

NO_KEY = Problem(
    status=401,
    code="authentication_error",
    message="No key was sent. Send a Tenbin key as `Authorization: Bearer KEY` or as `x-api-key: KEY`.",
    param="authorization",
    should_retry=False,
)
WRONG_KEY = Problem(
    status=401,
    code="authentication_error",
    message="This key is not known here. Check it for missing characters, or ask for a new one (`tenbin keys create`).",
    param="authorization",
    should_retry=False,
)


def identify(headers: Headers, keys: KeyRing, known: KnownKeys | None = None, now_ms: int = 0) -> Caller | Problem:
    """The caller, or why there is none: by a key of the configuration, else by one of the store. A client that sends
    both headers is let in by either.
    """
    if known is not None and not known.required:
        known = None
    if not keys and known is None:
        return _from_this_machine(headers)
    wrong = NO_KEY
    for name, value in headers:
        if name == b"authorization":
            scheme, _, key = value.partition(b" ")
            if scheme.lower() != b"bearer":
                continue
        elif name == b"x-api-key":
            key = value
        else:
            continue
        key = key.strip()
        owner = keys.owner(key.decode("latin-1"))
        if owner is not None:
            return Caller(key_id=owner, name=owner)
        found = known.find(key, now_ms) if known is not None else None
        if isinstance(found, Caller):
            return found
        if found is not None:
            wrong = found
        elif wrong is NO_KEY:
            wrong = WRONG_KEY
    return wrong


def _from_this_machine(headers: Headers) -> Caller | Problem:
    for name, value in headers:
        if name == b"host":
            if not _names_this_machine(value):
                return _foreign("Host", value)
        elif name == b"origin" and not _names_this_machine(value.partition(b"://")[2]):
            return _foreign("Origin", value)
        elif name == b"sec-fetch-site" and value.strip().lower() == b"cross-site":
            return _foreign("Sec-Fetch-Site", value)  # how a browser says it where it sends no Origin
    return LOCAL


@lru_cache(maxsize=64)
def _names_this_machine(host_and_port: bytes) -> bool:
    text = host_and_port.decode("latin-1")
    if text.startswith("["):
        host, _, behind = text[1:].partition("]")
        return behind[:1] in ("", ":") and is_loopback(host)
    return is_loopback(text.partition(":")[0])


def _foreign(header: str, value: bytes) -> Problem:
    shown = value[:100].decode("latin-1")
    return Problem(
        status=403,
        code="permission_error",
        message=f"Requests with the {header} {shown!r} are refused while no key is configured, so that no web page can "
        "spend your money. Set master_key to allow them.",
        param=header.lower(),
        should_retry=False,
    )
