"""Behind a cascade the cache keeps what the client was given, never what a gate refused."""

from pathlib import Path

from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained, said
from tests.real.books import serving

LADDER = {"ladder": [{"target": "openai/gpt-4o"}, {"target": "anthropic/claude-sonnet-4-6"}], "max_wait_ms": 15_000}
ANSWER = "A heap is a tree kept in an array, in which each parent comes before its children."


def test_only_the_answer_that_was_given_is_kept(simulator: RunningSimulator, tmp_path: Path) -> None:
    keys = {"cascades": {"thrifty": LADDER}, "cache": {"exact": "serve"}}
    with serving(chained(simulator.url, **keys), tmp_path) as house:
        caller = Caller(house.url)
        for stream in (False, True):
            simulator.reset()
            simulator.script("gpt-4o", text="I'm sorry, but I can't help with that.")
            simulator.script("claude-sonnet-4-6", text=ANSWER)
            text = f"What is a heap? ({'streamed' if stream else 'whole'})"
            first = caller.ask("anthropic", "thrifty", text, stream=stream)
            again = caller.ask("anthropic", "thrifty", text, stream=not stream)
            assert [response.headers["x-tenbin-cache"] for response in (first, again)] == ["miss", "hit"]
            assert said(first, "anthropic", stream) == said(again, "anthropic", not stream) == ANSWER
            miss, hit = house.books.new(2)
            assert len(simulator.requests()) == len(miss.attempts), "the hit called nobody"
            assert hit.cached is not None
            assert hit.cached.saved_nano == miss.billed_nano, "all rungs that were tried"
        caller.http.close()
