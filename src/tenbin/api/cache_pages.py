"""1. The response cache seen from outside: how much it holds, which entries, taking some out. For the master key."""

from urllib.parse import parse_qs

import msgspec

from tenbin.api.audit import note
from tenbin.api.service import Service
from tenbin.core.target import DialectName
from tenbin.decide.caching.error_budget import wilson
from tenbin.execute.cache.availability import StoreUnavailable
from tenbin.execute.cache.store import Selection
from tenbin.ledger.accounts.log import By

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]

MOST_LISTED = 10_000
SELECTORS = ("entry", "tag", "scope", "model")


class CachePages:
    """What stands under ``/cache``."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def state(self, path: str, query: bytes, dialect: DialectName) -> Answer:
        """``GET /cache``: sizes, and how each scope's answers by meaning have done."""
        cache = self._service.cache
        if cache is None:
            return _json(200, {"open": False})
        standings = cache.meaning.standings if cache.meaning is not None else {}
        return _json(
            200,
            {
                "open": True,
                "sizes": await cache.sizes(),
                "under_way": len(cache.flights),
                "evicted": cache.memory.evicted,
                "store_faults": cache.faults,
                "writes_dropped": cache.dropped,
                "scopes": {
                    scope: {
                        "judged": standing.judged,
                        "wrong": standing.wrong,
                        "wrong_at_most": wilson(standing.wrong, standing.judged)[1],
                        "serving": standing.serving,
                    }
                    for scope, standing in standings.items()
                },
            },
        )

    async def entries(self, path: str, query: bytes, dialect: DialectName) -> Answer:
        """``GET /cache/entries?entry=&tag=&scope=&model=&limit=``: what there is to see of entries, without their
        words.
        """
        cache = self._service.cache
        if cache is None:
            return _json(200, {"entries": []})
        fields = _fields(query)
        limit = fields.get("limit", "")
        try:
            listed = await cache.listed(_selection(fields), min(int(limit), MOST_LISTED) if limit.isdigit() else 100)
        except StoreUnavailable as error:
            return _json(503, {"error": str(error)})
        return _json(200, {"entries": listed})

    async def remove(self, query: bytes, by: By) -> Answer:
        """``DELETE /cache/entries?...``: remove them. With ``wrong=true`` and one entry: its answer was wrong
        (``similarity`` and ``scope`` of the hit, where they are known).
        """
        cache = self._service.cache
        fields = _fields(query)
        selection = _selection(fields)
        if selection == Selection() and fields.get("all") != "true":
            wanted = ", ".join(SELECTORS)
            return _json(400, {"error": f"Say which entries: one of {wanted}, or all=true for every one."})
        if cache is None:
            return _json(200, {"removed": []})
        try:
            if fields.get("wrong") == "true":
                if selection.entry is None:
                    return _json(400, {"error": "Say which entry was wrong: entry=ID."})
                known = await cache.report(selection.entry, fields.get("scope", ""), _similarity(fields))
                await note(self._service, by, "report", "cache", {"entry": selection.entry, "known": known})
                return _json(200 if known else 404, {"removed": [selection.entry] if known else []})
            removed = await cache.remove(selection)
        except StoreUnavailable as error:
            return _json(503, {"error": str(error)})
        named = {name: fields[name] for name in SELECTORS if name in fields} or {"all": "true"}
        await note(self._service, by, "purge", "cache", {**named, "removed": len(removed)})
        return _json(200, {"removed": removed})


def _fields(query: bytes) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(query.decode("latin-1")).items()}


def _selection(fields: dict[str, str]) -> Selection:
    return Selection(**{name: fields.get(name) for name in SELECTORS})


def _similarity(fields: dict[str, str]) -> float | None:
    try:
        value = float(fields.get("similarity", ""))
    except ValueError:
        return None
    return value if -1 <= value <= 1 else None


def _json(status: int, value: object) -> Answer:
    return status, [(b"content-type", b"application/json")], msgspec.json.encode(value)
