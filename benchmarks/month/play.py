"""Plays the month through the real gateway against the provider simulator, both under the workload's own time."""

import asyncio
import queue
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from benchmarks.month import parameters as of
from benchmarks.month.policies import DEFAULT_FLOOR, LOCAL, LOCAL_CONTEXT, Asked, Policy
from benchmarks.month.workload import BEGINS_MS, Request, month
from tenbin.app import Gateway
from tenbin.codecs.registry import dialect
from tenbin.config.findings import Findings, build
from tenbin.config.load import parse
from tenbin.config.model import Config
from tenbin.config.routing import Electricity
from tenbin.core.receipt import Receipt
from tenbin.core.usage import Usage
from tenbin.core.weighing import Weighing
from tenbin.decide.cost import electricity
from tenbin.discern.complexity import Discerner
from tenbin.running import RunningGateway
from tenbin.simulator import RunningSimulator
from tenbin.simulator.clock import Clock as SimulatorClock
from tenbin.simulator.scripts import Script

POWER = Electricity(usd_per_kwh=of.USD_PER_KWH.value, watts=of.WATTS.value, tokens_per_second=of.LOCAL_SPEED.value)
SETTLED_WITHIN_SECONDS = 30
PATHS = {"anthropic": "/v1/messages?beta=true", "openai_chat": "/v1/chat/completions"}
"""Where a request is sent, by its dialect."""


class MonthClock:
    """The gateway's time: it stands at the request that is played. Latencies are real, unless all is to be repeatable
    to the last bit.
    """

    def __init__(self, *, latencies: bool = True) -> None:
        self.at_ms = BEGINS_MS
        self._latencies = latencies
        self._random = random.Random(1)

    def now_ms(self) -> int:
        """UTC, milliseconds since the epoch."""
        return self.at_ms

    def monotonic_ns(self) -> int:
        """Nanoseconds that never go back."""
        return time.monotonic_ns() if self._latencies else self.at_ms * 1_000_000

    def draw(self) -> float:
        """The next number of a fixed row, in [0, 1)."""
        return self._random.random()

    def bits(self) -> int:
        """80 bits of the same row."""
        return self._random.getrandbits(80)

    async def pause(self, ms: int) -> None:
        """Wait, in real time."""
        await asyncio.sleep(ms / 1000)


class Played(NamedTuple):
    """What became of one request."""

    request: Request
    target: str
    """Who answered, ``provider/model``."""
    usage: Usage
    billed_nano: int
    uncached_nano: int
    """What the same tokens would have cost if there were no prompt caches."""
    electricity_nano: int
    decision_ms: float
    """From the request's arrival to the call of the provider."""
    weighing: Weighing | None
    hit: bool = False
    """Tenbin's response cache answered: ``target`` is who had given that answer."""
    saved_nano: int = 0
    """Of a hit: what its answer had cost, as its receipt has it."""


class Caches(NamedTuple):
    """Which caches are on, and who marks prompts for the provider's."""

    marks: bool = True
    """Clients that mark their prompts do so; False: their marks are taken out before they send."""
    place: str = "translated"
    """Where Tenbin sets marks: ``prompt_caching.place``."""
    responses: bool = False
    """The response cache answers what is exactly the same."""
    keep_days: int = 0
    """So long its answers are kept, whatever they are about and however seldom asked for; 0: as by default."""


AS_CLIENTS_DO = Caches()

Month = Callable[[int, float], Iterator[Request]]
"""The requests of a month: by seed and scale."""


class Unsettled(RuntimeError):
    """A request of the month was not answered, or its cost is unknown."""


def configuration(simulator_url: str, floor: float | None, caches: Caches = AS_CLIENTS_DO) -> Config:
    """The gateway's configuration: the same providers for every policy."""
    kept = ""
    if caches.keep_days:
        kept = f", life: {{adaptive: false}}, rules: [{{ttl_seconds: {caches.keep_days * 86_400}}}]"
    text = f"""
discover: false
providers:
  anthropic: {{api_key: simulated, base_url: "{simulator_url}"}}
  laptop:
    profile: llamacpp
    base_url: "{simulator_url}/llamacpp/v1"
    free: true
    models: {{{LOCAL.partition("/")[2]}: {{context: {LOCAL_CONTEXT}}}}}
routing:
  floor: {DEFAULT_FLOOR if floor is None else floor}
  electricity: {{usd_per_kwh: {POWER.usd_per_kwh}, watts: {POWER.watts}, tokens_per_second: {POWER.tokens_per_second}}}
prompt_caching: {{place: "{caches.place}"}}
cache: {{exact: "{"serve" if caches.responses else "off"}"{kept}}}
"""
    return build(parse(text, environ={}), Findings(), {})


