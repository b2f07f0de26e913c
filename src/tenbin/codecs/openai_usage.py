"""Stage 2, usage as OpenAI's dialects state it (gross: cached and written tokens lie within the prompt's count), to and
from the disjoint buckets of core.

Sources: OpenAI's API reference (CompletionUsage, ResponseUsage), OpenRouter's usage accounting, DeepSeek's API
reference, LiteLLM's Usage object.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from tenbin.core.usage import NOTHING, Usage

_raw_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])

MOST_TOKENS = 10**12
"""A larger count is a broken answer, not a bill: no ledger could hold its price."""


def _count(value: Any) -> int | None:
    """A token count; None for anything that is not one, a figure beyond all reason included."""
    if type(value) is int:  # nearly always; a bool is none
        return None if value > MOST_TOKENS else max(value, 0)
    if type(value) is float and value == value // 1 and value <= MOST_TOKENS:
        return max(int(value), 0)
    return None


def _first(*values: Any) -> int:
    """The first count that is stated; 0 when none is."""
    for value in values:
        if value is not None:
            if type(value) is int and 0 <= value <= MOST_TOKENS:  # nearly always
                return value
            if (count := _count(value)) is not None:
                return count
    return 0


def _details(usage: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        found = usage.get(key)
        if isinstance(found, dict):
            return found
    return {}


def from_stated(usage: Any) -> Usage:
    """A decoded ``usage`` object of either dialect, in disjoint buckets that sum to the provider's own total.

    Where the stated total is larger than prompt and completion together, the difference is thinking that the
    provider leaves out of the completion's count (xAI, Gemini) but bills as output.
    """
    if not isinstance(usage, dict):
        return NOTHING
    get = usage.get
    prompt = _count(get("prompt_tokens"))
    prompt = _count(get("input_tokens")) if prompt is None else prompt
    output = _count(get("completion_tokens"))
    output = _count(get("output_tokens")) if output is None else output
    total = _count(get("total_tokens"))
    of_prompt = _details(usage, "prompt_tokens_details", "input_tokens_details")
    of_output = _details(usage, "completion_tokens_details", "output_tokens_details")
    reasoning = _first(of_output.get("reasoning_tokens"), get("reasoning_tokens"))
    hit = get("prompt_cache_hit_tokens")
    if prompt is None:
        known = _first(hit) + _first(get("prompt_cache_miss_tokens"))
        prompt = known if known or total is None else max(total - (output or 0), 0)
    if output is None:
        output = 0 if total is None else max(total - prompt, 0)
    elif total is not None and total > prompt + output:
        reasoning = max(reasoning, total - prompt - output)
        output = total - prompt
    read = _first(of_prompt.get("cached_tokens"), hit, get("cached_tokens"))
    read = prompt if read > prompt else read
    written, long_lived = _written(usage, of_prompt, prompt - read)
    plain = prompt - read - written
    return Usage(
        input=plain,
        cache_read=read,
        cache_write_5m=written - long_lived,
        cache_write_1h=long_lived,
        output=output,
        reasoning=output if reasoning > output else reasoning,
        audio_input=min(_first(of_prompt["audio_tokens"]), plain) if "audio_tokens" in of_prompt else 0,
        audio_output=min(_first(of_output["audio_tokens"]), output) if "audio_tokens" in of_output else 0,
        web_searches=_first(_details(usage, "server_tool_use").get("web_search_requests"))
        if "server_tool_use" in usage
        else 0,
    )


def _written(usage: Mapping[str, Any], of_prompt: Mapping[str, Any], most: int) -> tuple[int, int]:
    """Tokens written to the cache, at most so many; and of those, the ones with the long life. Few providers tell."""
    written = _first(
        of_prompt.get("cache_write_tokens"),
        of_prompt.get("cache_creation_tokens"),
        usage.get("cache_creation_input_tokens"),
    )
    if written == 0:
        return 0, 0
    written = min(written, most)
    return written, min(_first(_details(of_prompt, "cache_write_tokens_details").get("ttl_12h_tokens")), written)


def stated_cost(usage: bytes) -> str | None:
    """The provider's own cost in a ``usage`` object's JSON (OpenRouter), USD as a plain decimal string, digit by digit
    as it was written; None when it states none.
    """
    if b'"cost"' not in usage:
        return None
    try:
        raw = bytes(_raw_fields.decode(usage).get("cost", b""))
        cost = Decimal(raw.decode().strip('"'))
    except (msgspec.DecodeError, InvalidOperation, RecursionError, UnicodeError, ValueError):
        return None
    return format(cost, "f") if cost.is_finite() and -30 < cost.adjusted() < 30 else None


def cost_in(value: bytes) -> str | None:
    """The cost in the ``usage`` of a whole chunk or body, or of the ``response`` that an event holds."""
    if b'"cost"' not in value:
        return None
    try:
        fields = _raw_fields.decode(value)
        if "usage" not in fields and "response" in fields:
            fields = _raw_fields.decode(fields["response"])
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    return stated_cost(bytes(fields["usage"])) if "usage" in fields else None


def with_searches(usage: Usage, searches: int) -> Usage:
    """The usage with so many web searches."""
    return msgspec.structs.replace(usage, web_searches=searches)


def as_chat(usage: Usage) -> dict[str, Any]:
    """The ``usage`` object of a chat completion."""
    written = usage.cache_write_5m + usage.cache_write_1h
    searches = {"server_tool_use": {"web_search_requests": usage.web_searches}} if usage.web_searches else {}
    return {
        **searches,
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.output,
        "total_tokens": usage.prompt + usage.output,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": written,
            "audio_tokens": usage.audio_input,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": usage.audio_output,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def as_responses(usage: Usage) -> dict[str, Any]:
    """The ``usage`` object of a response."""
    details: dict[str, Any] = {
        "cached_tokens": usage.cache_read,
        "cache_write_tokens": usage.cache_write_5m + usage.cache_write_1h,
    }
    if usage.cache_write_1h:
        details["cache_write_tokens_details"] = {
            "ttl_30m_tokens": usage.cache_write_5m,
            "ttl_12h_tokens": usage.cache_write_1h,
        }
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": details,
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + usage.output,
    }
