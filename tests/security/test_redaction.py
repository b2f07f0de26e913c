"""No secret and no prompt in anything that is written: a gateway that is put through everything, then a search of all
that it said, answered and kept.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tenbin.config.keys import hash_key
from tenbin.ledger.weighings import FORM, unpacked
from tenbin.simulator import RunningSimulator
from tests.cli.test_serve import Serving
from tests.security.listener import Listener, answer_of

SECRETS = {
    "provider key": "sk-ant-api-canary-PROVIDERKEY-5e7d1f",
    "other provider's key": "sk-canary-OTHERKEY-9a33c2",
    "master key": "canary-MASTERKEY-73b1aa0c9d",
    "configured key": "canary-CONFIGUREDKEY-0f6a1c4477d2b9e855aa",
    "header": "canary-HEADERSECRET-44ad",
    "proxy password": "canaryPROXYPASSWORD77b1",
    "password of a store": "canarySTOREPASSWORD3fe9",
    "receiver's token": "canaryRECEIVERTOKEN18cc",
    "a stranger's key": "sk-canary-STRANGERSKEY-6b2f",
    "cookie": "canary-COOKIE-51ee",
    "password of the budgets' store": "canaryBUDGETSTORE0d4e",
    "password of the plans' store": "canaryPLANSTORE93ba",
}
WORDS = {
    "question": "canary-QUESTION-quincunx-71",
    "system": "canary-SYSTEM-zeugma-18",
    "answer": "canary-ANSWER-syzygy-92",
    "tool": "canary-TOOLRESULT-ormolu-33",
    "comment": "canary-COMMENT-xylem-40",
    "broken body": "canary-BROKEN-phloem-58",
    "embedded": "canary-EMBEDDED-kelpie-67",
}

CONFIG = """
discover: false
local_model: false
listen: 127.0.0.1:0
master_key: ${MASTER}
keys: {bob: "HASHED"}
providers:
  work: {profile: anthropic, api_key: "${WORK_KEY}", base_url: SIMULATOR/anthropic, headers: {x-secret: "${HEADER}"}}
  chat: {profile: openai, api_key: "${CHAT_KEY}", base_url: SIMULATOR/openai/v1}
  raw: {dialect: anthropic, api_key: "${WORK_KEY}", base_url: LISTENER, models: {m: {price: {input: 1, output: 1}}}}
  far: {dialect: anthropic, api_key: "${WORK_KEY}", base_url: "https://far.example", free: true}
  dead: {dialect: anthropic, api_key: "${WORK_KEY}", base_url: "http://127.0.0.1:1", free: true}
models:
  quick: [work/claude-haiku-4-5]
  crossed: [chat/gpt-4o]
  raw: [raw/m]
  far: [far/m]
  dead: [dead/m, work/claude-haiku-4-5]
cascades: {up: {ladder: [{target: chat/gpt-4o-mini}, {target: work/claude-sonnet-4-6}], skip: false}}
routing: {tiers: {low: [chat/gpt-4o-mini], highest: [work/claude-sonnet-4-6]}}
cache: {exact: serve, sampled: always, store: "redis://user:STOREPASSWORD@127.0.0.1:1/0"}
alerts: {to: ["json://user:RECEIVERTOKEN@127.0.0.1:1/RECEIVERTOKEN"]}
spending:
  store: "redis://user:BUDGETSTOREPASSWORD@127.0.0.1:1/0"
  when_unreachable: serve
  budgets: [{scope: global, window: day, usd: 1000}, {scope: "key:*", window: hour, usd: 0.0001, hard: false}]
  breaker: {daily_usd: 500}
  landing: true
