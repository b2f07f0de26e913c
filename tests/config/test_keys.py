"""Keys are known by their hashes alone."""

from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.keys import HASH, KeyRing, hash_key


@given(st.text(max_size=50))
def test_a_hash_has_the_form_that_the_configuration_wants(key: str) -> None:
    assert HASH.fullmatch(hash_key(key))


@given(st.dictionaries(st.text("abc", min_size=1), st.text("xyz", min_size=1), max_size=5), st.text("xyz", max_size=4))
def test_a_key_is_let_in_exactly_when_it_was_given_out(keys: dict, guess: str) -> None:
    ring = KeyRing({name: hash_key(key) for name, key in keys.items()}, "master" * 3)
    owner = ring.owner(guess)
    assert (owner is not None) == (guess in keys.values())
    assert owner is None or keys[owner] == guess
    assert ring.owner("master" * 3) == "master"


def test_a_hash_is_not_a_key() -> None:
    ring = KeyRing({"bob": hash_key("k")})
    assert ring.owner(hash_key("k")) is None


def test_a_ring_without_keys_is_empty() -> None:
    assert not KeyRing({})
    assert KeyRing({}, "m")
