"""Landing on the way in: turns are kept whole, nothing is raised, what is remembered is bounded."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.app import Gateway
from tenbin.codecs.registry import dialect
from tenbin.config.landing import STANDARD, LandingConfig, landing_of
from tenbin.core.ask import Ask, Caller
from tenbin.core.budget import Claim, Level
from tenbin.core.landing import NO_EFFECTS
from tenbin.core.problems import Problem
from tenbin.core.target import DialectName
from tenbin.decide.landing import effects
from tenbin.execute import landing
from tenbin.execute.landing import SoftLanding
from tenbin.execute.spending.engine import Budgets
from tests.decide.plans import NOW_MS, ask
from tests.real.books import configured

STANDARD_LANDING = cast(LandingConfig, landing_of(True))
DIALECTS: tuple[DialectName, ...] = ("anthropic", "openai_chat", "openai_responses", "ollama_chat")
NEW = {"role": "user", "content": "Go."}
BODIES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "anthropic": (
        {"messages": [NEW], "max_tokens": 32_000},
        {
            "messages": [
                NEW,
                {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "seen"}]},
            ],
            "max_tokens": 32_000,
        },
    ),
    "openai_chat": (
        {"messages": [NEW], "max_tokens": 32_000},
        {
            "messages": [
                NEW,
                {
                    "role": "assistant",
                    "tool_calls": [{"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                },
                {"role": "tool", "tool_call_id": "t", "content": "seen"},
            ],
            "max_tokens": 32_000,
        },
    ),
    "openai_responses": (
        {"input": "Go.", "max_output_tokens": 32_000},
        {
            "input": [
                NEW,
                {"type": "function_call", "call_id": "t", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "t", "output": "seen"},
            ],
            "max_output_tokens": 32_000,
        },
    ),
    "ollama_chat": (
        {"messages": [NEW], "options": {"num_predict": 32_000}},
        {
            "messages": [
                NEW,
                {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]},
                {"role": "tool", "tool_name": "f", "content": "seen"},
            ],
            "options": {"num_predict": 32_000},
        },
    ),
}


class Filled:
    """Budgets that are as full as a test says."""

    def __init__(self) -> None:
        self.share, self.reserved = 0.0, 0.0

    def levels_of(self, caller: Caller, now_ms: int) -> tuple[Level, ...]:
        claim = Claim("global/month", 0, NOW_MS + 86_400_000, 1_000_000, True, "global", "month")
        return (Level(claim, round(self.share * 1_000_000), round(self.reserved * 1_000_000)),)


@contextmanager
def made(directory: Path, settings: LandingConfig | None) -> Iterator[tuple[SoftLanding, Filled]]:
    """A landing in the world of a real gateway."""
    provider = {"base_url": "http://127.0.0.1:9", "api_key": "k"}
    gateway = Gateway(configured(providers={"anthropic": provider}), directory)
    budgets = Filled()
    try:
        yield SoftLanding(settings, gateway.world, cast(Budgets, budgets)), budgets
    finally:
        gateway.book.close()
        gateway.recorder.close()


@pytest.fixture(scope="module")
def standard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SoftLanding, Filled]]:
    with made(tmp_path_factory.mktemp("landing"), STANDARD_LANDING) as found:
        yield found


def asked(name: DialectName = "anthropic", *, inside: bool = False, session: str = "s", **more: Any) -> Ask:
    body = msgspec.json.encode({"model": "claude-opus-5-5", **BODIES[name][inside], **more})
    codec = dialect(name)
    headers = ((b"x-claude-code-session-id", session.encode()),)
    return msgspec.structs.replace(
        ask("claude-opus-5-5"), dialect=name, body=body, head=codec.read_head(body), headers=headers
    )


def land(found: tuple[SoftLanding, Filled], share: float, one: Ask, reserved: float = 0.0) -> Ask | Problem:
    soft, budgets = found
    budgets.share, budgets.reserved = share, reserved
    return soft.land(one, dialect(one.dialect), NOW_MS)


@given(
    st.lists(st.tuples(st.floats(0, 1.2), st.booleans(), st.sampled_from("abc")), max_size=30),
    st.sampled_from(DIALECTS),
)
def test_turns_are_kept_whole(
    standard: tuple[SoftLanding, Filled], steps: list[tuple[float, bool, str]], name: DialectName
) -> None:
    """Whatever comes when: what is inside a turn goes on, with the stage of its beginning or of the last stage, which
    changes turns too; nothing is longer than was asked.
    """
    standard[0]._turns.clear()
    began: dict[str, int] = {}
    for share, inside, session in steps:
        done = land(standard, share, one := asked(name, inside=inside, session=session))
        stage = sum(share >= one.at for one in STANDARD)
        if isinstance(done, Problem):
            assert not inside
            assert share >= STANDARD_LANDING.stop_at - 1e-6
            continue
        if not inside:
            began[session] = stage
            assert share < STANDARD_LANDING.stop_at + 1e-6
        expected = max(began.get(session, 0), 3 if stage == 3 else 0) if inside else stage
        if done.landing is None:
            assert effects(STANDARD, stage, expected) == NO_EFFECTS
        else:
            assert (done.landing.stage, done.landing.turn_stage) == (stage, expected)
        if inside and expected:
            began[session] = expected
        assert done.head.max_tokens is not None
        assert done.head.max_tokens <= (one.head.max_tokens or 0)
        assert done.head.max_tokens == (16_000 if stage == 3 else 32_000)
        assert done.head.model == one.head.model, "the receipt says what was asked for"


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_tells_a_new_turn_from_one_under_way(
    standard: tuple[SoftLanding, Filled], name: DialectName
) -> None:
    assert isinstance(land(standard, 0.98, asked(name)), Problem)
    assert isinstance(land(standard, 0.98, asked(name, inside=True)), Ask)


def test_words_of_the_client_beside_a_tools_result_begin_no_turn(standard: tuple[SoftLanding, Filled]) -> None:
    """Claude Code puts reminders behind results; a person's own words do begin one."""
    result = {"type": "tool_result", "tool_use_id": "t", "content": "seen"}
    call = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]}
    reminder = {"type": "text", "text": "<system-reminder>\nBe tidy.\n</system-reminder>"}
    spoken = {"type": "text", "text": "Stop that, and do this."}
    for blocks, goes_on in (([result, reminder], True), ([result, spoken], False)):
        one = asked(messages=[NEW, call, {"role": "user", "content": blocks}])
        assert isinstance(land(standard, 0.98, one), Ask) is goes_on


