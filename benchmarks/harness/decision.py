"""How long a decision takes, from a request's bytes to the order of targets: `benchmarks/run decision`.

One process, one core, no network: the sketch, the category, what is read out of the words, every candidate's cost and
quality, the choice. Texts differ from request to request, so that nothing is remembered of them.
"""

import argparse
import asyncio
import json
import statistics
import time
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks.harness import report
from tenbin.app import cache_directory, discerner
from tenbin.codecs.registry import dialect
from tenbin.config.findings import Findings, build
from tenbin.config.load import parse
from tenbin.core.ask import Ask, Caller
from tenbin.core.facts import Facts
from tenbin.core.session import Session, Warm
from tenbin.core.steps import Call, Note, Noted, Sense, Sensed
from tenbin.decide.flow import decide
from tenbin.decide.policy import Policy
from tenbin.decide.resolve import policy
from tenbin.execute.conversations import Conversations
from tenbin.execute.deciding import decided
from tenbin.execute.memory import settle_collector
from tenbin.execute.sensing import Senses
from tenbin.ledger.prices import PriceBook

CONFIGURATION = """
discover: false
providers:
  anthropic: {api_key: key}
  home: {profile: llamacpp, base_url: http://127.0.0.1:9, free: true, models: {qwen3-coder-30b: {context: 131072}}}
"""
"""Four candidates: a local model, Haiku, Sonnet, Opus."""

ENGLISH = (
    "The quarterly report shows that sales in the north have fallen for the third time although the number of visits "
    "has risen. Please explain what may have happened, which figures you would look at next, and what we should try. "
)
JAPANESE = (
    "四半期の報告によると、北部の売上は訪問数が増えているのに三期続けて減っています。"
    "何が起きたと考えられるか、次にどの数字を見るべきか、そして何を試すべきかを、順を追って説明してください。"
)


class Row(NamedTuple):
    """One line of the table; times in microseconds."""

    name: str
    p50: float
    p99: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--requests", type=int, default=3_000, help="decisions for each line (default 3000)")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--publish", action="store_true", help="also write the table to docs/benchmarks.md")


def run(chosen: argparse.Namespace) -> int:
    """Measures and prints the table."""
    config = build(parse(CONFIGURATION, environ={}), Findings(), {})
    prices = PriceBook(config.providers, cache=cache_directory())
    prices.wait()
    learned = policy(config)
    rules = policy(build(parse(CONFIGURATION + "routing: {learned: false}\n", environ={}), Findings(), {}))
    discerner().complexity(dialect("anthropic").sketch(_body("Hello", "auto")))
    settle_collector()
    count = chosen.requests
    rows = [
        _complete("complete, 500 characters of English", learned, prices, (ENGLISH * 3)[:500], count),
        _complete("complete, 500 characters of Japanese", learned, prices, (JAPANESE * 6)[:500], count),
        _complete("complete, 8K tokens of English", learned, prices, (ENGLISH * 200)[:34_000], count),
        _complete("by rules alone, 500 characters", rules, prices, (ENGLISH * 3)[:500], count),
        _cached("given what is known of the request", learned, prices, count),
        _cached(
            "the same in a conversation that is warm on two models (a tool's result comes back)",
            learned,
            prices,
            count,
            talk=True,
        ),
        _named("a name that says who answers", learned, prices, count),
    ]
    lines = ["| decision | p50 | p99 |", "| --- | --: | --: |"]
    lines += [f"| {row.name} | {row.p50 / 1e3:.3f} ms | {row.p99 / 1e3:.3f} ms |" for row in rows]
    print("\n".join(lines))
    if chosen.json is not None:
        chosen.json.write_text(json.dumps([row._asdict() for row in rows], indent=2) + "\n", encoding="utf-8")
    if chosen.publish:
        report.publish("decision", "\n".join(lines))
    return 0


def _body(text: str, model: str) -> bytes:
    message = {"role": "user", "content": text}
    return json.dumps({"model": model, "max_tokens": 500, "messages": [message]}, ensure_ascii=False).encode()


