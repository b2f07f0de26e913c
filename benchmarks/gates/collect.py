"""Lets the embedded model answer the generated prompts: `python -m benchmarks.gates.collect OUT.jsonl`, some minutes.

Every prompt is answered twice: surely (temperature 0, with log-probabilities) and once more drawn by a fixed seed.
"""

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.gates.judging import is_right
from benchmarks.gates.tasks import Task, tasks
from tenbin.execute.clock import SystemClock
from tenbin.execute.local_model import LocalModel

AT_A_TIME = 2
DRAWN_AT = 0.4
"""Temperature of the second answer. At 0.8 so small a model says anything, and agreement says nothing."""


def tool_calls(message: dict[str, Any]) -> list[dict[str, str]]:
    """The calls of a message as Chat Completions has them."""
    found = [call["function"] for call in message.get("tool_calls") or ()]
    return [{"name": each["name"], "arguments": each["arguments"]} for each in found]


async def _ask(client: httpx2.AsyncClient, url: str, task: Task, temperature: float) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": "any",
        "messages": [{"role": "user", "content": task.prompt}],
        "max_tokens": task.most_tokens,
        "temperature": temperature,
        "top_p": 0.9,
        "seed": 1,
        "logprobs": True,
    }
    if task.tools:
        body["tools"] = [{"type": "function", "function": tool} for tool in task.tools]
    response = await client.post(f"{url}/chat/completions", json=body, timeout=600)
    response.raise_for_status()
    choice: dict[str, Any] = response.json()["choices"][0]
    return choice


async def _row(client: httpx2.AsyncClient, url: str, task: Task) -> dict[str, Any]:
    sure = await _ask(client, url, task, 0.0)
    drawn = await _ask(client, url, task, DRAWN_AT)
    answer = sure["message"]["content"] or ""
    calls = tool_calls(sure["message"])
    return {
        "prompt": task.prompt,
        "answer": answer,
        "correct": is_right(answer, task.expected, calls),
        "task": task.task,
        "language": task.language,
        "finish_reason": sure["finish_reason"],
        "logprobs": [round(token["logprob"], 4) for token in (sure.get("logprobs") or {}).get("content") or []],
        "second_answer": drawn["message"]["content"] or "",
        "tool_calls": calls,
        "tools": task.tools,
        "schema": task.schema,
    }


async def collect(out: Path) -> None:
    """Ask the embedded model everything, and write a row for each prompt as it is answered."""
    model = LocalModel(SystemClock(), print)
    await model.start()
    try:
        await asyncio.wait_for(model.wait_ready(), 120)
        gate = asyncio.Semaphore(AT_A_TIME)
        rows: dict[int, dict[str, Any]] = {}
        asked = tasks()
        async with httpx2.AsyncClient() as client:

            async def one(number: int, task: Task) -> None:
                async with gate:
                    rows[number] = await _row(client, model.base_url, task)
                if len(rows) % 50 == 0:
                    print(f"{len(rows)} of {len(asked)}", flush=True)

            async with asyncio.TaskGroup() as group:
                for number, task in enumerate(asked):
                    group.create_task(one(number, task))
        ordered = (json.dumps(rows[number], ensure_ascii=False) + "\n" for number in sorted(rows))
        await asyncio.to_thread(out.write_text, "".join(ordered), "utf-8")
    finally:
        await model.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    asyncio.run(collect(parser.parse_args().out))
