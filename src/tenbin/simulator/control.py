"""The control endpoints under /_simulator/: how a test scripts the simulator and looks at what it was "
"sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import msgspec

from tenbin.simulator.exchange import Exchange, encode
from tenbin.simulator.prompt import ApiError
from tenbin.simulator.scripts import decode

PREFIX = "/_simulator/"


async def handle(exchange: Exchange) -> None:
    """Answer a control request. Raises ApiError 400 for a wrong body, 404 for an unknown one."""
    name = exchange.path.removeprefix(PREFIX).rstrip("/")
    action = ACTIONS.get((exchange.method, name))
    if action is None:
        known = ", ".join(f"{method} {PREFIX}{path}" for method, path in ACTIONS)
        raise ApiError(404, f"simulator: no {exchange.method} {exchange.path}; there are: {known}")
    answer = action(exchange)
    if isinstance(answer, bytes):
        await exchange.respond(200, answer, "text/csv; charset=utf-8")
    else:
        await exchange.respond(200, encode(answer))


def _requests(exchange: Exchange) -> Any:
    return [{**asdict(entry), "body": _body(entry.body)} for entry in exchange.simulator.log]


def _body(raw: bytes) -> Any:
    """Return a body as JSON if it is that, else as text."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return raw.decode("utf-8", "replace")


def _clear_requests(exchange: Exchange) -> Any:
    exchange.simulator.forget()
    return {"cleared": True}


def _scripts(exchange: Exchange) -> Any:
    body = exchange.json()
    scripts = body.get("scripts", body.get("script", {}))
    scripts = scripts if isinstance(scripts, list) else [scripts]
    exchange.simulator.scripts.add(body.get("model", "*"), [decode(script, "scripts") for script in scripts])
    return {"waiting": exchange.simulator.scripts.waiting()}


def _waiting(exchange: Exchange) -> Any:
    return {"waiting": exchange.simulator.scripts.waiting()}


def _clear_scripts(exchange: Exchange) -> Any:
    exchange.simulator.scripts.clear()
    return {"cleared": True}


def _clock(exchange: Exchange) -> Any:
    seconds = exchange.json().get("advance")
    if not isinstance(seconds, (int, float)):
        raise ApiError(400, 'simulator: the body must be {"advance": seconds}')
    exchange.simulator.clock.advance(seconds)
    return {"now": exchange.simulator.clock.now()}


def _limits(exchange: Exchange) -> Any:
    exchange.simulator.limits.state(exchange.json())
    return {"enforced": exchange.simulator.limits.enforced}


def _quota(exchange: Exchange) -> Any:
    exchange.simulator.limits.quota = exchange.json()
    return {"quota": exchange.simulator.limits.quota}


def _models(exchange: Exchange) -> Any:
    rules = exchange.json()
    name = rules.pop("name", None)
    try:
        exchange.simulator.models.state(str(name), **rules)
    except TypeError as error:
        raise ApiError(400, f"simulator: models: {error}") from None
    return asdict(exchange.simulator.models.find(str(name)))  # type: ignore[arg-type]


def _prices(exchange: Exchange) -> Any:
    exchange.simulator.invoice.price(exchange.json())
    return {"priced": list(exchange.simulator.invoice.rates)}


def _invoice(exchange: Exchange) -> Any:
    simulator = exchange.simulator
    if "form=csv" in exchange.entry.query:
        return simulator.invoice.csv()
    lines = simulator.invoice.lines
    return {
        "calls": lines,
        "total_nano_usd": sum(line.nano_usd or 0 for line in lines),
        "unpriced": sum(line.nano_usd is None for line in lines),
        "open": simulator.open,
    }


def _clear_invoice(exchange: Exchange) -> Any:
    exchange.simulator.invoice.lines.clear()
    return {"cleared": True}


def _reset(exchange: Exchange) -> Any:
    exchange.simulator.reset()
    return {"reset": True}


def _state(exchange: Exchange) -> Any:
    log = exchange.simulator.log
    return {
        "requests": len(log),
        "open": exchange.simulator.open,
        "outcomes": {name: sum(e.outcome == name for e in log) for name in {e.outcome for e in log}},
        "waiting": exchange.simulator.scripts.waiting(),
        "now": exchange.simulator.clock.now(),
    }


ACTIONS: dict[tuple[str, str], Callable[[Exchange], Any]] = {
    ("GET", "requests"): _requests,
    ("DELETE", "requests"): _clear_requests,
    ("GET", "scripts"): _waiting,
    ("POST", "scripts"): _scripts,
    ("DELETE", "scripts"): _clear_scripts,
    ("POST", "clock"): _clock,
    ("POST", "limits"): _limits,
    ("POST", "quota"): _quota,
    ("POST", "models"): _models,
    ("POST", "reset"): _reset,
    ("GET", "state"): _state,
    ("POST", "prices"): _prices,
    ("GET", "invoice"): _invoice,
    ("DELETE", "invoice"): _clear_invoice,
}
"""Method and name of each endpoint -> what it does and answers."""
