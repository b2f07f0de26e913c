"""Refusals are told from what only looks like one, in English and Japanese."""

import pytest

from tenbin.discern.gates.gate import Answer, Question
from tenbin.discern.gates.refusal import refusal

REFUSALS = [
    "I'm sorry, but I can't help with that.",
    "I’m sorry, but I can’t assist with that request.",
    "I cannot provide instructions for that.",
    "I'm unable to access the internet, so I can't look this up.",
    "As an AI language model, I don't have personal opinions on this.",
    "I must decline this request.",
    "I won't help you write that.",
    "Sorry, I can't do that.",
    "Unfortunately, I am not able to browse websites.",
    "I do not have access to real-time data, so I can't tell you today's weather.",
    "I'm afraid I can't open that file.",
    "That's not something I can help with.",
    "**I'm sorry**, but I cannot fulfill this request.",
    "I am not comfortable writing this.",
    "申し訳ありませんが、そのご質問にはお答えできません。",
    "申し訳ございませんが、このリクエストには対応いたしかねます。",
    "すみません、お手伝いできません。",
    "AIとして、個人的な意見を持っていません。",
    "私は言語モデルなので、ウェブサイトにアクセスすることはできません。",
    "残念ながら、その情報を提供することはできません。",
    "その依頼はお断りします。",
    "お答えできません。",
    "恐れ入りますが、そのような内容の作成はお手伝いできかねます。",
    "このご要望にはお応えすることができません。",
    "申し訳ございません。お手伝いできません。",
    "すみませんが、それはできません。",
    "I'd rather not answer that.",
]

NOT_REFUSALS = [
    "I can't wait to see you on Friday!",
    "I can't recommend this book enough.",
    "I cannot stress enough how useful this is.",
    "The server replied: \"I'm sorry, but I can't help with that.\" This is a refusal.",
    "> I'm sorry, but I can't help with that.\n\nThis line shows how the bot refused.",
    "The function cannot handle negative numbers, so it raises ValueError.",
    "You can't divide by zero.",
    "Dear Ms Smith,\n\nI am sorry, but I cannot attend the meeting on Monday.",
    "Sorry for the delay: the report is attached.",
    "```python\nprint(\"I'm sorry, but I can't help with that.\")\n```",
    "No.",
    "The model refused to answer the question.",
    "He said he could not help them.",
    "この関数は負の数を扱うことができません。",
    "返品には対応できません、と規約に書かれています。",
    "彼は「申し訳ありませんが、お答えできません」と言いました。",
    "申し訳ありませんが、納期が三日遅れます。",
    "申し訳ありません。修正したコードは次のとおりです。",
    "I'd rather not take the train, as it is slow.",
    "キャンセルはできません。",
    "田中様\n\n申し訳ありませんが、会議には参加できません。",
    "はい、できます。",
    "```\n申し訳ありませんが、お答えできません。\n```",
    "東京です。",
]


@pytest.mark.parametrize("text", REFUSALS)
def test_a_refusal_is_one(text: str) -> None:
    told = refusal(Question(prompt="Tell me."), Answer(text=text))
    assert told.score == 0.0, told.evidence


@pytest.mark.parametrize("text", NOT_REFUSALS)
def test_what_only_looks_like_a_refusal_passes(text: str) -> None:
    told = refusal(Question(prompt="Tell me."), Answer(text=text))
    assert told.score is not None
    assert told.score >= 0.9, told.evidence


def test_a_refusal_that_was_asked_for_is_an_answer() -> None:
    asked = Question(prompt="英語に訳してください: 申し訳ありませんが、そのご質問にはお答えできません。")
    told = refusal(asked, Answer(text="I'm sorry, but I cannot answer that question."))
    assert told.score is not None
    assert told.score > 0.5


def test_the_provider_may_say_so() -> None:
    assert refusal(Question(), Answer(text="Well", stop_reason="refusal")).score == 0.0
    assert refusal(Question(), Answer(text="Well", stop_reason="content_filter")).score == 0.0


def test_one_who_declines_and_goes_on_at_length_is_in_between() -> None:
    text = "I'm sorry, but I can't give legal advice. " + "A contract of rent usually names the parties. " * 40
    assert refusal(Question(), Answer(text=text)).score == 0.5
