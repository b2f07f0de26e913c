"""6. The headers that Tenbin adds to an answer: what it is, where it came from, what it cost."""

from urllib.parse import quote

from tenbin.core.ask import Ask
from tenbin.core.cached import Cached
from tenbin.core.gating import Gating
from tenbin.core.money import usd_decimal
from tenbin.core.problems import Problem
from tenbin.core.receipt import Receipt
from tenbin.core.target import Target
from tenbin.decide.balance import UNIFIED, balances

Headers = list[tuple[bytes, bytes]]

_PLAIN = "/:,.@+-_ []()"


def safe(value: str) -> bytes:
    """A header value: everything outside plain ASCII is percent-encoded, so that no name can break a head."""
    if value.isascii() and value.isprintable():
        return value.encode()
    return quote(value, safe=_PLAIN).encode()


def named(
    headers: Headers,
    ask: Ask,
    target: Target | None,
    route: str,
    cache: Headers | None = None,
    *,
    failed: bool = False,
) -> Headers:
    """Add the request's id (also under the names that clients look for) and where the answer came from.

    Clients and reports tell two answers apart by ``request-id`` (Anthropic) or ``x-request-id`` (OpenAI); the
    provider's own is kept when it sent one. ``cache``: what the response cache did, where it was asked. ``failed``: it
    is an error, which says by itself how much is left of a budget, or nothing of it.
    """
    request_id = ask.request_id.encode()
    own = b"request-id" if ask.dialect == "anthropic" else b"x-request-id"
    for name, _ in headers:
        if name == own:
            break
    else:
        headers.append((own, request_id))
    headers.append((b"x-tenbin-request-id", request_id))
    if target is not None:
        headers.append((b"x-tenbin-model", safe(target.model)))
        headers.append((b"x-tenbin-provider", safe(target.provider)))
    if route:
        headers.append((b"x-tenbin-route", safe(route)))
    if cache is None:
        headers.append((b"x-tenbin-cache", b"off"))
    else:
        headers += cache
    if ask.told:
        told = balances(ask.told, headers, failed=failed)
        names = {name for name, _ in told}
        taken = UNIFIED if UNIFIED + b"status" in names else b"\0"
        headers = [header for header in headers if header[0] not in names and not header[0].startswith(taken)]
        headers += told
    return headers


def cache_headers(cached: Cached) -> Headers:
    """What the response cache did for a request (docs/caching.md)."""
    return lasting_headers(cached) + passing_headers(cached)


def lasting_headers(cached: Cached) -> Headers:
    """Of these, those that are the same for every hit of an entry."""
    headers: Headers = [(b"x-tenbin-cache", cached.result.encode())]
    if cached.entry:
        headers.append((b"x-tenbin-cache-entry", cached.entry.encode()))
    if cached.saved_nano is not None:
        headers.append((b"x-tenbin-cache-saved", usd_decimal(cached.saved_nano).encode()))
    return headers


def passing_headers(cached: Cached) -> Headers:
    """Of these, those that are a hit's own."""
    headers: Headers = []
    if cached.tier:
        headers.append((b"x-tenbin-cache-tier", cached.tier.encode()))
        headers.append((b"x-tenbin-cache-age", b"%d" % (cached.age_ms // 1_000)))
    if cached.similarity is not None:
        headers.append((b"x-tenbin-cache-similarity", f"{cached.similarity:.3f}".encode()))
    if cached.why:
        headers.append((b"x-tenbin-cache-why", safe(cached.why)))
    return headers


def receipt_headers(receipt: Receipt) -> Headers:
    """What the ledger says that the request costs (``billed_nano``), in USD; ``unknown`` when nobody knows a price."""
    cost = receipt.billed_nano
    return [(b"x-tenbin-cost", b"unknown" if cost is None else usd_decimal(cost).encode())]


def rung_headers(rung: int, gating: Gating | None) -> Headers:
    """Which rung of a ladder answered, and how its answer was judged where it was."""
    headers: Headers = [(b"x-tenbin-rung", str(rung).encode())]
    if gating is not None and gating.score is not None:
        headers.append((b"x-tenbin-gate-score", f"{gating.score:.3f}".encode()))
    return headers


def problem_headers(problem: Problem) -> Headers:
    """Headers of an error answer: its type, when to try again, and whether to."""
    headers: Headers = [(b"content-type", b"application/json")]
    if problem.retry_after_ms is not None:
        headers.append((b"retry-after", str(-(-problem.retry_after_ms // 1000)).encode()))
    if problem.should_retry is not None:
        headers.append((b"x-should-retry", b"true" if problem.should_retry else b"false"))
    headers += problem.headers
    return headers
