"""`tenbin teams`: what all keys of a team have in common."""

import click

from tenbin.cli.owners import owner_commands

EPILOG = """\b
Examples:
  tenbin teams create search --budget month=200 --plan pro
  tenbin keys create alice --team search
  tenbin teams disable search
"""


@click.group(epilog=EPILOG)
def teams() -> None:
    """Teams: make, list, change, disable and enable them.

    A team's budgets bound what all its keys spend together, its plan counts for keys that have none of their own (and
    whose user has none), and with a disabled team none of its keys is taken. A running gateway follows within a second.
    """


for _command in owner_commands("team"):
    teams.add_command(_command)
