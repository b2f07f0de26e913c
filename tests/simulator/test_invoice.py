"""The simulator's invoice: what a provider bills for whole, broken, refused and failed calls, to the nano-USD."""

import time
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import httpx2
import pytest

from tenbin.simulator import RunningSimulator, prompt_text
from tests.simulator.conftest import Client, events

PRICES = {
    "gpt-4o": {"input": "2.5", "cache_read": 1.25, "output": "10"},
    "gpt-5.6": {"input": "1.3", "cache_read": "0.13", "cache_write_5m": "1.625", "output": "10.1"},
    "claude": {"input": "3", "output": "15"},
    "claude-sonnet-4-6": {
        "input": "3",
        "cache_read": "0.3",
        "cache_write_5m": "3.75",
        "cache_write_1h": "6",
        "output": "15",
        "web_search": "10",
    },
    "text-embedding-3-small": {"input": "0.0201"},
    "openrouter/m": {"input": "0.0333", "output": "0.1"},
    "llama3.2": {"input": 0, "output": 0},
}


@pytest.fixture
def priced(simulator: RunningSimulator) -> RunningSimulator:
    simulator.control("POST", "prices", PRICES)
    return simulator


def lines(simulator: RunningSimulator, count: int) -> list[dict[str, Any]]:
    """The invoice's lines, once there are so many and no call is open."""
    for _ in range(200):
        invoice = simulator.control("GET", "invoice")
        if len(invoice["calls"]) >= count and not invoice["open"]:
            assert invoice["total_nano_usd"] == sum(line["nano_usd"] or 0 for line in invoice["calls"])
            calls: list[dict[str, Any]] = invoice["calls"]
            return calls
        time.sleep(0.01)
    raise AssertionError(f"{count} lines never came")


