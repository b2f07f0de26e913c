"""7. The one place where an answer is priced, and where a request that nobody will finish is settled. Pure."""

from collections.abc import Callable

import msgspec

from tenbin.core.price import Price
from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.usage import NOTHING, Usage
from tenbin.ledger.records import Opened, Progress

UNKNOWN = "unknown"
"""The price label of a model that no price is known for."""

BYTES_PER_TOKEN = 4
"""Of answer text, for an estimate where nothing better is known (OpenAI's rule of thumb for English)."""

FindPrice = Callable[[str, str, int, str | None], Price | None]
"""(provider, model, UTC ms, service tier) -> price."""


def price_receipt(receipt: Receipt, find: FindPrice) -> Receipt:
    """The receipt with every attempt's ``cost_nano`` and ``price`` filled in."""
    attempts = receipt.attempts
    if not attempts:
        return receipt
    if len(attempts) == 1:
        attempts = (price_attempt(attempts[0], find),)
    else:
        attempts = tuple([price_attempt(attempt, find) for attempt in attempts])
    return msgspec.structs.replace(receipt, attempts=attempts)


def price_attempt(attempt: Attempt, find: FindPrice) -> Attempt:
    """The attempt with its cost, by the price in force when it began.

    A model that has no price under the name it was called by is priced as the model that the answer named.
    """
    price = find(attempt.provider, attempt.model, attempt.started_at_ms, attempt.service_tier)
    if price is None and attempt.answered_model:
        price = find(attempt.provider, attempt.answered_model, attempt.started_at_ms, attempt.service_tier)
    cost = None if price is None else price.cost(attempt.usage)
    label = UNKNOWN if price is None else price.label
    return msgspec.structs.replace(attempt, cost_nano=cost, price=label)


def interrupted(opened: Opened, progress: Progress | None) -> Receipt:
    """The receipt of a request that was in flight when the gateway died: its last attempt's usage is estimated.

    The provider may have gone on to the end of the answer; what is counted is what the journal saw of it.
    """
    last = Attempt(
        number=opened.number,
        provider=opened.provider,
        model=opened.model,
        dialect=opened.target_dialect,
        started_at_ms=opened.started_at_ms,
        outcome="interrupted",
        usage=_estimated(opened, progress),
        reserved_nano=opened.reserved_nano,
    )
    return Receipt(
        request_id=opened.request_id,
        arrived_at_ms=opened.arrived_at_ms,
        key_id=opened.key_id,
        dialect=opened.dialect,
        operation=opened.operation,
        path=opened.path,
        requested_model=opened.requested_model,
        stream=opened.stream,
        route=opened.route,
        outcome="interrupted",
        status=500 if progress is None else 200,
        policy=opened.policy,
        session=opened.session,
        client=opened.client,
        attempts=(*opened.attempts, last),
        team=opened.team,
        user=opened.user,
    )


def _estimated(opened: Opened, progress: Progress | None) -> Usage:
    """What the provider stated so far, and estimates for what it had not."""
    if opened.operation == "count_tokens":  # Nobody charges for that.
        return NOTHING
    if opened.operation == "embed":
        return Usage(input=opened.input_tokens, input_estimated=True)
    if progress is None:
        return Usage(input=opened.input_tokens, input_estimated=True, output_estimated=True)
    stated = progress.usage
    output = max(stated.output, -(-progress.output_bytes // BYTES_PER_TOKEN))
    if stated.prompt:
        return msgspec.structs.replace(stated, output=output, output_estimated=True)
    return msgspec.structs.replace(
        stated, input=opened.input_tokens, output=output, input_estimated=True, output_estimated=True
    )
