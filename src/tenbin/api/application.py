"""1. Where a request arrives, behind the server and without a framework, which would cost more than all the rest.

The path tells the dialect; the caller is identified, the body read, its head decoded; then execute takes over.
"""

import logging
from urllib.parse import quote

from tenbin.api.admin.serving import AdminApi, may_administer
from tenbin.api.admission import Admission
from tenbin.api.admission import Headers as Told
from tenbin.api.caller import WRONG_KEY, identify
from tenbin.api.client_side import Request
from tenbin.api.feedback import PATHS as FEEDBACK
from tenbin.api.feedback import Feedback, encoded
from tenbin.api.pages import Pages
from tenbin.api.patience import patience_ms
from tenbin.api.routes import ASKS, IGNORED, PROBES, Route, dialect_of
from tenbin.api.service import Service
from tenbin.api.wrong_keys import WrongKeys
from tenbin.codecs.members import check_members
from tenbin.core import request_id
from tenbin.core.account import Account
from tenbin.core.ask import Ask, Caller, Head, Operation
from tenbin.core.problems import Problem, Unreadable, invalid
from tenbin.core.target import DialectName
from tenbin.decide.access import ADMIN, refused
from tenbin.decide.hints import session_named
from tenbin.decide.overrides import STEERING
from tenbin.execute.answer_headers import problem_headers
from tenbin.execute.count import count_tokens
from tenbin.execute.exchange import Exchange
from tenbin.execute.world import World
from tenbin.ledger.accounts.log import By

LOG = logging.getLogger("tenbin.api")


GUARDED = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
"""Headers of pages and errors: no browser keeps them, takes them for another kind, or runs anything in them."""

MOST_NAME = 256
"""Characters of a model's name and of a session's id: they stand in headers, receipts and metrics."""


