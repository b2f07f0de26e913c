"""A provider's statement, CSV or JSON lines with a call on each, read into charges. Pure."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from tenbin.core.money import NanoUSD, nano_from_usd
from tenbin.core.usage import Usage

COLUMNS: dict[str, tuple[str, ...]] = {
    "id": ("request_id", "id", "generation_id", "upstream_request_id", "request-id"),
    "time": ("time", "created_at", "timestamp", "date", "started_at"),
    "model": ("model", "model_permaslug", "model_id"),
    "cost": ("cost_usd", "cost", "total_cost", "cost_total", "amount_usd"),
    "nano": ("nano_usd", "cost_nano"),
    "input": ("input", "input_tokens", "uncached_input_tokens"),
    "prompt": ("prompt_tokens", "tokens_prompt", "native_tokens_prompt"),
    "cache_read": ("cache_read", "cache_read_input_tokens", "cached_tokens", "native_tokens_cached", "tokens_cached"),
    "cache_write_5m": ("cache_write_5m", "cache_creation_input_tokens", "cache_write_tokens"),
    "cache_write_1h": ("cache_write_1h",),
    "output": ("output", "output_tokens", "completion_tokens", "tokens_completion", "native_tokens_completion"),
    "reasoning": ("reasoning", "reasoning_tokens", "tokens_reasoning", "native_tokens_reasoning"),
    "web_searches": ("web_searches", "web_search_requests", "num_search_results"),
}
"""What is looked for, and the names that it may have; the first of them that a line has counts. ``prompt`` holds the
cached tokens, ``input`` does not."""

_MILLISECONDS_FROM = 10**11
"""A time that is a number from here on is milliseconds, below it seconds."""


class StatementUnreadable(Exception):
    """The file is no statement; the message names the line and what is wrong."""


class Charge(msgspec.Struct, frozen=True, gc=False):
    """One call on the statement."""

    line: int
    """In the file, from 1."""
    request_id: str = ""
    """The provider's own id of the call; empty where it states none."""
    at_ms: int | None = None
    """UTC ms."""
    model: str = ""
    nano: NanoUSD | None = None
    """What it cost; None where only tokens are stated."""
    usage: Usage | None = None
    """The tokens, where they are stated."""


def read(text: str) -> list[Charge]:
    """The charges of a statement; lines with the same id are one charge. Raises StatementUnreadable."""
    charges = [_charge(line, row) for line, row in _rows(text.removeprefix("\ufeff"))]
    if not charges:
        raise StatementUnreadable("it holds no line.")
    return list(_together(charges))


def _rows(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    beginning = text.lstrip()[:1]
    if beginning == "[":
        try:
            rows = json.loads(text, parse_float=Decimal)
        except ValueError as error:
            raise StatementUnreadable(f"it is no JSON: {error}.") from None
        yield from enumerate(map(_flat, rows), 1)
    elif beginning == "{":
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    yield number, _flat(json.loads(line, parse_float=Decimal))
                except ValueError as error:
                    raise StatementUnreadable(f"line {number} is no JSON: {error}.") from None
    else:
        reader = csv.DictReader(io.StringIO(text))
        known = {name for names in COLUMNS.values() for name in names}
        heads = {name.strip().lower() for name in reader.fieldnames or []}
        if not heads & known:
            raise StatementUnreadable("its first line names no column that is known: see docs/reconciliation.md.")
        for row in reader:
            yield reader.line_num, {str(name).strip().lower(): value for name, value in row.items()}


def _flat(row: Any) -> Mapping[str, Any]:
    """A JSON object; ``data``, as an API wraps it, and ``usage`` are opened."""
    if not isinstance(row, dict):
        raise StatementUnreadable(f"{row!r} is no JSON object.")
    row = row["data"] if isinstance(row.get("data"), dict) else row
    usage = row.get("usage")
    return {**usage, **row} if isinstance(usage, dict) else row


def _charge(line: int, row: Mapping[str, Any]) -> Charge:
    found = {name: _first(row, names) for name, names in COLUMNS.items()}
    cost, nano = found["cost"], found["nano"]
    try:
        amount = _whole(nano) if nano is not None else None if cost is None else nano_from_usd(_decimal(cost))
        usage = _usage({name: _whole(value) for name, value in found.items() if name in _COUNTS and value is not None})
        at_ms = None if found["time"] is None else _moment(found["time"])
    except (ValueError, ArithmeticError) as error:
        raise StatementUnreadable(f"line {line}: {error}.") from None
    if amount is None and usage is None:
        raise StatementUnreadable(f"line {line} states neither a cost nor tokens.")
    if amount is not None and amount < 0:
        raise StatementUnreadable(f"line {line}: a cost of {cost or nano} is none of a call.")
    return Charge(line, str(found["id"] or ""), at_ms, str(found["model"] or ""), amount, usage)


_BUCKETS = tuple(name for name in Usage.__struct_fields__ if name in COLUMNS)
_COUNTS = (*_BUCKETS, "prompt")


def _first(row: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)


def _decimal(value: Any) -> Decimal:
    try:
        number = Decimal(str(value).strip().lstrip("$"))
    except InvalidOperation:
        raise ValueError(f"{value!r} is no amount") from None
    if not number.is_finite():
        raise ValueError(f"{value!r} is no amount")
    return number


def _whole(value: Any) -> int:
    number = _decimal(value)
    if number < 0 or number != number.to_integral_value():
        raise ValueError(f"{value!r} is no count")
    return int(number)


def _usage(counts: dict[str, Any]) -> Usage | None:
    if not counts:
        return None
    prompt = counts.pop("prompt", None)
    if prompt is not None and "input" not in counts:
        cached = sum(counts.get(name, 0) for name in ("cache_read", "cache_write_5m", "cache_write_1h"))
        counts["input"] = max(0, prompt - cached)
    return Usage(**counts)


def _moment(value: Any) -> int:
    """UTC ms of a number of seconds or milliseconds, or of ISO 8601 (UTC where it has no zone)."""
    text = str(value).strip()
    try:
        number = Decimal(text)
    except InvalidOperation:
        try:
            moment = datetime.fromisoformat(text.replace(" UTC", "+00:00"))
        except ValueError:
            raise ValueError(f"{text!r} is no time") from None
        return int((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    return int(number if number >= _MILLISECONDS_FROM else number * 1000)


def _together(charges: list[Charge]) -> Iterator[Charge]:
    """Lines of the same call added up."""
    by_id: dict[str, Charge] = {}
    for charge in charges:
        if not charge.request_id:
            yield charge
            continue
        other = by_id.get(charge.request_id)
        by_id[charge.request_id] = charge if other is None else _sum(other, charge)
    yield from by_id.values()


def _sum(one: Charge, other: Charge) -> Charge:
    nano = None if one.nano is None or other.nano is None else one.nano + other.nano
    usage = one.usage
    if usage is not None and other.usage is not None:
        sums: dict[str, Any] = {name: getattr(usage, name) + getattr(other.usage, name) for name in _BUCKETS}
        usage = Usage(**sums)
    return msgspec.structs.replace(one, nano=nano, usage=usage)
