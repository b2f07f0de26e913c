"""Every failure can be told, as an error, in no more words than it may."""

from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.problems import FailureKind
from tenbin.execute.problems import TOLD, relayable, told, too_long
from tests.decide.plans import KINDS, failure


def test_every_kind_of_failure_can_be_told() -> None:
    assert set(TOLD) == set(KINDS)


@given(
    st.sampled_from(KINDS),
    st.none() | st.integers(100, 999),
    st.none() | st.text(min_size=1, max_size=20),
    st.binary(max_size=30)
    | st.just(b'{"type":"error","error":{}}')
    | st.just(b'{"error":{}}')
    | st.just(b"[" * 100_000),
)
def test_what_is_told_is_always_an_error_and_names_no_more_than_it_may(
    kind: FailureKind, status: int | None, target: str | None, body: bytes
) -> None:
    failed = failure(kind, status=status, body=body)
    problem = told(failed, target)
    assert 400 <= problem.status < 600
    assert problem.status != 401, "the client's own key is fine"
    assert problem.message
    for dialect in ("anthropic", "openai_chat", "openai_responses", "ollama_chat"):
        if relayable(failed, dialect):
            assert status is not None
            assert 400 <= status < 600
            assert kind not in ("unauthenticated", "unpaid")


def test_a_prompt_that_is_too_long_is_told_in_the_words_that_clients_read() -> None:
    assert too_long("prompt is too long: 5 tokens > 4 maximum") == "prompt is too long: 5 tokens > 4 maximum"
    openai = "This model's maximum context length is 8,192 tokens. However, your messages resulted in 10500 tokens."
    assert too_long(openai) == "prompt is too long: 10500 tokens > 8192 maximum"
    assert too_long("too many words").startswith("prompt is too long: ")