def test_buckets_have_their_rates(client: Client, priced: RunningSimulator) -> None:
    text = [{"type": "text", "text": prompt_text(3000), "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    system = [{"type": "text", "text": prompt_text(2000), "cache_control": {"type": "ephemeral"}}]
    asked: dict[str, Any] = {"messages": [{"role": "user", "content": text}]}
    client.messages(**asked, simulate={"output_tokens": 7, "web_searches": 2})
    read = client.messages(**asked, simulate={"output_tokens": 7})
    client.messages(system=system, simulate={"output_tokens": 1})
    first, second, third = lines(priced, 3)
    assert first["cache_write_1h"] > 2900
    assert first["nano_usd"] == first["input"] * 3000 + first["cache_write_1h"] * 6000 + 7 * 15_000 + 2 * 10_000_000
    assert second["cache_read"] == first["cache_write_1h"]
    assert second["nano_usd"] == second["input"] * 3000 + second["cache_read"] * 300 + 7 * 15_000
    assert third["nano_usd"] == third["input"] * 3000 + third["cache_write_5m"] * 3750 + 15_000
    assert second["request_id"] == read.headers["request-id"]
    assert (second["model"], second["path"], second["status"]) == ("claude-sonnet-4-6", "/v1/messages", 200)


def test_every_dialect_is_billed(client: Client, priced: RunningSimulator) -> None:
    client.chat(n=3, simulate={"output_tokens": 5})
    client.responses(model="gpt-5.6", input=prompt_text(2000), simulate={"output_tokens": 5})
    client.post("/v1/embeddings", {"model": "text-embedding-3-small", "input": "one two three"})
    stated = client.chat(path="/openrouter/v1/chat/completions", model="m", simulate={"output_tokens": 5}).json()
    client.ollama("hello")
    chat, responses, embedding, routed, ollama = lines(priced, 5)
    assert chat["nano_usd"] == chat["input"] * 2500 + 15 * 10_000
    assert (responses["cache_write_5m"], responses["output"]) == (1920, 5)
    assert responses["nano_usd"] == responses["input"] * 1300 + 1920 * 1625 + 5 * 10_100
    assert embedding["nano_usd"] == (embedding["input"] * 20_100 + 500) // 1000 > 0
    assert routed["nano_usd"] == (routed["input"] * 33_300 + 5 * 100_000 + 500) // 1000
    assert round(stated["usage"]["cost"] * 1e9) == routed["nano_usd"]
    assert (ollama["nano_usd"], ollama["request_id"]) == (0, None)


def test_what_fails_costs_nothing(client: Client, priced: RunningSimulator) -> None:
    client.chat(simulate={"status": 429})
    client.chat(simulate={"html_error": True})
    with pytest.raises(httpx2.HTTPError):
        client.chat(simulate={"close_before_response": True})
    client.messages(unknown_role=1, messages=[{"role": "nobody", "content": "x"}])
    client.chat(stream=True, simulate={"error_event_at": 1})
    client.post("/v1/messages/count_tokens", {"model": "claude", "messages": [{"role": "user", "content": "x"}]})
    client.post("/v1/embeddings", {"model": "text-embedding-3-small", "input": "x"}, status=500)
    found = lines(priced, 7)
    assert [line["nano_usd"] for line in found] == [0] * 7
    assert all(line["input"] == line["output"] == 0 for line in found)
    assert found[0]["request_id"]
    assert found[2]["request_id"] is None


@pytest.mark.parametrize("dialect", ["messages", "chat", "responses", "ollama"])
def test_a_stream_that_breaks_costs_what_came(client: Client, priced: RunningSimulator, dialect: str) -> None:
    priced.control("POST", "prices", {"*": {"input": "1", "output": "2"}})
    whole = {"output_tokens": 400}
    with pytest.raises(httpx2.HTTPError):
        getattr(client, dialect)(stream=True, simulate={**whole, "cut_after_events": 9})
    getattr(client, dialect)(stream=True, simulate=whole)
    cut, complete = lines(priced, 2)
    assert (complete["output"], cut["outcome"]) == (400, "cut")
    before = {"messages": 3, "chat": 1, "responses": 4, "ollama": 0}[dialect]
    assert cut["output"] == 4 * (9 - before)
    assert cut["input"] == complete["input"] > 0


def test_a_client_that_leaves_pays_for_what_was_sent(client: Client, priced: RunningSimulator) -> None:
    body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    headers = {**client.headers, "x-simulate": '{"output_tokens": 4000, "tick_ms": 5}'}
    with client.http.stream("POST", "/v1/chat/completions", json=body, headers=headers) as response:
        heard = b""
        for piece in response.iter_bytes():
            heard += piece
            if heard.count(b"data: ") > 10:
                break
    (line,) = lines(priced, 1)
    assert line["outcome"] == "client_gone"
    assert 40 <= line["output"] < 4000


def test_an_unstreamed_answer_is_billed_as_far_as_it_was_produced(client: Client, priced: RunningSimulator) -> None:
    with pytest.raises(httpx2.TimeoutException):
        httpx2.post(
            f"{priced.url}/v1/chat/completions",
            json={"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]},
            headers={**client.headers, "x-simulate": '{"output_tokens": 1000, "delay_ms": 20000}'},
            timeout=0.5,
        )
    (line,) = lines(priced, 1)
    assert (line["outcome"], line["request_id"]) == ("client_gone", None)
    assert 0 < line["output"] < 500


def test_hidden_thoughts_count_once_they_are_over(client: Client, priced: RunningSimulator) -> None:
    script = {"thinking": "a b c d e f", "output_tokens": 40}
    hidden = {"type": "enabled", "budget_tokens": 1024, "display": "omitted"}
    shape = {"stream": True, "thinking": hidden, "max_tokens": 5000}
    assert events(client.messages(**shape, simulate=script))
    with pytest.raises(httpx2.HTTPError):
        client.messages(**shape, simulate={**script, "cut_after_events": 7})
    whole, cut = lines(priced, 2)
    assert whole["output"] == 46
    # message_start, block, ping, signature, stop, block, four tokens
    assert cut["output"] == 6 + 4


def test_csv_is_a_statement(client: Client, priced: RunningSimulator) -> None:
    client.chat(simulate={"status": 500})
    client.chat(simulate={"output_tokens": 3})
    line = lines(priced, 2)[1]
    with urlopen(f"{priced.url}/_simulator/invoice?form=csv") as answer:
        head, row = answer.read().decode().splitlines()
    found = dict(zip(head.split(","), row.split(","), strict=True))
    assert found["request_id"] == line["request_id"]
    assert found["cost_usd"] == f"0.{line['nano_usd']:09d}"


def test_without_rates_there_is_no_invoice_and_no_rate_is_no_zero(client: Client, simulator: RunningSimulator) -> None:
    client.chat()
    assert simulator.control("GET", "invoice")["calls"] == []
    simulator.control("POST", "prices", {"gpt-4o": {"input": 1}})
    client.chat()
    invoice = simulator.control("GET", "invoice")
    assert (invoice["calls"][0]["nano_usd"], invoice["unpriced"]) == (None, 1)
    simulator.control("DELETE", "invoice")
    assert simulator.control("GET", "invoice")["calls"] == []


@pytest.mark.parametrize("wrong", [{"m": 3}, {"m": {"inptu": 1}}, {"m": {"input": "x"}}, {"m": {"input": "1e-9"}}])
def test_wrong_rates_are_refused(simulator: RunningSimulator, wrong: object) -> None:
    with pytest.raises(HTTPError) as caught:
        simulator.control("POST", "prices", wrong)
    with caught.value as answer:
        assert answer.code == 400
        assert b"simulator: prices" in answer.read()
