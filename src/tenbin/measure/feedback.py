"""8. What people say of an answer, outright: read, held against the ledger, made a receipt with one signal.

The same for ``POST /v1/feedback`` and for ``tenbin feedback``; whoever calls settles the receipt.
"""

import math
import re
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeAlias

import msgspec

from tenbin.config.learning import Learning
from tenbin.core.cached import Cached
from tenbin.core.problems import Problem, Unreadable, invalid
from tenbin.core.receipt import Receipt
from tenbin.core.signal import Signal
from tenbin.decide.signals import decided_by, scored, taken_back
from tenbin.ledger import queries

OPERATION = "feedback"
"""``Receipt.operation`` of feedback."""
DIALECT = "tenbin"
"""``Receipt.dialect`` of it: it is said in no provider's words."""
WORDS = {"good": 1.0, "bad": 0.0}
WRONG = 0.5
"""Below this an answer out of the response cache is taken for wrong."""
MOST_COMMENT = 4_000
"""Characters of a comment."""
MOST_SOURCE = 128
MASTER, LOCAL = "master", "local"
"""Key ids of the master key, and of a caller where no key is needed."""

Score: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Given(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Feedback as it is sent: a JSON object."""

    request_id: str
    """Of the answer that is judged: ``x-tenbin-request-id`` of its headers."""
    score: float | str
    """``good``, ``bad``, or 0 (bad) to 1 (good)."""
    comment: str | None = None
    """Content: kept only where ``routing.learning.comments`` says so."""
    source: str = ""
    """Who judges, where one key serves several people. The same source judging again replaces what it said."""


class Found(NamedTuple):
    """What is to be done about one feedback."""

    told: dict[str, Any]
    """The answer to whoever gave it."""
    receipt: Receipt | None
    """To be settled; None where the same was said before, or nobody's evidence is made of it."""
    wrong: Cached | None = None
    """The hit of the response cache that is said to be wrong."""
    given_ms: int = 0
    """When that hit had been given, UTC."""


def read(body: bytes) -> Given:
    """The feedback in a body. Raises Unreadable."""
    try:
        given = msgspec.json.decode(body, type=Given)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Unreadable(_unfit(error)) from error
    score_of(given.score)
    if not given.request_id.strip():
        raise Unreadable(invalid(f"request_id: it is empty. {_WHERE}", param="request_id"))
    if given.comment is not None and len(given.comment) > MOST_COMMENT:
        raise Unreadable(invalid(f"comment: at most {MOST_COMMENT} characters are taken.", param="comment"))
    if len(given.source) > MOST_SOURCE:
        raise Unreadable(invalid(f"source: at most {MOST_SOURCE} characters are taken.", param="source"))
    return given


def score_of(score: float | str) -> float:
    """0..1. Raises Unreadable."""
    if isinstance(score, str):
        word = score.strip().lower()
        if word in WORDS:
            return WORDS[word]
        try:
            score = float(word)
        except ValueError:
            score = -1.0
    if not 0 <= score <= 1:
        raise Unreadable(invalid("score: write good, bad, or a number from 0 (bad) to 1 (good).", param="score"))
    return float(score)


def weighed_against(
    database: Path,
    given: Given,
    *,
    key_id: str,
    everybodys: bool,
    learning: Learning,
    request_id: str,
    now_ms: int,
    policy: str = "",
) -> Found:
    """Hold feedback against the ledger. Blocks on the disk; the ledger must hold all that is settled (Book.flush).

    ``key_id`` is the caller's: only one's own requests can be judged, unless ``everybodys`` may be. ``request_id`` is
    the feedback's own. Raises Unreadable for what cannot be judged; FileNotFoundError, SchemaTooNew, sqlite3.Error.
    """
    score = score_of(given.score)
    with queries.reading(database) as connection:
        judged = queries.receipt(connection, given.request_id.strip())
        earlier = queries.signals_about(connection, judged.request_id) if judged is not None else []
    if judged is None or not (everybodys or key_id == judged.key_id) or judged.operation == OPERATION:
        raise Unreadable(_unknown(given.request_id))
    if judged.cached is not None and judged.cached.result == "hit":
        return _of_hit(judged, judged.cached, score)
    about = decided_by(judged)
    if judged.operation != "generate" or about is None:
        message = f"request_id: nobody answered {judged.request_id}, so there is nothing to judge."
        raise Unreadable(Problem(status=409, code="invalid_request_error", message=message, param="request_id"))
    source = f"{key_id}/{given.source}" if given.source else key_id
    said = [one for one in earlier if one.signal.kind == "feedback" and one.signal.source == source]
    # Its last word: each one that is taken back is followed by another.
    standing = next((one for one in reversed(said) if one.signal.weight >= 0), None)
    before = standing.signal if standing is not None else None
    told: dict[str, Any] = {
        "object": "feedback",
        "request_id": judged.request_id,
        "target": about.target,
        "score": score,
        "replaces": before.success if before is not None and before.success != score else None,
        "repeated": before is not None and before.success == score,
        "counts": learning.evidence and about.prior is not None,
    }
    if told["repeated"]:
        return Found(told, None)
    signal = scored("feedback", about, score, learning.weights, key_id=judged.key_id, source=source)
    signals = (signal,) if standing is None else (taken_back(standing.signal, standing.at_ms), signal)
    kept = (("comment", given.comment),) if given.comment and learning.comments else ()
    return Found(told, _receipt(signals, kept, key_id, request_id, now_ms, policy))


def _of_hit(judged: Receipt, hit: Cached, score: float) -> Found:
    """What is said of an answer out of the cache: no model is judged by it, but a bad one is not given again."""
    wrong = score < WRONG
    told = {
        "object": "feedback",
        "request_id": judged.request_id,
        "target": "",
        "entry": hit.entry,
        "score": score,
        "replaces": None,
        "repeated": False,
        "counts": wrong,
    }
    return Found(told, None, hit if wrong else None, judged.arrived_at_ms + math.ceil(judged.total_ms))


def _receipt(
    signals: tuple[Signal, ...],
    kept: tuple[Any, ...],
    key_id: str,
    request_id: str,
    now_ms: int,
    policy: str,
) -> Receipt:
    return Receipt(
        request_id=request_id,
        arrived_at_ms=now_ms,
        key_id=key_id,
        dialect=DIALECT,
        operation=OPERATION,
        path="/v1/feedback",
        requested_model="",
        stream=False,
        route=OPERATION,
        outcome="answered",
        status=200,
        policy=policy,
        trace=kept,
        signals=signals,
    )


_WHERE = "It is the `x-tenbin-request-id` of the answer's headers; `tenbin ledger` lists the last ones."


def _unknown(request_id: str) -> Problem:
    message = f"request_id: no request {request_id[:60]!r} of yours is in the ledger. {_WHERE}"
    return Problem(status=404, code="not_found_error", message=message, param="request_id", should_retry=False)


def _unfit(error: Exception) -> Problem:
    said = str(error)
    form = 'Send {"request_id": "req_...", "score": "good"}; score may be bad or 0..1, comment and source are optional.'
    named = re.search(r"(?:field `|\$\.)([^`]{1,60})`", said)
    if named is not None:
        field = named.group(1)
        return invalid(f"{field}: {said.partition(' - at')[0]}. {form}", param=field)
    return invalid(f"The body is no feedback: {said}. {form}")
