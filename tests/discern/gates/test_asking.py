"""Which form and language the words of a request ask for, in English and Japanese."""

import msgspec
import pytest

from tenbin.core.conversation import Conversation, OutputFormat, Text, Tool, Turn
from tenbin.discern.gates.asking import asked_forms, language_named, question


@pytest.mark.parametrize(
    ("prompt", "forms"),
    [
        ("Return a JSON object with name and age.", ["json"]),
        ("Answer in JSON only.", ["json"]),
        ("Convert this sentence to JSON: he is 3.", ["json"]),
        ("JSON形式で答えてください。", ["json"]),
        ("結果をJSONのみで返してください。", ["json"]),
        ("How do I write a JSON parser in Rust?", []),
        ("What is JSON?", []),
        ("List five rivers of Europe.", ["list"]),
        ("Give me 3 ideas for a birthday.", ["list"]),
        ("猫の名前を5つ挙げてください。", ["list"]),
        ("利点を箇条書きで説明してください。", ["list"]),
        ("I have a list of 5 errors in my log, why?", []),
        ("Write two sentences about rain.", []),
        ("Answer in one word: is it hot?", ["one_word"]),
        ("一言で答えてください。", ["one_word"]),
        ("What is 2 + 2? Reply with just the number.", ["number"]),
        ("数字だけで答えてください。", ["number"]),
        ("Is it raining? Answer yes or no.", ["yes_or_no"]),
        ("「はい」か「いいえ」で答えてください。", ["yes_or_no"]),
        ("Compare them in a table.", ["table"]),
        ("違いを表にまとめてください。", ["table"]),
        ("Create a table named users in SQL.", []),
        ("Write a Python function that adds.", ["code"]),
        ("Python の関数をコードブロックで書いてください。", ["code"]),
        ("Tell me about the history of Python.", []),
        ("Hello!", []),
        ("```\nAnswer in JSON only.\n```\nWhat does this prompt do?", []),
    ],
)
def test_forms(prompt: str, forms: list[str]) -> None:
    assert [asked.form for asked in asked_forms(prompt)] == forms


@pytest.mark.parametrize(
    ("prompt", "count"),
    [("List 12 birds.", 12), ("Name three colours.", 3), ("例を三つ挙げてください。", 3), ("理由を４つ教えて", 4)],
)
def test_how_many(prompt: str, count: int) -> None:
    assert asked_forms(prompt)[0].count == count


@pytest.mark.parametrize(
    ("prompt", "language"),
    [
        ("Answer in Japanese.", "ja"),
        ("Please reply in English, whatever I write.", "en"),
        ("日本語で答えてください。", "ja"),
        ("次の文を英語に翻訳してください。", "en"),
        ("Translate this into German.", "other"),
        ("フランス語で書いてください。", "other"),
        ("Write about what happened in English class.", None),
        ("英語の歴史を教えて", None),
        ("What is the best Japanese food?", None),
    ],
)
def test_a_language_is_named(prompt: str, language: str | None) -> None:
    assert language_named(prompt) == language


def test_a_conversation_is_read_at_its_last_turn() -> None:
    schema = msgspec.Raw(b'{"type":"object"}')
    conversation = Conversation(
        model="auto",
        system=(Text(text="Always answer in Japanese."),),
        turns=(
            Turn(role="user", parts=(Text(text="Return JSON only."),)),
            Turn(role="assistant", parts=(Text(text="{}"),)),
            Turn(role="user", parts=(Text(text="List three birds."),)),
        ),
        tools=(Tool(name="look"),),
        output_format=OutputFormat(mode="json_schema", schema=schema),
    )
    asked = question(conversation, "short_answer")
    assert (asked.prompt, asked.language, asked.task) == ("List three birds.", "ja", "short_answer")
    assert [form.form for form in asked.asked] == ["list"]
    assert "Return JSON only." in asked.context
    assert asked.tools[0].name == "look"
    assert asked.output_format is not None
