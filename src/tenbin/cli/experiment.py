"""`tenbin experiment`: two policies on live traffic, from start to report."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from tenbin.cli.language import say
from tenbin.cli.ledger import database_path
from tenbin.cli.settings import config_option, data_directory, fail, read_file, settle

if TYPE_CHECKING:
    from tenbin.config.experiments import Arm, Experiment

EPILOG = """\b
Examples:
  tenbin experiment start cheaper --treatment floor=0.7
  tenbin experiment start other --treatment-file other.yaml --share 0.1
  tenbin experiment report cheaper
  tenbin experiment stop cheaper
\b
A running gateway takes a change up within a second. docs/experiments.md tells what
the figures mean, and when an experiment is ended for harm.
"""

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the ledger.  [default: as for `tenbin ledger`]",
)


@click.group(epilog=EPILOG)
def experiment() -> None:
    """Compare two policies on live traffic, split by conversation."""


_NAME = re.compile(r"[\w.-]{1,64}")

START_EPILOG = """\b
Examples:
  tenbin experiment start cheaper --treatment floor=0.7
  tenbin experiment start small --treatment 'tiers.low=[ollama/qwen3:4b]' --share 0.1
  tenbin experiment start strict --control floor=0.8 --treatment floor=0.95 --name auto
\b
An arm is the configuration in force with keys of `routing` changed (KEY=VALUE, the
value as YAML; dots lead into blocks), or the policy of another configuration file.
"""


def _limit(name: str, what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(name, default=None, metavar="SHARE", help=f"{what} `none`: no limit.")


@experiment.command(epilog=START_EPILOG)
@click.argument("name")
@config_option
@data_dir_option
@click.option("--treatment", "-t", multiple=True, metavar="KEY=VALUE", help="Of `routing`, in the treatment arm.")
@click.option("--control", multiple=True, metavar="KEY=VALUE", help="Of `routing`, in the control arm.")
@click.option("--treatment-file", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Its policy.")
@click.option("--control-file", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Its policy.")
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.5,
    show_default=True,
    help="Of the conversations that are given the treatment.",
)
@click.option("--key", "keys", multiple=True, help="Only requests of this key; may be given again.")
@click.option("--name", "names", multiple=True, help="Only requests for this model name; `*` for any characters.")
@click.option(
    "--alpha",
    type=click.FloatRange(0, 0.5, min_open=True),
    default=0.05,
    show_default=True,
    help="Chance of calling a difference sure that is none, at all looks together.",
)
@_limit("--harm-errors", "More errors than this (0.02: two points) end it.")
@_limit("--harm-gates", "Fewer answers that pass the gates end it, by this much.")
@_limit("--harm-feedback", "Worse mean feedback ends it, by this much.")
@_limit("--harm-cost", "A dearer request ends it, by this share of the control's (0.5: half as much again).")
def start(
    name: str,
    path: Path | None,
    data_dir: Path | None,
    treatment: tuple[str, ...],
    control: tuple[str, ...],
    treatment_file: Path | None,
    control_file: Path | None,
    share: float,
    keys: tuple[str, ...],
    names: tuple[str, ...],
    alpha: float,
    **limits: str | None,
) -> None:
    """Start an experiment called NAME; one at a time."""
    from tenbin.config.arms import BadArm
    from tenbin.config.experiments import Experiment
    from tenbin.execute.clock import SystemClock
    from tenbin.execute.experiment import arm_policies
    from tenbin.ledger.experiments import ExperimentsUnusable, change_experiments

    if not _NAME.fullmatch(name):
        raise click.UsageError("NAME is 1 to 64 letters, digits, dots, dashes and underscores.")
    if not treatment and treatment_file is None:
        raise click.UsageError("Say what is different: --treatment KEY=VALUE, or --treatment-file FILE.")
    config = settle(path).config
    for key in keys:
        if key not in ("local", "master") and key not in config.keys:
            fail(f"No key is named {key}. Known are: {', '.join(['local', 'master', *config.keys])}.")
    try:
        planned = Experiment(
            name=name,
            started_at_ms=SystemClock().now_ms(),
            control=_arm(control, control_file),
            treatment=_arm(treatment, treatment_file),
            share=share,
            keys=list(keys),
            names=list(names),
            alpha=alpha,
            harm=_harm(limits),
        )
        policies = arm_policies(planned, config)
        if policies["control"].hash == policies["treatment"].hash:
            fail(say("Both arms are the same policy.", "両群のポリシーが同じです。"))
        change_experiments(data_directory(data_dir, config), lambda before: _with(before, planned))
    except (BadArm, ExperimentsUnusable) as error:
        fail(str(error))
    percent = f"{100 * share:g}"
    click.echo(
        say(
            f"{name} is started: {percent} % of the conversations are given the treatment. A running gateway takes it "
            f"up within a second; `tenbin experiment report {name}` shows how it goes.",
            f"{name} を開始しました: 会話の {percent} % に処置群のポリシーを適用します。"
            "実行中のゲートウェイには 1 秒以内に反映されます。"
            f"経過は `tenbin experiment report {name}` で確認できます。",
        )
    )


def _with(before: "tuple[Experiment, ...]", planned: "Experiment") -> "tuple[Experiment, ...]":
    for one in before:
        if one.name == planned.name:
            fail(
                f"There is an experiment {planned.name} already. Choose another name: its figures stand in the ledger."
            )
        if one.state != "stopped":
            fail(f"The experiment {one.name} is going on. Stop it first: tenbin experiment stop {one.name}")
    return (*before, planned)


def _arm(settings: tuple[str, ...], file: Path | None) -> "Arm":
    import yaml

    from tenbin.config.arms import file_digest
    from tenbin.config.experiments import Arm

    routing: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key.strip():
            raise click.UsageError(f"{setting!r} sets nothing. Write KEY=VALUE, such as floor=0.7.")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            raise click.UsageError(f"The value of {key} is no YAML: {text!r}.") from None
        *blocks, last = key.strip().removeprefix("routing.").split(".")
        into = routing
        for block in blocks:
            into = into.setdefault(block, {})
        into[last] = value
    if file is None:
        return Arm(routing=routing)
    return Arm(routing=routing, file=str(file.absolute()), digest=file_digest(file))


def _harm(limits: "dict[str, str | None]") -> Any:
    import msgspec

    from tenbin.config.experiments import Harm

    given: dict[str, Any] = {}
    for option, text in limits.items():
        if text is not None:
            given[option.removeprefix("harm_")] = None if text.lower() == "none" else text
    try:
        return msgspec.convert(given, Harm, strict=False)
    except msgspec.ValidationError as error:
        name = str(error).partition("$.")[2].rstrip("`") or "limit"
        raise click.UsageError(f"--harm-{name} is a share from 0 to 1, such as 0.02, or none.") from None


@experiment.command()
@click.argument("name")
@config_option
@data_dir_option
@click.option("--reason", default="", help="Stands in the report.")
def stop(name: str, path: Path | None, data_dir: Path | None, reason: str) -> None:
    """Stop the experiment NAME: everybody goes by the configuration again. Its figures remain."""
    from tenbin.execute.clock import SystemClock
    from tenbin.ledger.experiments import ExperimentsUnusable, ended

    directory = data_directory(data_dir, read_file(path)[1])
    found = _named(name, directory)
    if found.state == "stopped":
        fail(say(f"{name} has been stopped already.", f"{name} は既に終了しています。"))
    try:
        ended(directory, found, harmed=False, reason=reason, at_ms=SystemClock().now_ms())
    except ExperimentsUnusable as error:
        fail(str(error))
    click.echo(say(f"{name} is stopped.", f"{name} を終了しました。"))


def _named(name: str, directory: Path) -> "Experiment":
    from tenbin.ledger.experiments import ExperimentsUnusable, read_experiments

    try:
        known = read_experiments(directory)
    except ExperimentsUnusable as error:
        fail(str(error))
    found = next((one for one in known if one.name == name), None)
    if found is None:
        names = ", ".join(one.name for one in known) or say("none", "なし")
        fail(
            say(
                f"No experiment is named {name} in {directory}. There are: {names}.",
                f"{directory} に {name} という実験はありません。既存の実験: {names}",
            )
        )
    return found


@experiment.command("list")
@config_option
@data_dir_option
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def listing(path: Path | None, data_dir: Path | None, as_json: bool) -> None:
    """List the experiments, oldest first."""
    import msgspec

    from tenbin.ledger.experiments import ExperimentsUnusable, read_experiments

    try:
        known = read_experiments(data_directory(data_dir, read_file(path)[1]))
    except ExperimentsUnusable as error:
        fail(str(error))
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(known), indent=2, ensure_ascii=False))
    elif not known:
        click.echo(say("There is no experiment.", "実験はありません。"))
    for one in known if not as_json else ():
        reason = f" ({one.reason})" if one.reason else ""
        click.echo(f"{one.name}  {one.state}{reason}  {100 * one.share:g} %")


REPORT_EPILOG = """\b
Examples:
  tenbin experiment report cheaper
  tenbin experiment report cheaper --json | jq '.differences[] | {name, verdict}'
  tenbin experiment report cheaper --plot difference.svg --metric cost_per_request
