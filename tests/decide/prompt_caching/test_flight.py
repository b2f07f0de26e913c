"""Who moved a block: each cause from two flights, and no diagnosis where nothing was lost."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.usage import Usage
from tenbin.decide.cache_rules import find
from tenbin.decide.prompt_caching.flight import Diagnosis, Flight, diagnose, same_conversation, settled
from tests.decide.prompt_caching.test_forecast import OPUS, RULES

NAMES = ("tool 1 (Bash)", "system 1", "turn 1 (user), part 1", "turn 2 (assistant), part 1", "turn 3 (user), part 1")


def flight(digests: str, *, at: int = 0, read: int = 0, written: int = 0, **fields: object) -> Flight:
    """One whose blocks are named by letters, a thousand tokens each."""
    blocks = tuple(letter.encode() for letter in digests)
    values: dict[str, object] = {
        "request_id": f"r{at}",
        "at_ms": at,
        "target": "anthropic/claude-opus-5-5",
        "client": blocks,
        "sent": blocks,
        "names": NAMES[: len(blocks)],
        "sent_names": tuple(f"sent {name}" for name in NAMES[: len(blocks)]),
        "tokens": tuple(1_000 * (number + 1) for number in range(len(blocks))),
        "settings": b"s",
        "passed_through": True,
        "marked": True,
        "read": read,
        "written": written,
        "prompt": 1_000 * len(blocks),
        **fields,
    }
    return Flight(**values)  # type: ignore[arg-type]


FIRST = flight("abc", written=3_000)


def cause_of(now: Flight, before: Flight = FIRST) -> tuple[str, str] | None:
    found = diagnose(before, now, RULES, OPUS)
    return None if found is None else (found.cause, found.block)


def test_what_was_read_needs_no_diagnosis() -> None:
    assert cause_of(flight("abcde", at=1_000, read=3_000, written=2_000)) is None


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (flight("xbcde", at=1, written=5_000), ("client", "tool 1 (Bash)")),
        (flight("axcde", at=1, read=0, written=5_000), ("client", "system 1")),
        (flight("ab", at=1), ("client", "after system 1: nothing")),
        (flight("abcde", at=1, sent=(b"a", b"x", b"c", b"d", b"e")), ("gateway", "sent system 1")),
        (
            flight("abcde", at=1, sent=(b"a", b"x", b"c", b"d", b"e"), passed_through=False),
            ("translation", "sent system 1"),
        ),
        (flight("abcde", at=1, settings=b"t"), ("settings", "")),
        (flight("abcde", at=300_001), ("time", "")),
        (flight("abcde", at=1, marked=False), ("unmarked", "")),
        (flight("abcde", at=1), ("provider", "")),
        (
            flight("abcde", at=1, target="anthropic/claude-haiku-5-5"),
            ("model", "anthropic/claude-opus-5-5 -> anthropic/claude-haiku-5-5"),
        ),
    ],
)
def test_each_cause(now: Flight, expected: tuple[str, str]) -> None:
    before = FIRST if len(now.client) != 2 else flight("abc", written=3_000)
    now = msgspec.structs.replace(now, prompt=5_000)
    assert cause_of(now, before) == expected


def test_the_clients_change_goes_before_what_translating_it_changed() -> None:
    now = flight("axcde", at=1, sent=(b"a", b"y", b"c", b"d", b"e"), passed_through=False, written=5_000)
    assert cause_of(now) == ("client", "system 1")


def test_a_change_behind_what_was_warm_costs_nothing_and_is_no_cause() -> None:
    before = flight("abc", written=2_000, prompt=3_000)
    now = flight("abxde", at=1, read=2_000)
    assert cause_of(now, before) is None
    assert cause_of(flight("abxde", at=1), before) == ("provider", "")


def test_the_loss_is_what_a_write_costs_more_than_a_read() -> None:
    found = diagnose(FIRST, flight("xbcde", at=1, written=5_000), RULES, OPUS)
    assert isinstance(found, Diagnosis)
    assert found.lost_nano == 3_000 * (5_000 - 200)
    plain = diagnose(FIRST, flight("xbcde", at=1), RULES, OPUS)
    assert plain is not None
    assert plain.lost_nano == 3_000 * (4_000 - 200)
    unknown = diagnose(FIRST, flight("xbcde", at=1), RULES, None)
    assert unknown is not None
    assert unknown.lost_nano is None


def test_a_provider_that_tells_no_reads_is_not_accused() -> None:
    local = find("ollama", "qwen3", "ollama")
    assert diagnose(FIRST, flight("xbcde", at=1), local, OPUS) is None


def test_a_provider_that_writes_by_itself_holds_what_it_was_sent() -> None:
    rules = find("openai", "gpt-5")
    one = settled(FIRST, Usage(input=2_000, cache_read=1_024), rules)
    assert (one.read, one.written) == (1_024, 1_920)
    assert settled(FIRST, Usage(input=900), rules).written == 0


def test_a_sub_agents_prompt_is_another_conversation() -> None:
    assert same_conversation(FIRST, flight("xbcde"))
    assert not same_conversation(FIRST, flight("uvwxyz"[:5]))
    assert not same_conversation(flight(""), FIRST)


@given(
    st.text("abcdx", min_size=1, max_size=5),
    st.text("abcdx", min_size=1, max_size=5),
    st.integers(0, 6_000),
    st.integers(0, 6_000),
)
def test_a_loss_is_never_negative_nor_more_than_was_there(a: str, b: str, written: int, read: int) -> None:
    before, now = flight(a, written=written), flight(b, at=1, read=read, prompt=6_000)
    found = diagnose(before, now, RULES, OPUS)
    if found is not None:
        assert 0 < found.expected - found.read <= written
        assert found.lost_nano is not None
        assert found.lost_nano > 0
