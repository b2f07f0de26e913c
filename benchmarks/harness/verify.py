"""Before a gateway is measured it must answer rightly: the mock's words, whole, and its token counts where stated."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

from benchmarks.harness.load import Request, end_mark
from benchmarks.harness.payloads import EXPECTED_OUTPUT_TOKENS, EXPECTED_TEXT
from benchmarks.harness.points import Dialect, Load


class WrongAnswer(Exception):
    """The gateway's answer is not the provider's; the message says how it differs."""


def verify(port: int, request: Request, load: Load, dialect: Dialect) -> str | None:
    """Sends the request once and checks the answer. Returns what is amiss with its token count, if anything: what is
    said came through, so the work can be measured, but the report says that the count is wrong.

    Raises:
        WrongAnswer: another status than 200, another text, or an answer cut short.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", request.path, request.body, {"Content-Type": "application/json", **request.headers})
        response = connection.getresponse()
        answer = response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise WrongAnswer(f"no answer: {error!r}") from error
    finally:
        connection.close()
    if response.status != 200:
        raise WrongAnswer(f"status {response.status}: {answer[:300]}")
    if end_mark(load, dialect) not in answer:
        raise WrongAnswer(f"cut short: ...{answer[-300:]}")
    streamed = load in ("bulk", "ticked")
    text, tokens = _said(answer, dialect, streamed)
    if text != EXPECTED_TEXT:
        raise WrongAnswer(f"it says {text!r} instead of {EXPECTED_TEXT!r}")
    if tokens not in (None, EXPECTED_OUTPUT_TOKENS):
        return f"it states {tokens} output tokens instead of {EXPECTED_OUTPUT_TOKENS}"
    return None


def _said(answer: str, dialect: Dialect, streamed: bool) -> tuple[str, int | None]:
    """The text of an answer and its last stated number of output tokens."""
    parts = list(_events(answer)) if streamed else [json.loads(answer)]
    text, tokens = "", None
    for part in parts:
        piece, stated = _chat(part) if dialect == "chat" else _messages(part)
        text += piece
        tokens = stated if stated is not None else tokens
    return text, tokens


def _events(answer: str) -> Iterator[dict[str, Any]]:
    for line in answer.splitlines():
        data = line.removeprefix("data:").strip()
        if line.startswith("data:") and data != "[DONE]":
            yield json.loads(data)


def _chat(part: dict[str, Any]) -> tuple[str, int | None]:
    text = ""
    for choice in part.get("choices", ()):
        said = choice.get("delta") or choice.get("message") or {}
        text += said.get("content") or ""
    return text, (part.get("usage") or {}).get("completion_tokens")


def _messages(part: dict[str, Any]) -> tuple[str, int | None]:
    if part.get("type") == "message":
        text = "".join(block.get("text", "") for block in part["content"])
        return text, part["usage"].get("output_tokens")
    if part.get("type") == "message_delta":
        return "", (part.get("usage") or {}).get("output_tokens")
    return part.get("delta", {}).get("text", "") if part.get("type") == "content_block_delta" else "", None
