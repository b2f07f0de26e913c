"""`tenbin cache doctor`: what providers' prompt caches save, what broke prefixes, what that cost, and the fix."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tenbin.cli.language import say
from tenbin.cli.ledger import columns, database_path
from tenbin.cli.settings import config_option, data_directory, fail, read_file

if TYPE_CHECKING:
    from tenbin.decide.prompt_caching.flight import Cause
    from tenbin.measure.prompt_caching import Loss, ModelUse

EPILOG = """\b
Examples:
  tenbin cache doctor
  tenbin cache doctor --days 30 --json | jq '.losses[0]'
"""

DAY_MS = 86_400_000


@click.command(name="doctor", epilog=EPILOG)
@config_option
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the ledger.  [default: from `ledger.directory`, else $TENBIN_HOME, else ~/.tenbin]",
)
@click.option("--days", type=click.IntRange(1), default=7, show_default=True, help="How far to look back.")
@click.option("--json", "as_json", is_flag=True, help="For programs. Amounts are USD as decimal text, exact.")
def doctor(path: Path | None, data_dir: Path | None, days: int, as_json: bool) -> None:
    """Show what providers' prompt caches saved, what broke prefixes, what that cost, and what to do about it.

    Looks at conversations that name themselves, as Claude Code's do; nobody's words are kept, only digests.
    """
    import sqlite3

    from tenbin.app import cache_directory
    from tenbin.execute.flight_recorder import diagnoses
    from tenbin.ledger import queries
    from tenbin.ledger.migrations import SchemaTooNew
    from tenbin.ledger.prices import PriceBook
    from tenbin.measure.prompt_caching import losses, uses

    config = read_file(path)[1]
    directory = data_directory(data_dir, config)
    since = int(time.time() * 1000) - days * DAY_MS
    prices = PriceBook(config.providers, cache=cache_directory())
    try:
        with queries.reading(database_path(directory)) as connection:
            models = uses(connection, since, prices.price)
        lost = losses(diagnoses(directory, since))
    except (FileNotFoundError, SchemaTooNew) as error:
        fail(str(error))
    except sqlite3.Error as error:
        fail(f"What is kept in {directory} cannot be read: {error}.")
    if as_json:
        report = {"days": days, "models": [_model(one) for one in models], "losses": [_loss(one) for one in lost]}
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
        return
    for line in _told(models, lost, days):
        click.echo(line)


def fix(cause: "Cause", block: str) -> str:
    """What to do about it, in the terminal's language."""
    if cause == "client" and block.startswith("tool"):
        return say(
            "The client adds, drops or rewrites tools in the middle of conversations. Offer the same tools, in the "
            "same order, from the first turn on.",
            "クライアントが会話の途中でツールを追加・削除・変更しています。最初のターンから同じツールを同じ順序で渡してください。",
        )
    if cause == "client" and block.startswith("system"):
        return say(
            "The client's system prompt changes between turns: a time, a counter, a list of files? Move what changes "
            "behind the last mark, into the latest user turn.",
            "システムプロンプトがターンごとに変わっています(時刻、カウンター、ファイル一覧など)。変わる部分は最後の"
            "キャッシュ印より後ろ、最新のユーザーターンに移してください。",
        )
    return say(*_FIXES[cause])