"""


def _metrics() -> list[str]:
    # Without numpy, which the estimates need: `--help` is quick.
    from tenbin.config.experiments import MetricName

    return list(get_args(MetricName))


@experiment.command(epilog=REPORT_EPILOG)
@click.argument("name")
@config_option
@data_dir_option
@click.option("--json", "as_json", is_flag=True, help="For programs: money in nano-USD, shares 0 to 1.")
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Draw the running difference with its confidence sequence into this file (SVG).",
)
@click.option(
    "--metric", type=click.Choice(_metrics()), default="cost_per_request", show_default=True, help="What is drawn."
)
def report(name: str, path: Path | None, data_dir: Path | None, as_json: bool, plot: Path | None, metric: Any) -> None:
    """Show what the experiment NAME has shown so far. It may be looked at any time, as often as you like."""
    from sqlite3 import Error

    import msgspec

    from tenbin.ledger.migrations import SchemaTooNew
    from tenbin.ledger.queries import reading
    from tenbin.measure.experiments import report as words
    from tenbin.measure.experiments.outcomes import Outcomes

    directory = data_directory(data_dir, read_file(path)[1])
    found, database = _named(name, directory), database_path(directory)
    outcomes = Outcomes(name)
    try:
        if database.exists():
            with reading(database) as connection:
                outcomes.read_on(connection)
    except SchemaTooNew as error:
        fail(str(error))
    except Error as error:
        fail(f"The ledger {database} cannot be read: {error}.")
    told = words.report(found, outcomes)
    if plot is not None:
        _draw(plot, found, outcomes, metric)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(told), indent=2, ensure_ascii=False))
    else:
        for line in words.lines(told, say):
            click.echo(line)


def _draw(file: Path, found: "Experiment", outcomes: Any, metric: Any) -> None:
    from tenbin.measure.experiments.estimates import Table
    from tenbin.measure.experiments.plot import looks, picture

    points = looks(Table(outcomes), metric, found.alpha) if len(outcomes) else []
    if not points:
        fail(say("There is nothing to draw yet.", "まだ描画できるデータがありません。"))
    title = f"{found.name}: {metric}, " + say("treatment less control", "処置群 − 対照群")
    across = say("requests", "リクエスト数")
    try:
        file.write_text(picture(points, title=title, across=across, metric=metric), encoding="utf-8")
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror or error}.")
