"""Texts are embedded off the event loop and within their time: real models, and one of another package that is slow."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence

import numpy as np
import pytest

from tenbin.core.features import Language
from tenbin.discern.embedding.embedder import Embedder, Vectors
from tenbin.discern.embedding.registry import load
from tenbin.execute import embedding as module
from tenbin.execute.embedding import TOO_LONG, Embedding

LONG_MS = 60_000
"""Longer than anything takes: no test is about how fast this machine is."""


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await work()

    asyncio.run(main())


async def opened(*names: str, told: list[str] | None = None, **options: int) -> Embedding:
    made = Embedding(names, (), (told if told is not None else []).append, budget_ms=LONG_MS, **options)
    await made.prepare()
    return made


def test_each_language_has_its_embedder() -> None:
    async def work() -> None:
        both = await opened("minilm", "multilingual-e5")
        assert both.embedders == ("all-minilm-l6-v2-int8", "multilingual-e5-small-q4")
        english, japanese = await both.of("How old is the Earth?"), await both.of("地球は何歳ですか？")
        assert (english.embedder, english.language) == ("all-minilm-l6-v2-int8", "en")
        assert (japanese.embedder, japanese.language) == ("multilingual-e5-small-q4", "ja")
        assert english.vector is not None
        assert japanese.vector is not None
        await both.close()
        english_only = await opened("minilm")
        assert (await english_only.of("地球は何歳ですか？")) == (None, "", "ja", "no embedder reads Japanese")
        await english_only.close()
        every = await opened("multilingual-e5")
        assert (await every.of("How old is the Earth?")).embedder == "multilingual-e5-small-q4"
        await every.close()

    run(work)


def test_the_vector_is_the_embedders_own() -> None:
    async def work() -> None:
        made = await opened("minilm")
        found = await made.of("How old is the Earth?")
        assert found.vector is not None
        assert np.array_equal(found.vector, load("minilm").embed(["How old is the Earth?"])[0])
        await made.close()

    run(work)


def test_a_text_that_would_be_cut_has_no_vector() -> None:
    """Two that differ only behind the window would be one to it."""

    async def work() -> None:
        made = await opened("minilm", "multilingual-e5")
        for text in ("one more word " * 500, "もう一つの言葉" * 500):
            assert (await made.of(text)).why == TOO_LONG
        await made.close()

    run(work)


def test_what_cannot_be_loaded_is_told_and_left_out() -> None:
    async def work() -> None:
        made = await opened("minilm", "nonsense", told=(told := list[str]()))
        assert told == ["There is no embedder 'nonsense'; there are minilm, multilingual-e5."]
        assert (await made.of("Hello there")).vector is not None
        await made.close()

    run(work)


def test_before_it_is_loaded_it_says_so() -> None:
    async def work() -> None:
        made = Embedding(("minilm",), budget_ms=LONG_MS)
        assert (await made.of("Hello there")).why == "the embedder is still being loaded"
        await made.prepare()
        assert (await made.of("Hello there")).vector is not None
        await made.close()

    run(work)


class Held:
    """An embedder of another package: it goes on when it is let, and counts what it was given."""

    id, dimension, window = "held", 3, 1_000
    languages: frozenset[Language] = frozenset({"en"})

    def __init__(self) -> None:
        self.let = threading.Event()
        self.begun = threading.Event()
        self.given: list[str] = []
        self.error: Exception | None = None

    def fits(self, text: str) -> bool:
        return True

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.given += texts
        self.begun.set()
        assert self.let.wait(60)
        if self.error is not None:
            raise self.error
        return np.array([[1, 0, 0]] * len(texts), np.float32)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    made = Held()

    def found(name: str) -> Embedder:
        assert name == "held"
        return made

    monkeypatch.setattr(module, "load", found)
    return made


def test_the_event_loop_goes_on_meanwhile(held: Held) -> None:
    async def work() -> None:
        made = await opened("held")
        asking = asyncio.create_task(made.of("Hello"))
        await asyncio.to_thread(held.begun.wait)
        assert not asking.done()
        held.let.set()
        assert (await asking).vector is not None
        await made.close()

    run(work)


def test_too_late_is_a_miss_and_what_has_not_begun_is_dropped(held: Held) -> None:
    async def work() -> None:
        made = await opened("held")
        first = asyncio.create_task(made.of("first"))
        await asyncio.to_thread(held.begun.wait)
        late = await made.of("second", budget_ms=1)
        assert (late.vector, late.why) == (None, "the embedder was too slow")
        held.let.set()
        assert (await first).vector is not None
        assert (await made.of("third")).vector is not None
        assert held.given == ["first", "third"]
        assert (await made.of("second")).vector is not None, "asked anew, it has its turn"
        await made.close()

    run(work)


def test_one_that_was_begun_is_kept_for_the_next(held: Held) -> None:
    async def work() -> None:
        made = await opened("held")
        late = asyncio.create_task(made.of("first", budget_ms=50))
        await asyncio.to_thread(held.begun.wait)
        assert (await late).vector is None
        held.let.set()
        assert (await made.of("first")).vector is not None
        assert held.given == ["first"]
        await made.close()

    run(work)


def test_the_same_text_is_embedded_once(held: Held) -> None:
    async def work() -> None:
        made = await opened("held")
        asking = [asyncio.create_task(made.of("Hello")) for _ in range(100)]
        await asyncio.to_thread(held.begun.wait)
        held.let.set()
        assert all(found.vector is not None for found in await asyncio.gather(*asking))
        assert (await made.of("Hello")).vector is not None
        assert held.given == ["Hello"]
        await made.close()

    run(work)


def test_too_many_at_once_are_turned_away(held: Held) -> None:
    async def work() -> None:
        made = await opened("held", most_waiting=3)
        asking = [asyncio.create_task(made.of(f"text {number}")) for number in range(5)]
        await asyncio.sleep(0)
        held.let.set()
        found = await asyncio.gather(*asking)
        assert [one.why for one in found] == ["", "", "", *["too many texts wait for the embedder"] * 2]
        await made.close()

    run(work)


def test_a_client_that_leaves_takes_nobody_with_it(held: Held) -> None:
    async def work() -> None:
        made = await opened("held")
        leaving, staying = (asyncio.create_task(made.of("Hello")) for _ in range(2))
        await asyncio.to_thread(held.begun.wait)
        leaving.cancel()
        held.let.set()
        assert (await staying).vector is not None
        assert leaving.cancelled() or leaving.cancelling()
        await made.close()

    run(work)


def test_only_so_many_are_kept(held: Held) -> None:
    async def work() -> None:
        held.let.set()
        made = await opened("held", most_kept=2)
        for text in ("a", "b", "a", "c", "b", "a"):
            await made.of(text)
        assert held.given == ["a", "b", "c", "b", "a"]
        await made.close()

    run(work)


def test_one_that_fails_is_told_once_and_harms_nobody(held: Held) -> None:
    async def work() -> None:
        made = await opened("held", told=(told := list[str]()))
        held.let.set()
        held.error = MemoryError("none left")
        for _ in range(3):
            assert (await made.of("Hello")).why == "the embedder failed: MemoryError"
        assert told == ["The embedder held failed: MemoryError: none left"]
        held.error = None
        assert (await made.of("Hello")).vector is not None
        await made.close()

    run(work)


def test_a_vector_that_is_none_is_never_compared() -> None:
    class Odd:
        id, dimension, window, languages = "odd", 4, 100, frozenset[Language](["en"])

        def __init__(self, *values: float) -> None:
            self.values = values

        def fits(self, text: str) -> bool:
            return True

        def embed(self, texts: Sequence[str]) -> Vectors:
            return np.array([self.values] * len(texts), np.float32)

    for values in ((float("nan"), 1, 0, 0), (float("inf"), 0, 0, 0), (0, 0, 0, 0)):
        found = module._embed(Odd(*values), "How old is the Earth?")
        assert (found.vector, found.why) == (None, "the embedder gave no vector")
    long = module._embed(Odd(30, 40, 0, 0), "How old is the Earth?").vector
    assert long is not None
    assert np.allclose(long, [0.6, 0.8, 0, 0])
