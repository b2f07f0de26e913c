"""The secret that names entries is made once and kept to its owner; names are an HMAC."""

import hmac
from pathlib import Path

import pytest

from tenbin.config.caching import CachingConfig, SemanticCache
from tenbin.execute.cache.cache import Cache
from tenbin.execute.cache.opening import SECRET, CannotOpen, installation_secret, open_cache, open_meaning
from tenbin.execute.clock import SystemClock


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    made = installation_secret(tmp_path / "new", SystemClock())
    assert len(made) >= 32
    assert installation_secret(tmp_path / "new", SystemClock()) == made
    assert (tmp_path / "new" / SECRET).stat().st_mode & 0o777 == 0o600
    (tmp_path / "new" / SECRET).write_bytes(b"short")
    assert len(installation_secret(tmp_path / "new", SystemClock())) >= 32
    assert installation_secret(tmp_path / "other", SystemClock()) != made


@pytest.mark.parametrize("secret", ["s" * 32, "s" * 64, "s" * 200])
def test_names_are_an_hmac(secret: str, tmp_path: Path) -> None:
    cache = open_cache(CachingConfig(secret=secret), tmp_path, SystemClock())
    whole = b"".join(len(part).to_bytes(8, "big") + part for part in (b"a", b"", b"bc"))
    assert cache.name(b"a", b"", b"bc") == hmac.digest(secret.encode(), whole, "sha256").hex()[:32]
    other: Cache = open_cache(CachingConfig(), tmp_path, SystemClock())
    assert other.name(b"a", b"", b"bc") != cache.name(b"a", b"", b"bc")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (CachingConfig(store="redis:///"), "is not a redis://"),
        (CachingConfig(semantic=SemanticCache(mode="shadow", index="mysql://h/d")), "postgresql:// address"),
    ],
)
def test_what_cannot_be_opened_is_told(settings: CachingConfig, said: str, tmp_path: Path) -> None:
    with pytest.raises(CannotOpen, match=said):
        open_meaning(open_cache(settings, tmp_path, SystemClock()), settings, tmp_path, SystemClock())


def test_a_gateway_that_cannot_make_its_secret_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotOpen, match="can neither be read nor made"):
        open_cache(CachingConfig(), tmp_path / "file" / "below", SystemClock())
