"""Rate limits and quotas, and the headers that tell of them."""

from tenbin.simulator import RunningSimulator
from tests.simulator.conftest import Client

TOKEN = {"authorization": "Bearer sk-ant-oat01-x", "x-api-key": ""}
STEM = "anthropic-ratelimit-unified"


def test_api_keys_get_limits_that_go_down(client: Client) -> None:
    first, second = client.messages().headers, client.messages().headers
    for name in ("requests", "tokens", "input-tokens", "output-tokens"):
        assert first[f"anthropic-ratelimit-{name}-reset"].endswith("Z")
        left = [int(headers[f"anthropic-ratelimit-{name}-remaining"]) for headers in (first, second)]
        assert left[1] < left[0] <= int(first[f"anthropic-ratelimit-{name}-limit"])
    chat = client.chat().headers
    assert int(chat["x-ratelimit-remaining-requests"]) < int(chat["x-ratelimit-limit-requests"])
    assert chat["x-ratelimit-reset-tokens"].endswith("s")


def test_stated_limits_are_enforced_until_the_window_is_over(client: Client, simulator: RunningSimulator) -> None:
    simulator.control("POST", "limits", {"requests": 2})
    assert [client.messages().status_code for _ in range(3)] == [200, 200, 429]
    refused = client.chat()
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert client.messages(headers={"x-api-key": "sk-other"}).status_code == 200
    simulator.advance(61)
    assert client.messages().status_code == 200


def test_cache_reads_do_not_count_as_input(client: Client) -> None:
    mark = {"type": "ephemeral"}
    content = [{"type": "text", "text": " a" * 2000, "cache_control": mark}]
    messages = [{"role": "user", "content": content}]
    left = [
        int(client.messages(messages=messages).headers["anthropic-ratelimit-input-tokens-remaining"]) for _ in range(3)
    ]
    assert left[0] - left[1] > 2000 > 100 > left[1] - left[2]


def test_subscriptions_get_unified_headers_instead(client: Client, simulator: RunningSimulator) -> None:
    headers = client.messages(headers=TOKEN).headers
    assert headers[f"{STEM}-status"] == headers[f"{STEM}-5h-status"] == "allowed"
    assert headers[f"{STEM}-representative-claim"] == "five_hour"
    assert int(headers[f"{STEM}-5h-reset"]) < int(headers[f"{STEM}-7d-reset"])
    assert "anthropic-ratelimit-requests-limit" not in headers
    simulator.control("POST", "quota", {"7d": 0.8, "7d_oi": 0.2})
    headers = client.messages(headers=TOKEN).headers
    assert headers[f"{STEM}-status"] == "allowed_warning"
    assert headers[f"{STEM}-representative-claim"] == "seven_day"
    assert headers[f"{STEM}-7d_oi-utilization"] == "0.2"


def test_spent_quota_is_refused(client: Client) -> None:
    refused = client.messages(headers=TOKEN, simulate={"quota": {"5h": 1.0}})
    assert refused.status_code == 429
    assert refused.headers[f"{STEM}-5h-status"] == "rejected"
    assert refused.headers[f"{STEM}-status"] == "rejected"
    assert client.messages(simulate={"quota": {"5h": 1.0}}).status_code == 200  # an API key has no such quota
