"""tenbin.yaml -> Config, or every mistake in it with its line and its fix."""

import os
from collections.abc import Mapping
from operator import attrgetter
from pathlib import Path

import msgspec

from tenbin.config.check import check
from tenbin.config.document import Document, read
from tenbin.config.model import Config
from tenbin.config.problem import ConfigError, ConfigProblem
from tenbin.config.shape import fit

FILE_NAME = "tenbin.yaml"


def load(path: Path | str, environ: Mapping[str, str] | None = None) -> Config:
    """Read a configuration file. Raises ConfigError, also when the file cannot be read."""
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise _unreadable(path, f"the file cannot be read: {error.strerror}", "Look at its name and rights.") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _unreadable(path, "the file is not UTF-8 from here on", "Save it as UTF-8.", line) from None
    return parse(text, str(path), environ)


def parse(text: str, source: str = FILE_NAME, environ: Mapping[str, str] | None = None) -> Config:
    """Read a configuration's text. ``source`` is what errors call it. Raises ConfigError.

    ``environ`` fills ``${NAME}``; by default the process's own environment.
    """
    environ = os.environ if environ is None else environ
    document = read(text, source, environ)
    config = _converted(document)
    check(document, config, environ)
    if document.problems:
        raise ConfigError(document.problems)
    return config


def _converted(document: Document) -> Config:
    return msgspec.convert(fit(document, Config), Config)


def _unreadable(path: Path, message: str, fix: str, line: int = 1) -> ConfigError:
    return ConfigError([ConfigProblem(file=str(path), line=line, column=1, key="", message=message, fix=fix)])


def not_taken_over(before: Config, after: Config) -> list[str]:
    """The changed keys that a running gateway does not take over."""
    keys = ["listen", "admin.listen", "ledger", "cache.store", "cache.secret", "cache.disk_bytes", "spending.store"]
    keys += [f"limits.{name}" for name in ("header_bytes", "header_seconds", "connections")]
    return [key for key in keys if attrgetter(key)(before) != attrgetter(key)(after)]


def stamp(path: Path | None) -> tuple[int, int, int] | None:
    """What is different as soon as the file is; None for one that is not there."""
    try:
        status = path.stat() if path is not None else None
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino) if status is not None else None
