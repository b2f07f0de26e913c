"""Keys of the store at a running gateway: made, bounded, rotated and revoked beside it, in every dialect."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner

from tenbin.cli.commands import tenbin
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained
from tests.real.books import House, serving, wait_until

SONNET, GPT = "anthropic/claude-sonnet-4-6", "openai/gpt-4o"
LADDER = [{"target": GPT}, {"target": SONNET}]
MASTER = "the-master-key-of-this-test"


class Keys:
    """`tenbin keys`, beside a gateway that runs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.made: list[str] = []

    def run(self, *words: str) -> str:
        done = CliRunner().invoke(tenbin, ["keys", *words, "--data-dir", str(self.directory)])
        assert done.exit_code == 0, done.output
        return done.stdout.strip()

    def create(self, *words: str) -> dict[str, str]:
        """The header that bears the new key."""
        self.made.append(self.run("create", *words))
        return {"authorization": f"Bearer {self.made[-1]}"}

    def rotate(self, *words: str) -> dict[str, str]:
        self.made.append(self.run("rotate", *words))
        return {"x-api-key": self.made[-1]}


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "ledger"


@pytest.fixture
def house(simulator: RunningSimulator, directory: Path) -> Iterator[House]:
    more = {
        "fallback": [SONNET],
        "cascades": {"up": {"ladder": LADDER, "skip": False}},
        "routing": {"tiers": {"low": [GPT], "highest": [SONNET]}, "aliases": {"best": SONNET}},
        "hedging": {"after_ms": 1},
    }
    with serving(chained(simulator.url, **more), directory) as running:
        yield running


@pytest.fixture
def caller(house: House) -> Iterator[Caller]:
    one = Caller(house.url)
    yield one
    one.http.close()


def soon(caller: Caller, headers: dict[str, str], status: int) -> httpx2.Response:
    """The answer to a request that will end so, once the gateway has seen what was done."""
    found: list[httpx2.Response] = []

    def met() -> bool:
        found.append(caller.http.get("/v1/models", headers=headers))
        return found[-1].status_code == status

    wait_until(met, f"status {status}", 20)
    return found[-1]


def test_a_life_of_a_key(
    house: House, caller: Caller, directory: Path, simulator: RunningSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    keys, texts = Keys(directory), list[str]()
    assert caller.ask("anthropic", "one").status_code == 200, "open, as long as there is no key"
    alice = keys.create("alice", "--team", "search")
    soon(caller, {}, 401)
    soon(caller, alice, 200)
    for dialect in ("anthropic", "openai_chat"):
        assert caller.ask(dialect, "one", headers=alice).status_code == 200
    house.books.new()
    assert caller.ask("anthropic", "one", headers=alice).status_code == 200
    receipt = house.books.one()
    assert receipt.key_id == keys.run("list", "--json").partition('"key_id": "')[2][:20]
    newer = keys.rotate("alice", "--grace", "1h")
    soon(caller, newer, 200)
    assert caller.ask("anthropic", "one", headers=alice).status_code == 200, "the time of grace"
    keys.rotate("alice", "--grace", "0")
    texts.append(soon(caller, alice, 401).text)
    assert "keys rotate alice" in texts[-1]
    last = {"authorization": f"Bearer {keys.made[-1]}"}
    soon(caller, last, 200)
    keys.run("expire", "alice", "--at", "now")
    texts.append(soon(caller, last, 401).text)
    keys.run("expire", "alice", "--at", "never")
    soon(caller, last, 200)
    keys.run("revoke", "alice")
    texts.append(soon(caller, last, 401).text)
    soon(caller, {}, 401)
    by_key = CliRunner().invoke(tenbin, ["ledger", "--by", "key", "--data-dir", str(directory), "--json"])
    assert '"alice"' in by_key.stdout
    texts += [keys.run("list", "--all", "--json"), keys.run("show", "alice"), keys.run("audit"), by_key.stdout]
    texts += [str(simulator.requests()), caplog.text]
    everything = b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())
    for key in keys.made:
        assert key.encode() not in everything
        assert not any(key in text for text in texts)


NAMES = ("one", "chain", "chat", "crossed", "saved", "nowhere", "up", "auto", "best", SONNET, GPT, "claude-sonnet-4-6")
BROKEN = {"status": 500, "message": "planted"}


