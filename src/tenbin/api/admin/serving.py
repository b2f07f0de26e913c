"""1. A request to the admin API: who asks, what is asked, the act off the event loop, the answer. Nothing of it is on
the path of a client's request.
"""

import asyncio
import inspect
import logging
import sqlite3
from typing import Any

import msgspec

from tenbin.api.admin import acts
from tenbin.api.admin.answers import Error, Wrong
from tenbin.api.admin.document import encoded
from tenbin.api.admin.operations import DOCUMENT, OPERATIONS, PREFIX, Operation
from tenbin.api.admin.reading import no_body, read_body, read_query
from tenbin.api.client_side import Request
from tenbin.api.service import Service
from tenbin.api.wrong_keys import WrongKeys
from tenbin.config.address import is_loopback
from tenbin.core.ask import Caller
from tenbin.core.problems import Problem, Unreadable, invalid
from tenbin.decide.access import NOT_AN_ADMIN
from tenbin.execute.answer_headers import problem_headers
from tenbin.ledger.accounts.digest import AccountsUnusable
from tenbin.ledger.accounts.log import By, NoSuchKey, NotNow
from tenbin.ledger.migrations import SchemaTooNew

LOG = logging.getLogger("tenbin.api")

MOST_BODY = 65_536
"""Bytes of a body."""
MOST_QUERY = 4_096
"""Bytes of a query string."""
FRESH_BYTES = 72

Headers = list[tuple[bytes, bytes]]

GUARDED: Headers = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]


class AdminApi:
    """What is served under ``/admin/``."""

    def __init__(self, service: Service, wrong_keys: WrongKeys) -> None:
        self._service = service
        self._wrong_keys = wrong_keys
        self._one = asyncio.Lock()
        """One act at a time: what they work on has one writer."""

    async def serve(self, request: Request, caller: Caller | Problem, identity: str) -> None:
        """Answer a request whose key has been looked at; ``caller`` may be anybody."""
        problem = self._unfit(request, caller)
        if isinstance(caller, Problem) or problem is not None:
            assert problem is not None
            await self._refuse(request, problem, identity, close=True)
            return
        try:
            status, body = await self._answer(request, caller)
        except Unreadable as error:
            close = not request.complete
            await self._refuse(request, error.problem, identity, close=close)
        except _WrongMethod as error:
            await self._refuse(request, error.problem, identity, close=not request.complete, allow=error.allowed)
        else:
            await request.respond(status, [*GUARDED, (b"x-request-id", identity.encode())], body)

    def _unfit(self, request: Request, caller: Caller | Problem) -> Problem | None:
        """Why somebody may not administer."""
        if isinstance(caller, Problem):
            return caller
        if caller.key_id == "local" and not is_loopback(request.address):
            return NOT_FROM_THERE
        return None if may_administer(caller) else NOT_AN_ADMIN

    async def _answer(self, request: Request, caller: Caller) -> tuple[int, bytes]:
        operation, named = _found(request)
        if len(request.query) > MOST_QUERY:
            raise Unreadable(invalid(f"The query string is longer than {MOST_QUERY} bytes.", param="query"))
        if operation is None:
            read_query(request.query, _NoFields)
            return 200, encoded()
        headers = dict(request.headers)
        query = read_query(request.query, operation.query)
        given: Any = None
        if operation.method != "GET":
            body = await _body(request, headers)
            if operation.body is None:
                no_body(body)
            else:
                given = read_body(body, operation.body, headers)
        clock = self._service.clock
        call = acts.Call(
            service=self._service,
            wrong_keys=self._wrong_keys,
            caller=caller,
            by=By(caller.key_id, request.address),
            now_ms=clock.now_ms(),
            drawn=b"".join(clock.bits().to_bytes(10, "big") for _ in range(8))[:FRESH_BYTES],
            named=named,
            query=query,
            body=given,
        )
        return operation.status, msgspec.json.encode(await self._done(operation, call))

    async def _done(self, operation: Operation, call: acts.Call) -> Any:
        """Carry it out. Raises Unreadable."""
        try:
            if inspect.iscoroutinefunction(operation.act):
                return await operation.act(call)
            # To its end, also when whoever asked has gone: what is begun is done, told and in force.
            return await asyncio.shield(self._carried_out(operation, call))
        except NoSuchKey as error:
            raise Unreadable(_problem(404, "not_found_error", str(error), next(iter(call.named), None))) from error
        except NotNow as error:
            raise Unreadable(_problem(409, "conflict_error", str(error), next(iter(call.named), "name"))) from error
        except (AccountsUnusable, SchemaTooNew, sqlite3.Error, OSError) as error:
            LOG.error("The store of keys cannot be used: %s", error)
            raise Unreadable(AWAY) from error

    async def _carried_out(self, operation: Operation, call: acts.Call) -> Any:
        async with self._one:
            answer = await asyncio.to_thread(operation.act, call)
            if operation.method != "GET":
                # When the answer comes, this gateway goes by it.
                await self._service.take_up_keys()
        return answer

    async def _refuse(
        self, request: Request, problem: Problem, identity: str, *, close: bool = False, allow: str | None = None
    ) -> None:
        """``close`` ends the connection, where a body has been left unread."""
        wrong = Wrong(type=problem.code, message=problem.message, field=problem.param, request_id=identity)
        told = {name for name, _ in GUARDED}
        headers = [*GUARDED, *(one for one in problem_headers(problem) if one[0] not in told)]
        headers.append((b"x-request-id", identity.encode()))
        if problem.status == 401:
            headers.append((b"www-authenticate", b'Bearer realm="tenbin"'))
        if allow is not None:
            headers.append((b"allow", allow.encode()))
        if close:
            request.keep_alive = False
        await request.respond(problem.status, headers, msgspec.json.encode(Error(error=wrong)))


