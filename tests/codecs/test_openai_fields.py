"""What makes an answer dearer than its request is long is told by every dialect's head."""

from typing import Any

import msgspec
import pytest

from tenbin.codecs.registry import dialect
from tenbin.core.budget import PLAIN, UNSTATED_SEARCHES, Dearness
from tenbin.core.target import DialectName

MESSAGES: dict[str, Any] = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "n"}]}
CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "service_tier"}]}
RESPONSES: dict[str, Any] = {"model": "m", "input": "previous_response_id"}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
CLIENTS_OWN = {"type": "bash_20250124", "name": "bash"}


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("anthropic", MESSAGES, PLAIN),
        ("anthropic", MESSAGES | {"tools": [CLIENTS_OWN]}, PLAIN),
        ("anthropic", MESSAGES | {"speed": "fast"}, Dearness(tiers=("fast",))),
        ("anthropic", MESSAGES | {"speed": "fast", "inference_geo": "us"}, Dearness(tiers=("fast+us",))),
        ("anthropic", MESSAGES | {"speed": "standard", "inference_geo": "global"}, PLAIN),
        ("anthropic", MESSAGES | {"tools": [SEARCH]}, Dearness(searches=UNSTATED_SEARCHES)),
        ("anthropic", MESSAGES | {"tools": [SEARCH | {"max_uses": 3}, CLIENTS_OWN]}, Dearness(searches=3)),
        ("anthropic", MESSAGES | {"tools": [SEARCH | {"max_uses": None}]}, Dearness(searches=UNSTATED_SEARCHES)),
        ("anthropic", MESSAGES | {"mcp_servers": [{"url": "https://x"}]}, Dearness(searches=UNSTATED_SEARCHES)),
        ("anthropic", MESSAGES | {"tools": [SEARCH | {"cache_control": 1}], "system": 3}, Dearness(searches=20)),
        ("openai_chat", CHAT, PLAIN),
        ("openai_chat", CHAT | {"n": 4}, Dearness(choices=4)),
        ("openai_chat", CHAT | {"n": None, "service_tier": "auto"}, PLAIN),
        ("openai_chat", CHAT | {"n": 10**30}, Dearness(choices=100_000)),
        ("openai_chat", CHAT | {"service_tier": "priority"}, Dearness(tiers=("priority",))),
        ("openai_chat", CHAT | {"web_search_options": {}}, Dearness(searches=UNSTATED_SEARCHES)),
        ("openai_responses", RESPONSES, PLAIN),
        ("openai_responses", RESPONSES | {"previous_response_id": "resp_1"}, Dearness(refers=True)),
        ("openai_responses", RESPONSES | {"prompt": {"id": "p"}}, Dearness(refers=True)),
        ("openai_responses", RESPONSES | {"tools": [{"type": "web_search"}]}, Dearness(searches=UNSTATED_SEARCHES)),
        ("openai_responses", RESPONSES | {"tools": [{"type": "function", "name": "f"}]}, PLAIN),
        ("openai_responses", RESPONSES | {"service_tier": "flex"}, Dearness(tiers=("flex",))),
        ("ollama_chat", CHAT, PLAIN),
    ],
)
def test_what_costs_more_is_seen(name: DialectName, body: dict[str, Any], expected: Dearness) -> None:
    assert dialect(name).read_head(msgspec.json.encode(body)).dear == expected