class Application:
    """What a gateway does with a request."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.pages = Pages(service)
        self.feedback = Feedback(service)
        self.wrong_keys = WrongKeys()
        self.admin = AdminApi(service, self.wrong_keys)
        self.admin_elsewhere = service.config.admin.listen is not None
        """The admin API has an address of its own, as the configuration said at the start."""

    async def __call__(self, request: Request) -> None:
        """Serve one request; nothing that a client sends may raise out of here. Cancelled when the client leaves."""
        route = ASKS.get(request.path)
        clock = self.service.clock
        arrived_at_ms = clock.now_ms()
        identity = request_id.new(arrived_at_ms, clock.bits())
        try:
            if route is not None and request.method == b"POST":
                await self._serve(route, request, identity, arrived_at_ms)
            else:
                await self._other(request, identity)
        except Exception:
            LOG.exception("request %s failed inside Tenbin", identity)
            if not request.started:
                dialect = route.dialect if route is not None else "openai_chat"
                await self._refuse(request, dialect, BUG, identity)

    async def _serve(self, route: Route, request: Request, identity: str, arrived_at_ms: int) -> None:
        service = self.service
        arrived_ns = service.clock.monotonic_ns()
        headers = request.headers
        caller = identify(headers, service.keys, service.accounts, arrived_at_ms)
        if isinstance(caller, Problem) or caller.account is not None:
            caller = self._admitted(caller, request, route.operation)
        if isinstance(caller, Problem):
            await self._refuse(request, route.dialect, caller, identity, close=True)
            return
        named = dict(headers)
        body = await request.body(named)
        if isinstance(body, Problem):
            await self._refuse(request, route.dialect, body, identity, close=True)
            return
        world = service.world
        try:
            codec = world.dialects(route.dialect)
            head = codec.read_head(body) if route.operation == "generate" else _other_head(route.operation, body)
            check_members(body)
            if len(head.model) > MOST_NAME:
                raise Unreadable(invalid(f"model: a name is at most {MOST_NAME} characters long.", param="model"))
            session = session_named(named)
            ask = Ask(
                request_id=identity,
                dialect=route.dialect,
                operation=route.operation,
                path=request.path,
                query=request.query,
                headers=tuple(headers),
                body=body,
                head=head,
                caller=caller,
                arrived_at_ms=arrived_at_ms,
                arrived_ns=arrived_ns,
                session=(session or head.session or "")[:MOST_NAME] or None,
                client=named.get(b"user-agent", b"")[:200].decode("latin-1"),
                patience_ms=patience_ms(named),
                steered=not STEERING.isdisjoint(named),
            )
            if service.admission is None:
                await self._perform(world, ask, request)
            else:
                await self._kept(service.admission, world, ask, request)
        except Unreadable as unreadable:
            await self._refuse(request, route.dialect, unreadable.problem, identity)

    async def _kept(self, admission: Admission, world: World, ask: Ask, request: Request) -> None:
        """Serve a request that has to be admitted first. Raises Unreadable."""

        async def serve(passed: Ask) -> None:
            await self._perform(world, passed, request)

        async def turn_away(problem: Problem, told: Told) -> None:
            await self._refuse(request, ask.dialect, problem, ask.request_id, told=told)

        await admission.pass_through(ask, world.dialects(ask.dialect), serve, turn_away)

    async def _perform(self, world: World, ask: Ask, request: Request) -> None:
        """Serve a request that may be served. Raises Unreadable."""
        if world.trial is not None:
            world, ask = world.trial.of(ask, world)
        account = ask.caller.account
        if account is not None and account.restricted:
            world = world.within(account)
        if ask.landing is not None:
            world = world.landed(ask.landing)
        content = self.service.content
        if ask.operation == "count_tokens":
            await count_tokens(world, ask, request)
        elif content is None:
            await Exchange(world, ask, request).run()
        else:
            kept = content.watching(ask, request)
            try:
                await Exchange(world, ask, kept).run()
            finally:
                content.note(kept)

    async def _other(self, request: Request, identity: str) -> None:
        """Everything that is not a request to a model."""
        path, method = request.path, request.method.decode("ascii")
        if path in PROBES and method in ("GET", "HEAD"):
            await request.respond(200, [(b"content-type", b"application/json")], b'{"service":"tenbin"}')
            return
        names = frozenset(name for name, _ in request.headers)
        dialect = dialect_of(path, names)
        if path in ASKS or path in IGNORED:
            if path in IGNORED and method == "POST":
                await request.respond(200, [(b"content-type", b"application/json")], b"{}")
                return
            await self._refuse(request, dialect, _wrong_method(path, method, "POST"), identity, allow="POST")
            return
        if path in FEEDBACK and method == "POST":
            await self._take_feedback(request, identity)
            return
        if path.startswith(ADMIN) and self.service.config.admin.enabled and not self.admin_elsewhere:
            await self.admin.serve(request, self._caller(request), identity)
            return
        page = self.pages.find(path)
        if path in FEEDBACK:
            await self._refuse(request, dialect, _wrong_method(path, method, "POST"), identity, allow="POST")
        elif page is None:
            await self._refuse(request, dialect, _unknown(path), identity)
        elif method not in ("GET", "HEAD") and (method != "DELETE" or page.forget is None):
            await self._refuse(request, dialect, _wrong_method(path, method, "GET"), identity, allow="GET")
        else:
            caller: Caller | Problem | None = None
            if not page.open:
                caller = self._caller(request)
            if page.admin and isinstance(caller, Caller) and not may_administer(caller):
                caller = NOT_YOURS
            if isinstance(caller, Problem):
                await self._refuse(request, dialect, caller, identity)
                return
            if method == "DELETE" and page.forget is not None:
                by = By(caller.key_id if caller is not None else "", request.address)
                status, headers, body = await page.forget(request.query, by)
            elif page.own is not None and caller is not None and (account := self._account(caller)) is not None:
                status, headers, body = await page.own(path, request.query, dialect, account)
            else:
                status, headers, body = await page.answer(path, request.query, dialect)
            await request.respond(status, headers + _identified(dialect, identity), body)

    def _caller(self, request: Request) -> Caller | Problem:
        """Who asks for something that no model answers."""
        service = self.service
        found = identify(request.headers, service.keys, service.accounts, service.clock.now_ms())
        return self._admitted(found, request)

    def _admitted(self, caller: Caller | Problem, request: Request, operation: str = "") -> Caller | Problem:
        """The caller, if its key may be used for this and from there. Wrong keys are counted."""
        if isinstance(caller, Problem):
            if caller is not WRONG_KEY:
                return caller
            service = self.service
            most = service.config.limits.wrong_keys
            return self.wrong_keys.counted(caller, request.address, most, service.clock.now_ms())
        if caller.account is None:
            return caller
        found = refused(caller.account, path=request.path, operation=operation, address=request.address)
        return caller if found is None else found

    async def administer(self, request: Request) -> None:
        """Serve one request where only the admin API is served."""
        clock = self.service.clock
        identity = request_id.new(clock.now_ms(), clock.bits())
        try:
            if request.path.startswith(ADMIN) and self.service.config.admin.enabled:
                await self.admin.serve(request, self._caller(request), identity)
            else:
                await self._refuse(request, "openai_chat", ONLY_ADMIN, identity, close=True)
        except Exception:
            LOG.exception("request %s failed inside Tenbin", identity)
            if not request.started:
                await self._refuse(request, "openai_chat", BUG, identity)

    def _account(self, caller: Caller) -> Account | None:
        """What a caller may do, by its key and by its plan."""
        admission = self.service.admission
        return (caller if admission is None else admission.held(caller)).account

    async def _take_feedback(self, request: Request, identity: str) -> None:
        """Problems are told in OpenAI's form, whatever the client speaks elsewhere."""
        caller = self._caller(request)
        if isinstance(caller, Problem):
            await self._refuse(request, "openai_chat", caller, identity, close=True)
            return
        body = await request.body(dict(request.headers))
        if isinstance(body, Problem):
            await self._refuse(request, "openai_chat", body, identity, close=True)
            return
        try:
            told = await self.feedback.take(body, caller, identity, self.service.clock.now_ms())
        except Unreadable as unreadable:
            await self._refuse(request, "openai_chat", unreadable.problem, identity)
            return
        headers = [(b"content-type", b"application/json"), *_identified("openai_chat", identity)]
        await request.respond(200, headers, encoded(told))

    async def _refuse(
        self,
        request: Request,
        dialect: DialectName,
        problem: Problem,
        identity: str,
        *,
        close: bool = False,
        allow: str | None = None,
        told: Told = (),
    ) -> None:
        """Answer with a Problem; ``close`` ends the connection, where a body has been left unread; ``told``: more
        headers."""
        body = self.service.world.dialects(dialect).problem(problem, identity)
        headers = problem_headers(problem)
        headers += _identified(dialect, identity)
        headers += told
        if close:
            request.keep_alive = False
        if allow is not None:
            headers.append((b"allow", allow.encode()))
        await request.respond(problem.status, headers, body)


