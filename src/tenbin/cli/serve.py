"""`tenbin serve`: the gateway itself, in the foreground."""

import logging
import os
import sys
from pathlib import Path

import click

from tenbin.cli.log_lines import LogLines
from tenbin.cli.settings import config_option, data_directory, fail, find, settle, with_flags
from tenbin.config.findings import build
from tenbin.config.load import load
from tenbin.config.model import Config

EPILOG = """\b
Examples:
  tenbin serve
  tenbin serve --port 4100
  tenbin serve --config /etc/tenbin.yaml --host 0.0.0.0   (needs a master_key)
"""


@click.command(epilog=EPILOG)
@config_option
@click.option("--host", help="Address to listen at.  [default: from `listen`, else 127.0.0.1]")
@click.option(
    "--port", "-p", type=click.IntRange(0, 65535), help="0: any free one.  [default: from `listen`, else 4000]"
)
@click.option("--no-local-model", is_flag=True, help="Never start the embedded model.")
@click.option("--no-discover", is_flag=True, help="Look for no API keys and servers: what the file says is all.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the ledger.  [default: from `ledger.directory`, else $TENBIN_HOME, else ~/.tenbin]",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="How much is told on standard error. Never what is in requests, and no keys.",
)
def serve(
    path: Path | None,
    host: str | None,
    port: int | None,
    no_local_model: bool,
    no_discover: bool,
    data_dir: Path | None,
    log_level: str,
) -> None:
    """Start the gateway.

    Without a tenbin.yaml it serves what it finds: API keys in the environment, an Ollama or llama.cpp server on its
    usual port, and, if there is nothing else, the embedded model. A changed file is taken over while it runs (or at
    once with SIGHUP); a broken one changes nothing. SIGINT and SIGTERM end it when the running requests are done.
    """
    _log_to_standard_error(log_level)
    flags = {"discover": not no_discover, "local_model": not no_local_model}
    settings = settle(path, host=host, port=port, **flags)

    from tenbin import app, running
    from tenbin.cli.welcome import welcome
    from tenbin.config.address import BadAddress
    from tenbin.config.problem import ConfigError
    from tenbin.ledger.segments import LedgerUnusable

    file = settings.path

    def reload() -> Config:
        """The file as it is now, with the same flags. Raises ConfigError."""
        config = with_flags(load(file) if file is not None else Config(), **flags)
        return build(config, find(config, settings.port), os.environ)

    def announce(gateway: app.Gateway, url: str) -> None:
        click.echo(welcome(settings, gateway.world.policy, url, keyed=gateway.accounts.required))

    try:
        running.serve(
            settings.config,
            data_dir=data_directory(data_dir, settings.config),
            host=settings.host,
            port=settings.port,
            reload=reload,
            config_path=file,
            announce=announce,
        )
    except BadAddress as error:
        fail(f"{error}. {error.fix}")
    except ConfigError as error:
        fail(str(error))
    except OSError as error:
        at = f"{settings.host}:{settings.port}"
        fail(f"Cannot listen at {at}: {error.strerror or error}. Choose another port: tenbin serve --port 4100")
    except LedgerUnusable as error:
        fail(str(error))


def _log_to_standard_error(level: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogLines("%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S"))
    logging.basicConfig(level=level.upper(), handlers=[handler])
