"""What may be compared by meaning: the last words alone, everything else equal."""

import json
from typing import Any

import pytest

from tenbin.decide.caching.canonical import canonical
from tenbin.decide.caching.partition import Question, partition


def parted(text: Any, **fields: Any) -> Question | str:
    body = {"model": "m", "messages": [{"role": "user", "content": text}], **fields}
    asked = canonical("openai_chat", json.dumps(body).encode())
    assert asked is not None
    return partition(asked, "ja" if any(ord(letter) > 0x3000 for letter in str(text)) else "en")


def rest(text: str, **fields: Any) -> bytes:
    found = parted(text, **fields)
    assert isinstance(found, Question)
    return found.rest


def test_only_the_last_words_may_differ() -> None:
    one, other = "What is a hash table?", "Explain what a hash table is."
    assert rest(one) == rest(other)
    assert rest(one, model="n") != rest(one)
    assert rest(one, temperature=0) != rest(one)
    assert rest(one, response_format={"type": "json_object"}) != rest(one)


def test_earlier_turns_must_be_equal() -> None:
    def after(before: str) -> bytes:
        turns = [{"role": "user", "content": before}, {"role": "assistant", "content": "Yes."}]
        return rest("unused", messages=[*turns, {"role": "user", "content": "And what about winter there?"}])

    assert after("Is Kyoto hot?") == after("Is Kyoto hot?") != after("Is Oslo hot?")


def test_reminders_before_the_question_must_be_equal() -> None:
    def with_reminder(reminder: str) -> bytes:
        parts = [{"type": "text", "text": reminder}, {"type": "text", "text": "What is a hash table?"}]
        return rest("unused", messages=[{"role": "user", "content": parts}])

    assert with_reminder("a") != with_reminder("b")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("yes", "too short"),
        ("go on", "too short"),
        ("続けて", "too short"),
        ("word " * 600, "too long"),
        ("Fix this code:\n```python\n" + "x = 1\n" * 50 + "```", "code"),
        ("What is the latest version of Python?", "about now"),
        ("今日の予定を教えてください", "about now"),
        ("Is my password is hunter2 strong?", "personal or security data (password or code)"),
        ([{"type": "image_url", "image_url": {"url": "x"}}], "images, files or other content"),
        ([], "no words"),
    ],
)
def test_what_is_never_answered_by_meaning(text: Any, why: str) -> None:
    assert parted(text) == why


def test_tools_and_turns_of_others_are_never_answered_by_meaning() -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert parted("What is a hash table?", tools=tools) == "tools"
    called = [{"role": "assistant", "tool_calls": [{"id": "1"}]}, {"role": "tool", "content": "x", "tool_call_id": "1"}]
    assert parted("unused", messages=[{"role": "user", "content": "Look it up"}, *called]) == "tools"
    begun = [{"role": "user", "content": "Say it please"}, {"role": "assistant", "content": "It"}]
    assert parted("unused", messages=begun) == "the last turn is not the user's"


@pytest.mark.parametrize("text", ["What is a hash table?", "ハッシュ表とは何ですか"])
def test_a_plain_question_may_be(text: str) -> None:
    found = parted(text)
    assert isinstance(found, Question)
    assert found.text == text
