"""Pairs of models are told by their names."""

import pytest

from tenbin.measure.routing.families import Pair, known_pairs, sized_pairs


@pytest.mark.parametrize(
    ("weak", "strong"),
    [
        ("claude-3-haiku-20240307", "claude-3-opus-20240229"),
        ("anthropic/claude-haiku-4-5-20251001", "anthropic/claude-opus-4-5"),
        ("gpt-4o-mini", "gpt-4o-2024-08-06"),
        ("gpt-4o-mini", "gpt-4-turbo-preview"),
        ("gpt-5-nano-2025-08-07", "gpt-5-2025-08-07"),
        ("gemini__gemini-2.5-flash", "gemini__gemini-2.5-pro"),
        ("mistralai/mixtral-8x7b-chat", "gpt-4-1106-preview"),
        ("claude-instant-v1", "claude-v2"),
    ],
)
def test_models_that_are_sold_side_by_side(weak: str, strong: str) -> None:
    assert known_pairs([strong, "llama-3-8b", weak]) == [Pair(weak, strong)]


@pytest.mark.parametrize(
    "models",
    [
        ["gemini-1.5-flash", "gemini-2.5-pro"],
        ["claude-haiku-4-5", "claude-opus-4-1"],
        ["gpt-4o-mini", "gpt-4.5-preview-2025-02-27"],
        ["gpt-5-nano-2025-08-07", "gpt-5-mini-2025-08-07"],
    ],
)
def test_models_of_different_generations_are_no_pair(models: list[str]) -> None:
    assert known_pairs(models) == []


def test_of_several_snapshots_the_one_counts_of_which_most_is_known() -> None:
    models = ["gpt-4o-mini", "gpt-4-turbo-2024-04-09", "gpt-4-turbo-preview"]
    assert known_pairs(models) == [Pair("gpt-4o-mini", "gpt-4-turbo-2024-04-09")]
    described = {"gpt-4-turbo-preview"}
    assert known_pairs(models, described) == [Pair("gpt-4o-mini", "gpt-4-turbo-preview")]


def test_one_model_in_several_sizes() -> None:
    models = ["qwen2.5-7b-instruct", "Qwen/Qwen2.5-72B-Instruct", "qwen2.5-32b-instruct", "llama-3-8b", "gemma-2-9b"]
    assert sized_pairs(models) == [Pair("qwen2.5-7b-instruct", "Qwen/Qwen2.5-72B-Instruct")]