def test_a_request_keeps_what_was_asked_for_the_cache(standard: tuple[SoftLanding, Filled]) -> None:
    one = asked()
    done = land(standard, 0.92, one)
    assert isinstance(done, Ask)
    assert done.landing is not None
    assert (done.landing.asked_body, done.body == one.body) == (one.body, False)
    again = land(standard, 0.75, one)
    assert isinstance(again, Ask)
    assert again.landing is not None
    assert (again.landing.asked_body, again.body) == (b"", one.body)


def test_calls_under_way_count_and_are_waited_for(standard: tuple[SoftLanding, Filled]) -> None:
    done = land(standard, 0.5, asked(), reserved=0.35)
    assert isinstance(done, Ask)
    assert done.landing is not None
    assert done.landing.stage == 2
    brief = land(standard, 0.5, asked(), reserved=0.5)
    assert isinstance(brief, Problem)
    assert (brief.code, brief.should_retry) == ("rate_limit_error", True)


def test_counts_of_tokens_cost_nothing_and_are_let_through(standard: tuple[SoftLanding, Filled]) -> None:
    one = msgspec.structs.replace(asked(), operation="count_tokens")
    assert land(standard, 1.0, one) is one


def test_who_asks_by_itself_is_told(standard: tuple[SoftLanding, Filled]) -> None:
    soft, budgets = standard
    caller = Caller(key_id="key_1")
    for share, factor, rests in ((0.6, 1.0, False), (0.7, 1.0, True), (0.95, 0.5, True)):
        budgets.share, budgets.reserved = share, 0.0
        assert (soft.user_limits(caller, NOW_MS), soft.no_background(NOW_MS)) == (factor, rests)


def test_without_stages_clients_are_told_and_nothing_else_is_done(tmp_path: Path) -> None:
    with made(tmp_path, None) as found:
        done = land(found, 1.0, asked())
        assert isinstance(done, Ask)
        assert done.landing is None
        assert dict(done.told)[b"anthropic-ratelimit-unified-overage-utilization"] == b"0.99"
        assert land(found, 1.0, other := asked("openai_chat")) is other
        assert found[0].user_limits(Caller(key_id="k"), NOW_MS) == 1.0


def test_what_is_remembered_of_turns_is_bounded(
    standard: tuple[SoftLanding, Filled], monkeypatch: pytest.MonkeyPatch
) -> None:
    soft, _ = standard
    soft._turns.clear()
    monkeypatch.setattr(landing, "MOST_TURNS", 5)
    monkeypatch.setattr(landing, "MOST_CALLERS", 3)
    for number in range(20):
        land(standard, 0.85, asked(session=f"s{number}"))
        one = msgspec.structs.replace(asked(), caller=Caller(key_id=f"key_{number}"))
        land(standard, 0.85, one)
    assert len(soft._turns) <= 3
    assert all(len(turns) <= 5 for turns in soft._turns.values())
    land(standard, 0.1, msgspec.structs.replace(asked(), caller=Caller(key_id="key_19")))
    assert "key_19" not in soft._turns, "a turn that begins with enough is forgotten"
