"""7. The database's shape, as a list of steps; each is applied once, in order, and remembered by name."""

import sqlite3
from collections.abc import Callable, Sequence

Migration = Callable[[sqlite3.Connection], None]

MIGRATIONS: list[Migration] = []
"""In the order in which they are applied. Steps are only ever added, at the end."""


class SchemaTooNew(Exception):
    """The database was written by a newer Tenbin."""


def migration(step: Migration) -> Migration:
    """Register a step; its name in the database is the function's."""
    MIGRATIONS.append(step)
    return step


def applied(database: sqlite3.Connection) -> list[str]:
    """Names of the steps that this database has seen, in their order."""
    known = database.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migrations'").fetchone()
    if known is None:
        return []
    return [name for (name,) in database.execute("SELECT name FROM migrations ORDER BY rowid")]


def check_not_newer(database: sqlite3.Connection, where: str, steps: Sequence[Migration] | None = None) -> list[str]:
    """The steps applied so far. Raises SchemaTooNew when one of them is not ours."""
    done = applied(database)
    unknown = [name for name in done if name not in {step.__name__ for step in steps or MIGRATIONS}]
    if unknown:
        raise SchemaTooNew(
            f"{where} was written by a newer Tenbin (it has {', '.join(unknown)}). "
            f"Start that version, or give this one a directory of its own: ledger.directory in tenbin.yaml."
        )
    return done


def migrate(
    database: sqlite3.Connection, where: str = "the database", steps: Sequence[Migration] | None = None
) -> list[str]:
    """Bring the database to the newest shape, all or nothing; returns the names of the steps taken.

    ``steps``: another database's than the ledger's.

    The connection must be in autocommit mode (``isolation_level=None``). Raises SchemaTooNew.
    """
    steps = steps or MIGRATIONS
    pending = [step for step in steps if step.__name__ not in check_not_newer(database, where, steps)]
    if not pending:
        return []
    database.execute("BEGIN IMMEDIATE")
    try:
        # Again, now that nobody else can write: another process may have been faster.
        done = check_not_newer(database, where, steps)
        database.execute("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY) STRICT")
        pending = [step for step in steps if step.__name__ not in done]
        for step in pending:
            step(database)
            database.execute("INSERT INTO migrations (name) VALUES (?)", (step.__name__,))
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise
    return [step.__name__ for step in pending]


_REQUESTS = """
CREATE TABLE requests (
    id INTEGER PRIMARY KEY,
    request_id TEXT NOT NULL UNIQUE,
    arrived_at_ms INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    dialect TEXT NOT NULL,
    operation TEXT NOT NULL,
    path TEXT NOT NULL,
    requested_model TEXT NOT NULL,
    stream INTEGER NOT NULL,
    route TEXT NOT NULL,
    policy TEXT NOT NULL,
    session TEXT,
    client TEXT NOT NULL,
    outcome TEXT NOT NULL,
    status INTEGER NOT NULL,
    failure TEXT,
    provider TEXT,
    model TEXT,
    attempts INTEGER NOT NULL,
    queue_ms REAL NOT NULL,
    first_byte_ms REAL,
    total_ms REAL NOT NULL,
    input INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL,
    cache_write_1h INTEGER NOT NULL,
    output INTEGER NOT NULL,
    reasoning INTEGER NOT NULL,
    audio_input INTEGER NOT NULL,
    audio_output INTEGER NOT NULL,
    web_searches INTEGER NOT NULL,
    input_estimated INTEGER NOT NULL,
    output_estimated INTEGER NOT NULL,
    cost_nano INTEGER,
    billed_nano INTEGER,
    trace TEXT
) STRICT
"""

_ATTEMPTS = """
CREATE TABLE attempts (
    request INTEGER NOT NULL REFERENCES requests (id),
    number INTEGER NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    dialect TEXT NOT NULL,
    started_at_ms INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    failure TEXT,
    status INTEGER,
    message TEXT NOT NULL,
    input INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL,
    cache_write_1h INTEGER NOT NULL,
    output INTEGER NOT NULL,
    reasoning INTEGER NOT NULL,
    audio_input INTEGER NOT NULL,
    audio_output INTEGER NOT NULL,
    web_searches INTEGER NOT NULL,
    input_estimated INTEGER NOT NULL,
    output_estimated INTEGER NOT NULL,
    cost_nano INTEGER,
    price TEXT NOT NULL,
    provider_cost_nano INTEGER,
    billed_nano INTEGER,
    service_tier TEXT,
    first_byte_ms REAL,
    total_ms REAL NOT NULL,
    upstream_request_id TEXT,
    answered_model TEXT,
    stop_reason TEXT,
    PRIMARY KEY (request, number)
) STRICT, WITHOUT ROWID
"""

_WEIGHINGS = """
CREATE TABLE weighings (
    request INTEGER PRIMARY KEY REFERENCES requests (id),
    weighing TEXT NOT NULL
) STRICT
"""

_SIGNALS = """
CREATE TABLE signals (
    request INTEGER NOT NULL REFERENCES requests (id),
    position INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    about TEXT NOT NULL,
    target TEXT NOT NULL,
    task TEXT NOT NULL,
    domain TEXT NOT NULL,
    band TEXT NOT NULL,
    prior REAL,
    success REAL NOT NULL,
    weight REAL NOT NULL,
    count INTEGER NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (request, position)
) STRICT, WITHOUT ROWID
"""