_FIXES: dict[str, tuple[str, str]] = {
    "client": (
        "The client rewrote earlier turns (a compaction, a trimmed tool result, a changed reminder). Rewrite rarely "
        "and much at once, best when the cache has lapsed anyway.",
        "クライアントが過去のターンを書き換えました(要約、ツール結果の短縮、リマインダーの変更)。書き換えはまれに、"
        "まとめて、キャッシュが切れた時に行うのが最善です。",
    ),
    "gateway": (
        "Tenbin changed this block on its way through: the conversation went to another model before, or the provider "
        "does not take what the client sent. `tenbin explain --request ID` shows the route.",
        "Tenbin が通過時にこのブロックを変更しました(以前は別のモデルだった、またはプロバイダーが受け付けない内容)。"
        "`tenbin explain --request ID` で経路を確認できます。",
    ),
    "translation": (
        "Translating to this provider's dialect wrote the block differently than before. Please report it, with the "
        "request's id.",
        "このプロバイダーの方言への変換で、ブロックが前回と異なる形になりました。リクエストIDを添えて報告してください。",
    ),
    "model": (
        "The conversation moved to another model, whose cache was cold. If that happens often, raise "
        "`routing.switch_margin` or pin the conversation.",
        "会話が別のモデルに移り、キャッシュがありませんでした。頻繁なら `routing.switch_margin` を上げるか、"
        "会話のモデルを固定してください。",
    ),
    "settings": (
        "Thinking, effort or the choice of tools changed, which spoils the cached turns. Keep them the same within a "
        "conversation.",
        "思考、effort、ツール選択が変わり、キャッシュが無効になりました。会話の中では同じ設定を保ってください。",
    ),
    "time": (
        "The entry had lapsed: nobody spoke for longer than it lives. Where pauses are usual, marks of one hour pay "
        "from the third use on.",
        "有効期限が切れていました。間が空くことが多いなら、1時間のキャッシュ印は3回目の利用から得になります。",
    ),
    "unmarked": (
        "The client set no mark, so nothing could be read. Set `prompt_caching.place: all`, and Tenbin sets them.",
        "クライアントがキャッシュ印を付けていません。`prompt_caching.place: all` にすると Tenbin が付けます。",
    ),
    "provider": (
        "Nothing changed and the entry should have lived: the provider had dropped it, or another of its machines "
        "answered. Nothing to be done here.",
        "何も変わらず期限内でしたが、プロバイダー側で失われたか、別のマシンが応答しました。こちらでできることはありません。",
    ),
}


def _told(models: "list[ModelUse]", lost: "list[Loss]", days: int) -> list[str]:
    from tenbin.core.money import format_usd

    def money(nano: int | None) -> str:
        return say("unknown", "不明") if nano is None else format_usd(nano)

    if not models:
        return [
            say(f"No prompt was sent in the last {days} days.", f"この {days} 日間、プロンプトは送られていません。")
        ]
    lines = columns(
        [
            {
                "model": one.target,
                "calls": f"{one.calls:,}",
                "prompt": f"{one.prompt:,}",
                "read": f"{one.share:.0%}",
                "written": f"{one.written:,}",
                "saved": money(one.saved_nano),
            }
            for one in models
        ]
    )
    if not lost:
        return [*lines, "", say("No broken prefix was seen.", "壊れたプレフィックスは見つかりませんでした。")]
    for one in lost:
        what = f"{one.cause}: {one.block}" if one.block else one.cause
        times = say(
            f"{what}: {one.times} times, {one.tokens:,} tokens not read, {money(one.lost_nano)} lost "
            f"(latest: {one.example})",
            f"{what}: {one.times} 回、読めなかったトークン {one.tokens:,}、損失 {money(one.lost_nano)}"
            f"(最新: {one.example})",
        )
        lines += ["", times, f"  {fix(one.cause, one.block)}"]
    return lines


def _model(one: "ModelUse") -> dict[str, Any]:
    return {
        "target": one.target,
        "calls": one.calls,
        "prompt_tokens": one.prompt,
        "read_tokens": one.read,
        "written_tokens": one.written,
        "read_share": round(one.share, 4),
        "saved_usd": _usd(one.saved_nano),
    }


def _loss(one: "Loss") -> dict[str, Any]:
    return {
        "cause": one.cause,
        "block": one.block,
        "times": one.times,
        "tokens": one.tokens,
        "lost_usd": _usd(one.lost_nano),
        "latest_request": one.example,
        "fix": fix(one.cause, one.block),
    }


def _usd(nano: int | None) -> str | None:
    from tenbin.core.money import usd_decimal

    return None if nano is None else usd_decimal(nano)
