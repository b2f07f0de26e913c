"""What is known of embeddings that pass through."""

import json

import pytest

from tenbin.codecs.openai_chat.embedding_observer import EmbeddingObserver
from tenbin.core.usage import NOTHING, Usage


def watch(*pieces: bytes) -> EmbeddingObserver:
    observer = EmbeddingObserver()
    assert [observer.feed(piece) for piece in pieces] == list(pieces)
    assert observer.finish() == b""
    return observer


ANSWER = json.dumps(
    {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -1.5]}],
        "model": "text-embedding-3-small",
        "usage": {"prompt_tokens": 7, "total_tokens": 7},
    }
).encode()


@pytest.mark.parametrize("cut", [1, 40, len(ANSWER) - 1])
def test_usage_in_any_cutting(cut: int) -> None:
    observer = watch(ANSWER[:cut], ANSWER[cut:])
    assert observer.usage == Usage(input=7)
    assert observer.started
    assert observer.ended
    assert observer.failure is None
    assert observer.model == "text-embedding-3-small"
    assert observer.produced() == ""


def test_a_provider_that_states_no_usage_has_stated_nothing() -> None:
    observer = watch(b'{"data": [], "usage": null}')
    assert observer.ended
    assert observer.usage == NOTHING


def test_a_stated_cost_is_kept_to_the_last_digit() -> None:
    observer = watch(b'{"data": [], "usage": {"prompt_tokens": 5, "total_tokens": 5, "cost": 0.000000123}}')
    assert observer.provider_cost is not None
    assert float(observer.provider_cost) == 0.000000123


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"error": {"message": "no", "code": "insufficient_quota"}}', "unpaid"),
        (b'{"data": [{"embedding": [0.1', "malformed"),
        (b"", "malformed"),
        (b"\xff\xfe", "malformed"),
        (b"[" * 100_000, "malformed"),
        (b'{"choices": []}', "malformed"),
    ],
)
def test_what_is_no_embedding_is_a_failure(body: bytes, kind: str) -> None:
    observer = watch(body)
    assert observer.failure is not None
    assert observer.failure.kind == kind
    assert not observer.ended
