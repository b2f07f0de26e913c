"""What makes an answer dearer than its request is long is told by every dialect's head."""

import re
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
FETCH = {"type": "web_fetch_20250910", "name": "web_fetch"}
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
        ("ollama_chat", CHAT | {"messages": [{"role": "user", "images": ["YQ==", "Yg=="]}] * 2}, Dearness(images=4)),
        # What lenient servers read as a number.
        ("openai_chat", CHAT | {"n": 4.0}, Dearness(choices=4)),
        ("openai_chat", CHAT | {"n": "4"}, Dearness(choices=4)),
        ("openai_chat", CHAT | {"n": -4}, PLAIN),
        ("anthropic", MESSAGES | {"tools": [SEARCH | {"max_uses": 50.0}]}, Dearness(searches=50)),
        # Names that single servers heed before max_tokens.
        ("openai_chat", CHAT | {"max_tokens": 1, "n_predict": 9_000}, Dearness(output=9_000)),
        ("openai_chat", CHAT | {"max_tokens": 1, "n_predict": -1}, Dearness(output=None)),
        # What is longer than it is written.
        ("anthropic", MESSAGES | {"thinking": {"type": "enabled", "budget_tokens": 9_000}}, Dearness(output=9_005)),
        ("anthropic", MESSAGES | {"thinking": {"type": "enabled", "budget_tokens": 4}}, PLAIN),
        ("anthropic", MESSAGES | {"tools": [FETCH | {"max_uses": 1}]}, Dearness(searches=1, refers=True)),
        ("openai_responses", RESPONSES | {"input": [{"type": "item_reference", "id": "i"}]}, Dearness(refers=True)),
        ("openai_chat", CHAT | {"messages": [{"role": "assistant", "audio": {"id": "a"}}]}, Dearness(refers=True)),
        ("openai_chat", CHAT | {"messages": [{"role": "assistant", "audio": None}]}, PLAIN),
        ("openai_chat", CHAT | {"plugins": [{"id": "web"}]}, Dearness(searches=UNSTATED_SEARCHES)),
    ],
)
def test_what_costs_more_is_seen(name: DialectName, body: dict[str, Any], expected: Dearness) -> None:
    assert dialect(name).read_head(msgspec.json.encode(body)).dear == expected


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("anthropic", MESSAGES | {"speed": "fast", "inference_geo": "us", "tools": [SEARCH]}),
        ("anthropic", MESSAGES | {"tools": [SEARCH | {"cache_control": 1}], "system": 3}),
        ("anthropic", MESSAGES | {"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]}),
        ("anthropic", MESSAGES | {"messages": [{"role": 1, "content": [{"type": "image", "source": {}}]}]}),
        ("openai_chat", CHAT | {"n": 3, "service_tier": "priority", "tools": [{"type": "web_search"}]}),
        ("openai_chat", CHAT | {"messages": [{"content": [{"type": "image_url", "image_url": {"url": "https://x"}}]}]}),
        ("openai_chat", CHAT | {"messages": [{"content": [{"type": "file", "file": {"file_id": "f"}}]}]}),
        ("openai_chat", CHAT | {"plugins": [{"id": "web"}]}),
        ("openai_responses", RESPONSES | {"service_tier": "priority", "tools": [{"type": "web_search"}]}),
        ("openai_responses", RESPONSES | {"tools": [{"type": "code_interpreter"}]}),
        ("openai_responses", RESPONSES | {"input": [{"type": "item_reference", "id": "i"}]}),
        ("openai_responses", RESPONSES | {"input": [{"content": [{"type": "input_image", "file_id": "f"}]}]}),
        ("ollama_chat", CHAT | {"messages": [{"role": "user", "images": ["YQ==", "Yg=="]}]}),
    ],
)
def test_nothing_hides_behind_letters_that_are_written_as_escapes(name: DialectName, body: dict[str, Any]) -> None:
    plain = msgspec.json.encode(body)
    hidden = re.sub(rb"[a-z]", lambda letter: b"\\u%04x" % letter[0][0], plain)
    assert msgspec.json.decode(hidden) == body
    assert dialect(name).read_head(hidden) == dialect(name).read_head(plain)


def test_an_answer_without_limit_is_not_taken_for_one_of_less_than_nothing() -> None:
    for limit in (0, -1, -1_000_000):
        body = msgspec.json.encode(CHAT | {"options": {"num_predict": limit}})
        assert dialect("ollama_chat").read_head(body).max_tokens is None
        assert dialect("ollama_chat").read(body).max_tokens is None
