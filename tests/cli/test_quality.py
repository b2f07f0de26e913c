"""`tenbin quality` on a ledger with verdicts, and on none."""

import contextlib
import json
import sqlite3
from pathlib import Path

from tenbin.ledger.migrations import migrate
from tests.cli.conftest import Run
from tests.measure.experiments.making import enter
from tests.measure.experiments.test_kept import an_evaluation


def test_no_ledger_yet(run: Run) -> None:
    result = run("quality")
    assert result.exit_code == 1
    assert "there is no ledger" in result.output


def test_the_share_with_its_interval(run: Run, workplace: Path) -> None:
    directory = workplace.parent / "ledger"
    directory.mkdir()
    with contextlib.closing(sqlite3.connect(directory / "ledger.sqlite", isolation_level=None)) as database:
        migrate(database)
        enter(database, [an_evaluation(n, "tie" if n else "strong") for n in range(10)])
    assert "Quality kept: 90.0%" in run("quality").output
    plain = json.loads(run("quality", "--json").output)
    assert plain["all"]["judged"] == 10
    assert json.loads(run("quality", "--json", "--days", "1").output)["evaluations"] in (0, 10)
