"""Where marks are set: only where they pay, in the order and number that Anthropic takes."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.conversation import Conversation, Text, Tool, Turn
from tenbin.decide.cache_rules import NEVER, find
from tenbin.decide.outlook import Outlook
from tenbin.decide.prompt_caching.blocks import blocks
from tenbin.decide.prompt_caching.forecast import Seen
from tenbin.decide.prompt_caching.placing import MOST_MARKS, has_marks, marked, placed
from tests.decide.prompt_caching.test_forecast import OPUS, RULES

LONG = "All that the desk must know. " * 200
GOES_ON = Outlook(turns=20, growth=500, by_tools=0.9, returns=0.1)
ENDS = Outlook(turns=0, growth=0, by_tools=0.0, returns=0.0)
SLOWLY = Outlook(turns=20, growth=500, by_tools=0.0, returns=0.1)


def nothing(_: bytes) -> Seen | None:
    return None


def conversation(turns: int = 3, system: str = LONG) -> Conversation:
    return Conversation(
        model="m",
        system=(Text(text=system),) if system else (),
        tools=(Tool(name="look_up"),),
        turns=tuple(
            Turn(role="assistant" if number % 2 else "user", parts=(Text(text=f"words {number} " * 50),))
            for number in range(turns)
        ),
    )


def test_a_conversation_that_goes_on_is_marked_at_its_system_prompt_and_its_end() -> None:
    found = blocks(conversation())
    marks = placed(found, nothing, RULES, OPUS, GOES_ON, 0)
    assert [(mark.place.kind, mark.life) for mark in marks] == [("system", "5m"), ("turn", "5m")]
    assert marks[-1].place == found[-1].place
    assert "20.0 requests are expected" in marks[0].reason


def test_one_that_ends_is_not_marked() -> None:
    assert placed(blocks(conversation()), nothing, RULES, OPUS, ENDS, 0) == ()


def test_a_beginning_that_many_share_is_marked_though_no_conversation_goes_on() -> None:
    found = blocks(conversation(1))
    shared = found[1].prefix
    often = Seen(at_ms=0, weight=60.0, tokens=1_500)
    (mark,) = placed(found, lambda prefix: often if prefix == shared else None, RULES, OPUS, ENDS, 0)
    assert mark.place.kind == "system"


def test_what_is_warm_is_read_though_no_more_is_written() -> None:
    found = blocks(conversation(3))
    warm = Seen(at_ms=0, weight=1.0, tokens=2_000, warm_until_ms=10)
    recall: Callable[[bytes], Seen | None] = lambda prefix: warm if prefix == found[2].prefix else None  # noqa: E731
    (mark,) = placed(found, recall, RULES, OPUS, ENDS, 5)
    assert mark.place == found[2].place
    assert placed(found, recall, RULES, OPUS, ENDS, 10) == ()


def test_a_slow_conversation_gets_the_hour_and_no_shorter_life_stands_before_it() -> None:
    marks = placed(blocks(conversation()), nothing, RULES, OPUS, SLOWLY, 0)
    assert {mark.life for mark in marks} == {"1h"}


def test_a_short_prompt_and_a_provider_without_marks_get_none() -> None:
    assert placed(blocks(conversation(1, "Be brief.")), nothing, RULES, OPUS, GOES_ON, 0) == ()
    assert placed(blocks(conversation()), nothing, NEVER, OPUS, GOES_ON, 0) == ()
    assert placed(blocks(conversation()), nothing, find("openai", "gpt-5.6"), OPUS, GOES_ON, 0) == ()


@given(
    st.integers(1, 40),
    st.floats(0, 200),
    st.floats(0, 1),
    st.lists(st.tuples(st.integers(0, 60), st.floats(0, 100), st.integers(0, 100)), max_size=10),
)
def test_marks_are_few_in_order_and_long_lives_first(
    turns: int, ahead: float, by_tools: float, memory: list[tuple[int, float, int]]
) -> None:
    found = blocks(conversation(turns))
    known = {
        found[at % len(found)].prefix: Seen(at_ms=0, weight=weight, tokens=1, warm_until_ms=until)
        for at, weight, until in memory
    }
    marks = placed(found, known.get, RULES, OPUS, Outlook(ahead, 500, by_tools, 0.1), 50)
    assert len(marks) <= MOST_MARKS
    order = {block.place: number for number, block in enumerate(found)}
    assert [order[mark.place] for mark in marks] == sorted({order[mark.place] for mark in marks})
    lives = [mark.life for mark in marks]
    assert lives == sorted(lives, key=lambda life: life != "1h")
    after = blocks(marked(conversation(turns), marks))
    assert {block.place: block.mark for block in after if block.mark} == {mark.place: mark.life for mark in marks}
    assert has_marks(marked(conversation(turns), marks)) == bool(marks)
