"""What a configuration could ask, with prices of the list and of batches."""

from tenbin.decide.resolve import policy
from tenbin.ledger.prices import PriceBook
from tenbin.measure.spending.offers import offers
from tests.ledger.making import NOON_MS
from tests.real.books import configured


def test_targets_of_chains_and_tiers_each_once_the_weakest_first() -> None:
    config = configured(
        providers={
            "anthropic": {"api_key": "sk-a"},
            "acme": {
                "base_url": "http://127.0.0.1:1",
                "dialect": "openai_chat",
                "models": {"x": {"price": {"input": 1, "output": 2}}},
            },
        },
        models={"auto": ["anthropic/claude-haiku-4-5", "acme/x"], "big": ["anthropic/claude-opus-4-5", "acme/x"]},
    )
    found = offers(policy(config), PriceBook(config.providers).price, NOON_MS)
    by_name = {one.target: one for one in found}
    assert {"anthropic/claude-haiku-4-5", "anthropic/claude-opus-4-5", "acme/x"} <= set(by_name)
    assert len(by_name) == len(found)
    assert [one.ability for one in found] == sorted(one.ability for one in found)
    opus, own = by_name["anthropic/claude-opus-4-5"], by_name["acme/x"]
    assert opus.price is not None
    assert opus.batch is not None
    rate, cheaper = opus.price.steps[0][1].input, opus.batch.steps[0][1].input
    assert rate is not None
    assert cheaper is not None
    assert cheaper < rate
    assert own.price is not None
    assert own.batch is None
