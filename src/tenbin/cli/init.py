"""`tenbin init`: a commented tenbin.yaml from what is found."""

from pathlib import Path

import click

from tenbin.cli.settings import fail, find
from tenbin.config.load import FILE_NAME, parse
from tenbin.config.model import Config

EPILOG = """\b
Examples:
  tenbin init
  tenbin init --output /etc/tenbin.yaml
"""


@click.command(epilog=EPILOG)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    default=FILE_NAME,
    show_default=True,
    help="Where to write it. `-` prints it.",
)
@click.option("--force", is_flag=True, help="Replace a file that is already there.")
def init(output: Path, force: bool) -> None:
    """Write a commented tenbin.yaml from what is found here: API keys in the environment and local servers.

    Keys themselves are not written, only the names of the variables that they stand in.
    """
    from tenbin.config.template import template

    text = template(find(Config()))
    parse(text, str(output))  # what is written is in order, or this says what is not
    if str(output) == "-":
        click.echo(text, nl=False)
        return
    try:
        with output.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        fail(f"{output} is already there. Look at it with `tenbin check {output}`, or replace it with --force.")
    except OSError as error:
        fail(f"{output} cannot be written: {error.strerror}.")
    click.echo(f"Wrote {output}. Next: `tenbin check` shows how it routes, `tenbin serve` starts it.")
