"""1. What the admin API tells and does of the gateway itself: budgets, breaker, alerts, health. On the event loop."""

import asyncio

import msgspec
from msgspec import UNSET

from tenbin import __version__
from tenbin.api.admin import answers, shapes
from tenbin.api.admin.acts import Call, known
from tenbin.api.admin.answers import level_of
from tenbin.core.account import Account
from tenbin.core.problems import Problem, Unreadable
from tenbin.execute.alerts.receivers import CannotSend, receivers
from tenbin.execute.alerts.words import trial


async def health(call: Call) -> answers.Health:
    """Tell how the gateway does."""
    reasons = call.service.not_ready()
    return answers.Health(
        version=__version__,
        ready=not reasons,
        reasons=reasons,
        keys_required=bool(call.service.keys) or call.service.accounts.required,
        wrong_keys=answers.WrongKeysSeen(seen=call.wrong_keys.seen, limited=call.wrong_keys.limited),
    )


async def budgets(call: Call) -> answers.Levels:
    """Tell how full the budgets are: those that count for a key, or, without one, all that calls have drawn on."""
    query: shapes.BudgetsQuery = call.query
    account = None if query.key is UNSET else await _account(call, query.key)
    found = call.service.world.budgets
    if found is None:
        return answers.Levels(data=[])
    if account is None:
        return answers.Levels(data=[level_of(one) for one in found.all_levels((), call.now_ms)])
    caller = call.service.accounts.caller(account.key_id)
    levels = found.levels_of(caller, call.now_ms) if caller is not None else ()
    return answers.Levels(data=[level_of(one) for one in levels])


async def breaker(call: Call) -> answers.Breaker:
    """Tell whether spending is stopped: of all keys together, and of each key that is."""
    found = call.service.world.breaker
    if found is None:
        return answers.Breaker(on=False, refused=0, closed=[], scopes=[])
    return answers.Breaker(
        on=True,
        refused=found.refused,
        closed=[],
        scopes=[answers.scope_of(one) for one in found.standings(call.now_ms)],
    )


async def reset_breaker(call: Call) -> answers.Breaker:
    """Let requests through again, of one key or of all."""
    given: shapes.BreakerReset = call.body
    account = None if given.key is None else await _account(call, given.key)
    closed = await call.service.reset_breaker(None if account is None else account.key_id, call.by)
    return msgspec.structs.replace(await breaker(call), closed=[scope or None for scope in closed])


async def test_alerts(call: Call) -> answers.AlertsTested:
    """Send a test message to each receiver, and tell what came of it."""
    settings = call.service.config.alerts
    try:
        found = await asyncio.to_thread(receivers, settings.to, settings.timeout_seconds)
    except CannotSend as error:
        raise Unreadable(
            Problem(
                status=409,
                code="conflict_error",
                message=f"alerts.to[{error.number}] of tenbin.yaml: {error.message}. {error.fix}",
                param="alerts.to",
                should_retry=False,
            )
        ) from error
    told = trial(len(found), call.now_ms)
    words = told.words(settings.language)
    reasons = await asyncio.gather(*(one.send(told.severity, words.title, words.body) for one in found))
    details = {"sent": reasons.count(""), "failed": len(reasons) - reasons.count("")}
    await asyncio.to_thread(
        lambda: call.store(lambda store: store.note(call.by, "test", "alerts", details, call.now_ms), makes=True)
    )
    return answers.AlertsTested(
        data=[
            answers.AlertTested(receiver=one.label, sent=not why, reason=why or None)
            for one, why in zip(found, reasons, strict=True)
        ]
    )


async def _account(call: Call, named: str) -> Account:
    """The key of this id or name. Raises NoSuchKey, and what the store raises."""
    of_it = msgspec.structs.replace(call, named={"key": named})
    kept = await asyncio.to_thread(of_it.store, lambda store: known(store, of_it))
    return kept.account
