"""What is thought of a request: kinds of task in both languages, chances that hold together, no array too early."""

import subprocess
import sys
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenbin.core.features import DOMAINS, TASK_TYPES, Complexity, TaskType
from tenbin.core.sketch import Sketch
from tenbin.discern.complexity import Discerner, text_of


@cache
def discerner() -> Discerner:
    return Discerner()


def of(text: str, **more: object) -> Complexity:
    return discerner().complexity(Sketch(user=text, **more))  # type: ignore[arg-type]


PLAIN: list[tuple[str, TaskType]] = [
    ("次の文章をもっと丁寧に書き換えてください。明日行けません。", "rewriting"),
    ("以下の記事を要約して。\n政府は新しい法案を提出した。野党は反対している。", "summarization"),
    ("次の文を英語に翻訳して：会議は三時からです。", "translation"),
    ("コードを書いて。リストを逆順にする関数をPythonで。", "code_generation"),
    ("この関数のテストを書いて。\ndef add(a, b):\n    return a + b", "test_writing"),
    ("デバッグしてください。\nTypeError: 'NoneType' object is not iterable", "debugging"),
    ("契約書レビューをお願いします。\n第7条 甲は、乙の承諾なく地位を譲渡してはならない。", "contract_analysis"),
    ("このコードをリファクタリングして読みやすくして。\nfor i in range(10):\n    print(i)", "refactoring"),
    ("こんにちは、元気ですか？", "chat"),
    ("システムの設計方針と移行計画を立ててください。", "planning"),
    ("この関数にコメントを付けて。\ndef f(x): return x * 2", "comment_generation"),
    ("秋をテーマに俳句を詠んでください。", "creative_writing"),
    ("Translate this to Japanese: see you tomorrow", "translation"),
    ("Summarize this article in two sentences.\nThe mayor opened the new bridge on Monday.", "summarization"),
    ("Write unit tests for the date parser", "test_writing"),
    ("Refactor this class to remove the duplication", "refactoring"),
    ("I get KeyError: 'name' when I run this, how do I fix it?", "debugging"),
    ("Write a Python function that merges two dictionaries", "code_generation"),
    ("Write a poem about the sea", "creative_writing"),
    ("Solve 5x - 3 = 12 for x", "mathematics"),
    ("Review the termination clause of this agreement: Either party may terminate upon notice.", "contract_analysis"),
    ("hello!", "chat"),
    ("Write a blog post about remote work", "content_generation"),
    ("Design the architecture of a chat service and give me a roadmap", "planning"),
    ("Write a commit message for this diff:\n-ttl = 60\n+ttl = 90", "comment_generation"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "task"), PLAIN)
def test_plain_prompts_are_told_apart(text: str, task: TaskType) -> None:
    found = of(text)
    assert found.task == task
    assert found.language == ("ja" if any("\u3040" < letter < "\u30ff" for letter in text) else "en")


@settings(max_examples=200)
@given(st.text(max_size=300), st.text(max_size=100), st.integers(1, 5))
def test_chances_hold_together_for_any_request(user: str, system: str, turns: int) -> None:
    sketch = Sketch(user=user, system=system, first_user=system, user_turns=turns)
    found = discerner().complexity(sketch)
    assert found == discerner().complexity(sketch)
    assert list(found.suffices) == sorted(found.suffices), "a stronger tier never suffices less"
    assert all(0 <= chance <= 1 for chance in (*found.suffices, found.task_chance, found.domain_chance))
    assert found.task in TASK_TYPES
    assert found.domain in DOMAINS


def test_the_options_of_a_multiple_choice_are_counted() -> None:
    assert of("Which gas do plants take up?\nA) oxygen\nB) carbon dioxide\nC) helium\nAnswer:").options == 3
    assert of("Which gas do plants take up?").options == 0


def test_hard_requests_ask_for_more_than_small_talk() -> None:
    sketches = [Sketch(user="Hi, how are you?"), Sketch(user="Find the race condition in this distributed lock.")]
    easy, hard = (discerner().complexity(sketch) for sketch in sketches)
    assert easy.suffices[0] > hard.suffices[0]
    assert discerner().strong_gain(sketches[0]) < discerner().strong_gain(sketches[1])


def test_a_turn_of_a_word_is_read_after_what_was_asked_first() -> None:
    first = "Translate the following into French: the weather is fine"
    assert text_of(Sketch(user="yes, go on", first_user=first, user_turns=2)) == f"{first}\n\nyes, go on"
    assert text_of(Sketch(user="A long turn. " * 10, first_user=first, user_turns=2)) == "A long turn. " * 10


def test_a_programs_instruction_in_the_system_prompt_is_read() -> None:
    system = "You label support tickets. Classify the ticket as billing, technical or other. Reply with the label only."
    assert of("I was charged twice in May.", system=system, user_turns=1).task == "classification"
    agent = "You are a coding agent. " * 200
    assert text_of(Sketch(user="hello", system=agent, user_turns=1)) == "hello"


def test_a_request_of_any_length_is_read_to_its_end() -> None:
    text = "The council met on Monday and talked about the bridge. " * 4_000 + "\n\nSummarize the text above."
    assert of(text).task == "summarization"


def test_importing_loads_no_arrays() -> None:
    code = (
        "import sys; from tenbin.discern.complexity import Discerner; from tenbin.core.sketch import Sketch\n"
        "d = Discerner(); assert 'numpy' not in sys.modules\n"
        "d.complexity(Sketch(user='hi')); assert 'numpy' in sys.modules\n"
        "assert not {'sklearn', 'lightgbm', 'scipy', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_prompts_it_was_trained_on_are_known() -> None:
    assert discerner().was_trained_on("What is   the capital of AUSTRALIA?")
    assert not discerner().was_trained_on("What is the capital of the moon's far side, in your opinion?")


def test_the_version_says_which_weights_answered() -> None:
    assert of("hello").model == discerner().version
    date, _, digest = discerner().version.partition("+")
    assert len(date.split("-")) == 3
    assert len(digest) == 8
