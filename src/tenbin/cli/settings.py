"""From the command line to a configuration: which file, which flags, what is found; mistakes are told and end it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click
import msgspec

from tenbin.config import address
from tenbin.config.findings import Findings, build
from tenbin.config.load import FILE_NAME, load
from tenbin.config.model import Config
from tenbin.config.problem import ConfigError
from tenbin.execute.local_model import INSTALL, is_installed


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration in force, and what it came from."""

    path: Path | None
    """The file; None when there is none."""
    config: Config
    """What the file, the flags and the findings say together."""
    findings: Findings
    host: str
    port: int

    @property
    def url(self) -> str:
        """Where the gateway listens, as a client writes it."""
        return gateway_url(self.host, self.port)


def config_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option ``--config``, the same for each command."""
    return click.option(
        "--config",
        "-c",
        "path",
        type=click.Path(path_type=Path, dir_okay=False),
        help=f"The configuration.  [default: {FILE_NAME} here, if there is one]",
    )(command)


def fail(message: str) -> NoReturn:
    """Say why it cannot go on, and end with 1."""
    click.echo(message, err=True)
    raise SystemExit(1)


def read_file(path: Path | None) -> tuple[Path | None, Config]:
    """The configuration file named, or the one in this folder, or none. Mistakes in it are told and end the command."""
    if path is None:
        here = Path(FILE_NAME)
        path = here if here.exists() else None
    if path is None:
        return None, Config()
    try:
        return path.absolute(), load(path)
    except ConfigError as error:
        fail(told(error))


def told(error: ConfigError) -> str:
    """All mistakes, one a line, and how many there are."""
    count = len(error.problems)
    return "\n".join([*map(str, error.problems), f"{count} mistake{'s' if count > 1 else ''}."])


def with_flags(config: Config, *, discover: bool = True, local_model: bool = True) -> Config:
    """Flags only ever switch off what the file leaves on."""
    changes: dict[str, Any] = {}
    if not discover:
        changes["discover"] = False
    if not local_model:
        changes["local_model"] = False
    return msgspec.structs.replace(config, **changes) if changes else config


def find(config: Config, port: int | None = None) -> Findings:
    """Look for keys, servers and the embedded model; nothing but the latter with ``discover: false``."""
    embedded = is_installed()
    if not config.discover:
        return Findings(embedded=embedded)
    from tenbin.execute.upstream.probe import discover

    return discover(os.environ, embedded=embedded, own_port=port)


def settle(
    path: Path | None,
    *,
    host: str | None = None,
    port: int | None = None,
    discover: bool = True,
    local_model: bool = True,
) -> Settings:
    """All that a command needs to know of the configuration. Mistakes are told and end the command."""
    file, config = read_file(path)
    config = with_flags(config, discover=discover, local_model=local_model)
    listen_host, listen_port = address.split_listen(config.listen)
    host, port = host or listen_host, listen_port if port is None else port
    findings = find(config, port)
    if config.local_model and not findings.embedded:
        fail(f"local_model is true, but the embedded model is not here. {INSTALL}")
    config = build(config, findings, os.environ)
    return Settings(path=file, config=config, findings=findings, host=host, port=port)


def data_directory(flag: Path | None, config: Config) -> Path:
    """Where the ledger is: the flag, else the file, else ``$TENBIN_HOME``, else ``~/.tenbin``."""
    if flag is not None:
        return flag.absolute()
    named = config.ledger.directory or os.environ.get("TENBIN_HOME")
    return Path(named).expanduser().absolute() if named else Path.home() / ".tenbin"


def gateway_url(host: str, port: int) -> str:
    """How a client on this machine reaches a gateway that listens there."""
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
