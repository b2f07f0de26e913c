"""Betas of what is taken out of a body go with it; all others are passed on, known or not."""

import msgspec
import pytest

from tenbin.codecs.anthropic_messages import ANTHROPIC
from tenbin.core.target import Target
from tests.codecs.anthropic_messages.targets import body, claude, local

BETAS = (
    b"claude-code-20250219, context-1m-2025-08-07,mid-conversation-system-2026-04-07,per-turn-control-2026-07-01,"
    b"effort-2025-11-24,advanced-tool-use-2025-11-20,unheard-of-2030-01-01"
)
LONG = b" context-1m-2025-08-07,"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (claude("claude-opus-5-5"), BETAS.replace(LONG, b"")),
        (
            claude("claude-opus-4-8"),
            BETAS.replace(LONG, b"").replace(b"per-turn-control-2026-07-01,", b""),
        ),
        (claude("claude-haiku-4-5"), b"claude-code-20250219,unheard-of-2030-01-01"),
        (local(), BETAS),
    ],
)
def test_betas_of_what_is_taken_out_go_with_it(target: Target, expected: bytes) -> None:
    head = ANTHROPIC.read_head(body(model="auto"))
    headers = ((b"x-a", b""), (b"anthropic-beta", BETAS), (b"x-b", b"effort-"))
    assert ANTHROPIC.headers(headers, head, target) == (
        (b"x-a", b""),
        (b"anthropic-beta", expected),
        (b"x-b", b"effort-"),
    )


def test_a_header_without_betas_is_left_out() -> None:
    head = ANTHROPIC.read_head(body(model="auto"))
    headers = ((b"anthropic-beta", b"context-1m-2025-08-07"),)
    assert ANTHROPIC.headers(headers, head, claude("claude-opus-5")) == ()


def test_the_meant_model_gets_the_very_headers() -> None:
    head = ANTHROPIC.read_head(body(model="claude-haiku-4-5"))
    headers = ((b"anthropic-beta", BETAS),)
    target = claude("claude-haiku-4-5")
    assert ANTHROPIC.headers(headers, head, target) is headers
    stand_in = msgspec.structs.replace(target, stand_in=True)
    assert ANTHROPIC.headers(headers, head, stand_in) != headers
