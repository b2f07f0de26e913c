"""`tenbin cache`: what caches brought, and what spoils them."""

import click

from tenbin.cli.cache_doctor import doctor

EPILOG = """\b
Examples:
  tenbin cache doctor          what providers' prompt caches saved, what broke them, and the fix
"""


@click.group(epilog=EPILOG)
def cache() -> None:
    """Look at caches: what they brought, what spoils them."""


cache.add_command(doctor)