plans: {store: "redis://user:PLANSTOREPASSWORD@127.0.0.1:1/0"}
retries: {per_target: 1, base_ms: 1}
timeouts: {connect: 1, first_byte: 2, idle: 2, total: 5}
ledger: {sync_ms: 5}
"""


class Theatre:
    """A gateway as a process, what it is asked, and all that ever came out."""

    def __init__(self, folder: Path, simulator: str, provider: Listener) -> None:
        self.folder, self.provider = folder, provider
        self.data = folder / "ledger"
        text = CONFIG.replace("HASHED", hash_key(SECRETS["configured key"]))
        text = text.replace("SIMULATOR", simulator).replace("LISTENER", provider.url)
        text = text.replace("STOREPASSWORD", SECRETS["password of a store"])
        text = text.replace("BUDGETSTOREPASSWORD", SECRETS["password of the budgets' store"])
        text = text.replace("PLANSTOREPASSWORD", SECRETS["password of the plans' store"])
        text = text.replace("RECEIVERTOKEN", SECRETS["receiver's token"])
        (folder / "tenbin.yaml").write_text(text, encoding="utf-8")
        self.environ = os.environ | {
            "HOME": str(folder / "home"),
            "TENBIN_HOME": str(self.data),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "MASTER": SECRETS["master key"],
            "WORK_KEY": SECRETS["provider key"],
            "CHAT_KEY": SECRETS["other provider's key"],
            "HEADER": SECRETS["header"],
            "HTTPS_PROXY": f"http://user:{SECRETS['proxy password']}@127.0.0.1:1",
            "NO_PROXY": "127.0.0.1,localhost",
        }
        self.running: list[subprocess.Popen[str]] = []
        """Gateways, ended or not."""
        self.made: dict[str, str] = {}
        """Keys of the store, shown once; by what they are for."""
        self.out: dict[str, str] = {}
        """What came out, by where."""
        self.port = 0

    def start(self) -> "Serving":
        process = subprocess.Popen(
            [sys.executable, "-m", "tenbin.cli", "serve", "--port", "0", "--log-level", "debug"],
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            serving = Serving(process)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        self.port = serving.port
        self.running.append(process)
        return serving

    def end(self, serving: "Serving", how: signal.Signals, name: str) -> None:
        serving.process.send_signal(how)
        rest, _ = serving.process.communicate(timeout=60)
        self.out[f"output of {name}"] = serving.said + rest

    def ask(self, path: str, body: Any = None, key: str | None = SECRETS["master key"], **headers: str) -> str:
        """Ask, keep the head and what no model said, and return the body."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent = {"content-type": "application/json", "cookie": SECRETS["cookie"], **headers}
        if key is not None:
            sent["x-api-key"] = key
        connection.request("GET" if body is None else "POST", path, data, sent)
        answer = connection.getresponse()
        content = answer.read().decode()
        connection.close()
        told = str(answer.getheaders()) + (content if answer.status >= 400 or body is None else "")
        self.out[f"answer {len(self.out)} of {path}, {answer.status}"] = told
        return content

    def command(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "tenbin.cli", *words],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        self.out["tenbin " + " ".join(words)] = done.stdout + done.stderr
        return done.stdout

    def make(self, what: str, *words: str) -> str:
        """A key of the store, as a command shows it once."""
        said = self.command(*words)
        assert said.strip(), self.out["tenbin " + " ".join(words)]
        self.made[what] = said.strip().splitlines()[-1]
        self.out.pop("tenbin " + " ".join(words))
        return self.made[what]


def administer(theatre: Theatre) -> None:
    """Keys of the store, over the command line and HTTP; what they ask, and what others ask with them."""
    key = theatre.make("a key", "keys", "create", "carol", "--plan", "free", "--budget", "day=5")
    admin = theatre.make("an admin key", "keys", "create", "ops", "--admin")
    time.sleep(1.5)
    theatre.ask("/v1/messages", question("quick"), key=key)
    theatre.ask("/v1/messages", question("quick"), key=key[:-1])
    theatre.ask("/admin/v1/keys", key=key)
    for page in ("keys", "teams", "users", "audit", "budgets", "breaker", "health", "openapi.json", "nothing"):
        theatre.ask(f"/admin/v1/{page}", key=admin)
    answer = json.loads(theatre.ask("/admin/v1/keys", {"name": "dave"}, key=None, authorization=f"Bearer {admin}"))
    theatre.made["a key made over HTTP"] = next(
        text for text in (*answer.values(), *dict(answer.get("key") or {}).values()) if str(text).startswith("tb-")
    )
    theatre.ask("/admin/v1/keys", {"name": WORDS["broken body"], "plan": ["x"], "nonsense": key}, key=admin)
    theatre.ask("/admin/v1/alerts/test", {}, key=admin)
    theatre.ask("/admin/v1/breaker/reset", {}, key=admin)
    theatre.make("a rotated key", "keys", "rotate", "carol", "--grace", "1h")
    theatre.command("alerts", "test")


