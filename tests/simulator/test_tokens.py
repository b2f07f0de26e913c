"""Tokens are counted by a real tokenizer, however a text is cut."""

import bpe_openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenbin.simulator import RunningSimulator, count, exact_text, prompt_text
from tenbin.simulator.tokens import first_tokens, image_tokens, pieces, token_ids
from tests.simulator.conftest import Client


@given(st.text(max_size=200), st.integers(1, 9))
def test_pieces_joined_are_the_text(text: str, size: int) -> None:
    cut = pieces(text, size)
    assert "".join(cut) == text
    assert all(cut)


@given(st.text(max_size=200), st.integers(0, 50))
def test_first_tokens_are_a_beginning_within_the_limit(text: str, limit: int) -> None:
    kept = first_tokens(text, limit)
    assert text.startswith(kept)


@given(st.text(alphabet="aé天 1,\n", max_size=60), st.integers(101_000, 150_000))
@settings(max_examples=20)
def test_a_text_taken_in_parts_has_the_tokens_of_the_whole(words: str, length: int) -> None:
    text = (f"word {words} end. " * (1 + length // (len(words) + 11)))[:length]
    assert token_ids(text) == bpe_openai.get_encoding("o200k_base").encode_ordinary(text)


@given(st.integers(0, 3000))
def test_exact_text(tokens: int) -> None:
    assert count(exact_text(tokens)) == tokens


@pytest.mark.parametrize("tokens", [8, 1024, 100_001, 272_001])
def test_prompt_text_makes_a_prompt_of_that_size(client: Client, simulator: RunningSimulator, tokens: int) -> None:
    client.messages(prompt_text(tokens))
    client.chat(prompt_text(tokens), model="gpt-6-sol")
    client.responses(prompt_text(tokens), model="gpt-6-sol")
    for entry in simulator.requests():
        buckets = entry["usage"]
        assert sum(value for name, value in buckets.items() if name not in ("output", "thinking")) == tokens


def test_image_tokens_come_from_its_size() -> None:
    head = "iVBORw0KGgoAAAANSUhEUgAAAPoAAACWCAYAAAA"  # the beginning of a PNG of 250 x 150
    assert image_tokens(head) == 50
    assert image_tokens("R0lGODlh") == image_tokens("") == 1600
