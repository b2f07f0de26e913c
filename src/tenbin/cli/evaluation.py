"""`tenbin eval`: how good the gateway's own judgement is, measured on tables of outcomes."""

import json
import sys
import time
from pathlib import Path

import click

from tenbin.cli.cache_evaluation import cache
from tenbin.cli.settings import fail

EPILOG = """\b
Examples:
  tenbin eval routing --data outcomes/
  tenbin eval routing --data outcomes/ --json > figures.json
"""

ROUTING_EPILOG = """\b
Examples:
  tenbin eval routing --data outcomes/
  tenbin eval routing --data outcomes/gsm8k.parquet --bootstrap 2000
  tenbin eval routing --data outcomes/ --json | jq '.files[].evaluations[0]'
\b
Exit codes: 0 something was measured; 1 nothing could be, and the reason was
said; 2 the command line makes no sense.
"""


@click.group("eval", epilog=EPILOG)
def evaluation() -> None:
    """Measure how good the gateway's own judgement is, on data."""


evaluation.add_command(cache)


@evaluation.command(epilog=ROUTING_EPILOG)
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path, exists=True),
    help="Folder of tables (.parquet, .jsonl, .csv; .jsonl.gz, .csv.gz), or one of them.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs: everything that was measured.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of resampling and of `random`.")
@click.option(
    "--bootstrap",
    type=click.IntRange(0, 100_000),
    default=1000,
    show_default=True,
    help="Resamples for each 95 % interval; 0: no intervals.",
)
@click.option("--limit", type=click.IntRange(10), help="At most so many rows of each file, chosen by a digest.")
@click.option(
    "--cross-validate",
    is_flag=True,
    help="Also with four fifths of a table as the router's evidence, on the last fifth, five times.",
)
def routing(data: Path, as_json: bool, seed: int, bootstrap: int, limit: int | None, cross_validate: bool) -> None:
    """Measure how well requests are routed, on what several models made of the same prompts.

    Tables are recognised by their columns: `prompt` with `weak` and `strong` (0..1 or any score), `score|MODEL` and
    `cost|MODEL` (USD), `score|JUDGE|MODEL`, `pref|MODEL`, or with `task_type`, `category` (a domain) or `tier`. What a
    file lacks is said. Nothing is trained; the weights are those of this version.
    """
    try:
        from tenbin.measure.routing.evaluation import NothingHere, evaluate, look_into
        from tenbin.measure.routing.files import PyarrowMissing
        from tenbin.measure.routing.report import lines
        from tenbin.measure.routing.runtime import Runtime
    except ModuleNotFoundError as error:
        if error.name != "numpy":
            raise
        fail("`tenbin eval` computes with numpy, which is not installed here: pip install 'tenbin[eval]'.")
    import msgspec

    began = time.perf_counter()
    try:
        folder = look_into(data, limit)
    except (NothingHere, PyarrowMissing) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{data} cannot be read: {error.strerror or error}.")
    with click.progressbar(length=folder.prompts, label="Reading prompts", file=sys.stderr) as bar:
        report = evaluate(
            folder,
            Runtime(),
            bar.update,
            seed=seed,
            bootstrap=bootstrap,
            limit=limit,
            cross_validate=cross_validate,
        )
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(report), indent=2, ensure_ascii=False))
    else:
        for line in lines(report):
            click.echo(line)
        click.echo(f"\nThat took {time.perf_counter() - began:.1f} s.", err=True)
    if not report.files:
        click.echo(f"Nothing in {data} could be measured; the reasons are above.", err=True)
        raise SystemExit(1)


GATES_EPILOG = """\b
Examples:
  tenbin eval gates --data answers/
  tenbin eval gates --data answers/ --calibrate gates.json --target 0.95
  tenbin eval gates --data answers.jsonl --calibration gates.json --json
\b
Exit codes: 0 something was measured; 1 nothing could be, and the reason was
said; 2 the command line makes no sense.
"""


@evaluation.command(epilog=GATES_EPILOG)
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path, exists=True),
    help="Folder of judged answers (.parquet, .jsonl, .csv; .jsonl.gz, .csv.gz), or one such file.",
)
@click.option(
    "--calibrate",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Learn curves and thresholds from 60 % of the answers, measure on the rest, write them to this file.",
)
@click.option(
    "--calibration",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Combine the gates by such a file instead of the one in the package.",
)
@click.option(
    "--target",
    type=click.FloatRange(0.5, 0.999),
    default=0.9,
    show_default=True,
    help="With --calibrate: share of right answers among the accepted that thresholds aim at.",
)
@click.option("--held-out", is_flag=True, help="Measure only on answers that --calibrate would not learn from.")
@click.option("--meaning", is_flag=True, help="Also by embedding, where an embedder is installed: slow.")
@click.option("--json", "as_json", is_flag=True, help="For programs: everything that was measured.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of resampling.")
@click.option(
    "--bootstrap",
    type=click.IntRange(0, 100_000),
    default=1000,
    show_default=True,
    help="Resamples for each 95 % interval; 0: no intervals.",
)
def gates(
    data: Path,
    calibrate: Path | None,
    calibration: Path | None,
    target: float,
    held_out: bool,
    meaning: bool,
    as_json: bool,
    seed: int,
    bootstrap: int,
) -> None:
    """Measure how well quality gates tell right answers from wrong ones.

    Files need the columns `prompt`, `answer` and `correct`; `task`, `tools`, `tool_calls`, `schema`, `logprobs`,
    `finish_reason` and `others` (further answers) are used where they are there. Nothing is sent anywhere. A cascade
    gives answers by the same gates.
    """
    if calibrate is not None and calibration is not None:
        raise click.UsageError("--calibrate learns a calibration, --calibration takes one: give one of the two.")
    try:
        from tenbin.discern.gates.calibration import BadCalibration, dump, load
        from tenbin.measure.gates.evaluation import TooFew, evaluate
        from tenbin.measure.gates.report import lines
        from tenbin.measure.gates.rows import NothingHere, cases
        from tenbin.measure.routing.files import PyarrowMissing
    except ModuleNotFoundError as error:
        if error.name != "numpy":
            raise
        fail("`tenbin eval` computes with numpy, which is not installed here: pip install 'tenbin[eval]'.")
    import msgspec

    try:
        given = load(calibration) if calibration is not None else None
        found = cases(data)
        with click.progressbar(length=len(found.cases), label="Judging answers", file=sys.stderr) as bar:
            report, used = evaluate(
                found,
                data,
                bar.update,
                calibration=given,
                calibrate=calibrate is not None,
                held_out=held_out,
                target=target,
                bootstrap=bootstrap,
                seed=seed,
                dear=meaning,
            )
        if calibrate is not None:
            calibrate.write_text(dump(used), encoding="utf-8")
    except (NothingHere, PyarrowMissing, BadCalibration, TooFew) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or data} cannot be read or written: {error.strerror or error}.")
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(report), indent=2, ensure_ascii=False))
    else:
        for line in lines(report):
            click.echo(line)
    if calibrate is not None:
        click.echo(f"{calibrate}: written. Load it with tenbin.discern.gates.calibration.load.", err=True)
