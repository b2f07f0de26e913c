"""Where spending may be counted, as it is written in the file."""

import pytest

from tenbin.config.load import parse
from tenbin.config.problem import ConfigError

FILE = """
providers: {{acme: {{base_url: "http://127.0.0.1:9/v1", dialect: openai_chat, api_key: x}}}}
models: {{fast: [acme/anvil]}}
spending: {{budgets: [{{scope: "{}", window: day, usd: 5}}]}}
"""


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


@pytest.mark.parametrize(
    ("scope", "fix"),
    [
        ("model:claude-opus-5-5", "model:provider/model"),
        ("model:fast", "route:model:NAME"),
        ("model:acmee/anvil", "Did you mean acme?"),
        ("route:fast", "Write route:model:fast."),
        ("team", "team:*"),
    ],
)
def test_a_budget_that_would_count_nothing_is_told(scope: str, fix: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(FILE.format(scope), environ={})
    (problem,) = raised.value.problems
    assert problem.key == "spending.budgets[0].scope"
    assert fix in problem.fix


@pytest.mark.parametrize(
    "scope",
    [
        "global",
        "team:*",
        "key:ada",
        "model:*",
        "model:acme/anvil",
        "model:openai/gpt-6-luna",
        "model:local/smollm2-135m",
        "route:*",
        "route:default",
        "route:model:fast",
        "route:weighed:code",
        "route:own rule",
    ],
)
def test_scopes_that_count(scope: str) -> None:
    assert parse(FILE.format(scope), environ={}).spending.budgets[0].scope == scope
