"""`tenbin cache`: what caches brought, and what spoils them."""

import click

from tenbin.cli.cache_doctor import doctor
from tenbin.cli.cache_entries import inspect, purge, report
from tenbin.cli.cache_stats import stats

EPILOG = """\b
Examples:
  tenbin cache stats           what the response cache saved, and why it did not answer
  tenbin cache inspect         its entries, without their words
  tenbin cache purge --all     empty it
  tenbin cache report ENTRY    its answer was wrong
  tenbin cache doctor          what providers' prompt caches saved, what broke them, and the fix
"""


@click.group(epilog=EPILOG)
def cache() -> None:
    """Look at caches: what they brought, what spoils them."""


for command in (stats, inspect, purge, report, doctor):
    cache.add_command(command)
