"""The month with repeats: the same agents, and programs in OpenAI's dialect of whose requests some come again.

Agents' conversations are those of the other month, to the byte. The archive's batches are its batches too, but for the
requests that repeat an earlier one; a help desk's bot is new here. What is repeated is drawn by the seed.
"""

import heapq
import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from benchmarks.month import parameters as of
from benchmarks.month.prompts import filler, question
from benchmarks.month.workload import (
    DAY,
    MAIN,
    OFFICE_HOURS,
    OFFICE_OPENS,
    Request,
    at_ms,
    drawn_tokens,
    month,
)

HELP_DESK_HEADERS = {"user-agent": "help-desk/1.0"}
MOST_ANSWERED = 1_024


def month_with_repeats(seed: int = 1, scale: float = 1.0) -> Iterator[Request]:
    """All requests, in the order of time; arguments as of `month`."""
    return heapq.merge(_with_archive(seed, scale), _help_desk(seed, scale), key=lambda request: request.at_ms)


def _with_archive(seed: int, scale: float) -> Iterator[Request]:
    """The other month, its batches in OpenAI's dialect and with repeats."""
    chance = random.Random(f"{seed}/repeats")
    asked: defaultdict[tuple[str, bool], list[Request]] = defaultdict(list)
    for request in month(seed, scale):
        if request.kind != "batch":
            yield request
            continue
        text = request.body["messages"][0]["content"]
        body = _chat(request.body["system"], text, request.body["max_tokens"])
        made = request._replace(body=body, dialect="openai_chat")
        # A batch has one task and one language; what it repeats is of the same.
        earlier = asked[request.task, text.isascii()]
        if earlier and chance.random() < of.ARCHIVE_REPEATS.value:
            made = _again(chance.choice(earlier), request.at_ms)
        earlier.append(made)
        yield made


def _help_desk(seed: int, scale: float) -> Iterator[Request]:
    """Single questions at any time of a working day, behind the same rules."""
    rules = filler(int(of.HELP_DESK_TOKENS.value), random.Random("help desk"))
    system = f"You answer customers' questions. Keep to these rules.\n{rules}"
    asked: list[Request] = []
    for day in range(max(1, round(of.DAYS.value * scale))):
        chance = random.Random(f"{seed}/{day}/help desk")
        opens = (day // 5 * 7 + day % 5) * DAY + OFFICE_OPENS
        for at in sorted(opens + OFFICE_HOURS * chance.random() for _ in range(int(of.QUESTIONS_A_DAY.value))):
            if asked and chance.random() < of.QUESTION_REPEATS.value:
                made = _again(chance.choice(asked), at_ms(at))
            else:
                text = question("ja" if chance.random() < of.JAPANESE.value else "en", chance)
                output = drawn_tokens(chance, of.HELP_DESK_OUTPUT, MOST_ANSWERED // 2)
                body = _chat(system, text, MOST_ANSWERED)
                size = int(of.HELP_DESK_TOKENS.value) + len(text) // 3
                made = Request(
                    at_ms(at), "", "question", "short_answer", True, MAIN, HELP_DESK_HEADERS, body, size, output,
                    "openai_chat",
                )  # fmt: skip
            asked.append(made)
            yield made


def _chat(system: str, text: str, most: int) -> dict[str, Any]:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
    return {"max_tokens": most, "messages": messages}


def _again(earlier: Request, at: int) -> Request:
    """The same request at another time; its answer is as long as it was."""
    return earlier._replace(at_ms=at, repeated=True)
