"""Where spending may be counted, as it is written in the file."""

import pytest

from tenbin.config.load import parse
from tenbin.config.problem import ConfigError


@pytest.mark.parametrize(
    "store",
    ["memory", "sqlite", "sqlite:///shared.sqlite", "sqlite:////var/lib/tenbin/shared.sqlite", "redis://cache:6379/0"],
)
def test_stores(store: str) -> None:
    assert parse(f"spending: {{store: '{store}'}}", environ={}).spending.store == store


@pytest.mark.parametrize("store", ["sqlite:", "sqlite://file", "sqlite:///", "mysql://host/db", "nowhere", "redis:"])
def test_what_is_no_store_is_told(store: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(f"spending: {{store: '{store}'}}", environ={})
    (problem,) = raised.value.problems
    assert problem.key == "spending.store"
    assert "no place to count spending" in problem.message
    assert "sqlite:///FILE" in problem.fix
