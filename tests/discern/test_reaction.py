"""What a person's next words say of the answer before them: real turns of phrase, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.discern.reaction import reaction

REJECTED = [
    "That's wrong, the total should include tax.",
    "No, that's not what I asked for",
    "no that’s not right. look at line 12",
    "This doesn't work:\n```\nTypeError: x is not a function\n```",
    "It still fails with the same error",
    "Hmm, it didn't fix the bug",
    "You broke the login page",
    "Still not working.",
    "I ran it. It doesn't compile.",
    "wrong file, I meant src/app.py",
    "Please try again",
    "the tests still fail",
    "違います。税込みにしてください",
    "いや、そうじゃなくて、二番目の関数です",
    "それは間違っています",
    "まだ動きません",
    "うまくいきませんでした",
    "でも直ってないです",
    "頼んだことと違います",
    "やり直してください",
    "テストが通りません",
    "さっきの変更で壊れました",
]
UNDONE = [
    "Undo that",
    "undo.",
    "Please revert your last change and leave the file alone",
    "roll back the changes",
    "No, put it back",
    "revert",
    "元に戻してください",
    "今の変更を取り消して",
    "さっきの修正は revertして",
]
ACCEPTED = [
    "Thanks!",
    "thank you, that's all",
    "Perfect. Now add a test for it",
    "Great, next: the footer",
    "LGTM",
    "Looks good to me",
    "That works. Please commit",
    "it worked",
    "ok thanks",
    "ありがとうございます！",
    "完璧です。次はテストを書いてください",
    "いいですね、コミットして",
    "動きました",
    "助かりました",
]
NOTHING = [
    "",
    "No problem, take your time",
    "no worries",
    "No, use tabs",
    "No.",
    "Is this wrong?",
    "Is it right that this doesn't work on Windows?",
    "Write a function that tells whether an answer is wrong",
    "Fix the bug where undo does not work",
    "Undo and redo buttons are missing in the toolbar",
    "Revert commit 1a2b3c4 on the release branch",
    "Why is the test failing when the input is empty?",
    "Great, but the border is too thick",
    "Nice try. Do it with a loop",
    "Looks good?",
    "Thanks in advance for your help with this essay",
    "Perfect numbers: list the first five",
    "Nice to meet you",
    "Excellence in engineering: write a blurb",
    "The logs say 'wrong password' - where does that come from?",
    "Explain this error: thanks to a wrong pointer the program crashes",
    "問題ありません",
    "間違いがないか確認してください",
    "間違いないですか？",
    "AとBの違いを教えてください",
    "違う方法で書いてください",
    "元に戻すボタンを追加してください",
    "動かない理由を調べるスクリプトを書いて",
    "壊れた電子レンジが放置されています。",
    "いいですね、でも色を変えて",
    "ありがとうと言うメールを書いてください。件名はお礼です。ただし短く",
    "いいえ",
    "大丈夫です",
    "完璧ですか？",
]


@pytest.mark.parametrize("text", REJECTED)
def test_what_is_wrong_is_heard(text: str) -> None:
    assert reaction(text, "I have changed the function.") == "rejected"


@pytest.mark.parametrize("text", UNDONE)
def test_what_is_to_be_taken_back_is_heard(text: str) -> None:
    assert reaction(text, "I have changed the function.") == "undone"


@pytest.mark.parametrize("text", ACCEPTED)
def test_content_is_heard(text: str) -> None:
    assert reaction(text, "I have changed the function.") == "accepted"


@pytest.mark.parametrize("text", NOTHING)
def test_what_only_looks_like_it_says_nothing(text: str) -> None:
    assert reaction(text, "I have changed the function.") == ""


def test_a_word_that_answers_a_question_is_none() -> None:
    assert reaction("Great, do that.", "Shall I also update the docs?") == ""
    assert reaction("ありがとう、お願いします", "テストも直しますか？") == ""


def test_only_the_head_of_a_long_turn_is_looked_at() -> None:
    log = "Here is the log of the nightly run.\n" + "ok\n" * 400 + "That's wrong\nUndo that\n"
    assert reaction(log) == ""


@given(st.text(max_size=2_000), st.text(max_size=100))
def test_any_text_is_read(text: str, before: str) -> None:
    assert reaction(text, before) in ("", "rejected", "undone", "accepted")
