"""What a client can ask for: each a real request through a real gateway to a real server, and what must come of it."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tenbin.core.receipt import Receipt
from tenbin.core.target import DialectName
from tenbin.simulator import RunningSimulator
from tests.matrix.clients import ClientName, Reply, Unsayable, Wish, ask

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = base64.b64encode(b"%PDF-1.4\n1 0 obj<</Type/Page>>endobj\n%%EOF\n").decode()
WEATHER = (
    "get_weather",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False},
)
TIME = ("get_time", {"type": "object", "properties": {}, "additionalProperties": False})

MODELS: dict[DialectName, str] = {
    "anthropic": "anthropic/claude-sonnet-4-6",
    "openai_chat": "openrouter/qwen/qwen3.8-max",
    "openai_responses": "openai/gpt-6-sol",
    "ollama_chat": "ollama/qwen3:8b",
}
"""A model of each provider, as clients name it."""


class Refused(Exception):
    """The gateway said that this cannot be had, in a proper error of the client's dialect; carries its message."""


class Receipts:
    """The receipts that the gateway's ledger has settled."""

    def __init__(self) -> None:
        self._by_request: dict[str, Receipt] = {}
        self._settled = threading.Condition()

    def add(self, receipt: Receipt) -> None:
        """Take a settled receipt, from the gateway's own thread."""
        with self._settled:
            self._by_request[receipt.request_id] = receipt
            self._settled.notify_all()

    def of(self, reply: Reply) -> Receipt:
        """The receipt of an answer; one that holds an estimate is settled a moment after the answer."""
        request_id = reply.headers["x-tenbin-request-id"]
        with self._settled:
            assert self._settled.wait_for(lambda: request_id in self._by_request, 30), "no receipt was settled"
            return self._by_request[request_id]


@dataclass(frozen=True)
class Case:
    """One cell: who asks whom, and how."""

    url: str
    receipts: "Receipts"
    simulator: RunningSimulator
    client: ClientName
    provider: DialectName
    stream: bool

    def ask(self, wish: Wish) -> Reply:
        """The answer, or the error, whatever it is. Raises Unsayable."""
        self.simulator.clear()
        return ask(self.client, self.url, MODELS[self.provider], wish, stream=self.stream)

    def answer(self, wish: Wish) -> Reply:
        """The answer. Raises Refused when the gateway says that the provider cannot be asked this."""
        reply = self.ask(wish)
        if reply.status == 400 and not self.simulator.requests():
            assert reply.error
            raise Refused(reply.error)
        assert reply.status == 200, (reply.status, reply.error)
        assert reply.error is None, reply.error
        assert reply.headers["x-tenbin-request-id"]
        return reply

    def sent(self) -> Any:
        """What came across to the provider, decoded."""
        return self.simulator.requests()[-1]["body"]


