"""Families of model names, and which configured model stands for a name that nobody serves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.decide.names import family, map_name


@pytest.mark.parametrize(
    ("name", "maker", "size", "version"),
    [
        ("claude-haiku-4-5-20251001", "anthropic", "small", (4, 5)),
        ("claude-3-5-sonnet-20241022", "anthropic", "medium", (3, 5)),
        ("openrouter,anthropic/claude-sonnet-4.5", "anthropic", "medium", (4, 5)),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "anthropic", "small", (4, 5)),
        ("claude-opus-5-5[1m]", "anthropic", "large", (5, 5)),
        ("sonnet", "anthropic", "medium", ()),
        ("gpt-5.4-nano", "openai", "small", (5, 4)),
        ("gpt-4o-mini-2024-07-18", "openai", "small", (4,)),
        ("gpt-5", "openai", "medium", (5,)),
        ("o3-pro", "openai", "large", (3,)),
        ("gemini-3-pro-preview", "google", "medium", (3,)),
        ("gemini-2.5-flash-lite", "google", "small", (2, 5)),
        ("qwen3-coder:30b", "qwen", "medium", (3,)),
        ("qwen3:8b", "qwen", "small", (3,)),
        ("deepseek-chat", "deepseek", "medium", ()),
        ("auto", "", "medium", ()),
    ],
)
def test_what_a_name_says(name: str, maker: str, size: str, version: tuple[int, ...]) -> None:
    found = family(name)
    assert (found.maker, found.size, found.version) == (maker, size, version)


CLAUDES = ["anthropic/claude-opus-5-5", "anthropic/claude-haiku-5-5", "anthropic/claude-haiku-4-0"]


@pytest.mark.parametrize(
    ("name", "available", "target"),
    [
        ("claude-haiku-4-5-20251001", CLAUDES, "anthropic/claude-haiku-4-0"),
        ("claude-haiku-5-1", CLAUDES, "anthropic/claude-haiku-5-5"),
        ("claude-sonnet-5-5", CLAUDES, "anthropic/claude-opus-5-5"),
        ("claude-haiku-4-5-20251001", ["openai/gpt-5", "openai/gpt-5-mini"], "openai/gpt-5-mini"),
        ("claude-haiku-4-5", ["openai/gpt-5", "anthropic/claude-opus-5-5"], "anthropic/claude-opus-5-5"),
        ("gpt-5.4-nano", ["openai/gpt-5", "openai/gpt-5-mini"], "openai/gpt-5-mini"),
        ("gpt-5.4-nano", ["local/smollm2-135m", "anthropic/claude-sonnet-5-5"], "anthropic/claude-sonnet-5-5"),
        ("gpt-5.3", ["or/openai/gpt-5.5", "or/openai/gpt-5.1"], "or/openai/gpt-5.5"),
    ],
)
def test_the_nearest_stands_in(name: str, available: list[str], target: str) -> None:
    mapped = map_name(name, available)
    assert mapped is not None
    assert mapped.target == target
    assert mapped.reason


def test_nobody_elses_smaller_model_stands_in() -> None:
    assert map_name("claude-opus-9", ["openai/gpt-5-mini"]) is None


def test_only_the_makers_own_when_that_is_asked() -> None:
    assert map_name("claude-haiku-4-5", ["openai/gpt-5-mini"], same_maker=True) is None


@pytest.mark.parametrize("name", ["auto", "my-model", "", "smart"])
def test_a_name_that_says_nothing_is_not_mapped(name: str) -> None:
    assert map_name(name, CLAUDES) is None


@given(st.text(max_size=300), st.lists(st.text(max_size=60), max_size=6))
def test_any_name_is_read_and_only_what_is_there_is_chosen(name: str, available: list[str]) -> None:
    mapped = map_name(name, available)
    assert mapped is None or mapped.target in available
