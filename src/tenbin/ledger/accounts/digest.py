"""How keys are kept: by an HMAC under a secret of this installation's own, which stands in a file beside the store.

Who copies the store alone can test no guess; who looks a key up compares digests, which no guess can steer.
"""

import contextlib
import hmac
import os
from pathlib import Path

from tenbin.ledger.segments import LedgerUnusable

SECRET = "accounts.secret"
SECRET_BYTES = 32


class AccountsUnusable(LedgerUnusable):
    """The store of keys can't be used; carries what is wrong and what to do."""


def digest(secret: bytes, key: bytes) -> bytes:
    """HMAC-SHA256, 32 bytes."""
    return hmac.digest(secret, key, "sha256")


def read_secret(directory: Path) -> bytes:
    """The installation's secret. Raises AccountsUnusable when it is not there or not whole."""
    path = directory / SECRET
    try:
        text = path.read_bytes()
    except OSError as error:
        raise AccountsUnusable(
            f"{path} cannot be read ({error.strerror}), and without it no key in the store is recognised. Put it back "
            f"from a backup; or, to begin anew with no keys, move accounts.sqlite away as well."
        ) from error
    try:
        secret = bytes.fromhex(text.decode("ascii").strip())
    except ValueError:
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise AccountsUnusable(
            f"{path} should hold {SECRET_BYTES} bytes in hex, and does not. Put it back from a backup."
        )
    return secret


def ensure_secret(directory: Path, fresh: bytes) -> bytes:
    """The installation's secret; ``fresh`` random bytes become it where there is none. Of two processes that begin at
    once, one's is taken by both; no other process ever sees half of it, and nobody but its owner may read it.
    """
    path = directory / SECRET
    if path.exists():
        return read_secret(directory)
    if len(fresh) != SECRET_BYTES:
        raise ValueError(f"a secret has {SECRET_BYTES} bytes")
    draft = directory / f".{SECRET}.{fresh[:4].hex()}{os.getpid()}"
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(file, "wb") as written:
            written.write(fresh.hex().encode() + b"\n")
            written.flush()
            os.fsync(written.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return read_secret(directory)
