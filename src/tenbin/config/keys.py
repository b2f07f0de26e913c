"""Keys that clients show: only their hashes are kept, and they are compared without telling how near a guess was.

A key holds 256 random bits, so one SHA-256 is enough to keep it (nothing shorter is taken: a slow hash is for words
that people can remember, and would cost every request its milliseconds).
"""

import hashlib
import hmac
import re
from collections.abc import Mapping

PREFIX = "tb-"
"""Begins every key that Tenbin makes, so that scanners for leaked secrets can know one."""
KEY_BYTES = 32
SHORTEST_KEY = 32
"""Characters of a key made elsewhere."""
HASH = re.compile(r"sha256:[0-9a-f]{64}")


def hash_key(key: str) -> str:
    """What the configuration holds of a key: ``sha256:`` and 64 hex digits."""
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


class KeyRing:
    """The keys that are let in."""

    def __init__(self, hashes: Mapping[str, str], master_key: str | None = None) -> None:
        """``hashes``: by name, as the configuration holds them. Without any key at all, everybody is let in."""
        self._names = {digest: name for name, digest in hashes.items()}
        if master_key is not None:
            self._names[hash_key(master_key)] = "master"

    def __bool__(self) -> bool:
        return bool(self._names)

    def owner(self, key: str) -> str | None:
        """The name of a key, ``master`` for the master key, None for one that is not known."""
        digest, owner = hash_key(key), None
        for known, name in self._names.items():
            if hmac.compare_digest(known, digest):
                owner = name
        return owner
