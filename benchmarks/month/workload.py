"""The month's requests, in the order of time: the same for every policy, since nothing here depends on an answer.

A conversation's requests grow by what was said: the answers that stand in later requests are the workload's own, of the
length that the answer had, whoever gave it.
"""

import heapq
import json
import random
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from benchmarks.month import parameters as of
from benchmarks.month.parameters import Spread
from benchmarks.month.prompts import filler, item, person

BEGINS_MS = 1_793_577_600_000
"""Monday, 2 November 2026, 00:00 UTC: prices are those of these days."""
DAY = 86_400.0
OFFICE_OPENS, OFFICE_HOURS = 9 * 3_600.0, 8 * 3_600.0
MAX_TOKENS = 32_000
"""What Claude Code allows for an answer of a model whose name it does not know (``auto``)."""
TOOLS = ("Bash", "Read", "Edit", "Grep", "Glob", "Write", "WebFetch", "Agent")
MAIN, SMALL = "claude-opus-5-5", "claude-haiku-5-5"
"""The models that the client asks for: for a person's turns, and for what it does by itself."""

AGENT_HEADERS = {
    "user-agent": "claude-cli/2.1.330 (external, cli)",
    "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14,effort-2025-11-24",
    "x-app": "cli",
}
APPLICATION_HEADERS = {"user-agent": "archive/1.0"}


class Request(NamedTuple):
    """One request of the month."""

    at_ms: int
    """UTC."""
    conversation: str
    """Which conversation it belongs to: a sub-agent's is its own. Empty for a request of a program."""
    kind: str
    """``agent``, ``sub_agent``, ``background``, ``compaction``, ``batch`` or ``question``."""
    task: str
    """Of the turn or batch that it belongs to."""
    last: bool
    """It ends its turn: the answer that a person, or a program, looks at."""
    model: str
    """What the client asks for."""
    headers: dict[str, str]
    body: dict[str, Any]
    """Without the model."""
    tokens: int
    """Of the prompt, about: what a router may go by that counts roughly."""
    output_tokens: int
    dialect: str = "anthropic"
    """In which it is written."""
    repeated: bool = False
    """Word for word an earlier one."""


PROGRAMS = frozenset({"batch", "question"})
"""Kinds of requests that programs send; the others are a person's coding agent's."""