_JOURNAL_POSITION = """
CREATE TABLE journal_position (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    segment INTEGER NOT NULL,
    offset INTEGER NOT NULL
) STRICT
"""


@migration
def m0001_requests_and_attempts(database: sqlite3.Connection) -> None:
    """One row a request, one row a call to a provider, and how far the journal has been entered."""
    database.execute(_REQUESTS)
    database.execute("CREATE INDEX requests_by_arrival ON requests (arrived_at_ms)")
    database.execute(_ATTEMPTS)
    database.execute(_JOURNAL_POSITION)


@migration
def m0002_weighings(database: sqlite3.Connection) -> None:
    """How the target was chosen, one row for each request that was weighed."""
    database.execute(_WEIGHINGS)


_CLIMBS = """
CREATE TABLE climbs (
    request INTEGER PRIMARY KEY REFERENCES requests (id),
    name TEXT NOT NULL,
    climb TEXT NOT NULL
) STRICT
"""


@migration
def m0003_gating(database: sqlite3.Connection) -> None:
    """Which rung of a ladder an attempt was, and how its answer was judged; what was planned for the ladder."""
    for column in ("rung INTEGER", "purpose TEXT", "gating TEXT"):
        database.execute(f"ALTER TABLE attempts ADD COLUMN {column}")
    database.execute(_CLIMBS)


@migration
def m0004_signals(database: sqlite3.Connection) -> None:
    """What requests told of earlier answers, one row a signal: evidence is folded from these alone."""
    database.execute(_SIGNALS)
    database.execute("CREATE INDEX signals_by_decision ON signals (about)")


_SHADOWS = """
CREATE TABLE shadows (
    request INTEGER PRIMARY KEY REFERENCES requests (id),
    of_request TEXT NOT NULL,
    cheap TEXT NOT NULL,
    strong TEXT NOT NULL,
    judge TEXT NOT NULL,
    preferred TEXT NOT NULL,
    fault TEXT NOT NULL,
    task TEXT NOT NULL,
    domain TEXT NOT NULL,
    band TEXT NOT NULL,
    prior REAL,
    unit TEXT NOT NULL
) STRICT
"""


@migration
def m0005_experiments(database: sqlite3.Connection) -> None:
    """Which arm of which experiment a request belonged to; what shadow evaluations compared."""
    for column in ("experiment", "arm", "unit"):
        database.execute(f"ALTER TABLE requests ADD COLUMN {column} TEXT")
    database.execute("CREATE INDEX requests_by_experiment ON requests (experiment, id) WHERE experiment IS NOT NULL")
    database.execute(_SHADOWS)


_CACHED = """
CREATE TABLE cached (
    request INTEGER PRIMARY KEY REFERENCES requests (id),
    result TEXT NOT NULL,
    tier TEXT NOT NULL,
    entry TEXT NOT NULL,
    why TEXT NOT NULL,
    age_ms INTEGER NOT NULL,
    similarity REAL,
    saved_nano INTEGER,
    saved_ms INTEGER NOT NULL,
    scope TEXT NOT NULL,
    task TEXT NOT NULL,
    shadow INTEGER NOT NULL,
    shared INTEGER NOT NULL
) STRICT
"""


@migration
def m0006_cache(database: sqlite3.Connection) -> None:
    """What the response cache did, one row for each request that looked there."""
    database.execute(_CACHED)
    database.execute("CREATE INDEX cached_by_meaning ON cached (entry) WHERE tier = 'semantic'")


@migration
def m0008_compact_weighings(database: sqlite3.Connection) -> None:
    """A weighing in its compact form. Rows from before keep theirs as JSON in ``weighing``, which is empty since."""
    for column in ("category TEXT", "task TEXT", "packed BLOB"):
        database.execute(f"ALTER TABLE weighings ADD COLUMN {column}")


@migration
def m0009_hedging(database: sqlite3.Connection) -> None:
    """Which attempts were of a hedged pair: 1 the slow one, 2 the one asked beside it."""
    database.execute("ALTER TABLE attempts ADD COLUMN hedge INTEGER")


@migration
def m0010_budgets(database: sqlite3.Connection) -> None:
    """Whose request it was beyond its key; what budgets count for an attempt that nobody saw the end of."""
    for column in ("team", "user"):
        database.execute(f"ALTER TABLE requests ADD COLUMN {column} TEXT")
    database.execute("ALTER TABLE attempts ADD COLUMN reserved_nano INTEGER")


_CORRECTIONS = """
CREATE TABLE corrections (
    id INTEGER PRIMARY KEY,
    request INTEGER NOT NULL REFERENCES requests (id),
    number INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    nano INTEGER NOT NULL,
    stated_id TEXT NOT NULL,
    statement TEXT NOT NULL
) STRICT
"""


@migration
def m0011_corrections(database: sqlite3.Connection) -> None:
    """What providers' statements add to the cost of attempts: new rows beside those that were settled."""
    database.execute(_CORRECTIONS)
    database.execute("CREATE INDEX corrections_by_attempt ON corrections (request, number)")
