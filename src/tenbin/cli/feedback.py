"""`tenbin feedback`: say of an answer whether it was good; through the running gateway, else straight to the ledger."""

import json
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tenbin.cli.language import say
from tenbin.cli.settings import config_option, data_directory, fail, gateway_url, read_file

if TYPE_CHECKING:
    from tenbin.config.model import Config
    from tenbin.measure.feedback import Given

EPILOG = """\b
Examples:
  tenbin feedback req_01K9ZC5T0M3JXW0000000000 good
  tenbin feedback req_01K9ZC5T0M3JXW0000000000 0.3 --comment "half of it was right"
  tenbin feedback req_01K9ZC5T0M3JXW0000000000 bad --json
\b
The request's id is the `x-tenbin-request-id` of its answer; `tenbin ledger` lists the
last ones. Programs send the same to POST /v1/feedback.
"""


@click.command(epilog=EPILOG)
@click.argument("request_id")
@click.argument("score")
@config_option
@click.option("--comment", help="Why. Kept only with `routing.learning.comments: true`.")
@click.option("--source", default="", help="Who says so, where several people share a key.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the ledger, where no gateway runs.  [default: as for `tenbin ledger`]",
)
@click.option("--json", "as_json", is_flag=True, help="For programs: {request_id, target, score, counts, ...}.")
def feedback(
    request_id: str,
    score: str,
    path: Path | None,
    comment: str | None,
    source: str,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Say that the answer to REQUEST_ID was good or bad; SCORE is `good`, `bad`, or 0 (bad) to 1 (good).

    Saying it again replaces what was said before.
    """
    from tenbin.core.problems import Unreadable
    from tenbin.measure.feedback import read

    sent = {"request_id": request_id, "score": score, "source": source}
    if comment is not None:
        sent["comment"] = comment
    try:
        given = read(json.dumps(sent).encode())
    except Unreadable as unreadable:
        raise click.UsageError(unreadable.problem.message) from unreadable
    config = read_file(path)[1]
    told = _by_gateway(config, sent) or _by_ledger(config, given, data_directory(data_dir, config))
    if as_json:
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    for line in _words(told):
        click.echo(line)


def _by_gateway(config: "Config", sent: dict[str, str]) -> dict[str, Any] | None:
    """What the running gateway says; None when none runs here."""
    from tenbin.cli.client import call, client_key, is_gateway
    from tenbin.config.address import split_listen

    url = gateway_url(*split_listen(config.listen))
    running = is_gateway(url)
    if running is False:
        fail(f"Somebody else answers at {url}. Name the gateway's file with --config, or stop that program.")
    if running is None:
        return None
    try:
        reply = call(url, "/v1/feedback", key=client_key(config), body=sent, seconds=20.0)
    except (OSError, HTTPException) as error:
        fail(f"The gateway at {url} did not answer: {error}. Try again.")
    told = reply.json()
    if reply.status != 200 or not isinstance(told, dict):
        error_said = told.get("error", {}) if isinstance(told, dict) else {}
        fail(str(error_said.get("message") or f"The gateway answered {reply.status}."))
    return told


def _by_ledger(config: "Config", given: "Given", directory: Path) -> dict[str, Any]:
    """Written down by this command itself: whoever has the ledger's folder may judge every request in it."""
    from sqlite3 import Error

    from tenbin.core import request_id
    from tenbin.core.problems import Unreadable
    from tenbin.execute.clock import SystemClock
    from tenbin.ledger.book import Book
    from tenbin.ledger.migrations import SchemaTooNew
    from tenbin.ledger.prices import PriceBook
    from tenbin.ledger.segments import DATABASE, LedgerUnusable
    from tenbin.measure.feedback import LOCAL, MASTER, weighed_against

    clock = SystemClock()
    if not (directory / DATABASE).exists():
        fail(f"No gateway runs here, and there is no ledger in {directory}. Name its folder: --data-dir.")
    now_ms = clock.now_ms()
    try:
        book = Book(directory, PriceBook(config.providers), clock)
    except LedgerUnusable as error:
        fail(str(error))
    try:
        book.recover()
        if not book.flush():
            fail("; ".join(book.health().reasons) or f"The ledger in {directory} does not take what is written.")
        found = weighed_against(
            directory / DATABASE,
            given,
            key_id=MASTER if config.master_key is not None or config.keys else LOCAL,
            everybodys=True,
            learning=config.routing.learning,
            request_id=request_id.new(now_ms, clock.bits()),
            now_ms=now_ms,
        )
        if found.receipt is not None:
            book.settle(found.receipt)
        return found.told
    except Unreadable as unreadable:
        fail(unreadable.problem.message)
    except (OSError, SchemaTooNew, Error) as error:
        fail(f"The ledger in {directory} cannot be read: {error}.")
    finally:
        book.close()


def _words(told: dict[str, Any]) -> list[str]:
    target, score, request = told["target"], f"{told['score']:g}", told["request_id"]
    if told["repeated"]:
        return [say(f"That was said of {request} already: {score}.", f"{request} への評価 {score} は記録済みです。")]
    entry = told.get("entry")
    if entry:
        gone = say(" It is removed.", " 削除しました。") if told["counts"] else ""
        answered = say(f"The cache's entry {entry} answered {request}.", f"キャッシュのエントリ {entry} の応答です。")
        return [answered + gone]
    lines = [
        say(
            f"Kept: {score} for what {target} answered to {request}.",
            f"記録しました: {request} ({target}) の評価 {score}",
        )
    ]
    if told["replaces"] is not None:
        lines.append(say(f"It replaces {told['replaces']:g}.", f"以前の評価 {told['replaces']:g} を置き換えました。"))
    if not told["counts"]:
        lines.append(
            say(
                "It does not change any choice: the request was not weighed, or `routing.learning.evidence` is off.",
                "選択には影響しません (比較されなかった要求か、`routing.learning.evidence` が無効です)。",
            )
        )
    return lines
