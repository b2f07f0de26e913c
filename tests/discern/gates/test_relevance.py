"""Whether an answer is about what was asked."""

import pytest

from tenbin.discern.gates.gate import Answer, Question
from tenbin.discern.gates.relevance import relevance


@pytest.mark.parametrize(
    ("prompt", "text", "low"),
    [
        (
            "How do tides depend on the moon?",
            "The moon pulls the ocean, so tides rise and fall as the earth turns beneath it.",
            False,
        ),
        (
            "How do tides depend on the moon?",
            "Our company offers the finest leather shoes, with free shipping across the country.",
            True,
        ),
        ("潮の満ち引きはなぜ起こるのですか。", "潮の満ち引きは月の引力が海水を引くことによって起こります。", False),
        ("潮の満ち引きはなぜ起こるのですか。", "当社は最高級の革靴を全国送料無料でお届けする専門店です。", True),
    ],
)
def test_shared_words_count(prompt: str, text: str, low: bool) -> None:
    told = relevance(Question(prompt=prompt), Answer(text=text))
    assert told.score is not None
    assert (told.score < 0.5) is low, told.evidence


def test_labels_and_translations_are_not_judged() -> None:
    assert relevance(Question(prompt="Is the sky blue or green?"), Answer(text="blue")).score is None
    assert relevance(Question(prompt="x" * 20, task="translation"), Answer(text="word " * 20)).score is None