def question(model: str, **more: Any) -> dict[str, Any]:
    return {
        "model": model,
        "max_tokens": 50,
        "system": WORDS["system"],
        "messages": [
            {"role": "user", "content": f"simulate: {json.dumps({'text': WORDS['answer']})}\n{WORDS['question']}"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "t", "input": {}}]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": WORDS["tool"]}],
            },
        ],
        "tools": [{"name": "t", "description": "x", "input_schema": {"type": "object"}}],
        **more,
    }


def perform(theatre: Theatre) -> list[str]:
    """Successes, failures, streams, refusals of every kind; the ids of requests."""
    for model in ("quick", "crossed", "dead", "far", "up", "auto", "raw", "nobody"):
        for stream in (False, True):
            body = question(model, stream=stream, metadata={"user_id": "user_x_account__session_canary-session"})
            theatre.ask("/v1/messages", body)
            theatre.ask("/v1/messages", body)
    chat = {"messages": [{"role": "user", "content": WORDS["question"]}]}
    theatre.ask("/v1/chat/completions", {"model": "quick", **chat})
    theatre.ask("/v1/responses", {"model": "crossed", "input": WORDS["question"]})
    theatre.ask("/v1/embeddings", {"model": "crossed", "input": WORDS["embedded"]})
    theatre.ask("/v1/messages/count_tokens", question("quick"))
    for script in ({"status": 401}, {"status": 400}, {"status": 529}, {"disconnect_after": 1}, {"raw": "{"}):
        said = json.dumps(script)
        for model in ("quick", "crossed"):
            theatre.ask("/v1/messages", question(model), **{"x-simulate": said})
    key = SECRETS["provider key"].encode()
    for status in (b"401 Unauthorized", b"403 Forbidden", b"400 Bad Request", b"500 Oops", b"302 Found"):
        for wrong in (
            b'{"type":"error","error":{"type":"authentication_error","message":"bad key: ' + key + b'"}}',
            b"not JSON: " + key,
        ):
            theatre.provider.answer = answer_of(wrong, b"x-key: " + key, b"location: /?" + key, status=status)
            theatre.ask("/v1/messages", question("raw"))
            theatre.ask("/v1/chat/completions", {"model": "raw", **chat})
    for broken in (b"{", b'{"model":"quick","max_tokens":"%b"}', b'{"messages":[{"role":"%b"}],"model":"quick"}'):
        if b"%b" in broken:
            broken %= WORDS["broken body"].encode()
        theatre.ask("/v1/messages", broken)
        theatre.ask("/v1/chat/completions", broken + WORDS["broken body"].encode())
    for path in ("/v1/messages", "/v1/chat/completions", "/v1/feedback"):
        theatre.ask(path, question("quick"), key=None)
        theatre.ask(path, question("quick"), key=SECRETS["a stranger's key"])
        theatre.ask(
            path, question("quick"), key=None, authorization=f"Basic {SECRETS['a stranger' + chr(39) + 's key']}"
        )
    theatre.ask("/v1/messages", question("quick"), key=SECRETS["configured key"])
    requests = json.loads(theatre.command("ledger", "--json", "-n", "50"))
    rows = requests if isinstance(requests, list) else requests.get("receipts", requests.get("requests", []))
    ids = [row["request_id"] for row in rows]
    for identity in ids[:3]:
        theatre.ask("/v1/feedback", {"request_id": identity, "score": "bad", "comment": WORDS["comment"]})
    return ids


def look_around(theatre: Theatre, ids: list[str]) -> None:
    """Every page and every report."""
    pages = ("/metrics", "/health", "/health/targets", "/v1/models", "/cache", "/cache/entries", "/nothing")
    for page in (*pages, "/v1/models/nobody"):
        theatre.ask(page)
    for words in (
        ["check"],
        ["check", "--json"],
        ["doctor"],
        ["ledger"],
        ["ledger", "--json", "-n", "500"],
        ["keys", "list"],
        ["keys", "list", "--json"],
        ["keys", "audit"],
        ["keys", "audit", "--json"],
        ["keys", "show", "carol"],
        ["teams", "list"],
        ["users", "list"],
        ["plans"],
        ["budget"],
        ["budget", "--json"],
        ["anomalies"],
        ["breaker"],
        ["alerts", "list"],
        ["schema"],
        ["evidence"],
        ["quality"],
        ["cache", "stats"],
        ["cache", "doctor"],
        *(["explain", "--request", identity, *more] for identity in ids[:5] for more in ([], ["--json"])),
    ):
        theatre.command(*words)


