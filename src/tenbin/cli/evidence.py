"""`tenbin evidence`: what was learned of models in one's own traffic, cell by cell, with its counts."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tenbin.cli.language import say
from tenbin.cli.settings import config_option, data_directory, fail, read_file

if TYPE_CHECKING:
    from tenbin.measure.evidence import Line, Seen

EPILOG = """\b
Examples:
  tenbin evidence
  tenbin evidence --key ann --all
  tenbin evidence --json | jq '.cells[] | select(.trials > 5)'
\b
Counts are trials: a failing test run counts 0.2, feedback 2 (docs/evidence.md has them
all). They fade, half after 30 days. `routing.learning.evidence: true` switches it on.
"""

FIRST = 40
"""Cells that are shown without --all."""


@click.command(epilog=EPILOG)
@config_option
@click.option("--key", help="Only the evidence of this key (its name; `local` without keys).")
@click.option("--all", "everything", is_flag=True, help=f"All cells, not only the {FIRST} with the most trials.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the ledger.  [default: as for `tenbin ledger`]",
)
@click.option("--json", "as_json", is_flag=True, help="For programs: {counted, cells: [...], signals: [...]}.")
def evidence(path: Path | None, key: str | None, everything: bool, data_dir: Path | None, as_json: bool) -> None:
    """Show what tests, edits, people, gates and feedback said of each model, and what it changed.

    `prior` is what was expected of these requests, `now` what it has become. A line without a task stands for all that
    the model did.
    """
    from sqlite3 import Error

    from tenbin.app import MOST_SIGNALS
    from tenbin.cli.ledger import database_path
    from tenbin.execute.clock import SystemClock
    from tenbin.ledger.migrations import SchemaTooNew
    from tenbin.ledger.queries import reading, signals
    from tenbin.measure.evidence import kinds, learned, lines

    config = read_file(path)[1]
    database = database_path(data_directory(data_dir, config))
    try:
        with reading(database) as connection:
            told = signals(connection, MOST_SIGNALS)
    except (FileNotFoundError, SchemaTooNew) as error:
        fail(str(error))
    except Error as error:
        fail(f"The ledger {database} cannot be read: {error}.")
    learning = config.routing.learning
    cells = lines(learned(told, pooled=learning.pooled), SystemClock().now_ms(), key)
    seen = kinds(told, key)
    if as_json:
        plain = {
            "counted": learning.evidence,
            "cells": [_plain(one) for one in cells],
            "signals": [_plain(s) for s in seen],
        }
        click.echo(json.dumps(plain, indent=2, ensure_ascii=False))
        return
    for line in _shown(cells, seen, counted=learning.evidence, everything=everything):
        click.echo(line)


def _plain(one: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(one)


def _shown(cells: "list[Line]", seen: "list[Seen]", *, counted: bool, everything: bool) -> list[str]:
    from tenbin.cli.weighing import aligned

    told = []
    if not counted:
        told.append(
            say(
                "Evidence is not counted: set `routing.learning.evidence: true`. What the ledger holds is shown.",
                "実績は数えていません。`routing.learning.evidence: true` で有効になります。届いた評価は表示します。",
            )
        )
    if not cells:
        return [*told, say("Nothing is known of any model yet.", "まだ何も分かっていません。")]
    most = sorted(cells, key=lambda one: -one.trials)[: len(cells) if everything else FIRST]
    head = [
        say(*words)
        for words in (
            ("key", "鍵"),
            ("target", "送り先"),
            ("task", "作業"),
            ("domain", "分野"),
            ("difficulty", "難しさ"),
            ("good", "良"),
            ("trials", "回数"),
            ("prior", "事前"),
            ("now", "現在"),
        )
    ]
    shown = [one for one in cells if one in most]
    table = [head, *([*_names(one), *_figures(one)] for one in shown)]
    told += aligned(table, right=range(5, 9))
    if len(shown) < len(cells):
        left = len(cells) - len(shown)
        told.append(say(f"{left} more cells: --all shows them.", f"ほかに {left} 件。--all で表示します。"))
    said = ", ".join(f"{one.kind} {one.requests}" for one in seen)
    told += ["", say(f"Signals: {said}", f"兆候: {said}")]
    return told


def _names(one: "Line") -> list[str]:
    return [one.key, one.target, one.task or "*", one.domain or "*", one.band or "*"]


def _figures(one: "Line") -> list[str]:
    return [f"{one.successes:.1f}", f"{one.trials:.1f}", f"{one.prior:.2f}", f"{one.posterior:.2f}"]
