"""Stage 2, the shapes of Anthropic's answers that reader, writer and observer share: usage and stop reasons."""

from collections.abc import Mapping
from typing import Any

from tenbin.core.answer import StopReason
from tenbin.core.usage import Usage

STOP_REASONS: Mapping[str, StopReason] = {
    "end_turn": "end_turn",
    "max_tokens": "max_tokens",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_use",
    "pause_turn": "pause_turn",
    "refusal": "refusal",
    "model_context_window_exceeded": "context_exceeded",
}
"""By Anthropic's word for it."""

STOP_REASON_WORDS: Mapping[StopReason, str] = {
    **{word: spelt for spelt, word in STOP_REASONS.items()},
    "content_filter": "refusal",
}
"""Anthropic's word for each stop reason."""


def merge_usage(known: dict[str, Any], stated: object) -> None:
    """Lay a newer statement of usage over what is known: fields that it gives replace older ones.

    Both are Anthropic's usage objects, decoded; a null is no statement.
    """
    if isinstance(stated, dict):
        known.update({name: value for name, value in stated.items() if value is not None})


def usage_from(stated: Mapping[str, Any], *, cache_1h: bool = False) -> Usage:
    """Disjoint buckets from Anthropic's usage object, which is disjoint already: input, cache reads and writes.

    ``cache_creation_input_tokens`` is the sum of both lives; where the provider does not split it, all of it is
    taken for the life that was asked for (``cache_1h``). Fields of the wrong type count as zero.
    """
    split = stated.get("cache_creation")
    split = split if isinstance(split, dict) else {}
    hour, five_minutes = _count(split.get("ephemeral_1h_input_tokens")), _count(split.get("ephemeral_5m_input_tokens"))
    written = _count(stated.get("cache_creation_input_tokens"))
    if written is None:
        written = (hour or 0) + (five_minutes or 0)
    if hour is None:
        hour = written - (five_minutes or 0) if cache_1h else 0
    hour = max(min(hour, written), 0)
    details = stated.get("output_tokens_details")
    server_tools = stated.get("server_tool_use")
    output = _count(stated.get("output_tokens")) or 0
    thought = _count(details.get("thinking_tokens")) if isinstance(details, dict) else None
    searches = _count(server_tools.get("web_search_requests")) if isinstance(server_tools, dict) else None
    return Usage(
        input=_count(stated.get("input_tokens")) or 0,
        cache_read=_count(stated.get("cache_read_input_tokens")) or 0,
        cache_write_5m=written - hour,
        cache_write_1h=hour,
        output=output,
        reasoning=min(thought or 0, output),
        web_searches=searches or 0,
    )


def service_tier_of(stated: Mapping[str, Any]) -> str | None:
    """What of a usage object changes the price of each token, joined by ``+`` as the ledger wants it: the service tier
    (``standard``, ``priority``, ``batch``), fast mode, and a region (``inference_geo: us``) that costs more than any.
    """
    words = [text_or_none(stated.get("service_tier"))]
    words += [
        word
        for word in (text_or_none(stated.get("speed")), text_or_none(stated.get("inference_geo")))
        if word not in _PLAIN
    ]
    return "+".join(filter(None, words)) or None


_PLAIN = frozenset({None, "standard", "global", "not_available"})
"""Speeds and regions that cost nothing more."""


def usage_words(usage: Usage) -> dict[str, Any]:
    """Anthropic's usage object for an answer that is written for its clients."""
    words: dict[str, Any] = {
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "output_tokens": usage.output,
    }
    if usage.reasoning:
        words["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    if usage.web_searches:
        words["server_tool_use"] = {"web_search_requests": usage.web_searches}
    return words


def text_or_none(value: object) -> str | None:
    """The value, if it is a text that says something."""
    return value if isinstance(value, str) and value else None


def _count(value: object) -> int | None:
    """A count of tokens: a whole number that is not negative (some servers write it as a float)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < 1e15 and value == int(value) else None