BUG = Problem(
    status=500,
    code="api_error",
    message="Tenbin failed inside. The log of the gateway holds the details under this request's id.",
    fault="gateway",
)


ONLY_ADMIN = Problem(
    status=404,
    code="not_found_error",
    message="Only /admin/v1/ is served here: models are asked where `listen` of tenbin.yaml says.",
    param="path",
    should_retry=False,
)


NOT_YOURS = Problem(
    status=403,
    code="permission_error",
    message="This page tells of all keys' traffic. Send `master_key` or an admin key instead.",
    param="authorization",
    should_retry=False,
)


def _other_head(operation: Operation, body: bytes) -> Head:
    """The head of a request that asks for no answer: embeddings (OpenAI's form), a count of tokens (Anthropic's)."""
    # Imported here: most gateways serve neither.
    if operation == "embed":
        from tenbin.codecs.openai_chat.request_reader import read_embedding_head

        return read_embedding_head(body)
    from tenbin.codecs.anthropic_messages import ANTHROPIC

    return ANTHROPIC.read_head(body, operation)


def _identified(dialect: DialectName, identity: str) -> list[tuple[bytes, bytes]]:
    """The request's id, under the name that clients of the dialect look for, and under ours."""
    own = b"request-id" if dialect == "anthropic" else b"x-request-id"
    return [(own, identity.encode()), (b"x-tenbin-request-id", identity.encode()), *GUARDED]


def _shown(path: str) -> str:
    return quote(path[:200], safe="/:@-._~")


def _wrong_method(path: str, method: str, allowed: str) -> Problem:
    return Problem(
        status=405,
        code="invalid_request_error",
        message=f"{method[:20]} is not a method of {_shown(path)}: use {allowed}.",
        param="method",
        should_retry=False,
    )


def _unknown(path: str) -> Problem:
    known = "/v1/messages, /v1/chat/completions, /v1/responses, /v1/embeddings, /v1/models, /v1/feedback, "
    known += "/health/readiness, /metrics"
    return Problem(
        status=404,
        code="not_found_error",
        message=f"Nothing is served at {_shown(path)}. Served are {known}.",
        param="path",
        should_retry=False,
    )
