"""The guard as a whole: what never agrees, what always does, in both languages."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.discern.guard import Kind, check

# Pairs that look alike and ask for something else, by the rule that must see it.
DIFFERENT: list[tuple[Kind, str, str]] = [
    ("number", "What was the population of Chile in 1990?", "What was the population of Chile in 1991?"),
    ("number", "Convert 3,500 metres to feet", "Convert 3,900 metres to feet"),
    ("number", "Does the offer hold for 5 km?", "Does the offer hold for 5 miles?"),
    ("number", "What is 2+2?", "What is 2*2?"),
    ("number", "What is twenty-five percent of the total?", "What is thirty-five percent of the total?"),
    ("number", "How do I migrate from Django 4.1 to Django 4.2?", "How do I migrate from Django 4.1 to Django 5.0?"),
    ("number", "第三章を要約してください", "第四章を要約してください"),
    ("number", "二〇二三年の出生数は？", "二〇二四年の出生数は？"),
    ("number", "3万円の商品券を買いたい", "5万円の商品券を買いたい"),
    ("date", "Are you open on Monday?", "Are you open on Tuesday?"),
    ("identifier", "Explain what src/app/views.py does", "Explain what src/app/models.py does"),
    ("identifier", "What does get_item return?", "What does set_item return?"),
    ("identifier", "What does --force do here?", "What does --dry-run do here?"),
    ("quoted text", 'Translate "good morning" to French', 'Translate "good night" to French'),
    ("quoted text", "「起きる」を敬語にして", "「寝る」を敬語にして"),
    ("name", "Who founded the company Siemens?", "Who founded the company Bosch?"),
    ("negation", "Which files are tracked?", "Which files are not tracked?"),
    ("negation", "Why does my cat eat grass?", "Why doesn't my cat eat grass?"),
    ("negation", "会費を払う人の一覧", "会費を払わない人の一覧"),
    ("antonym", "How do I turn the lights on?", "How do I turn the lights off?"),
    ("antonym", "Is the plan refundable?", "Is the plan nonrefundable?"),
    ("antonym", "入場料の最高額は？", "入場料の最低額は？"),
    ("direction", "What does a train from Oslo to Bergen cost?", "What does a train from Bergen to Oslo cost?"),
    ("direction", "How do I convert a PDF to a spreadsheet?", "How do I convert a spreadsheet to a PDF?"),
    ("direction", "京都から奈良まで何分ですか", "奈良から京都まで何分ですか"),
    ("substitution", "How do I water a cactus?", "How do I repot a cactus?"),
    ("substitution", "カメラの電池の寿命は？", "時計の電池の寿命は？"),
    (
        "substitution",
        "Buyer and seller signed: when may the buyer end the contract?",
        "Buyer and seller signed: when may the seller end the contract?",
    ),
    ("question word", "Why was the bridge built?", "When was the bridge built?"),
    ("added scope", "What is the entrance fee?", "What is the entrance fee for students?"),
    ("added scope", "入場料はいくらですか", "学生の入場料はいくらですか"),
    ("word order", "Can lions outrun zebras uphill?", "Can zebras outrun lions uphill?"),
    ("word order", "太郎が花子を待つ話を書いて", "太郎を花子が待つ話を書いて"),
    ("word order", "大人2人と子供1人の料金", "大人1人と子供2人の料金"),
    ("word order", "大人二人と子供一人の料金", "大人一人と子供二人の料金"),
    ("language", "What is a monad?", "モナドとは何ですか"),
]

ALIKE = [
    ("How do I reset my password?", "How can I reset my password?"),
    ("What's the capital of Peru?", "Which city is Peru's capital?"),
    ("Tell me how photosynthesis works.", "Please explain how photosynthesis works"),
    ("What is 15% of 200?", "Calculate fifteen percent of 200."),
    ("Summarize chapter 3.", "Please summarize the third chapter"),
    ("HOW DO I EXPORT MY DATA", "How do I export my data?"),
    ("What does `parse_date` do?", "Explain the function parse_date"),
    ("How do I convert a PDF into a spreadsheet?", "What's the way to convert a PDF to a spreadsheet?"),
    ("Why was the bridge built?", "What is the reason the bridge was built?"),
    ("日本の首都はどこですか？", "日本の首都を教えてください"),
    ("三百円の切手を買う方法", "300円の切手を買うには？"),
    ("京都から奈良までの料金は？", "京都から奈良までいくらですか"),
    ("提出しなければならない書類は？", "提出しなければなりませんか、その書類は"),
]


@pytest.mark.parametrize(("kind", "known", "asked"), DIFFERENT)
def test_what_differs_is_seen_by_its_rule_either_way_round(kind: Kind, known: str, asked: str) -> None:
    for one, other in ((known, asked), (asked, known)):
        found = check(one, other)
        assert not found.agrees
        assert kind in {difference.kind for difference in found.differences}


@pytest.mark.parametrize(("known", "asked"), ALIKE)
def test_a_rewording_agrees_either_way_round(known: str, asked: str) -> None:
    for one, other in ((known, asked), (asked, known)):
        found = check(one, other)
        assert found.agrees, found.differences


def test_a_difference_shows_what_stands_on_each_side() -> None:
    (difference,) = check("Prices in 2023?", "Prices in 2024?").differences
    assert (difference.kind, difference.words) == ("number", "2023 / 2024")


WORDS = """
    what how is does the a of in for cost price ticket report server not never from to Paris Kenya 12 3.5 2024 `x_y`
    src/a.py "quoted" increase decrease before after Monday 東京 から 大阪 まで の料金 は ですか 三百円 しない メール を
