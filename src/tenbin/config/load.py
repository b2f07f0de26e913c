"""tenbin.yaml -> Config, or every mistake in it with its line and its fix."""

import os
from collections.abc import Mapping
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