def play(
    policy: Policy,
    *,
    seed: int = 1,
    scale: float = 1.0,
    latencies: bool = True,
    caches: Caches = AS_CLIENTS_DO,
    requests: Month = month,
) -> list[Played]:
    """All requests of the month, one after the other, under one policy. Raises Unsettled."""
    clock = MonthClock(latencies=latencies)
    simulated = SimulatorClock(lambda: clock.at_ms / 1_000)
    with (
        RunningSimulator(log_size=1, clock=simulated) as simulator,
        tempfile.TemporaryDirectory() as directory,
        RunningGateway(configuration(simulator.url, policy.floor, caches), Path(directory), clock=clock) as gateway,
        ExitStack() as opened,
    ):
        settled: queue.SimpleQueue[Receipt] = queue.SimpleQueue()
        gateway.book.subscribe(settled.put)
        connection = opened.enter_context(closing(HTTPConnection(urlsplit(gateway.url).netloc, timeout=60)))
        player = _Player(policy, gateway, settled, connection)
        played = []
        for request in requests(seed, scale):
            clock.at_ms = request.at_ms
            simulator.simulator.scripts.clear()
            script = Script(output_tokens=request.output_tokens, chunk_tokens=100_000)
            simulator.simulator.scripts.add("*", [script])
            played.append(player.ask(request if caches.marks else unmarked(request)))
        return played


class _Player:
    """The client of all conversations and programs."""

    def __init__(
        self,
        policy: Policy,
        gateway: RunningGateway,
        settled: "queue.SimpleQueue[Receipt]",
        connection: HTTPConnection,
    ) -> None:
        self._policy, self._gateway, self._settled = policy, gateway.gateway, settled
        self._connection = connection
        self._discerner = Discerner()

    def ask(self, request: Request) -> Played:
        """Send one request as its client would, read the whole answer, and wait for its receipt."""
        encoded = msgspec.json.encode(request.body)
        routing = self._gateway.world.policy.routing
        assert routing is not None
        asked = Asked(
            request,
            lambda: dialect(request.dialect).sketch(encoded),
            lambda: dialect("anthropic").sketch(_latest_message(request)),
            self._discerner,
            routing.abilities,
        )
        body = b'{"model":"%s",%s' % (self._policy.model(asked).encode(), encoded[1:])
        headers = {**request.headers, "content-type": "application/json", "anthropic-version": "2023-06-01"}
        self._connection.request("POST", PATHS[request.dialect], body, headers)
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise Unsettled(f"{request.kind} at {request.at_ms}: {answer.status} {said[:400]!r}")
        answered = f"{answer.getheader('x-tenbin-provider')}/{answer.getheader('x-tenbin-model')}"
        return _played(request, self._settled.get(timeout=SETTLED_WITHIN_SECONDS), self._gateway, answered)


def _latest_message(request: Request) -> bytes:
    """The request's last message alone, as if it were a question of a person."""
    content = request.body["messages"][-1]["content"]
    if not isinstance(content, str):
        content = "\n".join(block.get("text") or block.get("content") or "" for block in content)
    return msgspec.json.encode({"max_tokens": 1, "messages": [{"role": "user", "content": content}]})


def unmarked(request: Request) -> Request:
    """The request without its client's marks for the prompt cache."""

    def plain(blocks: Any) -> Any:
        if not isinstance(blocks, list):
            return blocks
        return [{name: value for name, value in block.items() if name != "cache_control"} for block in blocks]

    body = dict(request.body)
    if "system" in body:
        body["system"] = plain(body["system"])
    body["messages"] = [{**message, "content": plain(message["content"])} for message in body["messages"]]
    return request._replace(body=body)


def _hit(request: Request, receipt: Receipt, answered: str) -> Played:
    """A request that the response cache answered; ``answered``: who had given that answer."""
    cached = receipt.cached
    if receipt.outcome != "answered" or cached is None or cached.result != "hit" or cached.saved_nano is None:
        raise Unsettled(f"{request.kind} at {request.at_ms}: {receipt.outcome} without an attempt, {cached}")
    return Played(
        request._replace(body={}), answered, receipt.usage, 0, 0, 0, receipt.total_ms, None, True, cached.saved_nano
    )


def _played(request: Request, receipt: Receipt, gateway: Gateway, answered: str) -> Played:
    if not receipt.attempts:
        return _hit(request, receipt, answered)
    billed, last = receipt.billed_nano, receipt.attempts[-1]
    if receipt.outcome != "answered" or billed is None or last.usage.estimated:
        raise Unsettled(f"{request.kind} at {request.at_ms}: {receipt.outcome}, billed {billed}, {last.usage}")
    used = receipt.usage
    price = gateway.prices.price(last.provider, last.model, request.at_ms)
    uncached = price.cost(Usage(input=used.prompt, output=used.output)) if price is not None else None
    if uncached is None:
        raise Unsettled(f"no price is known of {last.provider}/{last.model}")
    target = f"{last.provider}/{last.model}"
    return Played(
        request._replace(body={}),
        target,
        used,
        billed,
        uncached,
        electricity(POWER, used) if target == LOCAL else 0,
        receipt.queue_ms,
        receipt.weighing,
    )
