"""The hash of a configuration, and that no secret is in what it is made from."""

from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.digest import digest, without_secrets
from tenbin.config.model import Config, ProviderConfig

_WORDS = st.text("abcdefgh", min_size=1, max_size=8)


@given(st.dictionaries(_WORDS, _WORDS), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_count(urls: dict, chance: Random) -> None:
    rows = [(name, ProviderConfig(base_url=url)) for name, url in urls.items()]
    shuffled = rows[:]
    chance.shuffle(shuffled)
    assert digest(Config(providers=dict(rows))) == digest(Config(providers=dict(shuffled)))


def test_the_order_of_a_chain_counts() -> None:
    assert digest(Config(default=["a/x", "b/y"])) != digest(Config(default=["b/y", "a/x"]))


def test_no_secret_is_left() -> None:
    config = Config(
        master_key="sesame-1",
        keys={"bob": "sesame-2"},
        providers={"a": ProviderConfig(api_key="sesame-3", headers={"x": "sesame-4"})},
    )
    assert b"sesame" not in msgspec.json.encode(without_secrets(config))


def test_a_default_that_is_written_out_changes_nothing() -> None:
    assert digest(Config(discover=True)) == digest(Config())
