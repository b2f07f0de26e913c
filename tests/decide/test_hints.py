"""What headers say of a request, and by what a conversation is known."""

import msgspec
import pytest

from tenbin.codecs.anthropic_messages import ANTHROPIC
from tenbin.core.sketch import Sketch
from tenbin.decide.hints import NONE, Hints, hints, session_key
from tests.codecs.recorded import recorded


def sketch(*contents: str, system: str = "You help.", **fields: object) -> Sketch:
    messages = [{"role": ("user", "assistant")[at % 2], "content": content} for at, content in enumerate(contents)]
    return ANTHROPIC.sketch(
        msgspec.json.encode({"model": "m", "max_tokens": 9, "system": system, "messages": messages, **fields})
    )


def test_a_sub_agent_of_claude_code_says_what_it_is() -> None:
    found = hints(recorded("sub_agent").headers)
    assert found.request_class == "subagent"
    assert found.first_party_class == "blocking-subagent"
    assert found.agent_type == "Explore"
    assert found.agent_id
    assert found.session_id
    assert found.claude_code


def test_a_client_that_says_nothing() -> None:
    assert hints([(b"host", b"localhost")]) == NONE
    assert not hints([(b"user-agent", b"OpenAI/Python 3.54")]).claude_code


def test_no_header_is_kept_whole_that_is_longer_than_an_id() -> None:
    assert len(hints([(b"x-claude-code-agent-id", b"a" * 9_999)]).agent_id) == 200


@pytest.mark.parametrize("name", ["x-tenbin-session", "x-claude-code-session-id", "x-session-id", "session_id"])
def test_a_session_is_named_by_several_headers(name: str) -> None:
    assert hints([(name.encode(), b"s1")]).session_id == "s1"


def test_tenbins_own_session_header_comes_first() -> None:
    assert hints([(b"x-session-id", b"a"), (b"x-tenbin-session", b"b")]).session_id == "b"


class TestSessionKey:
    def test_one_conversation_has_one_key_in_all_its_turns(self) -> None:
        first, later = sketch("Fix it"), sketch("Fix it", "Done.", "And test it")
        assert session_key("k", NONE, None, first) == session_key("k", NONE, None, later) != ""

    def test_keys_of_callers_never_meet(self) -> None:
        given = Hints(session_id="s")
        assert session_key("k1", given, None, None) != session_key("k2", given, None, None)

    def test_a_sub_agent_is_not_its_main_conversation(self) -> None:
        main, helping = recorded("main"), recorded("sub_agent")
        one = Hints(session_id="s")
        keys = {
            session_key("k", one, None, ANTHROPIC.sketch(main.body)),
            session_key("k", Hints(session_id="s", agent_id="a"), None, ANTHROPIC.sketch(helping.body)),
            session_key("k", Hints(session_id="s", agent_id="b"), None, ANTHROPIC.sketch(helping.body)),
            # Without its id it is known by its pseudo-header, and by how it began.
            session_key("k", one, None, ANTHROPIC.sketch(helping.body)),
        }
        assert len(keys) == 4

    def test_a_body_that_names_only_its_user_does_not_merge_that_users_conversations(self) -> None:
        assert session_key("k", NONE, "user-7", sketch("Fix it")) != session_key("k", NONE, "user-7", sketch("Cook it"))

    def test_claude_codes_own_metadata_is_as_good_as_its_header(self) -> None:
        behind_something = recorded("main").without_hints()
        given = hints(behind_something.headers)
        head = ANTHROPIC.read_head(behind_something.body)
        whole = hints(recorded("main").headers)
        with_header = session_key("k", whole, head.session, ANTHROPIC.sketch(behind_something.body))
        assert session_key("k", given, head.session, ANTHROPIC.sketch(behind_something.body)) == with_header

    def test_a_title_is_beside_the_conversation(self) -> None:
        given = Hints(session_id="s")
        assert session_key("k", given, None, None, aside=True) != session_key("k", given, None, None)

    def test_nothing_tells_a_conversation_without_words(self) -> None:
        assert session_key("k", NONE, None, None) == ""
        assert session_key("k", NONE, None, sketch(system="")) == ""
