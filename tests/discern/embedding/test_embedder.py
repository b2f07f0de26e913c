"""What every embedder promises, asked of the real models: unit vectors, the same for the same text, whatever it is."""

import os

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenbin.discern.embedding.embedder import Embedder, unit
from tenbin.discern.embedding.minilm import MiniLM
from tenbin.discern.embedding.multilingual_e5 import MultilingualE5

HOSTILE = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "ﷺ" * 5_000,
    "🧑‍🚀" * 3_000,
    "x" * 100_000,
    "\u0301" * 9_000,
    "a " * 50_000,
)


def test_vectors_have_length_one_and_the_promised_dimension(embedder: Embedder) -> None:
    vectors = embedder.embed(["How old is the Earth?", "地球は何歳ですか？", *HOSTILE])
    assert vectors.shape == (2 + len(HOSTILE), embedder.dimension)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_no_texts_are_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, embedder.dimension)


def test_a_text_has_one_vector_whatever_stands_beside_it(embedder: Embedder) -> None:
    texts = ["Translate this.", "word " * 90, "短い文です。"]
    together = embedder.embed(texts)
    alone = np.concatenate([embedder.embed([text]) for text in reversed(texts)])[::-1]
    assert np.array_equal(together, alone)


def test_the_rest_of_a_long_text_is_not_read_and_that_is_told(embedder: Embedder) -> None:
    head = "one more word " * embedder.window
    assert not embedder.fits(head)
    assert not any(embedder.fits(text) for text in HOSTILE if len(text) >= 100_000)
    assert embedder.fits("Does it fit?")
    assert np.array_equal(*embedder.embed([head + "yes", head + "no"]))


@given(st.text(max_size=300))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_embedded(embedder: Embedder, text: str) -> None:
    embedder.fits(text)
    assert np.isclose(np.linalg.norm(embedder.embed([text])), 1, atol=1e-5)


def nearer(embedder: Embedder, asked: str, same: str, other: str) -> bool:
    one, two, three = embedder.embed([asked, same, other])
    return bool(one @ two > one @ three)


def test_a_rewording_is_nearer_than_another_question(embedder: Embedder) -> None:
    assert nearer(embedder, "How old is the Earth?", "What is the age of our planet?", "How do I boil an egg?")
    if "ja" in embedder.languages:
        assert nearer(embedder, "地球は何歳ですか？", "地球の年齢を教えてください", "卵のゆで方を教えて")


def test_a_row_of_zeros_stays_one() -> None:
    assert np.array_equal(unit(np.zeros((2, 3), np.float32)), np.zeros((2, 3)))


def test_the_languages_that_are_covered() -> None:
    assert MiniLM().languages == {"en"}
    before = dict(os.environ)
    assert MultilingualE5().languages == {"en", "ja", "other"}
    assert dict(os.environ) == before, "what one library reads of the environment does not stay in it"