"""
PIECES = st.sampled_from(WORDS.split())
TEXTS = st.one_of(st.lists(PIECES, min_size=1, max_size=14).map(" ".join), st.text(max_size=80))


@given(TEXTS)
def test_the_same_text_always_agrees(text: str) -> None:
    assert check(text, text).agrees


@given(TEXTS, TEXTS)
def test_it_does_not_matter_which_text_came_first(one: str, other: str) -> None:
    forth, back = check(one, other), check(other, one)
    assert forth.agrees == back.agrees
    assert {difference.kind for difference in forth.differences} == {difference.kind for difference in back.differences}
    assert (forth.left_known, forth.left_asked) == (back.left_asked, back.left_known)
    assert 0 <= forth.overlap <= 1


WIDE = {ord(letter): ord(letter) + 0xFEE0 for letter in string.ascii_letters + string.digits}


@given(st.lists(PIECES, min_size=1, max_size=10).map(" ".join))
def test_capitals_blanks_and_width_make_no_difference(text: str) -> None:
    assert check(text, text.upper()).agrees
    assert check(text, f"  {text.replace(' ', '   ')} \n").agrees
    assert check(text, text.translate(WIDE)).agrees


@given(
    st.sampled_from(
        ["How much is {} of that?", "Was it so in {} already", "{}円の切手", "{}年の出来事は？", "Fix line {}"]
    ),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
)
def test_a_changed_number_never_agrees(frame: str, one: int, other: int) -> None:
    assert check(frame.format(one), frame.format(other)).agrees == (one == other)


@given(st.text(max_size=400), st.text(max_size=400))
def test_no_text_makes_it_fail(one: str, other: str) -> None:
    check(one, other)


@pytest.mark.parametrize(
    "text",
    [
        "1" * 2_000,
        "アイウ" * 666,
        "1時半" * 500,
        "a." * 1_000,
        '"a' * 1_000,
        "京都から" * 500,
        "from to " * 250,
        "なければ" * 500,
    ],
)
def test_long_rows_of_one_sign_are_read_like_any_other_text(text: str) -> None:
    assert check(text, text).agrees
    assert not check(text, f"{text} 7 elephants").agrees