def strings(value: Any) -> Iterator[str]:
    """Every text in a decoded JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def position(sent: Any, words: str) -> int:
    """Where these words stand among all texts; fails when they are missing."""
    found = [place for place, text in enumerate(strings(sent)) if words in text]
    assert found, f"{words!r} did not arrive"
    return found[0]


def says(script: dict[str, Any], words: str = "Please.") -> tuple[str, list[tuple]]:
    """A user turn which tells the simulator what to answer."""
    return ("user", [("text", f"{words}\nsimulate: {json.dumps(script)}")])


def text(case: Case) -> None:
    """Text"""
    reply = case.answer(Wish([says({"text": "The scale 天秤 is level. 🙂"})]))
    assert (reply.text, reply.stop) == ("The scale 天秤 is level. 🙂", "end")


def system(case: Case) -> None:
    """System prompt"""
    case.answer(Wish([says({"text": "ok"}, "Good morning.")], system="You weigh every word."))
    assert position(case.sent(), "You weigh every word.") != position(case.sent(), "Good morning.")


def middle_system(case: Case) -> None:
    """System message in the middle"""
    middle = ("system", [("text", "It is Saturday now.")])
    case.answer(Wish([("user", [("text", "One.")]), ("assistant", [("text", "Two.")]), says({"text": "ok"}), middle]))
    sent = case.sent()
    assert position(sent, "Two.") < position(sent, "It is Saturday now.")


def tools(case: Case) -> None:
    """Tools"""
    reply = case.answer(
        Wish([says({"tools": [{"name": "get_weather", "input": {"city": "東京"}}]})], tools=[WEATHER, TIME])
    )
    ((call_id, name, arguments),) = reply.calls
    assert (name, arguments, reply.stop) == ("get_weather", {"city": "東京"}, "tool_use")
    assert 0 < len(call_id) <= 64
    assert "get_time" in json.dumps(case.sent()["tools"])


def parallel_tools(case: Case) -> None:
    """Parallel tool calls"""
    calls = [{"name": "get_weather", "input": {"city": city}} for city in ("Kyoto", "Nara")]
    calls.append({"name": "get_time", "input": {}})
    reply = case.answer(Wish([says({"text": "At once.", "tools": calls})], tools=[WEATHER, TIME]))
    assert reply.text == "At once."
    assert [call[1:] for call in reply.calls] == [(call["name"], call["input"]) for call in calls]
    assert len({call_id for call_id, _, _ in reply.calls}) == 3


def _round(results: list[tuple]) -> Wish:
    calls = [("call", "call_a", "get_weather", {"city": "Kyoto"}), ("call", "call_b", "get_time", {})]
    asked = says({"text": "Noted."})
    # The script's line has been answered once: the list has a second script for after the calls.
    again = (asked[0], [("text", 'Go.\nsimulate: [{"text": "calling"}, {"text": "Noted."}]')])
    return Wish([again, ("assistant", calls), ("user", results)], tools=[WEATHER, TIME])


def tool_results(case: Case) -> None:
    """Tool results, out of order"""
    results = [
        ("result", "call_b", [("text", "It is noon.")], False),
        ("result", "call_a", [("text", "It rains.")], False),
    ]
    assert case.answer(_round(results)).text == "Noted."
    for words in ("It is noon.", "It rains."):
        position(case.sent(), words)


def tool_errors(case: Case) -> None:
    """Tool errors"""
    results = [
        ("result", "call_a", [("text", "No such city.")], True),
        ("result", "call_b", [("text", "It is noon.")], False),
    ]
    assert case.answer(_round(results)).text == "Noted."
    sent = case.sent()
    marked = '"is_error": true' in json.dumps(sent)
    assert marked or "Error: No such city." in list(strings(sent))


def tool_images(case: Case) -> None:
    """Images in tool results"""
    results = [
        ("result", "call_a", [("text", "A picture:"), ("image", PNG)], False),
        ("result", "call_b", [("text", "It is noon.")], False),
    ]
    assert case.answer(_round(results)).text == "Noted."
    assert any(PNG in words for words in strings(case.sent()))


def forced_tool(case: Case) -> None:
    """Forced tool choice"""
    for choice in ("any", "get_weather"):
        reply = case.answer(Wish([("user", [("text", "Kyoto?")])], tools=[WEATHER], choice=choice))
        assert [name for _, name, _ in reply.calls] == ["get_weather"]


def forbidden_tool(case: Case) -> None:
    """Tool choice none"""
    reply = case.answer(Wish([says({"text": "No tools."})], tools=[WEATHER], choice="none"))
    assert (reply.text, reply.calls) == ("No tools.", [])


def images(case: Case) -> None:
    """Images as data"""
    role, parts = says({"text": "A dot."})
    assert case.answer(Wish([(role, [("image", PNG), *parts])])).text == "A dot."
    assert any(PNG in words for words in strings(case.sent()))


def image_urls(case: Case) -> None:
    """Images by address"""
    role, parts = says({"text": "A dot."})
    case.answer(Wish([(role, [("image_url", "https://pictures.invalid/a.png"), *parts])]))
    position(case.sent(), "https://pictures.invalid/a.png")


def documents(case: Case) -> None:
    """PDF documents"""
    role, parts = says({"text": "Empty."})
    assert case.answer(Wish([(role, [("pdf", PDF), *parts])])).text == "Empty."
    assert any(PDF in words for words in strings(case.sent()))


def thinking(case: Case) -> None:
    """Thinking"""
    reply = case.answer(Wish([says({"thinking": "Weighing it.", "text": "Seven."})], thinking=True, max_tokens=4000))
    assert (reply.thinking, reply.text) == ("Weighing it.", "Seven.")


def structured(case: Case) -> None:
    """Structured output"""
    schema = WEATHER[1]
    reply = case.answer(Wish([("user", [("text", "Where?")])], schema=schema, max_tokens=2000))
    assert list(json.loads(reply.text)) == ["city"]


def limit(case: Case) -> None:
    """Stop at max_tokens"""
    reply = case.answer(Wish([says({"text": "word " * 200})], max_tokens=20))
    assert reply.stop == "max_tokens"
    assert 0 < len(reply.text) < 150


def stop_sequence(case: Case) -> None:
    """Stop sequences"""
    reply = case.answer(Wish([says({"text": "one two HALT three"})], stop=["HALT"]))
    assert reply.text.strip() == "one two"
    assert reply.stop in ("stop_sequence", "end")


def usage(case: Case) -> None:
    """Usage, to the token"""
    reply = case.answer(Wish([says({"text": "Counted. " * 9})]))
    _equals_the_truth(case, reply)


def cached_usage(case: Case) -> None:
    """Cached prompt tokens"""
    wish = Wish([says({"text": "Counted."}, f"{case.client} {case.provider} {case.stream} " + "weigh it " * 2000)])
    case.answer(wish)
    reply = case.answer(wish)
    truth = _equals_the_truth(case, reply)
    assert reply.cached == truth.get("cache_read", 0)


def late_usage(case: Case) -> None:
    """Usage that comes late"""
    reply = case.answer(Wish([says({"text": "Counted at last.", "late_usage": True})]))
    _equals_the_truth(case, reply)


def _equals_the_truth(case: Case, reply: Reply) -> dict[str, int]:
    truth: dict[str, int] = case.simulator.requests()[-1]["usage"]
    prompt = sum(truth.get(bucket, 0) for bucket in ("input", "cache_read", "cache_write_5m", "cache_write_1h"))
    assert (reply.prompt, reply.output) == (prompt, truth["output"])
    entered = case.receipts.of(reply).usage
    assert (entered.prompt, entered.output, entered.estimated) == (prompt, truth["output"], False)
    return truth


def no_usage(case: Case) -> None:
    """Usage that never comes: counted, and marked as an estimate in the ledger"""
    reply = case.answer(Wish([says({"text": "Nobody counted. " * 20, "no_usage": True})]))
    truth: dict[str, int] = case.simulator.requests()[-1]["usage"]
    receipt = case.receipts.of(reply)
    assert (receipt.usage.input_estimated, receipt.usage.output_estimated) == (True, True)
    assert truth["output"] * 0.7 < receipt.usage.output < truth["output"] * 1.4
    assert truth["input"] * 0.7 < receipt.usage.prompt < truth["input"] * 1.4


def refusal_by_provider(case: Case) -> None:
    """Provider's error, in the client's form"""
    reply = case.ask(Wish([says({"status": 400, "message": "This prompt is not accepted."})]))
    assert reply.status == 400
    assert "This prompt is not accepted." in (reply.error or "")
    # OpenRouter's own error, which a client of the same dialect is given as it is, names no type.
    assert reply.error_kind == "invalid_request_error" or case.client == case.provider


def too_long(case: Case) -> None:
    """Prompt too long"""
    case.simulator.control("POST", "models", {"name": MODELS[case.provider].rpartition("/")[2], "context": 8000})
    try:
        reply = case.ask(Wish([("user", [("text", "weigh " * 70_000)])]))
    finally:
        case.simulator.control("POST", "reset", {})
    assert reply.status == 400
    assert reply.error
    if case.client == "anthropic":
        assert "prompt is too long: " in reply.error


def error_in_stream(case: Case) -> None:
    """Error in the middle of a stream"""
    if not case.stream:
        raise Unsayable("an answer that comes whole has no middle")
    # A pause after every event, so that the client has seen some of the answer: before that, it is tried again.
    script = {"text": "half a " * 40, "error_event_at": 12, "message": "The beam broke.", "tick_ms": 4}
    reply = case.ask(Wish([says(script)]))
    assert reply.status == 200
    assert reply.text.startswith("half a ")
    assert "The beam broke." in (reply.error or "")


def cut(case: Case) -> None:
    """Connection cut in the middle"""
    reply = case.ask(Wish([says({"text": "half a " * 40, "cut_after_events": 12})]))
    assert reply.error
    assert reply.status == 200 if case.stream else reply.status >= 500


FEATURES: tuple[Callable[[Case], None], ...] = (
    text,
    system,
    middle_system,
    tools,
    parallel_tools,
    tool_results,
    tool_errors,
    tool_images,
    forced_tool,
    forbidden_tool,
    images,
    image_urls,
    documents,
    thinking,
    structured,
    limit,
    stop_sequence,
    usage,
    cached_usage,
    late_usage,
    no_usage,
    refusal_by_provider,
    too_long,
    error_in_stream,
    cut,
)
"""In the order of the page; a feature's docstring is its name there."""
