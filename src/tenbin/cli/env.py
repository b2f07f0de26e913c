"""`tenbin env`: the variables with which a client finds the gateway."""

import os
import shlex
from pathlib import Path

import click

from tenbin.cli.client import client_key, variables
from tenbin.cli.settings import config_option, gateway_url, read_file
from tenbin.config.address import split_listen

EPILOG = """\b
Examples:
  eval "$(tenbin env)"                       bash, zsh
  tenbin env --shell fish | source
  tenbin env --shell powershell | Out-String | Invoke-Expression
"""

SHELLS = ("bash", "zsh", "fish", "powershell")


@click.command(epilog=EPILOG)
@config_option
@click.option("--shell", type=click.Choice(SHELLS), help="Whose syntax to write.  [default: that of $SHELL, else bash]")
@click.option("--url", help="Where the gateway is.  [default: from `listen`, else http://127.0.0.1:4000]")
def env(path: Path | None, shell: str | None, url: str | None) -> None:
    """Print the variables with which Claude Code and the Anthropic and OpenAI SDKs find the gateway.

    The key is $TENBIN_KEY, else the configuration's master_key. Where no key is needed, a word stands for it.
    """
    _, config = read_file(path)
    where = url.rstrip("/") if url else gateway_url(*split_listen(config.listen))
    shell = shell or _own_shell()
    for name, value in variables(where, client_key(config)).items():
        click.echo(export(shell, name, value))


def export(shell: str, name: str, value: str) -> str:
    """A line that sets a variable, in a shell's syntax."""
    if shell == "fish":
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"set -gx {name} '{escaped}'"
    if shell == "powershell":
        escaped = value.replace("'", "''")
        return f"$env:{name} = '{escaped}'"
    return f"export {name}={shlex.quote(value)}"


def _own_shell() -> str:
    name = Path(os.environ.get("SHELL", "")).name
    return name if name in SHELLS else "bash"
