"""`tenbin users`: what all keys of a person or program have in common."""

import click

from tenbin.cli.owners import owner_commands

EPILOG = """\b
Examples:
  tenbin users create alice --budget day=5
  tenbin keys create alice-laptop --user alice --team search
  tenbin users disable alice
"""


@click.group(epilog=EPILOG)
def users() -> None:
    """Users: make, list, change, disable and enable them.

    A user's budgets bound what all its keys spend together, its plan counts for keys that have none of their own, and
    with a disabled user none of its keys is taken. A running gateway follows within a second.
    """


for _command in owner_commands("user"):
    users.add_command(_command)
