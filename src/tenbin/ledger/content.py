"""7. Requests and answers, where they are kept at all: sealed one by one with AES-256-GCM, in a database of their own
beside the ledger, deleted when their days are over.
"""

import hashlib
import os
import sqlite3
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import msgspec

from tenbin.config.content import FIX, KEY_BYTES, ContentConfig, key_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

DATABASE = "content.sqlite"
NONCE_BYTES = 12
INSTALL = 'pip install "tenbin[content]"'

_SHAPE = """CREATE TABLE IF NOT EXISTS content (
    request_id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, key_id TEXT NOT NULL, sealed_with TEXT NOT NULL,
    sealed BLOB NOT NULL
) WITHOUT ROWID"""
_BY_TIME = "CREATE INDEX IF NOT EXISTS content_by_time ON content (at_ms)"


class ContentUnusable(Exception):
    """Content cannot be kept or read here; the message says why and what to do, never a key."""


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked and what was answered, in the client's dialect."""

    request_id: str
    at_ms: int
    """UTC."""
    key_id: str
    """Whose request it was."""
    path: str
    request: bytes
    """The body."""
    status: int
    """0: the client left before it was answered."""
    answer: bytes
    """The body, server-sent events as they were sent."""
    request_bytes: int
    """Of the whole body, where it was cut."""
    answer_bytes: int
    complete: bool = True
    """The answer was given to its end."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Content).decode


def key_from(settings: ContentConfig, random: Callable[[], int]) -> bytes:
    """The key that is configured; a key file that does not exist is made from ``random`` (80 bits each). Raises
    ContentUnusable.
    """
    if settings.key is not None:
        key = key_of(settings.key)
    elif settings.key_file is not None:
        key = key_of(_key_file(Path(settings.key_file).expanduser(), random))
    else:
        raise ContentUnusable(f"Content is kept under a key only, and none is named. {FIX}")
    if key is None:
        raise ContentUnusable(f"What is named as the key of content is no key of {KEY_BYTES} bytes in base64. {FIX}")
    return key


def _key_file(path: Path, random: Callable[[], int]) -> str:
    try:
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            text = urlsafe_b64encode(b"".join(random().to_bytes(10, "big") for _ in range(4))[:KEY_BYTES]).decode()
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text + "\n")
            return text
        with os.fdopen(descriptor) as file:
            if os.fstat(descriptor).st_mode & 0o077:
                raise ContentUnusable(f"{path} can be read by others than its owner. Run: chmod 600 {path}")
            return file.read(1_000)
    except (OSError, UnicodeDecodeError) as error:
        raise ContentUnusable(f"The key file {path} can neither be read nor made: {error}") from error


class ContentStore:
    """The database; of one thread. ``with ContentStore(...) as store``."""

    def __init__(self, directory: Path, key: bytes | None) -> None:
        """``key`` None: nothing can be sealed or opened, only counted and deleted. Raises ContentUnusable."""
        self._aead = _aead(key) if key is not None else None
        self._sealed_with = hashlib.sha256(b"tenbin content " + key).hexdigest()[:16] if key is not None else ""
        self.path = directory / DATABASE
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            self._database = sqlite3.connect(self.path, timeout=10, isolation_level=None)
            self._database.execute("PRAGMA journal_mode = WAL")
            # What is deleted is overwritten, here and (see purge) in the file of changes.
            self._database.execute("PRAGMA secure_delete = ON")
            self._database.execute(_SHAPE)
            self._database.execute(_BY_TIME)
        except (OSError, sqlite3.Error) as error:
            raise ContentUnusable(f"{self.path} cannot be used: {error}") from error

    def __enter__(self) -> "ContentStore":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def keep(self, content: Content, nonce: bytes) -> None:
        """Seal and write one; ``nonce``: 12 bytes that were never used before. Raises sqlite3.Error."""
        assert self._aead is not None
        assert len(nonce) == NONCE_BYTES
        packed = zlib.compress(_encode(content), 1)
        sealed = nonce + self._aead.encrypt(nonce, packed, _bound(content.request_id, content.at_ms, content.key_id))
        row = (content.request_id, content.at_ms, content.key_id, self._sealed_with, sealed)
        self._database.execute("INSERT OR REPLACE INTO content VALUES (?, ?, ?, ?, ?)", row)

    def find(self, request_id: str) -> Content | None:
        """One, opened. Raises ContentUnusable where it was sealed with another key, or changed."""
        row = self._database.execute("SELECT * FROM content WHERE request_id = ?", (request_id,)).fetchone()
        if row is None:
            return None
        if self._aead is None or row[3] != self._sealed_with:
            raise ContentUnusable(f"{request_id} was sealed with another key than the one that is configured now.")
        from cryptography.exceptions import InvalidTag

        sealed: bytes = row[4]
        try:
            packed = self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _bound(row[0], row[1], row[2]))
        except InvalidTag as error:
            raise ContentUnusable(f"What is kept of {request_id} was changed after it was sealed.") from error
        return _decode(zlib.decompress(packed))

    def purge(self, *, before_ms: int | None = None, request_id: str | None = None, key_id: str | None = None) -> int:
        """Delete what is older than ``before_ms``, one request's, or all of a key; with nothing given everything.
        Returns how many were. Raises sqlite3.Error.
        """
        wheres, values = [], list[str | int]()
        for column, value in (("at_ms < ?", before_ms), ("request_id = ?", request_id), ("key_id = ?", key_id)):
            if value is not None:
                wheres.append(column)
                values.append(value)
        where = " AND ".join(wheres) or "TRUE"
        gone = self._database.execute(f"DELETE FROM content WHERE {where}", values).rowcount
        if gone:
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return gone

    def counted(self) -> tuple[int, int | None]:
        """How many are kept, and since when the oldest (UTC ms)."""
        count, oldest = self._database.execute("SELECT count(*), min(at_ms) FROM content").fetchone()
        return int(count), oldest

    def close(self) -> None:
        """Close the database."""
        self._database.close()


def _bound(request_id: str, at_ms: int, key_id: str) -> bytes:
    """What a sealed entry belongs to: in another's row it does not open."""
    return f"{request_id}\0{at_ms}\0{key_id}".encode()


def _aead(key: bytes) -> "AESGCM":
    # Imported here: who keeps no content need not have it.
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError as error:
        raise ContentUnusable(f"Keeping content needs the package cryptography: {INSTALL}") from error
    return AESGCM(key)
