"""`tenbin keys`: keys for clients. Those of the store work at once; tenbin.yaml holds hashes of others."""

import secrets
import sys

import click

from tenbin.cli.key_edit import edit
from tenbin.cli.key_store import audit, create, expire, list_keys, revoke, rotate, show
from tenbin.cli.settings import fail
from tenbin.config.keys import KEY_BYTES, PREFIX, SHORTEST_KEY, hash_key

EPILOG = """\b
Examples:
  tenbin keys create alice --team search --target 'openai/*' --expires 90d
  tenbin keys list
  tenbin keys edit alice --budget month=50 --tier low
  tenbin keys rotate alice --grace 24h
  tenbin keys revoke alice
  tenbin keys audit alice
\b
  tenbin keys new --name alice           a key, and the line for tenbin.yaml
  printf %s "$KEY" | tenbin keys hash    the hash of a key made elsewhere
"""


@click.group(epilog=EPILOG)
def keys() -> None:
    """Keys for clients: make, list, change, rotate, expire and revoke them, and see who did so.

    `create` puts a key into the store beside the ledger, which a running gateway takes up within a second; `new` and
    `hash` serve the block `keys` of tenbin.yaml. A key is `tb-` and 256 random bits, shown once: what is kept of it
    lets nobody in. A client sends it as `Authorization: Bearer` or `x-api-key`.
    """


for _command in (create, list_keys, show, edit, rotate, expire, revoke, audit):
    keys.add_command(_command)


NEW_EPILOG = """\b
Examples:
  tenbin keys new
  tenbin keys new --name alice
"""


@keys.command(epilog=NEW_EPILOG)
@click.option("--name", default="NAME", help="Whose key it is: the name in tenbin.yaml and in the ledger.")
def new(name: str) -> None:
    """Make a new key for tenbin.yaml. It is shown once and kept nowhere."""
    key = PREFIX + secrets.token_urlsafe(KEY_BYTES)
    click.echo(key)
    if sys.stdout.isatty() or name != "NAME":
        click.echo(f"\nFor its owner: the line above. For tenbin.yaml:\n\nkeys:\n  {name}: {hash_key(key)}", err=True)


HASH_EPILOG = """\b
Example:
  printf %s "$KEY" | tenbin keys hash
"""


@keys.command("hash", epilog=HASH_EPILOG)
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
