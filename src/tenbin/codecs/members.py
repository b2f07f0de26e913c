"""Stage 2, a request says each thing once: what Tenbin judges and prices a request by is what its provider reads.

Readers of JSON differ in which of two equal keys counts, and some (Go's) take ``Model`` for ``model``.
"""

import re

import msgspec

from tenbin.codecs.splice import fields
from tenbin.core.problems import Unreadable, invalid

JUDGED_BY = frozenset(
    {
        "audio", "background", "best_of", "cache_control", "container", "dimensions", "effort", "functions",
        "inference_geo", "input", "instructions", "max_completion_tokens", "max_output_tokens", "max_tokens",
        "max_tool_calls", "mcp_servers", "messages", "metadata", "modalities", "model", "models", "n", "num_predict",
        "options", "output_config", "output_format", "previous_response_id", "prompt", "reasoning", "reasoning_effort",
        "response_format", "service_tier", "speed", "store", "stream", "stream_options", "system", "text", "thinking",
        "tool_choice", "tools", "user", "web_search_options",
    }
)  # fmt: skip
"""Fields of any dialect by which a request is routed, limited, metered or priced."""

_KEY = re.compile(rb'[ \t\n\r]*"((?:[^"\\]|\\.)*)"[ \t\n\r]*:[ \t\n\r]*', re.DOTALL)
_SEPARATOR = re.compile(rb"[ \t\n\r]*([,}])")


def check_members(body: bytes, *, checked: bool = True) -> None:
    """Raises Unreadable where a top-level key stands twice, or in a spelling of upper and lower case that some readers
    take for a field's name. ``checked``: the body is known to be a JSON object in UTF-8.

    A body as clients write it, without white space between its members, is only measured: its members and what
    stands between them are then all of its bytes, which leaves none for a second key.
    """
    values = fields(body, checked=checked)
    size = 1  # the braces are two bytes, the commas one less than members
    for key, value in values.items():
        size += len(key) + len(memoryview(value)) + 4
        if key not in JUDGED_BY and not (key.islower() and key.isascii()) and key.casefold() in JUDGED_BY:
            raise _twice(key, f"is not a field: write {key.casefold()}. Some providers take it for that one.")
    if size != len(body) and values:
        _walk(body, values)


def _walk(body: bytes, values: dict[str, msgspec.Raw]) -> None:
    """Every member in its place. A value's length is its decoded one's; where a key stands twice, the first value may
    be another, and then no separator follows where it should end, or the key comes again.
    """
    seen: set[str] = set()
    position = body.index(b"{") + 1
    while (found := _KEY.match(body, position)) is not None:
        key = msgspec.json.decode(b'"' + found[1] + b'"', type=str)
        value = bytes(values[key])
        separator = _SEPARATOR.match(body, found.end() + len(value))
        if key in seen or separator is None or not body.startswith(value, found.end()):
            raise _twice(key, "stands more than once. Send it once: readers differ in which of them counts.")
        seen.add(key)
        position = separator.end()
        if separator[1] == b"}":
            return


def _twice(key: str, words: str) -> Unreadable:
    shown = key[:100]
    return Unreadable(invalid(f"{shown}: {words}", param=shown))
