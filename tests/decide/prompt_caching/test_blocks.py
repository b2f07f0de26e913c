"""A prompt's blocks stand in the order in which it is cached, and a changed word changes its own block and all prefixes
from there on.
"""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.conversation import Conversation, Text, Thinking, Tool, ToolCall, ToolResult, Turn
from tenbin.decide.prompt_caching.blocks import blocks, shared_length, static_end, turns_end

words = st.text(alphabet="abc あ", min_size=1, max_size=8)


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    return Conversation(
        model="m",
        tools=tuple(Tool(name=name) for name in draw(st.lists(words, max_size=3, unique=True))),
        system=tuple(Text(text=text) for text in draw(st.lists(words, max_size=2))),
        turns=tuple(
            Turn(role="assistant" if number % 2 else "user", parts=(Text(text=text),))
            for number, text in enumerate(draw(st.lists(words, min_size=1, max_size=5)))
        ),
    )


@given(conversations())
def test_marks_change_no_digest(conversation: Conversation) -> None:
    turns = tuple(
        msgspec.structs.replace(turn, parts=tuple(msgspec.structs.replace(part, cache="1h") for part in turn.parts))
        for turn in conversation.turns
    )
    marked = msgspec.structs.replace(conversation, turns=turns)
    assert [one.digest for one in blocks(marked)] == [one.digest for one in blocks(conversation)]
    assert blocks(marked)[-1].mark == "1h"


@given(conversations(), words)
def test_one_more_turn_keeps_every_prefix(conversation: Conversation, text: str) -> None:
    longer = msgspec.structs.replace(
        conversation, turns=(*conversation.turns, Turn(role="user", parts=(Text(text=text),)))
    )
    before, after = blocks(conversation), blocks(longer)
    assert [one.prefix for one in after][: len(before)] == [one.prefix for one in before]
    assert after[-1].tokens >= before[-1].tokens


@given(conversations(), st.data())
def test_a_changed_block_changes_all_prefixes_from_there_on(conversation: Conversation, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(conversation.turns) - 1))
    turns = list(conversation.turns)
    turns[at] = msgspec.structs.replace(turns[at], parts=(Text(text="something else"),))
    before = blocks(conversation)
    after = blocks(msgspec.structs.replace(conversation, turns=tuple(turns)))
    first = len(before) - len(conversation.turns) + at
    assert shared_length(tuple(one.digest for one in before), tuple(one.digest for one in after)) == first
    assert all(one.prefix != other.prefix for one, other in zip(before[first:], after[first:], strict=True))


def test_tools_come_before_the_system_prompt_and_that_before_the_turns() -> None:
    conversation = Conversation(
        model="m",
        system=(Text(text="Be brief."),),
        turns=(Turn(role="user", parts=(Text(text="Hello"), Text(text="there"))),),
        tools=(Tool(name="look_up"),),
    )
    assert [tuple(one.place) for one in blocks(conversation)] == [
        ("tool", 0, 0),
        ("system", 0, 0),
        ("turn", 0, 0),
        ("turn", 0, 1),
    ]


def test_no_mark_goes_behind_thinking_or_behind_empty_words() -> None:
    conversation = Conversation(
        model="m",
        system=(Text(text="Be brief."), Text(text=" ")),
        turns=(
            Turn(role="user", parts=(Text(text="Hello"),)),
            Turn(role="assistant", parts=(ToolCall(id="1", name="look_up"), Thinking(text="so ..."))),
        ),
    )
    found = blocks(conversation)
    static, last = static_end(found), turns_end(found)
    assert static is not None
    assert last is not None
    assert static.place == ("system", 0, 0)
    assert last.place == ("turn", 1, 0)


def test_japanese_counts_a_token_a_character() -> None:
    text = "天秤は二つのものの重さを比べる道具です。" * 100
    (block,) = blocks(Conversation(model="m", turns=(Turn(role="user", parts=(Text(text=text),)),)))
    assert 0.9 * len(text) < block.tokens < 1.2 * len(text)


def test_a_tool_result_is_a_block_of_its_turn() -> None:
    result = ToolResult(call_id="1", content=(Text(text="4 files"),))
    found = blocks(Conversation(model="m", turns=(Turn(role="user", parts=(result,)),)))
    assert found[0].markable
