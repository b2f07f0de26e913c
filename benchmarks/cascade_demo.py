"""A cascade at work: `make demo-cascade`. The embedded model (SmolLM2, llama.cpp) answers first; gates let its answer
pass or send the prompt one rung up, to a simulated strong model at Claude Opus's list price. All of it goes through a
real gateway over HTTP; the figures are read back from its ledger.
"""

import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import msgspec

from tenbin.config.findings import EMBEDDED_MODEL, Findings, build
from tenbin.config.model import Config
from tenbin.core.money import format_usd
from tenbin.core.receipt import Receipt
from tenbin.ledger.queries import reading, receipt
from tenbin.running import RunningGateway
from tenbin.simulator import RunningSimulator

STRONG = "claude-opus-4-8"
LOAD_SECONDS = 120.0


class Question(NamedTuple):
    """One prompt of the demonstration."""

    prompt: str
    right: str
    """What a right answer holds: a pattern."""
    strong: str
    """What the simulated strong model says."""
    most_tokens: int = 24


QUESTIONS = (
    Question("What is the capital city of France?", r"\bParis\b", "The capital of France is Paris."),
    Question("What is the capital city of Japan?", r"\bTokyo\b", "The capital of Japan is Tokyo."),
    Question("What is the capital city of Egypt?", r"\bCairo\b", "The capital of Egypt is Cairo."),
    Question("What is 2 + 3? Answer with the number only.", r"^\D*5\D*$", "5"),
    Question("What is 17 * 23? Answer with the number only.", r"^\D*391\D*$", "391"),
    Question(
        'Is this review positive or negative? "I love it, best purchase this year." Answer with one word.',
        r"(?i)^\W*positive\W*$",
        "Positive",
    ),
    Question("Name three colours as a list.", r"(?s)\n.*\n", "- Red\n- Green\n- Blue", 60),
    Question("日本の首都はどこですか。日本語で答えてください。", r"東京", "日本の首都は東京です。"),
    Question("12 + 30 を計算してください。数字だけで答えてください。", r"^\D*42\D*$", "42"),
    Question("「ありがとう」を英語に翻訳してください。", r"(?i)thank", "Thank you."),
)


def configuration(url: str) -> Config:
    """The ladder: the embedded model, then the strong one."""
    ladder = [{"target": f"local/{EMBEDDED_MODEL}"}, {"target": f"strong/{STRONG}"}]
    keys: dict[str, Any] = {
        "discover": False,
        "local_model": True,
        "providers": {"strong": {"profile": "anthropic", "base_url": f"{url}/anthropic", "api_key": "sk-simulated"}},
        "models": {"strong": [f"strong/{STRONG}"]},
        "cascades": {"thrifty": {"ladder": ladder}},
    }
    return build(msgspec.convert(keys, Config), Findings(embedded=True), {})


def asked(client: httpx2.Client, model: str, question: Question) -> str:
    """Ask the gateway; returns the request's id."""
    body = {
        "model": model,
        "max_tokens": question.most_tokens,
        "temperature": 0,
        "messages": [{"role": "user", "content": question.prompt}],
    }
    response = client.post("/v1/chat/completions", json=body)
    response.raise_for_status()
    return str(response.headers["x-tenbin-request-id"]) + "\n" + response.json()["choices"][0]["message"]["content"]


def wait_until(met: Callable[[], bool]) -> None:
    """Return once it holds. Raises TimeoutError."""
    end = time.monotonic() + LOAD_SECONDS
    while not met():
        if time.monotonic() > end:
            raise TimeoutError("the embedded model was not loaded")
        time.sleep(0.05)


def shown(question: Question, answer: str, found: Receipt) -> None:
    """Print how one question fared."""
    last = found.last
    assert last is not None
    verdict = "right" if re.search(question.right, answer) else "WRONG"
    print(f"\n{question.prompt}\n  -> {' / '.join(answer.split())[:76]!r} ({verdict})".replace(" / ", " "))
    for attempt in found.attempts:
        gating, cost = attempt.gating, attempt.billed_nano
        paid = "price unknown" if cost is None else format_usd(cost)
        told = "not held: the top rung"
        if gating is not None and gating.score is not None:
            told = f"score {gating.score:.2f}, needed {gating.accept:.2f}: {'given' if gating.given else 'refused'}"
            against = [part for part in gating.parts if part[1] is not None]
            against.sort(key=lambda part: part[1] or 0.0)
            told += "".join(f"\n         {name} {score:.2f}: {words}" for name, score, words in against[:2])
        print(f"  rung {attempt.rung}  {attempt.provider}/{attempt.model}  {paid}  {told}")


def main() -> None:
    """Ask everything up the ladder, then everything of the strong model alone."""
    with RunningSimulator() as simulator, tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        with RunningGateway(configuration(simulator.url), directory) as gateway:
            model = gateway.gateway.local_model
            assert model is not None
            wait_until(lambda: model.ready)
            client = httpx2.Client(base_url=gateway.url, timeout=120, trust_env=False)
            sums, right, kept = {"thrifty": 0, "strong": 0}, {"thrifty": 0, "strong": 0}, 0
            for name in sums:
                for question in QUESTIONS:
                    simulator.clear()
                    simulator.script(STRONG, {"text": question.strong})
                    request_id, _, answer = asked(client, name, question).partition("\n")
                    gateway.book.flush()
                    with reading(directory / "ledger.sqlite") as database:
                        found = receipt(database, request_id)
                    assert found is not None, "every request has its receipt"
                    assert found.billed_nano is not None, "every rung has a price"
                    sums[name] += found.billed_nano
                    right[name] += bool(re.search(question.right, answer))
                    if name == "thrifty":
                        shown(question, answer, found)
                        kept += found.last is not None and found.last.rung == 1
            client.close()
    count = len(QUESTIONS)
    share = sums["thrifty"] / sums["strong"]
    print(f"\n{kept} of {count} answers came from the lower rung.")
    print(f"The ladder:  {format_usd(sums['thrifty'])}, {right['thrifty']} of {count} right")
    print(f"All strong:  {format_usd(sums['strong'])}, {right['strong']} of {count} right")
    print(f"The ladder cost {share:.0%} of it. The strong model is simulated, and always right.")


if __name__ == "__main__":
    main()
