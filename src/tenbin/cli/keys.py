"""`tenbin keys`: keys for clients. The configuration holds their hashes only."""

import secrets
import sys

import click

from tenbin.cli.settings import fail
from tenbin.config.keys import KEY_BYTES, PREFIX, SHORTEST_KEY, hash_key

EPILOG = """\b
Examples:
  tenbin keys new                        a key, and the line for tenbin.yaml
  tenbin keys new --name alice
  printf %s "$KEY" | tenbin keys hash    the hash of a key made elsewhere
"""


@click.group(epilog=EPILOG)
def keys() -> None:
    """Make keys for clients, and their hashes for tenbin.yaml.

    A key is `tb-` and 256 random bits. tenbin.yaml holds its hash, under `keys` and a name by which the ledger knows
    its owner; who reads the file cannot use it. A client sends the key as `Authorization: Bearer` or `x-api-key`.
    """


@keys.command(epilog=EPILOG)
@click.option("--name", default="NAME", help="Whose key it is: the name in tenbin.yaml and in the ledger.")
def new(name: str) -> None:
    """Make a new key. It is shown once and kept nowhere."""
    key = PREFIX + secrets.token_urlsafe(KEY_BYTES)
    click.echo(key)
    if sys.stdout.isatty() or name != "NAME":
        click.echo(f"\nFor its owner: the line above. For tenbin.yaml:\n\nkeys:\n  {name}: {hash_key(key)}", err=True)


@keys.command("hash", epilog=EPILOG)
def hash_of_key() -> None:
    """Print the hash of the key on standard input, for `keys` in tenbin.yaml.

    The key is not an argument, so that it stands in no shell history and no list of processes.
    """
    if sys.stdin.isatty():
        click.echo("Type or paste the key, then Enter:", err=True)
    key = sys.stdin.readline().strip()
    if len(key) < SHORTEST_KEY or not key.isascii() or not key.isprintable() or " " in key:
        fail(
            f"A key has at least {SHORTEST_KEY} printable ASCII characters without blanks, drawn at random: "
            f"run `tenbin keys new`. This one has {len(key)}."
        )
    click.echo(hash_key(key))
