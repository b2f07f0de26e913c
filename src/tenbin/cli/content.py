"""`tenbin content`: look at what was asked and answered, where it is kept, and delete it."""

import json
import secrets
import sqlite3
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tenbin.cli.language import say
from tenbin.cli.settings import config_option, data_directory, fail, read_file
from tenbin.cli.time_given import iso_ms, shown_ms, span_ms

if TYPE_CHECKING:
    from tenbin.config.model import Config
    from tenbin.ledger.content import Content, ContentStore

EPILOG = """\b
Examples:
  tenbin content key                                  a new key, for TENBIN_CONTENT_KEY
  tenbin content show req_01K9ZC5T0M3JXW0000000000    what was asked and answered
  tenbin content purge --older 7d                     delete what is older than a week
\b
Nothing is kept unless `content.store` says so (docs/content.md).
"""

data_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the ledger.  [default: from `ledger.directory`, else $TENBIN_HOME, else ~/.tenbin]",
)


@click.group(epilog=EPILOG)
def content() -> None:
    """Requests and answers, where they are kept: look at one, delete them."""


@content.command()
def key() -> None:
    """Make a key for content: 32 random bytes in base64. Who loses it loses what it sealed."""
    from tenbin.config.content import KEY_BYTES

    click.echo(urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode())


@content.command()
@click.argument("request_id")
@config_option
@data_option
@click.option("--json", "as_json", is_flag=True, help="For programs: {request_id, at, key_id, path, status, ...}.")
def show(request_id: str, path: Path | None, data_dir: Path | None, as_json: bool) -> None:
    """Show what was asked with REQUEST_ID and what was answered."""
    from tenbin.ledger.content import ContentUnusable

    config = read_file(path)[1]
    try:
        with _opened(config, data_dir, sealed=True) as store:
            found = store.find(request_id)
    except (ContentUnusable, sqlite3.Error) as error:
        fail(str(error))
    if found is None:
        words = say(
            f"Nothing is kept of {request_id}: it was not stored, or its days are over.",
            f"{request_id} の内容は保存されていません (保存の対象外か、保存期間が過ぎています)。",
        )
        fail(words)
    if as_json:
        click.echo(json.dumps(_row(found), indent=2, ensure_ascii=False))
        return
    click.echo(f"{found.request_id}  {shown_ms(found.at_ms)}  {found.key_id}  POST {found.path}")
    _part(say("asked", "リクエスト"), found.request, found.request_bytes)
    status = str(found.status) if found.status else say("the client left", "クライアントが切断")
    _part(f"{say('answered', '応答')} ({status})", found.answer, found.answer_bytes)
    if not found.complete:
        click.echo(say("The answer was not given to its end.", "応答は途中で終わっています。"))


@content.command()
@config_option
@data_option
@click.option("--older", help="What is older than this: 7d, 12h.  [default: than content.days]")
@click.option("--request", "request_id", help="This request's alone.")
@click.option("--key-id", help="Of this key alone; by itself all of it, however young.")
@click.option("--all", "everything", is_flag=True, help="All of it.")
@click.option("--json", "as_json", is_flag=True, help="For programs: {deleted, left}.")
def purge(
    path: Path | None,
    data_dir: Path | None,
    older: str | None,
    request_id: str | None,
    key_id: str | None,
    everything: bool,
    as_json: bool,
) -> None:
    """Delete content, for good: by default what has outlived `content.days`. Needs no key of content."""
    from tenbin.ledger.content import ContentUnusable

    if everything and (older or request_id or key_id):
        raise click.UsageError("--all goes with no other choice.")
    config = read_file(path)[1]
    before_ms = None
    if older is not None or not (everything or request_id or key_id):
        span = span_ms(older) if older is not None else config.content.days * 86_400_000
        before_ms = time.time_ns() // 1_000_000 - span
    try:
        with _opened(config, data_dir, sealed=False) as store:
            gone = store.purge(before_ms=before_ms, request_id=request_id, key_id=key_id)
            left, oldest = store.counted()
    except (ContentUnusable, sqlite3.Error) as error:
        fail(str(error))
    if as_json:
        click.echo(json.dumps({"deleted": gone, "left": left, "oldest": iso_ms(oldest)}))
        return
    since = say(f", the oldest of {shown_ms(oldest)}", f" (最も古いものは {shown_ms(oldest)})") if left else ""
    click.echo(say(f"{gone} deleted, {left} left{since}.", f"{gone} 件を削除しました。残り {left} 件{since}。"))


def _opened(config: "Config", data_dir: Path | None, *, sealed: bool) -> "ContentStore":
    """The store beside the ledger, with its key where something is to be opened. Raises ContentUnusable."""
    from tenbin.ledger.content import DATABASE, ContentStore, ContentUnusable, key_from

    directory = data_directory(data_dir, config)
    if not (directory / DATABASE).exists():
        raise ContentUnusable(
            say(
                f"No content is kept in {directory}: `content.store` was never switched on there.",
                f"{directory} に内容は保存されていません (`content.store` が一度も有効になっていません)。",
            )
        )
    return ContentStore(directory, key_from(config.content, _no_chance) if sealed else None)


def _no_chance() -> int:
    """Looking makes no key: a missing key file is told."""
    raise FileNotFoundError("there is no such file")


def _part(name: str, data: bytes, size: int) -> None:
    cut = say(f", the first {len(data)}", f" (先頭の {len(data)} バイト)") if size > len(data) else ""
    click.echo(f"\n{name}: {size} {say('bytes', 'バイト')}{cut}")
    try:
        text = json.dumps(json.loads(data), indent=2, ensure_ascii=False)
    except ValueError:
        text = data.decode("utf-8", "replace")
    # Control characters of a prompt are not the terminal's to obey.
    click.echo("".join(one if one.isprintable() or one in "\n\t" else "\ufffd" for one in text))


def _row(found: "Content") -> dict[str, Any]:
    return {
        "request_id": found.request_id,
        "at": iso_ms(found.at_ms),
        "key_id": found.key_id,
        "path": found.path,
        "status": found.status or None,
        "complete": found.complete,
        "request": found.request.decode("utf-8", "replace"),
        "request_bytes": found.request_bytes,
        "answer": found.answer.decode("utf-8", "replace"),
        "answer_bytes": found.answer_bytes,
    }
