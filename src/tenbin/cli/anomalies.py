"""`tenbin anomalies`: days and hours on which spending was out of the usual, whose, and what drove it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from tenbin.cli.budget_words import KINDS
from tenbin.cli.language import is_japanese, say
from tenbin.cli.settings import config_option, data_directory, fail, read_file
from tenbin.core.money import format_about, nano_from_usd, usd_decimal
from tenbin.measure.spending.anomalies import Anomaly, Rule
from tenbin.measure.spending.unusual import Found

SCOPES = ("team", "user", "key", "route", "model")

EPILOG = """\b
Examples:
  tenbin anomalies
  tenbin anomalies --days 30 --by key --by model
  tenbin anomalies --json | jq '.anomalies[] | select(.severity == "critical")'
\b
Two rules: above the mean + 3 standard deviations of the days before (`mean + 3 sd`), and
above what growth, weekdays and scatter allow (`robust`); docs/pace.md has them in full.
"""

RULES: dict[Rule, tuple[str, str]] = {
    "mean_3sd": ("mean + 3 sd", "平均 + 3 標準偏差"),
    "robust": ("robust", "頑健"),
    "hour": ("hour", "1 時間"),
}
SEVERITIES = {"critical": ("critical", "重大"), "warning": ("warning", "注意")}


@click.command(epilog=EPILOG)
@config_option
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the ledger.  [default: as for `tenbin ledger`]",
)
@click.option("--days", type=click.IntRange(1, 365), default=7, show_default=True, help="How many days are judged.")
@click.option(
    "--by",
    type=click.Choice(SCOPES),
    multiple=True,
    default=("key", "route"),
    show_default="key, route",
    help="Whose spending is judged beside everybody's; may be given again.",
)
@click.option("--least", default="0.10", show_default=True, help="USD; who spent less on a day is not told of.")
@click.option("--json", "as_json", is_flag=True, help="For programs. Amounts are USD as decimal text, exact.")
def anomalies(
    path: Path | None, data_dir: Path | None, days: int, by: tuple[Any, ...], least: str, as_json: bool
) -> None:
    """Show days on which more was spent than usual, and whether the last hour is out of the usual.

    Days begin in `spending.timezone`. Today is judged as far as it has come.
    """
    from sqlite3 import Error

    from tenbin.cli.ledger import key_names
    from tenbin.execute.clock import SystemClock
    from tenbin.ledger.migrations import SchemaTooNew
    from tenbin.ledger.spending import spendings
    from tenbin.measure.spending.unusual import found_in

    config = read_file(path)[1]
    directory, zone = data_directory(data_dir, config), config.spending.timezone
    try:
        smallest = nano_from_usd(least)
    except ArithmeticError:
        raise click.BadParameter(f"{least!r} is no amount: write 0.10.", param_hint="--least") from None
    try:
        with spendings(directory) as spent:
            found = found_in(spent, SystemClock().now_ms(), zone, judge=days, by=by, least=smallest)
    except (FileNotFoundError, SchemaTooNew) as error:
        fail(str(error))
    except Error as error:
        fail(f"The ledger in {directory} cannot be read: {error}.")
    names = key_names(directory)
    if as_json:
        told = {"days_known": found.known_days, "anomalies": [_plain(one, found, names) for one in found.all]}
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        for line in _shown(found, names, zone, days):
            click.echo(line)


def _shown(found: Found, names: dict[str, str], zone: str, days: int) -> list[str]:
    from tenbin.cli.weighing import aligned

    one = found.known_days == 1
    known = say(f"{found.known_days} day{' is' if one else 's are'} known.", f"記録は {found.known_days} 日分です。")
    if not found.all:
        length = f"{days} day{'s' if days > 1 else ''}"
        return [say(f"Nothing out of the usual in {length}. {known}", f"この {days} 日に異常はありません。{known}")]
    heads = (
        ("when", "日時"),
        ("whose", "対象"),
        ("spent", "支出"),
        ("usual", "通常"),
        ("beyond", "閾値"),
        ("", ""),
        ("rule", "規則"),
        ("driven by", "主な要因"),
    )
    rows = [[say(*words) for words in heads]]
    rows += [_row(one, found, names, zone) for one in found.all]
    lines = aligned(rows, right=range(2, 5))
    coloured = [
        click.style(line, fg={"critical": "red", "warning": "yellow"}[one.severity])
        for line, one in zip(lines[1:], found.all, strict=True)
    ]
    return [lines[0], *coloured, "", known]


def _row(one: Anomaly, found: Found, names: dict[str, str], zone: str) -> list[str]:
    told = min(one.told, key=lambda judged: judged.threshold_nano)
    rules = " + ".join(say(*RULES[judged.rule]) for judged in one.told)
    if one.within_trend:
        rules += say(" (within its trend)", " (傾向の範囲内)")
    return [
        _when(one, zone),
        _whose(one.kind, one.name, names),
        format_about(one.spent_nano),
        format_about(told.usual_nano),
        format_about(told.threshold_nano),
        say(*SEVERITIES[one.severity]),
        rules,
        ", ".join(
            f"{_whose(kind, name, names)} +{format_about(more)}" for kind, name, more in found.drivers.get(one, ())
        ),
    ]


def _plain(one: Anomaly, found: Found, names: dict[str, str]) -> dict[str, Any]:
    return {
        "at": datetime.fromtimestamp(one.at_ms / 1000, UTC).isoformat(timespec="seconds"),
        "length": "hour" if one.told[0].rule == "hour" else "day",
        "scope": one.kind,
        "name": names.get(one.name, one.name) if one.kind == "key" else one.name,
        "id": one.name,
        "severity": one.severity,
        "spent_usd": usd_decimal(one.spent_nano),
        "within_trend": one.within_trend,
        "rules": [
            {
                "rule": judged.rule,
                "usual_usd": usd_decimal(judged.usual_nano),
                "threshold_usd": usd_decimal(judged.threshold_nano),
            }
            for judged in one.told
        ],
        "drivers": [
            {"scope": kind, "id": name, "name": names.get(name, name), "more_usd": usd_decimal(more)}
            for kind, name, more in found.drivers.get(one, ())
        ],
    }


def _when(one: Anomaly, zone: str) -> str:
    at = datetime.fromtimestamp(one.at_ms / 1000, ZoneInfo(zone))
    if one.told[0].rule == "hour":
        return say(f"{at:%Y-%m-%d} since {at:%H:%M}", f"{at:%Y-%m-%d} {at:%H:%M} 以降")
    return f"{at:%Y-%m-%d} ({'月火水木金土日'[at.weekday()]})" if is_japanese() else f"{at:%Y-%m-%d %a}"


def _whose(kind: str, name: str, names: dict[str, str]) -> str:
    said = say(*KINDS[kind])
    return said if kind == "global" else f"{said} {names.get(name, name) if kind == 'key' else name}"
