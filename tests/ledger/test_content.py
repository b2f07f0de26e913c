"""What is kept of requests and answers: sealed, bound to its row, deleted for good."""

import os
import sqlite3
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.content import ContentConfig, key_of
from tenbin.ledger.content import DATABASE, NONCE_BYTES, Content, ContentStore, ContentUnusable, key_from

KEY, OTHER = b"k" * 32, b"o" * 32
SECRET = b"canary-quincunx-"


def one(request_id: str = "req_1", at_ms: int = 1_000, key_id: str = "bob", words: bytes = SECRET * 50) -> Content:
    return Content(
        request_id=request_id,
        at_ms=at_ms,
        key_id=key_id,
        path="/v1/messages",
        request=words,
        status=200,
        answer=words[::-1],
        request_bytes=len(words),
        answer_bytes=len(words),
    )


def nonce() -> bytes:
    return os.urandom(NONCE_BYTES)


def files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def test_what_is_kept_is_found_again_and_nowhere_to_be_read(tmp_path: Path) -> None:
    with ContentStore(tmp_path, KEY) as store:
        store.keep(one(), nonce())
        assert store.find("req_1") == one()
        assert store.find("req_2") is None
        assert SECRET not in files(tmp_path)
        assert SECRET[::-1] not in files(tmp_path)
    assert (tmp_path / DATABASE).stat().st_mode & 0o077 == 0


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    with ContentStore(tmp_path, KEY) as store:
        store.keep(one(), nonce())
    for key in (OTHER, None):
        with ContentStore(tmp_path, key) as store, pytest.raises(ContentUnusable, match="another key"):
            store.find("req_1")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE content SET request_id = 'req_2'",
        "UPDATE content SET key_id = 'alice'",
        "UPDATE content SET at_ms = 5",
        "UPDATE content SET sealed = CAST(substr(sealed, 1, length(sealed) - 1) || x'00' AS BLOB)",
        "UPDATE content SET sealed = zeroblob(64)",
    ],
)
def test_what_was_changed_or_put_into_another_row_does_not_open(tmp_path: Path, change: str) -> None:
    with ContentStore(tmp_path, KEY) as store:
        store.keep(one(), nonce())
        with sqlite3.connect(tmp_path / DATABASE) as other:
            other.execute(change)
        other.close()
        with pytest.raises(ContentUnusable, match="was changed"):
            store.find("req_2" if "req_2" in change else "req_1")


@given(words=st.binary(max_size=300), at_ms=st.integers(0, 2**53), key_id=st.text(max_size=20))
def test_anything_comes_back_as_it_was(
    words: bytes, at_ms: int, key_id: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    key_id = key_id.encode("utf-8", "replace").decode()
    with ContentStore(tmp_path_factory.mktemp("content"), KEY) as store:
        kept = one(at_ms=at_ms, key_id=key_id, words=words)
        store.keep(kept, nonce())
        assert store.find("req_1") == kept


def test_what_is_deleted_is_gone_from_the_files(tmp_path: Path) -> None:
    with ContentStore(tmp_path, KEY) as store:
        for number in range(20):
            store.keep(one(f"req_{number}", at_ms=number, key_id="ab"[number % 2], words=os.urandom(9_000)), nonce())
        ((sealed,),) = sqlite3.connect(tmp_path / DATABASE).execute("SELECT sealed FROM content WHERE at_ms = 3")
        assert sealed[:2_000] in files(tmp_path) or sealed[2_000:3_000] in files(tmp_path)
        assert store.purge(before_ms=5) == 5
        assert store.counted() == (15, 5)
        held = files(tmp_path)
        assert not [at for at in range(0, len(sealed) - 64, 64) if sealed[at : at + 64] in held]
        assert store.purge(request_id="req_6") == 1
        assert store.purge(key_id="b") == 8
        assert store.purge() == 6
        assert store.counted() == (0, None)


def test_a_key_is_named_by_the_environment_or_a_file_of_its_owners_own(tmp_path: Path) -> None:
    for text in (urlsafe_b64encode(KEY).decode(), b64encode(KEY).decode(), urlsafe_b64encode(KEY).decode().rstrip("=")):
        assert key_from(ContentConfig(key=text), lambda: 0) == KEY
    for wrong in ("", "short", "k" * 44, "ü" * 43):
        assert wrong == "k" * 44 or key_of(wrong) is None
    path = tmp_path / "content.key"
    drawn = iter(range(1, 100))
    made = key_from(ContentConfig(key_file=str(path)), lambda: next(drawn))
    assert len(made) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert key_from(ContentConfig(key_file=str(path)), lambda: next(drawn)) == made
    path.chmod(0o640)
    with pytest.raises(ContentUnusable, match="chmod 600"):
        key_from(ContentConfig(key_file=str(path)), lambda: 0)
    for settings in (ContentConfig(), ContentConfig(key="x"), ContentConfig(key_file=str(tmp_path / "a" / "b"))):
        with pytest.raises(ContentUnusable):
            key_from(settings, lambda: 0)