@pytest.mark.parametrize("broken", [False, True])
def test_no_way_leads_to_a_model_that_is_not_for_the_key(
    house: House, caller: Caller, directory: Path, simulator: RunningSimulator, broken: bool
) -> None:
    """Chains, fallback, cascade, weighing, hedges, aliases, headers, counts: whatever a client tries."""
    headers = Keys(directory).create("bob", "--target", "openai/*")
    soon(caller, {}, 401)
    listed = [one["id"] for one in caller.http.get("/v1/models", headers=headers).json()["data"]]
    assert {"chat", "chain", "up", "auto", GPT} <= set(listed)
    assert not {"one", "best", SONNET} & set(listed)
    simulator.reset()
    if broken:
        simulator.script("gpt-4o", *[BROKEN] * 500)
    for name in NAMES:
        for stream in (False, True):
            for dialect in ("anthropic", "openai_chat"):
                response = caller.ask(dialect, name, headers=headers, stream=stream)
                if name in ("one", "best", SONNET, "claude-sonnet-4-6", "saved", "nowhere"):
                    assert response.status_code == 403, (name, response.text)
                    assert "may not use" in response.text
                    assert ("type" in response.json()) == (dialect == "anthropic")
                elif not broken:
                    assert response.status_code == 200, (name, response.text)
        count = caller.http.post(
            "/v1/messages/count_tokens",
            json=caller.body("anthropic", name),
            headers={**headers, "x-tenbin-model": name},
        )
        assert count.status_code in (200, 403)
        caller.ask("anthropic", "chat", headers={**headers, "x-tenbin-model": name})
    assert simulator.requests()
    assert {one["model"] for one in simulator.requests()} == {"gpt-4o"}


def test_the_key_goes_nowhere_beyond_its_network_and_paths(house: House, caller: Caller, directory: Path) -> None:
    keys = Keys(directory)
    here = keys.create("here", "--ip", "127.0.0.0/8", "--operation", "generate")
    soon(caller, {}, 401)
    there = keys.create("there", "--ip", "10.0.0.0/8")
    assert "10.0.0.0/8" in soon(caller, there, 403).text
    assert caller.ask("anthropic", "one", headers={**there, "x-forwarded-for": "10.0.0.1"}).status_code == 403
    assert caller.ask("anthropic", "one", headers=here).status_code == 200
    body = caller.body("anthropic", "one")
    refused = caller.http.post("/v1/messages/count_tokens", json=body, headers=here)
    assert refused.status_code == 403
    assert refused.json()["error"]["type"] == "permission_error"
    for page in ("/metrics", "/health/targets", "/cache"):
        assert caller.http.get(page, headers=here).status_code == 403
    assert caller.http.delete("/health/targets", headers=here).status_code == 403


def test_many_hands_at_once_beside_a_gateway_that_is_asked(house: House, caller: Caller, directory: Path) -> None:
    """Commands in processes of their own, all at the same time; guesses meanwhile are refused and spoil nothing."""
    keys = Keys(directory)
    first = keys.create("first")
    soon(caller, {}, 401)
    script = "import sys; from tenbin.cli.commands import tenbin; tenbin(sys.argv[1:])"
    hands = [
        subprocess.Popen(
            [sys.executable, "-c", script, "keys", *words, "--data-dir", str(directory)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for words in (
            ("create", "ann"),
            ("create", "ben"),
            ("create", "cid"),
            ("create", "cid"),
            ("rotate", "first", "--grace", "1h"),
            ("rotate", "first", "--grace", "1h"),
        )
    ]
    while any(hand.poll() is None for hand in hands):
        guessed = caller.ask("anthropic", "one", headers={"x-api-key": "tb-" + "guess" * 8})
        assert guessed.status_code in (401, 429)
        assert caller.ask("anthropic", "one", headers=first).status_code == 200, "never in between nobody's"
    told = [(*hand.communicate(), hand.returncode) for hand in hands]
    assert sorted(code for _, _, code in told) == [0, 0, 0, 0, 0, 1], told
    assert sum("is taken by" in why for _, why, _ in told) == 1
    for key, _, code in told:
        if code == 0:
            soon(caller, {"x-api-key": key.strip()}, 200)
    assert keys.run("audit", "--json").count('"act"') == 6


def test_keys_of_the_configuration_go_on_to_work(simulator: RunningSimulator, directory: Path) -> None:
    with serving(chained(simulator.url, master_key=MASTER), directory) as house:
        caller = Caller(house.url)
        alice = Keys(directory).create("alice", "--model", "chat")
        soon(caller, alice, 200)
        assert caller.ask("anthropic", "one", headers={"x-api-key": MASTER}).status_code == 200
        assert caller.ask("anthropic", "one", headers=alice).status_code == 403
        assert caller.ask("anthropic", "chat", headers=alice).status_code == 200
        caller.http.close()


def test_a_store_is_there_again_after_a_restart(simulator: RunningSimulator, directory: Path) -> None:
    headers = Keys(directory).create("alice")
    for _ in range(2):
        with serving(chained(simulator.url), directory) as house:
            caller = Caller(house.url)
            assert caller.ask("anthropic", "one").status_code == 401, "from the first request on"
            assert caller.ask("anthropic", "one", headers=headers).status_code == 200
            caller.http.close()
