"""What caches saved and lost, added up from the ledger's attempts and the recorder's diagnoses."""

import sqlite3

from tenbin.core.price import Price
from tenbin.decide.prompt_caching.flight import Diagnosis
from tenbin.ledger.migrations import migrate
from tenbin.measure.prompt_caching import losses, uses
from tests.decide.prompt_caching.test_forecast import OPUS

DAY = 86_400_000


def price(provider: str, model: str, at_ms: int) -> Price | None:
    return Price("opus", ((0, OPUS),)) if provider == "anthropic" else None


def ledger(*rows: tuple[str, str, int, int, int, int, int]) -> sqlite3.Connection:
    """Attempts: provider, model, day, plain, read, written for 5 minutes, for an hour."""
    database = sqlite3.connect(":memory:", isolation_level=None)
    migrate(database)
    for number, (provider, model, day, plain, read, short, long) in enumerate(rows):
        values = {
            "request": number,
            "number": 1,
            "provider": provider,
            "model": model,
            "dialect": "anthropic",
            "started_at_ms": day * DAY + 5,
            "outcome": "answered",
            "message": "",
            "price": "",
            "total_ms": 1.0,
            "input": plain,
            "cache_read": read,
            "cache_write_5m": short,
            "cache_write_1h": long,
            **dict.fromkeys(("output", "reasoning", "audio_input", "audio_output", "web_searches"), 0),
            **dict.fromkeys(("input_estimated", "output_estimated"), 0),
        }
        names = ", ".join(values)
        database.execute(
            f"INSERT INTO attempts ({names}) VALUES ({', '.join('?' * len(values))})", tuple(values.values())
        )
    return database


def test_reads_save_and_writes_cost_at_the_models_own_prices() -> None:
    database = ledger(("anthropic", "opus", 10, 100, 9_000, 1_000, 0), ("anthropic", "opus", 11, 0, 0, 0, 500))
    (row,) = uses(database, 0, price)
    assert (row.calls, row.prompt, row.read, row.written) == (2, 10_600, 9_000, 1_500)
    assert row.saved_nano == 9_000 * 3_800 - 1_000 * 1_000 - 500 * 4_000
    assert row.share == 9_000 / 10_600


def test_only_what_came_since_is_counted_and_an_unknown_price_stays_unknown() -> None:
    database = ledger(("anthropic", "opus", 10, 100, 0, 0, 0), ("else", "m", 12, 1_000, 10, 0, 0))
    (row,) = uses(database, 11 * DAY, price)
    assert row.target == "else/m"
    assert row.saved_nano is None


def diagnosis(cause: str, block: str, lost: int | None, at: int) -> Diagnosis:
    return Diagnosis(
        request_id=f"r{at}",
        before="r0",
        at_ms=at,
        target="anthropic/opus",
        cause=cause,  # type: ignore[arg-type]
        block=block,
        expected=1_000,
        read=0,
        lost_nano=lost,
        silent_ms=1,
    )


def test_losses_of_one_kind_are_one_row_the_dearest_first() -> None:
    rows = losses(
        [
            diagnosis("client", "turn 7 (user), part 1", 5, 1),
            diagnosis("client", "turn 9 (user), part 2", 6, 2),
            diagnosis("client", "system 1", 50, 3),
            diagnosis("time", "", None, 4),
        ]
    )
    assert [(row.cause, row.block, row.times, row.lost_nano) for row in rows] == [
        ("client", "system 1", 1, 50),
        ("client", "a later turn (user)", 2, 11),
        ("time", "", 1, None),
    ]
    assert rows[1].example == "r2"
