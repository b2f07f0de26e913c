"""1. What is answered without a model: the list of models, health for load balancers, metrics for Prometheus."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import msgspec

from tenbin.api.audit import note
from tenbin.api.breaker import BreakerPages
from tenbin.api.budget_pages import BudgetPages
from tenbin.api.cache_pages import CachePages
from tenbin.api.service import Service
from tenbin.core.account import Account
from tenbin.core.target import DialectName
from tenbin.decide.restriction import listed
from tenbin.ledger.accounts.log import By

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]

MOST_MODELS = 1000
"""Anthropic's largest page."""


class Page(NamedTuple):
    """Something to look at with GET."""

    answer: Callable[[str, bytes, DialectName], Awaitable[Answer]]
    open: bool
    """Needs no key: load balancers have none, and it tells nothing about the traffic."""
    forget: Callable[[bytes, By], Awaitable[Answer]] | None = None
    """What DELETE does, with its query, and who has it done."""
    admin: bool = False
    """Only for the master key, or for this machine's user where no key is configured."""
    own: Callable[[str, bytes, DialectName, Account], Awaitable[Answer]] | None = None
    """What a key of the store is shown instead: its own part."""


class Pages:
    """The pages of a gateway, by path."""

    def __init__(self, service: Service) -> None:
        self._service = service
        caches, breaker = CachePages(service), BreakerPages(service)
        live, ready = Page(self._live, open=True), Page(self._ready, open=True)
        self._pages = {
            "/health/liveliness": live,
            "/health/liveness": live,
            "/health/live": live,
            "/health": ready,
            "/health/readiness": ready,
            "/health/ready": ready,
            "/health/targets": Page(self._targets, open=False, forget=self._forget_targets),
            "/budgets": Page(BudgetPages(service).levels, open=False, admin=True),
            "/breaker": Page(breaker.state, open=False, forget=breaker.reset, admin=True),
            "/cache": Page(caches.state, open=False, admin=True),
            "/cache/entries": Page(caches.entries, open=False, forget=caches.remove, admin=True),
            "/metrics": Page(self._metrics, open=False),
            "/v1/models": Page(self._models, open=False, own=self._models),
            "/models": Page(self._models, open=False, own=self._models),
        }
        self._model = Page(self._one_model, open=False, own=self._one_model)

    def find(self, path: str) -> Page | None:
        """The page at a path."""
        page = self._pages.get(path)
        if page is None and path.startswith("/v1/models/"):
            return self._model
        return page

    async def _live(self, path: str, query: bytes, dialect: DialectName) -> Answer:
        return _json(200, {"status": "alive"})

    async def _ready(self, path: str, query: bytes, dialect: DialectName) -> Answer:
        reasons = self._service.not_ready()
        if reasons:
            return _json(503, {"status": "not ready", "reasons": reasons})
        return _json(200, {"status": "ready"})

    async def _targets(self, path: str, query: bytes, dialect: DialectName) -> Answer:
        return _json(200, {"targets": self._service.targets()})

    async def _forget_targets(self, query: bytes, by: By) -> Answer:
        """A person knows that a target is well again: no cooldown is waited for."""
        named = parse_qs(query.decode("latin-1")).get("target")
        self._service.forget(named[0] if named else None)
        await note(self._service, by, "reset", "targets", {"target": named[0] if named else "all"})
        return _json(200, {"targets": self._service.targets()})

    async def _metrics(self, path: str, query: bytes, dialect: DialectName) -> Answer:
        content_type = b"text/plain; version=0.0.4; charset=utf-8"
        return 200, [(b"content-type", content_type)], self._service.metrics()

    async def _models(self, path: str, query: bytes, dialect: DialectName, account: Account | None = None) -> Answer:
        names = self._names(account)
        if dialect != "anthropic":
            return _json(200, {"object": "list", "data": [_openai_model(name) for name in names]})
        limit, after, before = _page_of(query)
        if after in names:
            names = names[names.index(after) + 1 :]
        if before in names:
            names = names[: names.index(before)]
        page = names[:limit]
        body = {
            "data": [_anthropic_model(name) for name in page],
            "has_more": len(names) > len(page),
            "first_id": page[0] if page else None,
            "last_id": page[-1] if page else None,
        }
        return _json(200, body)

    async def _one_model(self, path: str, query: bytes, dialect: DialectName, account: Account | None = None) -> Answer:
        name = path.removeprefix("/v1/models/")
        if name in self._names(account):
            return _json(200, _anthropic_model(name) if dialect == "anthropic" else _openai_model(name))
        message = f"{name[:200]!r} is not listed here; GET /v1/models lists the names that are."
        if dialect == "anthropic":
            return _json(404, {"type": "error", "error": {"type": "not_found_error", "message": message}})
        error = {"message": message, "type": "not_found_error", "param": "model", "code": "model_not_found"}
        return _json(404, {"error": error})

    def _names(self, account: Account | None = None) -> list[str]:
        """The names that clients may ask for: the configured ones first, then every single known target. For a key of
        the store, those that would be answered.
        """
        world = self._service.world
        policy = (world.within(account) if account is not None and account.restricted else world).policy
        chains = [policy.default, policy.fallback, *policy.chains.values()]
        targets = sorted({target.name for chain in chains for target in chain} | set(policy.facts))
        weighed = policy.routing.listed if policy.routing is not None else ()
        names = [*policy.chains, *weighed, *policy.aliases, *targets]
        return listed(dict.fromkeys(names), policy)


def _page_of(query: bytes) -> tuple[int, str, str]:
    fields = parse_qs(query.decode("latin-1"))
    text = fields.get("limit", ["20"])[0]
    limit = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 20
    return min(max(limit, 1), MOST_MODELS), fields.get("after_id", [""])[0], fields.get("before_id", [""])[0]


def _anthropic_model(name: str) -> dict[str, Any]:
    return {"type": "model", "id": name, "display_name": name, "created_at": "1970-01-01T00:00:00Z"}


def _openai_model(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": name.partition("/")[0] if "/" in name else "tenbin",
    }


def _json(status: int, value: Any) -> Answer:
    return status, [(b"content-type", b"application/json")], msgspec.json.encode(value)
