"""What a test tells the simulator and asks of it: the log, the clock, scripts and limits."""

from urllib.error import HTTPError

import pytest

from tenbin.simulator import RunningSimulator
from tests.simulator.conftest import Client


def test_log_has_what_came_across(client: Client, simulator: RunningSimulator) -> None:
    client.messages("Hé", headers={"X-Custom": "a b"}, metadata={"user_id": "u"})
    client.http.post("/v1/messages", content=b"not json", headers=client.headers)
    first, second = simulator.requests()
    assert (first["method"], first["path"], first["query"]) == ("POST", "/v1/messages", "beta=true")
    assert ["x-custom", "a b"] in first["headers"]
    assert first["body"]["messages"][0]["content"] == "Hé"
    assert first["body"]["metadata"] == {"user_id": "u"}
    assert (first["model"], first["status"], first["outcome"]) == ("claude-sonnet-4-6", 200, "complete")
    assert (second["body"], second["status"], second["outcome"]) == ("not json", 400, "refused")
    simulator.clear()
    assert simulator.requests() == []


def test_log_forgets_the_oldest() -> None:
    with RunningSimulator(log_size=2) as small:
        made = Client(small.url)
        for text in "abc":
            made.messages(text)
        assert [entry["body"]["messages"][0]["content"] for entry in small.requests()] == ["b", "c"]
        made.http.close()


def test_clock_state_and_scripts(simulator: RunningSimulator) -> None:
    before = simulator.control("GET", "state")["now"]
    simulator.advance(3600)
    assert 3600 <= simulator.control("GET", "state")["now"] - before < 3700
    simulator.script("gpt-4o", text="x")
    assert simulator.control("GET", "scripts") == {"waiting": {"gpt-4o": 1}}
    simulator.control("DELETE", "scripts")
    assert simulator.control("GET", "state")["waiting"] == {}


@pytest.mark.parametrize(
    ("method", "name", "body"),
    [
        ("POST", "clock", {"seconds": 3}),
        ("POST", "scripts", {"scripts": [{"txet": "x"}]}),
        ("POST", "limits", {"requests": "many"}),
        ("POST", "models", {"name": "m", "size": 3}),
        ("GET", "nothing", None),
    ],
)
def test_mistakes_are_refused(simulator: RunningSimulator, method: str, name: str, body: object) -> None:
    with pytest.raises(HTTPError) as caught:
        simulator.control(method, name, body)
    with caught.value as answer:
        assert answer.code in (400, 404)


def test_models_can_be_given_rules(client: Client, simulator: RunningSimulator) -> None:
    simulator.control("POST", "models", {"name": "claude-sonnet-4-6", "prefill": False})
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    assert client.messages(messages=messages).status_code == 400


def test_body_of_thirty_megabytes(client: Client) -> None:
    refused = client.messages("x" * (33 * 1024 * 1024))
    assert (refused.status_code, refused.json()["error"]["type"]) == (413, "request_too_large")
