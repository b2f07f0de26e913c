"""Addresses in the configuration: where Tenbin listens, and where a provider is."""

import ipaddress
import re
from functools import lru_cache
from urllib.parse import urlsplit

from tenbin.config.network import why_not

SHORTEST_MASTER_KEY = 16
"""Characters. 16 drawn from letters and digits hold 95 bits, beyond guessing over a network."""


class BadAddress(ValueError):
    """An address that cannot be used; the message says why, ``fix`` what to write instead."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


def split_listen(listen: str) -> tuple[str, int]:
    """Host and port of ``127.0.0.1:4000``, ``localhost:4000`` or ``[::1]:4000``. Raises BadAddress."""
    match = re.fullmatch(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:/\[\]]+)):(?P<port>\d{1,5})", listen)
    if match is None or int(match["port"]) > 65535:
        raise BadAddress(
            f"{listen!r} is not an address and a port", "Write 127.0.0.1:4000, or [::1]:4000 for an IPv6 address."
        )
    host = match["v6"] or match["host"]
    if match["v6"] or re.fullmatch(r"[\d.]+", host):
        try:
            ipaddress.ip_address(host)
        except ValueError:
            raise BadAddress(f"{host} is not an IP address", "Write 127.0.0.1:4000 or [::1]:4000.") from None
    return host, int(match["port"])


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """True for an address that only this machine can reach."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_listen(host: str, master_key: str | None) -> None:
    """Raises BadAddress when listening at ``host`` would let strangers in: beyond loopback a master key is needed."""
    if master_key is None and not is_loopback(host):
        raise BadAddress(
            f"listening at {host} lets other machines in, and no master_key is set",
            "Set master_key: ${TENBIN_MASTER_KEY} (`tenbin keys new` makes one), or listen at 127.0.0.1.",
        )


def without_password(url: str) -> str:
    """An address as messages may show it: without what stands before its host, and its query."""
    return re.sub(r"\?.*", "", re.sub(r"(?<=://).*@", "", url))


def check_base_url(url: str, *, plain_http: bool = False) -> None:
    """Raises BadAddress unless ``url`` is one that a provider's paths can be appended to, and that may be spoken to."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadAddress(f"this is not a URL: {error}", "Write https://host/path.") from None
    if parts.scheme not in ("http", "https"):
        raise BadAddress("a provider's URL begins with http:// or https://", "Write https://host/path.")
    if not parts.hostname or re.search(r"[\s\\]", url):
        raise BadAddress("this URL names no host, or holds blanks", "Write https://host/path.")
    if port == 0:
        raise BadAddress("port 0 cannot be connected to", "Name the server's port.")
    if parts.username or parts.password:
        raise BadAddress("a URL is no place for a password", "Put it in api_key or headers.")
    if parts.query or parts.fragment:
        raise BadAddress("a base URL ends before `?` and `#`", f"Write {without_password(url.partition('#')[0])}")
    why = why_not(parts.hostname, secure=parts.scheme == "https", plain_http=plain_http)
    if why is not None:
        fix = "Write https://, or `plain_http: true` if it has to be so." if "plain http" in why else "Name its server."
        raise BadAddress(why, fix)
