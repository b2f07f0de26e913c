"""Where Tenbin connects to and where never: cloud metadata hands out credentials to whoever asks from inside.

Asked twice: of what the configuration says, and of each address that a connection has really led to.
"""

import ipaddress
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NEVER = tuple(
    ipaddress.ip_network(network)
    for network in (
        "169.254.0.0/16",  # link-local: metadata of most clouds at 169.254.169.254, of ECS tasks at 169.254.170.2
        "fe80::/10",
        "fd00:ec2::/32",  # metadata of EC2
        "100.100.100.200/32",  # of Alibaba Cloud
        "192.0.0.192/32",  # of Oracle Cloud
        "168.63.129.16/32",  # Azure's wire server
        "224.0.0.0/4",
        "ff00::/8",
    )
)
"""Nothing of these is a model server: link-local, metadata and multicast."""

METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "metadata.goog", "instance-data"})
"""Names that lead there in some cloud."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@lru_cache(maxsize=1024)
def why_not(address: str, *, secure: bool, plain_http: bool = False) -> str | None:
    """Why nothing is said to the server at this IP address; None where it may be. ``plain_http``: it may go through the
    internet unencrypted. What is no IP address is looked at when its name has been looked up.
    """
    found = _address(address)
    if found is None:
        if address.lower().rstrip(".") in METADATA_NAMES:
            return f"{address} is a name of a cloud's metadata server"
        return None
    for network in NEVER:
        if found.version == network.version and found in network:
            return f"{address} is a link-local, metadata or multicast address ({network}), where no model server is"
    if found.is_global and not secure and not plain_http:
        return f"{address} is an address of the internet, and plain http shows keys and prompts on the way"
    return None


def _address(text: str) -> Address | None:
    """An IP address; of an IPv6 address that only wraps an IPv4 one, that."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if found.version == 4:
        return found
    if found.ipv4_mapped is not None:
        return found.ipv4_mapped
    if found.sixtofour is not None:
        return found.sixtofour
    if found in _NAT64:
        return ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
    return found
