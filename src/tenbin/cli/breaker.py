"""`tenbin breaker`: whether spending is stopped at a running gateway, why, until when; and a person's reset."""

import json
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from tenbin.cli.language import say
from tenbin.cli.settings import config_option, fail, gateway_url, read_file

EPILOG = """\b
Examples:
  tenbin breaker                    what was spent lately, and who is stopped
  tenbin breaker reset              let all requests through again
  tenbin breaker reset --key alice  only this key's
\b
It needs the master key, an admin key in $TENBIN_KEY, or a gateway without keys.
"""
RESET_EPILOG = """\b
Examples:
  tenbin breaker reset
  tenbin breaker reset --key alice
"""
url_option = click.option("--url", help="The gateway's address.  [default: from `listen`]")
json_option = click.option("--json", "as_json", is_flag=True, help="For programs. Amounts are nano-USD.")


@click.group(invoke_without_command=True, epilog=EPILOG)
@config_option
@url_option
@json_option
@click.pass_context
def breaker(ctx: click.Context, path: Path | None, url: str | None, as_json: bool) -> None:
    """Show whether the breaker has stopped spending, why, and until when.

    It opens when more is spent in an hour or a day, or more suddenly, than spending.breaker of tenbin.yaml allows. Then
    all calls that cost money are refused until it has cooled; one at a time is tried; what it finds closes it.
    """
    if ctx.invoked_subcommand is not None:
        return
    state = _asked(path, url, "GET")
    if as_json:
        click.echo(json.dumps(state, indent=2, ensure_ascii=False))
        return
    for line in told(state):
        click.echo(line)


@breaker.command(epilog=RESET_EPILOG)
@click.option("--key", help="Only this key's: its id or its name.")
@config_option
@url_option
@json_option
def reset(key: str | None, path: Path | None, url: str | None, as_json: bool) -> None:
    """Let requests through again, and count anew from now on; also after a restart."""
    state = _asked(path, url, "DELETE", key)
    if as_json:
        click.echo(json.dumps(state, indent=2, ensure_ascii=False))
        return
    if not state["on"]:
        fail(_off())
    closed = [_whose(one) for one in state["closed"]]
    if closed:
        names = ", ".join(closed)
        click.echo(
            say(f"Closed: {names}. Requests go through again.", f"解除しました: {names}。リクエストは再び通ります。")
        )
    else:
        click.echo(
            say("Nothing was stopped. It counts anew from now on.", "遮断はありませんでした。今から数え直します。")
        )
    others = [one for one in state["scopes"] if one["state"] != "closed"]
    if others:
        names = ", ".join(_whose(one["key"]) for one in others)
        click.echo(say(f"Still stopped: {names}.", f"まだ遮断中: {names}。"))


def told(state: dict[str, Any]) -> list[str]:
    """The state in words."""
    from tenbin.core.money import format_usd

    if not state["on"]:
        return [_off()]
    words = {
        "closed": say("closed: requests go through", "閉: リクエストは通ります"),
        "open": say("OPEN: all calls are refused", "遮断中: すべて拒否します"),
        "half_open": say("half-open: one request at a time is tried", "半開: 1 件ずつ試します"),
    }
    lines = []
    for one in state["scopes"]:
        hour, day = format_usd(one["hour_nano"]), format_usd(one["day_nano"])
        lines.append(f"{_whose(one['key'])}: {words[one['state']]}")
        lines.append(say(f"  spent: {hour} in an hour, {day} in a day", f"  支出: 1 時間で {hour}、24 時間で {day}"))
        if one["state"] == "closed":
            continue
        spent, limit, rule = format_usd(one["spent_nano"]), format_usd(one["limit_nano"]), one["rule"]
        lines.append(say(f"  why: {rule}, {spent} of {limit}", f"  理由: {rule}、{spent} (上限 {limit})"))
        since, until = _time(one["opened_at_ms"]), _time(one["until_ms"])
        lines.append(say(f"  since {since}; tried from {until} on", f"  {since} から。{until} 以降に試行"))
        lines.append(say(f"  refused: {one['refused']:,} requests", f"  拒否: {one['refused']:,} 件"))
    if any(one["state"] != "closed" for one in state["scopes"]):
        fix = "tenbin breaker reset"
        lines.append(say(f"To let requests through at once: {fix}", f"すぐに再開するには: {fix}"))
    count = f"{state['refused']:,}"
    lines.append(say(f"{count} requests refused since the start.", f"起動以来の拒否: {count} 件"))
    return lines


def _off() -> str:
    return say(
        "The breaker is off. Set, for example, `spending: {breaker: {hourly_usd: 20}}` (docs/breaker.md).",
        "ブレーカーは無効です。例: `spending: {breaker: {hourly_usd: 20}}` (docs/breaker.md)。",
    )


def _whose(key: str | None) -> str:
    return say("all keys together", "全体") if key is None else say(f"key {key}", f"鍵 {key}")


def _asked(path: Path | None, url: str | None, method: str, key: str | None = None) -> dict[str, Any]:
    """What the running gateway answers; what stands against it is told and ends the command."""
    from tenbin.cli.client import call, client_key
    from tenbin.config import address

    config = read_file(path)[1]
    where = url or gateway_url(*address.split_listen(config.listen))
    page = f"/breaker?{urlencode({'key': key})}" if key is not None else "/breaker"
    try:
        reply = call(where, page, key=client_key(config), method=method)
    except (OSError, HTTPException) as error:
        why = getattr(error, "strerror", None) or error
        fail(
            say(
                f"No gateway answers at {where} ({why}). Start it with `tenbin serve`, or name its file: --config.",
                f"{where} のゲートウェイが応答しません ({why})。"
                "`tenbin serve` で起動するか、--config で設定ファイルを指定してください。",
            )
        )
    state = reply.json()
    if reply.status != 200 or not isinstance(state, dict):
        fail(reply.complaint)
    return state


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