def kept(folder: Path) -> Iterator[tuple[str, str]]:
    """Every file of the ledger as it stands, and every value of every database, taken out of its packing."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        yield str(path), path.read_bytes().decode("latin-1")
        if path.read_bytes()[:15] != b"SQLite format 3":
            continue
        with closing(sqlite3.connect(path)) as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                for row in connection.execute(f'SELECT * FROM "{table}"'):
                    for value in row:
                        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
                        yield f"{path} {table}", text
                        if isinstance(value, bytes) and value[:1] == FORM and "weighing" in table:
                            yield f"{path} {table}, unpacked", str(unpacked(value))


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    with RunningSimulator() as simulator, Listener() as provider:
        theatre = Theatre(tmp_path_factory.mktemp("theatre"), simulator.url, provider)
        try:
            serving = theatre.start()
            ids = perform(theatre)
            administer(theatre)
            look_around(theatre, ids)
            theatre.end(serving, signal.SIGKILL, "the first gateway, killed")
            serving = theatre.start()
            theatre.ask("/v1/messages", question("quick"))
            (theatre.folder / "tenbin.yaml").write_text(
                (theatre.folder / "tenbin.yaml").read_text().replace("retries:", "retrys:"), encoding="utf-8"
            )
            serving.process.send_signal(signal.SIGHUP)
            time.sleep(0.5)
            theatre.end(serving, signal.SIGTERM, "the second gateway")
        finally:
            for process in theatre.running:
                if process.poll() is None:
                    process.kill()
                    process.communicate()
        yield theatre


@pytest.mark.slow
def test_no_secret_is_in_anything_that_came_out(played: Theatre) -> None:
    found = [
        (what, where)
        for what, secret in (SECRETS | played.made).items()
        for where, text in played.out.items()
        if secret in text
    ]
    assert found == []


@pytest.mark.slow
def test_no_prompt_is_in_anything_that_came_out(played: Theatre) -> None:
    found = [(what, where) for what, words in WORDS.items() for where, text in played.out.items() if words in text]
    assert found == []


@pytest.mark.slow
def test_neither_is_kept_in_any_file(played: Theatre) -> None:
    found = {
        (what, where)
        for where, text in kept(played.data)
        for what, words in (SECRETS | WORDS | played.made).items()
        if words in text
    }
    assert found == set()


@pytest.mark.slow
def test_the_search_would_have_found_them(played: Theatre) -> None:
    """What is meant to be written is, by the same search."""
    assert any("gpt-4o" in text for _, text in kept(played.data))
    assert any("debug" in text.lower() or "INFO" in text or "WARNING" in text for text in played.out.values())
    assert len(played.out) > 100
    assert len(played.made) == 4
    assert all(len(key) > 30 for key in played.made.values())
    assert any(SECRETS["provider key"].encode() in request for request in played.provider.requests)


@pytest.mark.slow
def test_a_mistake_in_the_configuration_is_told_without_its_secrets(played: Theatre) -> None:
    secret = "canary-INAFILE-2d6b90"
    file = played.folder / "wrong.yaml"
    for wrong in (
        f"providers: {{x: {{dialect: openai_chat, base_url: 'https://user:{secret}@api.example/v1'}}}}",
        f"providers: {{x: {{dialect: openai_chat, base_url: 'https://api.example/v1?key={secret}'}}}}",
        f"providers: {{x: {{dialect: openai_chat, base_url: 'https://api.example', api_key: ['{secret}']}}}}",
        f"providers: {{x: {{dialect: openai_chat, base_url: 'https://api.example', api_key: '{secret} x'}}}}",
        f"providers: {{x: {{dialect: openai_chat, base_url: 'https://api.example', headers: {{h: [{secret}]}}}}}}",
        f"master_key: ['{secret}']",
        "master_key: abc",
        f"keys: {{bob: '{secret}'}}",
        f"alerts: {{to: ['{secret}']}}",
        f"cache: {{exact: serve, store: 'redis://u:{secret}@'}}",
        f"spending: {{store: 'postgres://u:{secret}@[/'}}",
    ):
        file.write_text(wrong + "\n", encoding="utf-8")
        played.command("check", "wrong.yaml")
        told = played.out.pop("tenbin check wrong.yaml")
        assert secret not in told, wrong
