"""Answers of Ollama that pass through are watched, byte by byte the same."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.ollama_chat import OLLAMA_CHAT
from tenbin.core.ask import Head
from tenbin.core.usage import Usage
from tests.codecs.ollama_chat.transcript import STREAM, TARGET


@given(st.lists(st.integers(0, len(STREAM)), max_size=10))
def test_the_observer_forwards_every_byte_and_learns_the_usage(cuts: list[int]) -> None:
    observer = OLLAMA_CHAT.observer(streamed=True, head=Head(model="m"), target=TARGET)
    edges = [0, *sorted(cuts), len(STREAM)]
    forwarded = b"".join(observer.feed(STREAM[a:b]) for a, b in pairwise(edges))
    assert forwarded + observer.finish() == STREAM
    assert (observer.ended, observer.started, observer.stop_reason) == (True, True, "tool_use")
    assert (observer.usage, observer.model, observer.failure) == (Usage(input=26, output=9), "qwen3:8b", None)
    assert observer.produced().startswith("Hmm.Let me see 🙂weather")
