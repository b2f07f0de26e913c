"""`benchmarks/run overshoot`: far more calls at once than a hard budget has room for, one gateway killed meanwhile, and
the provider's invoice says at the end."""

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.harness import report
from benchmarks.harness.contestants.base import BENCHMARKS
from benchmarks.harness.contestants.tenbin import Tenbin
from benchmarks.harness.mortal import Gateway, provider
from benchmarks.harness.process import free_port

RESULT = BENCHMARKS / "results" / "overshoot.json"
STORES = ("memory", "sqlite", "redis", "postgresql")
PRICE = {"input": "1", "output": "10"}
"""USD per million tokens."""
OUTPUT = 400
"""Tokens of each answer, as many as are asked for: a call costs nearly what is set aside for it."""
ROOM = 10


@dataclass
class Found:
    """Of one store."""

    store: str
    gateways: int
    requests: int
    kills: int
    limit_nano: int
    invoice_nano: int
    paid_calls: int
    statuses: dict[str, int]
    ledgers_nano: int
    """What the gateways' ledgers say together, as settled."""

    @property
    def overshoot_nano(self) -> int:
        """By how much the invoice is above the limit."""
        return max(0, self.invoice_nano - self.limit_nano)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--requests", type=int, default=500, help="at once, in each of three waves (%(default)s)")
    parser.add_argument("--stores", default=",".join(STORES), help="default %(default)s")
    parser.add_argument("--json", type=Path, default=RESULT, help="where the figures go")
    parser.add_argument("--publish", action="store_true", help="also write the finding to docs/benchmarks.md")


def run(chosen: argparse.Namespace, work: Path) -> int:
    """Runs the drill on each store; returns 1 if a limit was passed or nothing was let through."""
    found = []
    with contextlib.ExitStack() as servers:
        for store in chosen.stores.split(","):
            found.append(drill(work / "overshoot", store, address_of(store, servers), chosen.requests))
            print(f"{store}: {found[-1]}", file=sys.stderr, flush=True)
    text = summary(found)
    print(text)
    rows = [{**asdict(one), "overshoot_nano": one.overshoot_nano} for one in found]
    chosen.json.write_text(json.dumps({"version": Tenbin().version(), "stores": rows}, indent=1) + "\n")
    if chosen.publish:
        report.publish("overshoot", text)
    return 1 if any(one.overshoot_nano or not one.paid_calls for one in found) else 0


def address_of(store: str, servers: contextlib.ExitStack) -> str:
    """The store as it is configured; its server is started, from the tests' wheels, until the stack is closed."""
    if store == "redis":
        from tests.real.redis_server import VALKEY, RedisServer

        folder = servers.enter_context(tempfile.TemporaryDirectory())
        options = ("--appendonly", "yes", "--maxmemory-policy", "noeviction")
        return servers.enter_context(RedisServer(Path(folder), *options, program=VALKEY)).address
    if store == "postgresql":
        from tests.real.postgres_server import PostgresServer

        return servers.enter_context(PostgresServer()).address
    return store


def drill(work: Path, store: str, address: str, requests: int) -> Found:
    """Three waves of requests: the first has a gateway killed in the middle, the second comes when it is back, the
    third when all is at rest."""
    home = Path(tempfile.mkdtemp(prefix=f"{store}-", dir=_made(work)))
    limit = ROOM * _worst_nano()
    count = 1 if store == "memory" else 2
    with provider(home, free_port(), {"openai/gpt-4o": PRICE}) as simulator, contextlib.ExitStack() as stack:
        if store == "sqlite":
            address = f"sqlite:///{home / 'shared.sqlite'}"
        gateways = []
        for number in range(count):
            written = _configuration(simulator.port, address, limit / 1e9)
            gateways.append(Gateway(home / f"gateway{number}", free_port(), written))
            gateways[-1].start()
            stack.callback(gateways[-1].stop)
        statuses = uvloop.run(_waves(gateways, requests))
        for gateway in gateways:
            gateway.stop()
        invoice = simulator.invoice()
        return Found(
            store,
            count,
            3 * requests,
            sum(gateway.kills for gateway in gateways),
            limit,
            invoice["total_nano_usd"],
            sum(bool(call["nano_usd"]) for call in invoice["calls"]),
            dict(statuses.most_common()),
            sum(_spent_nano(gateway) for gateway in gateways),
        )


