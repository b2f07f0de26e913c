"""`tenbin alerts`: whether alerts reach their receivers, and what was told."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from tenbin.cli.language import say
from tenbin.cli.settings import config_option, data_directory, fail, read_file

EPILOG = """\b
Examples:
  tenbin alerts test    send one message to every receiver, and see which worked
  tenbin alerts list    what was told, what waits, what failed
"""


@click.group(epilog=EPILOG)
def alerts() -> None:
    """Alerts of money and trouble: whether they arrive, and what was told.

    Who is told of what stands under `alerts` of tenbin.yaml (docs/alerts.md).
    """


TEST_EPILOG = """\b
Examples:
  tenbin alerts test
  tenbin alerts test --to 2         only the second of alerts.to
"""


@alerts.command(epilog=TEST_EPILOG)
@click.option("--to", "number", type=click.IntRange(1), help="Only this one of alerts.to, counted from 1.")
@config_option
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def test(number: int | None, path: Path | None, as_json: bool) -> None:
    """Send a message to every receiver and say which worked. Ends with 1 if any did not. Needs no running gateway."""
    from tenbin.execute.alerts.receivers import CannotSend, Receiver, receivers
    from tenbin.execute.alerts.words import trial
    from tenbin.execute.clock import SystemClock

    settings = read_file(path)[1].alerts
    if not settings.to:
        fail(
            say(
                'Nobody is to be told. Write, for example, `alerts: {to: ["mailto://user:${MAIL_PASSWORD}@host"]}`.',
                '通知先がありません。例: `alerts: {to: ["mailto://user:${MAIL_PASSWORD}@host"]}`',
            )
        )
    try:
        found = receivers(settings.to, settings.timeout_seconds)
    except CannotSend as error:
        fail(str(error))
    if number is not None:
        found = [one for one in found if one.label.startswith(f"{number}. ")]
        if not found:
            fail(say(f"alerts.to has no number {number}.", f"alerts.to に {number} 番はありません。"))
    words = trial(0, SystemClock().now_ms()).words(settings.language)

    async def all_of_them(them: list[Receiver]) -> list[str]:
        return await asyncio.gather(*(one.send("info", f"[Tenbin] {words.title}", words.body) for one in them))

    faults = asyncio.run(all_of_them(found))
    if as_json:
        told = [{"receiver": one.label, "sent": not why, "why": why} for one, why in zip(found, faults, strict=True)]
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        for one, why in zip(found, faults, strict=True):
            click.echo(f"{one.label}: " + (say(f"failed: {why}", f"失敗: {why}") if why else say("sent", "送信済み")))
    if any(faults):
        raise SystemExit(1)


LIST_EPILOG = """\b
Examples:
  tenbin alerts list
  tenbin alerts list -n 100 --json | jq '.messages[] | select(.state == "failed")'
"""


@alerts.command("list", epilog=LIST_EPILOG)
@config_option
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the ledger.  [default: as for `tenbin ledger`]",
)
@click.option("--limit", "-n", type=click.IntRange(1), default=20, show_default=True, help="How many to show.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_alerts(path: Path | None, data_dir: Path | None, limit: int, as_json: bool) -> None:
    """Show the last messages, for each receiver whether it has them, and what waits to be told."""
    from sqlite3 import Error

    from tenbin.execute.alerts.store import DATABASE, Log, read_log

    directory = data_directory(data_dir, read_file(path)[1])
    try:
        log = read_log(directory / DATABASE, limit)
    except FileNotFoundError:
        log = Log(messages=(), held=(), held_in_all=0)
    except Error as error:
        fail(f"{directory / DATABASE} cannot be read: {error}.")
    if as_json:
        import msgspec

        click.echo(json.dumps(msgspec.to_builtins(log), indent=2, ensure_ascii=False))
        return
    for line in told(log):
        click.echo(line)


def told(log: Any) -> list[str]:
    """The log in words."""
    from tenbin.cli.ledger import columns

    if not log.messages and not log.held:
        return [say("Nothing was told yet.", "通知はまだありません。")]
    states = {"sent": say("sent", "送信済み"), "waiting": say("waiting", "待機中"), "failed": say("failed", "失敗")}
    rows = [
        {
            "time": datetime.fromtimestamp(one.at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M"),
            "receiver": one.receiver,
            "state": states[one.state],
            "message": one.title,
            "why": one.why if one.state != "sent" else "",
        }
        for one in log.messages
    ]
    lines = columns(rows) if rows else []
    if log.held_in_all:
        count = f"{log.held_in_all:,}"
        lines += ["", say(f"{count} held back, the newest:", f"保留中 {count} 件 (新しい順):")]
        lines += [f"  {title}" for title in log.held]
    return lines