def _ask(body: bytes) -> Ask:
    return Ask(
        request_id="measured",
        dialect="anthropic",
        operation="generate",
        path="/v1/messages",
        query=b"",
        headers=(),
        body=body,
        head=dialect("anthropic").read_head(body),
        caller=Caller(key_id="local"),
        arrived_at_ms=time.time_ns() // 1_000_000,
        arrived_ns=0,
    )


def _row(name: str, taken: list[int]) -> Row:
    taken = sorted(taken[len(taken) // 20 :])
    return Row(name, statistics.median(taken) / 1e3, taken[int(len(taken) * 0.99)] / 1e3)


def _complete(name: str, under: Policy, prices: PriceBook, text: str, count: int) -> Row:
    senses = Senses(Conversations(), discerner, prices)

    async def all_of_them() -> list[int]:
        taken = []
        for number in range(count):
            ask = _ask(_body(f"{number} {text}", "auto"))
            begun = time.perf_counter_ns()
            await decided(ask, under, senses)
            taken.append(time.perf_counter_ns() - begun)
        return taken

    return _row(name, asyncio.run(all_of_them()))


def _in_conversation(sensed: Sensed, now_ms: int) -> Sensed:
    """The twelfth request of a coding agent, between two tools."""
    features = msgspec.structs.replace(
        sensed.features, prompt_tokens=60_000, agent=True, tools=20, in_tool_loop=True, cache_marks=3, turn=4,
        effort="high", thinking="adaptive", max_tokens=32_000,
    )  # fmt: skip
    warm = [
        Warm(target=target, tokens=tokens, until_ms=now_ms + left_ms, life_ms=300_000, effort="high")
        for target, tokens, left_ms in (
            ("anthropic/claude-sonnet-5-5", 58_400, 290_000),
            ("anthropic/claude-haiku-5-5", 38_400, 90_000),
        )
    ]
    session = Session(
        target=warm[0].target, at_ms=now_ms - 8_000, requests=11, prompt_tokens=58_500, output_tokens=6_000,
        growth_tokens=20_000, switches=1, warm=tuple(warm), weighed=11, by_tools=0.8, suffices=(0.5, 0.6, 0.8, 0.9),
    )  # fmt: skip
    return msgspec.structs.replace(sensed, features=features, session_key="local|measured", session=session)


def _cached(name: str, under: Policy, prices: PriceBook, count: int, *, talk: bool = False) -> Row:
    """The decision itself, given what is known of the request."""
    senses = Senses(Conversations(), discerner, prices)
    ask = _ask(_body(ENGLISH, "auto"))
    sensed = asyncio.run(senses.of(ask, dialect("anthropic"), under)).perform(Sense("complexity"))
    if talk:
        sensed = _in_conversation(sensed, ask.arrived_at_ms)
    facts, noted, taken = Facts(now_ms=ask.arrived_at_ms, draw=0.0, health={}), Noted(), []
    for _ in range(count):
        begun = time.perf_counter_ns()
        plan = decide(ask, facts, under, senses.known)
        step = next(plan)
        while not isinstance(step, Call):
            step = plan.send(noted if isinstance(step, Note) else sensed)
        taken.append(time.perf_counter_ns() - begun)
        plan.close()
    return _row(name, taken)


def _named(name: str, under: Policy, prices: PriceBook, count: int) -> Row:
    """Nothing is weighed: the usual case of a client that names its model."""
    senses = Senses(Conversations(), discerner, prices)
    ask = _ask(_body(ENGLISH, "claude-opus-5-5"))
    facts, taken = Facts(now_ms=ask.arrived_at_ms, draw=0.0, health={}), []
    for _ in range(count):
        begun = time.perf_counter_ns()
        plan = decide(ask, facts, under, senses.known)
        next(plan)
        taken.append(time.perf_counter_ns() - begun)
        plan.close()
    return _row(name, taken)
