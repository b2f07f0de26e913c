"""Requests in Ollama's own words: spliced, read, or refused."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.ollama_chat import OLLAMA_CHAT
from tenbin.core.problems import Unreadable
from tests.codecs.ollama_chat.transcript import TARGET


def test_a_spliced_body_changes_its_model_only() -> None:
    body = b'{ "model" : "mine",\n "messages": [], "keep_alive": "1h", "options": {"num_ctx": 4096, "mirostat": 2} }'
    spliced = OLLAMA_CHAT.splice(body, OLLAMA_CHAT.read_head(body), TARGET)
    assert spliced == body.replace(b'"mine"', b'"qwen3:8b"')


@given(st.binary(max_size=200))
def test_no_request_makes_reading_raise_anything_but_unreadable(data: bytes) -> None:
    for body in (data, b'{"model":"m","messages":' + data + b"}"):
        for reading in (OLLAMA_CHAT.read, OLLAMA_CHAT.read_head):
            with contextlib.suppress(Unreadable):
                reading(body)