def _spent_nano(gateway: Gateway) -> int:
    """What a gateway's ledger says, as settled."""
    sums = gateway.tell("ledger", "--by", "provider")
    return sum(int(Decimal(row["cost_usd"]) * 10**9) for row in sums)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _worst_nano() -> int:
    """About what is set aside for one call: each byte of the request may be a token, and all of the output."""
    return len(_body(0)) * 1_000 + OUTPUT * 10_000


def _body(number: int) -> bytes:
    script = json.dumps({"output_tokens": OUTPUT, "tick_ms": 12})
    messages = [{"role": "user", "content": f"{number:06d}\nsimulate: {script}"}]
    asked = {"model": "dear/gpt-4o", "max_tokens": OUTPUT, "stream": True, "messages": messages}
    return json.dumps(asked).encode()


async def _waves(gateways: list[Gateway], requests: int) -> Counter[str]:
    statuses: Counter[str] = Counter()
    for wave in range(3):
        asking = [
            asyncio.create_task(_ask(gateways[number % len(gateways)], wave * requests + number))
            for number in range(requests)
        ]
        if wave == 0:
            await asyncio.sleep(0.6)
            await asyncio.to_thread(gateways[0].kill)
        for told in await asyncio.gather(*asking):
            statuses[told] += 1
        if wave == 1:
            await asyncio.sleep(1)
    return statuses


async def _ask(gateway: Gateway, number: int) -> str:
    """One request on a connection of its own; the status, or that there was none."""
    body = _body(number)
    head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
    head += "content-type: application/json\r\nconnection: close\r\n"
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)
        said = await asyncio.wait_for(reader.read(), 60)
        writer.close()
    except (OSError, TimeoutError):
        return "no answer"
    return said[9:12].decode() if said.endswith((b"0\r\n\r\n", b"}")) else "cut"


def _configuration(simulator: int, store: str, usd: float) -> dict[str, Any]:
    """One provider, one hard budget."""
    price = {bucket: float(value) for bucket, value in PRICE.items()}
    row = {
        "profile": "openai",
        "base_url": f"http://127.0.0.1:{simulator}/openai/v1",
        "api_key": "sk-drill",
        "models": {"gpt-4o": {"price": price}},
    }
    return {
        "providers": {"dear": row},
        "default": ["dear/gpt-4o"],
        "discover": False,
        "spending": {"store": store, "budgets": [{"scope": "global", "window": "total", "usd": usd}]},
    }


def summary(found: list[Found]) -> str:
    """The finding, as Markdown."""
    lines = [
        f"Tenbin {Tenbin().version()}, {datetime.now(UTC):%Y-%m-%d %H:%M} (UTC). A hard budget with room for {ROOM} "
        f"calls; three waves of {found[0].requests // 3} requests at once, one gateway killed (`kill -9`) in the "
        "middle of the first wave and started again.",
        "",
        "| store | gateways | answered | refused (429) | lost with the gateway | limit, USD | invoice, USD "
        "| overshoot |",
        "| --- | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for one in found:
        lost = sum(count for status, count in one.statuses.items() if status in ("cut", "no answer"))
        lines.append(
            f"| {one.store} | {one.gateways} | {one.statuses.get('200', 0)} | {one.statuses.get('429', 0)} | {lost} | "
            f"{one.limit_nano / 1e9:.6f} | {one.invoice_nano / 1e9:.6f} | {one.overshoot_nano} |"
        )
    return "\n".join(lines)