class _NoFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class _WrongMethod(Exception):
    def __init__(self, method: str, allowed: str) -> None:
        super().__init__(method)
        self.allowed = allowed
        self.problem = _problem(
            405, "invalid_request_error", f"{method[:20]} is not a method of this path: use {allowed}.", "method"
        )


def may_administer(caller: Caller) -> bool:
    """The master key, an admin key, or this machine's user where no key is needed."""
    return caller.key_id in ("master", "local") if caller.account is None else caller.account.admin


def _found(request: Request) -> tuple[Operation | None, dict[str, str]]:
    """The operation and what its path names; None is the document. Raises Unreadable, _WrongMethod."""
    method = request.method.decode("ascii")
    wanted = "GET" if method == "HEAD" else method
    if request.path == DOCUMENT:
        if wanted != "GET":
            raise _WrongMethod(method, "GET, HEAD")
        return None, {}
    parts = tuple(request.path.removeprefix(f"{PREFIX}/").split("/"))
    allowed: list[str] = []
    if request.path.startswith(f"{PREFIX}/") and all(parts):
        for operation in OPERATIONS:
            named = operation.named(parts)
            if named is not None:
                if operation.method == wanted:
                    return operation, named
                allowed += ["GET", "HEAD"] if operation.method == "GET" else [operation.method]
    if allowed:
        raise _WrongMethod(method, ", ".join(allowed))
    raise Unreadable(
        _problem(
            404, "not_found_error", f"Nothing is served there. {DOCUMENT} lists what is, docs/admin.md too.", "path"
        )
    )


async def _body(request: Request, headers: dict[bytes, bytes]) -> bytes:
    """The body, which has to be small. Raises Unreadable."""
    limits = request.limits
    request.limits = msgspec.structs.replace(limits, body_bytes=min(limits.body_bytes, MOST_BODY))
    body = await request.body(headers)
    if isinstance(body, Problem):
        if body.status == 413:
            body = _problem(413, "request_too_large", f"A body here has at most {MOST_BODY} bytes. Send less.", "body")
        raise Unreadable(body)
    return body


def _problem(status: int, code: str, message: str, param: str | None) -> Problem:
    return Problem(status=status, code=code, message=message, param=param, should_retry=False)


NOT_FROM_THERE = _problem(
    403,
    "permission_error",
    "Without a key the gateway is administered from its own machine only. Set master_key, or make an admin key: "
    "tenbin keys create NAME --admin",
    "authorization",
)
AWAY = Problem(
    status=503,
    code="api_error",
    message="The store of keys cannot be used just now, and nothing was done. The gateway's log says why; try again "
    "in a moment.",
    fault="gateway",
)