def month(seed: int = 1, scale: float = 1.0) -> Iterator[Request]:
    """All requests; ``scale`` makes the month smaller (0.1: two days of twenty) or larger (2: forty working days)."""
    streams: list[Iterator[Request]] = []
    days = max(1, round(of.DAYS.value * scale))
    conversations, batches = int(of.CONVERSATIONS_A_DAY.value), int(of.BATCHES_A_DAY.value)
    calls = _calls(days * conversations, random.Random(f"{seed}/calls"))
    for day in range(days):
        chance = random.Random(f"{seed}/{day}")
        opens = (day // 5 * 7 + day % 5) * DAY + OFFICE_OPENS
        for number in range(conversations):
            begins = opens + OFFICE_HOURS * (number + chance.random()) / conversations
            streams.append(_conversation(f"{seed}/{day}/agent{number}", begins, calls.pop()))
        for number in range(batches):
            streams.append(_batch(f"{seed}/{day}/batch{number}", opens + OFFICE_HOURS * chance.random()))
    return heapq.merge(*streams, key=lambda request: request.at_ms)


def _calls(conversations: int, chance: random.Random) -> list[float]:
    """How many calls each conversation has at least, in any order: evenly spaced quantiles of the distribution, so that
    months of different seeds are about equally long.
    """
    shape = of.CALLS_SHAPE.value
    scale = of.CALLS_MEDIAN.value / (2 ** (1 / shape) - 1)
    shares = [(number + 0.5) / conversations for number in range(conversations)]
    lengths = [min(scale * ((1 - share) ** (-1 / shape) - 1), of.CALLS_MOST.value) for share in shares]
    chance.shuffle(lengths)
    return lengths


def _draws(chance: random.Random, mean: float) -> int:
    """A geometric number from 1 with this mean."""
    count = 1
    while chance.random() > 1 / mean:
        count += 1
    return count


def _drawn(chance: random.Random, spread: Spread) -> float:
    return spread.median * chance.lognormvariate(0.0, spread.deviation)


def drawn_tokens(chance: random.Random, spread: Spread, most: int = 16_000) -> int:
    """A length in tokens."""
    return max(4, min(most, round(_drawn(chance, spread))))


def at_ms(seconds: float) -> int:
    """UTC ms of so many seconds after the month's beginning."""
    return BEGINS_MS + round(seconds * 1_000)


def _marked(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}


def _system(tokens: int, words: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """System prompt and tools of about so many tokens together, the same in every conversation of a kind."""
    chance = random.Random(words)
    each = tokens // 20
    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    tools = [{"name": name, "description": filler(each, chance), "input_schema": schema} for name in TOOLS]
    return [_marked(words), _marked(filler(tokens - each * len(TOOLS), chance))], tools


class _Conversation:
    """An agent's conversation as its client keeps it."""

    def __init__(self, seed: str, system_tokens: int, words: str, *, session: str = "", agent: str = "") -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.words = random.Random(f"{seed}/words")
        self.session = session or str(UUID(int=self.chance.getrandbits(128)))
        self.agent = agent
        self.system, self.tools = _system(system_tokens, words)
        self.messages: list[dict[str, Any]] = []
        self.size = self.begins_with = system_tokens
        self.calls = 0

    def say(self, role: str, content: list[dict[str, Any]], tokens: int) -> None:
        self.messages.append({"role": role, "content": content})
        self.size += tokens

    def request(self, now: float, kind: str, task: str, output: int, *, last: bool) -> Request:
        """The request as it is sent now, the last block marked for the prompt cache as the client does."""
        messages = [*self.messages]
        *before, latest = messages[-1]["content"]
        messages[-1] = {**messages[-1], "content": [*before, {**latest, "cache_control": {"type": "ephemeral"}}]}
        body = {
            "max_tokens": MAX_TOKENS, "stream": True, "thinking": {"type": "adaptive"},
            "metadata": _metadata(self.session), "system": self.system, "tools": self.tools, "messages": messages,
        }  # fmt: skip
        headers = {**AGENT_HEADERS, "x-claude-code-session-id": self.session}
        if self.agent:
            headers["x-claude-code-agent-id"] = self.agent
        return Request(at_ms(now), self.seed, kind, task, last, MAIN, headers, body, self.size, output)


def _metadata(session: str) -> dict[str, str]:
    return {"user_id": json.dumps({"device_id": "d", "account_uuid": "", "session_id": session})}


def _conversation(seed: str, begins: float, calls: float) -> Iterator[Request]:
    talk = _Conversation(seed, int(of.SYSTEM_TOKENS.value), "You are a coding agent.")
    chance, now = talk.chance, begins
    yield _title(talk, now)
    made = 0
    while made < calls:
        if made:
            now += _drawn(chance, of.TURN_GAP)
        kind, _, length = chance.choices(of.TURN_KINDS, [share for _, share, _ in of.TURN_KINDS])[0]
        text = person(kind, talk.words)
        talk.say("user", [{"type": "text", "text": text}], len(text) // 4)
        helped = chance.random() < of.SUB_AGENTS.value
        for request in _turn(talk, kind, length, now, "agent", helped=helped):
            now = (request.at_ms - BEGINS_MS) / 1_000
            made += request.kind == "agent"
            yield request
        if talk.size > of.COMPACT_AT.value:
            now += _drawn(chance, of.STEP_GAP)
            yield _compaction(talk, now)
            talk.say("assistant", [{"type": "text", "text": "Understood."}], 3)


def _turn(
    talk: _Conversation, task: str, length: int, now: float, kind: str, *, helped: bool = False
) -> Iterator[Request]:
    """The loop that one turn of a person becomes: tool calls, then an answer. ``helped``: the first tool is a
    sub-agent, for whose report it waits.
    """
    chance = talk.chance
    steps = _draws(chance, of.STEPS.value)
    for step in range(steps):
        last = step == steps - 1
        spread = of.STEP_OUTPUT if not last else Spread(length, 0.9, "", "")
        output = drawn_tokens(chance, spread)
        yield talk.request(now, kind, task, output, last=last)
        now += _drawn(chance, of.STEP_GAP)
        said: list[dict[str, Any]] = [{"type": "text", "text": filler(output, talk.words)}]
        if last:
            talk.say("assistant", said, output)
            return
        talk.calls += 1
        call, tool = f"toolu_{talk.calls:06d}", chance.choice(TOOLS[:-1])
        if helped and not step:
            tool = "Agent"
            for request in _sub_agent(talk, task, now):
                now = (request.at_ms - BEGINS_MS) / 1_000
                yield request
            now += _drawn(chance, of.STEP_GAP)
        said.append({"type": "tool_use", "id": call, "name": tool, "input": {"text": ""}})
        talk.say("assistant", said, output + 20)
        result = drawn_tokens(chance, of.RESULT, 20_000)
        content = [{"type": "tool_result", "tool_use_id": call, "content": filler(result, talk.words)}]
        talk.say("user", content, result)
        if talk.size > of.COMPACT_AT.value:
            yield _compaction(talk, now)
            now += _drawn(chance, of.STEP_GAP)


def _sub_agent(talk: _Conversation, task: str, now: float) -> Iterator[Request]:
    agent = f"a{talk.calls:05d}"
    tokens = int(of.SUB_AGENT_SYSTEM_TOKENS.value)
    words = "You are a sub-agent that explores."
    sub = _Conversation(f"{talk.seed}#{agent}", tokens, words, session=talk.session, agent=agent)
    text = f"Look into this and report what you find: {person(task, sub.words)}"
    sub.say("user", [{"type": "text", "text": text}], len(text) // 4)
    return _turn(sub, task, 400, now, "sub_agent")


def _title(talk: _Conversation, now: float) -> Request:
    """What the client asks by itself when a conversation begins."""
    schema = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
    text = f"<session>\n{filler(200, talk.words)}\n</session>"
    body = {
        "max_tokens": 512, "stream": True, "metadata": _metadata(talk.session),
        "system": [{"type": "text", "text": "Generate a concise, sentence-case title (3-7 words) for this session."}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": text}]}],
        "output_config": {"format": {"type": "json_schema", "schema": {**schema, "additionalProperties": False}}},
    }  # fmt: skip
    headers = {**AGENT_HEADERS, "x-claude-code-session-id": talk.session}
    return Request(at_ms(now), f"{talk.seed}~title", "background", "title", True, SMALL, headers, body, 240, 12)


def _compaction(talk: _Conversation, now: float) -> Request:
    """The client has the conversation summarised and goes on with the summary in its place."""
    text = (
        "Your task is to create a detailed summary of the conversation so far, paying close attention to the user's "
        "explicit requests and your previous actions."
    )
    talk.say("user", [{"type": "text", "text": text}], 60)
    made = talk.request(now, "compaction", "summarization", int(of.COMPACTION_TOKENS.value), last=True)
    summary = f"This session is being continued from a previous one.\n{filler(talk.size // 10, talk.words)}\nGo on."
    talk.messages, talk.size = [], talk.begins_with
    talk.say("user", [{"type": "text", "text": summary}], round(len(summary) / 3.4))
    return made


def _batch(seed: str, begins: float) -> Iterator[Request]:
    chance, words, now = random.Random(seed), random.Random(f"{seed}/words"), begins
    kind, _, length = chance.choices(of.BATCH_KINDS, [share for _, share, _ in of.BATCH_KINDS])[0]
    language = "ja" if chance.random() < of.JAPANESE.value else "en"
    for _ in range(int(of.BATCH_ITEMS.value)):
        text = item(kind, language, words)
        body = {
            "max_tokens": 1_024,
            "system": "You process texts for a news archive. Answer with the result only.",
            "messages": [{"role": "user", "content": text}],
        }  # fmt: skip
        output = drawn_tokens(chance, Spread(length, 0.4, "", ""), 1_024)
        size = len(text) // (1 if language == "ja" else 4) + 20
        yield Request(at_ms(now), "", "batch", kind, True, MAIN, APPLICATION_HEADERS, body, size, output)
        now += 2.0 * chance.expovariate(1.0)
