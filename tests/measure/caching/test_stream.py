"""A stream of look-ups: what is found, what is right, and what each policy serves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.agreement import Agreement
from tenbin.discern.embedding.embedder import Vectors
from tenbin.measure.caching.rows import Pair, Table
from tenbin.measure.caching.stream import LEAST, NEAREST, look_ups, nearest, passes, questions_of, served


def pair(a: str, b: str, label: int, kind: str = "", keys: tuple[str, str] = ("", "")) -> Pair:
    return Pair(a, b, label, kind, *keys, True)


TABLE = Table(
    "t",
    "en",
    (
        pair("open in 2023?", "was it open in 2023?", 1),
        pair("open in 2023?", "open in 2024?", 0, "year"),
        pair("price of tea?", "cost of tea?", 1),
    ),
    (),
    False,
)


def vectors(texts: list[str]) -> Vectors:
    """All about opening lies near together, all about tea elsewhere."""
    return np.array([[1, 0.1 * text.count("4")] if "open" in text else [0, 1] for text in texts], np.float32)


def test_right_is_what_labels_and_keys_say_taken_together() -> None:
    questions = questions_of([TABLE])
    assert questions.same("open in 2023?", "was it open in 2023?")
    assert not questions.same("open in 2023?", "open in 2024?")
    keyed = questions_of(
        [Table("k", "en", (pair("x", "y", 0, "", ("1", "2")), pair("z", "w", 0, "", ("2", "3"))), (), False)]
    )
    assert keyed.same("y", "z")
    assert not keyed.same("x", "y")


def test_each_pairs_second_text_is_looked_up_among_all_first_ones() -> None:
    entries, found = look_ups([TABLE], vectors, lambda _: None)
    assert entries == 2
    by_text = {look_up.text: look_up for look_up in found}
    assert by_text["was it open in 2023?"].answerable
    assert by_text["open in 2024?"].traps == ("year",)
    assert not by_text["open in 2024?"].answerable
    trap = by_text["open in 2024?"]
    assert served(trap, "cosine", 0.9, "", "en") is not None
    assert served(trap, "guard", 0.9, "", "en") is None
    right = served(by_text["cost of tea?"], "guard", 0.9, "", "en")
    assert right is not None
    assert right.right


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=40))
def test_the_nearest_are_the_greatest_cosines_in_order(cosines: list[float]) -> None:
    found = nearest(np.array(cosines, np.float32))
    expected = [cosine for cosine in sorted(cosines, reverse=True)[:NEAREST] if cosine >= LEAST]
    assert [cosine for _, cosine in found] == pytest.approx(expected)
    assert all(cosines[at] == pytest.approx(cosine) for at, cosine in found)


def test_a_profile_serves_by_the_gateways_own_judgement() -> None:
    agrees, differs = Agreement(True), Agreement(False)
    assert passes(0.96, agrees, "strict", None, "all-minilm-l6-v2-int8", "en")
    assert not passes(0.90, agrees, "strict", None, "all-minilm-l6-v2-int8", "en")
    assert passes(0.96, differs, "cosine", 0.9, "", "en")
