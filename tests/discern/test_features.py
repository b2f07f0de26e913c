"""Texts as numbers: bounded and the same for every text, however hostile."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.discern.features import BITS, MOST_CHARACTERS, NAMES, read, sampled
from tenbin.discern.keywords import ENGLISH, GROUPS, JAPANESE

QUESTION = (
    "Which planet is the largest?\nA. Mars, the red one\nB. Jupiter\nC. Venus\nD. Earth\nAnswer:"
)  # fmt: skip

HOSTILE = [
    "",
    "\0",
    "\ud800",
    "\udfff\ud800 lone surrogates \udc00",
    "a" * 1_000_000,
    "あ" * 300_000,
    "\n" * 10_000,
    "👩‍👩‍👧‍👦🏳️‍🌈" * 50,
    "\u202eright to left\u202c שלום عليكم",
    "A.\nB.\nC.",
    "\nA. \nA. \nB",
    "A) B) C)\nA)\nB)\nJ)\n",
    "\U0010ffff\U00012345",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L",
    "9" * 5_000,
    " ",
    "\t\r\v\f",
]


def counted(text: str, name: str) -> float:
    return float(np.expm1(read(text).counts[NAMES.index(name)]))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_give_finite_numbers(text: str) -> None:
    reading = read(text)
    assert reading.counts.shape == (len(NAMES),)
    assert np.isfinite(reading.counts).all()
    assert reading.grams.size == 0 or 0 <= reading.grams[0] <= reading.grams[-1] < 1 << BITS


@given(st.text(st.characters(), max_size=400))
def test_any_text_gives_the_same_finite_numbers_twice(text: str) -> None:
    reading, again = read(text), read(text)
    assert np.isfinite(reading.counts).all()
    assert (np.diff(reading.grams) > 0).all(), "each bucket once, rising"
    assert (reading.counts == again.counts).all()
    assert (reading.grams == again.grams).all()


def test_options_are_found_however_they_are_written() -> None:
    assert read(QUESTION).options == 4
    assert read(QUESTION.replace("A. ", "(A) ").replace("B. ", "(B) ").replace("C. ", "(C) ")).options == 4
    assert read("Pick one.\n- A: hive\n- B: nest\n").options == 2
    assert read(QUESTION + "\nB\n\n" + QUESTION).options == 4, "of the last question"


@pytest.mark.parametrize(
    "text",
    [
        "A. Smith wrote this.\nIt is long.",
        "Dear B.\nI write to you.\nYours\nA. Jones",
        "x\nA. one\nC. three",
        "a\nb\nc",
    ],
)
def test_what_is_no_choice_has_no_options(text: str) -> None:
    assert read(text).options == 0


def test_counts_say_what_people_would_count() -> None:
    text = "Tom has 12 apples. How many are left?\n\nShow 3.5 steps"
    assert counted(text, "characters") == pytest.approx(len(text))
    assert counted(text, "lines") == pytest.approx(2)
    assert counted(text, "blank_lines") == pytest.approx(1)
    assert counted(text, "numbers") == pytest.approx(3)
    assert counted(text, "longest_number") == pytest.approx(2)
    assert counted(text, "group_quantity") >= 2, "how many, left"


def test_capitals_widths_and_digits_do_not_change_the_letter_groups() -> None:
    assert (read("Add 12 Tests").grams == read("ADD 98 tests").grams).all()
    assert (read("ＡＤＤ tests").grams == read("add tests").grams).all()


def test_japanese_words_are_counted() -> None:
    assert counted("この契約の条項を要約して、英語に翻訳してください。", "group_law") >= 2
    assert counted("この契約の条項を要約して、英語に翻訳してください。", "group_translate") >= 2
    assert counted("俳句と詩", "group_create") >= 2, "words of a single character too"


def test_only_head_and_tail_of_a_long_text_are_read() -> None:
    head, tail = "summarize this " * 400, " end of it" * 300
    long = head + "x" * 500_000 + tail
    assert (read(long).counts == read(sampled(long, MOST_CHARACTERS)).counts).all()
    assert len(sampled(long, 100)) == 100
    assert sampled("short", 100) == "short"


def test_both_languages_know_the_same_groups() -> None:
    assert tuple(ENGLISH) == tuple(JAPANESE) == GROUPS


def test_another_process_reads_the_same_numbers() -> None:
    code = (
        "import hashlib; from tenbin.discern.features import read\n"
        "r = read('Compare 3 designs, 設計を比較して')\n"
        "print(hashlib.sha256(r.counts.tobytes() + r.grams.tobytes()).hexdigest())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, text=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
