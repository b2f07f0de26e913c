"""What a provider repeats of a request is not kept."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.execute.unquoted import LEFT_OUT, SHORTEST, unquoted

PROMPT = 'My name is Ada Lovelace, my key is "hunter2"\nand 私の住所は東京都千代田区千代田一丁目一番地です、よろしく。'


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("told", [PROMPT, f"invalid prompt: {PROMPT} (at 5)", PROMPT[3:] + PROMPT, repr(PROMPT)])
def test_what_is_repeated_is_left_out(told: str, ascii_only: bool) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": PROMPT}]}, ensure_ascii=ascii_only).encode()
    kept = unquoted(told, body)
    assert "Ada Lovelace" not in kept
    assert "千代田" not in kept
    assert LEFT_OUT in kept


def test_what_the_provider_says_itself_stays() -> None:
    body = json.dumps(
        {"model": "claude-sonnet-5-5-with-a-long-name-20261101", "max_tokens": 9, "messages": []}
    ).encode()
    for told in (
        "messages: at least one message is required",
        "model: claude-sonnet-5-5-with-a-long-name-20261101",
        "max_tokens: 999999 > 64000, which is the maximum allowed number of output tokens for this model",
        "",
    ):
        assert unquoted(told, body, "claude-sonnet-5-5-with-a-long-name-20261101") == told


@given(st.text(max_size=80), st.text(max_size=200), st.text(max_size=80), st.booleans())
def test_no_long_stretch_of_a_prompt_is_ever_kept(before: str, prompt: str, behind: str, ascii_only: bool) -> None:
    prompt, before, behind = (text.encode("utf-8", "replace").decode() for text in (prompt, before, behind))
    body = json.dumps({"content": prompt}, ensure_ascii=ascii_only).encode()
    kept = unquoted(before + prompt + behind, body)
    size = 2 * SHORTEST
    plain = [part for part in (json.dumps(prompt, ensure_ascii=False)[1:-1],) if "\\" not in part]
    for text in plain:
        assert not [at for at in range(len(text) - size + 1) if text[at : at + size] in kept]


def test_a_long_request_is_searched_at_both_ends() -> None:
    middle = b"y" * 5_000_000
    body = b'{"a":"' + PROMPT.encode() + middle + b'","b":"' + PROMPT[::-1].encode() + b'"}'
    assert "Ada" not in unquoted(PROMPT, body)
    assert "adA" not in unquoted(PROMPT[::-1], body)
