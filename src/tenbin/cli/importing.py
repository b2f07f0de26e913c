"""`tenbin import`: a tenbin.yaml from the configuration of claude-code-router or LiteLLM, and what is not in it."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from tenbin.cli.language import say
from tenbin.cli.settings import fail, told
from tenbin.config.load import FILE_NAME
from tenbin.config.problem import ConfigError

if TYPE_CHECKING:
    from tenbin.config.importing.report import Imported

EPILOG = """\b
Examples:
  tenbin import ccr                              ~/.claude-code-router/config.json
  tenbin import litellm config.yaml
  tenbin import litellm config.yaml -o - --json  for programs
\b
Exit codes: 0 tenbin.yaml is written; 1 it is not (each mistake of FILE is told
as file:line:column: key: what is wrong. How to mend it).
"""

CCR_FILE = "~/.claude-code-router/config.json"

_TITLES = {
    "lost": ("Not carried over:", "引き継がれないもの:"),
    "changed": ("Works differently here:", "動作が異なるもの:"),
    "secret": ("Keys in plain text:", "平文の鍵:"),
    "needless": ("Not needed here:", "不要なもの:"),
}


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of both commands."""
    for option in (
        click.option(
            "--json", "as_json", is_flag=True, help="For programs: {ok, file, output, variables, notes, ...}."
        ),
        click.option("--no-plain-keys", is_flag=True, help="Write ${NAME} in place of keys that stand in FILE."),
        click.option("--force", is_flag=True, help="Replace a file that is already there."),
        click.option(
            "--output",
            "-o",
            type=click.Path(path_type=Path, dir_okay=False),
            default=FILE_NAME,
            show_default=True,
            help="Where to write it. `-` prints it.",
        ),
    ):
        command = option(command)
    return command


@click.group(epilog=EPILOG)
def importing() -> None:
    """Write a tenbin.yaml from another router's configuration, and list what could not be carried over.

    References to variables stay references. A key that stands in FILE in plain text is carried over as it is, so that
    the file works at once; you are told, with the variable that it should rather stand in, and only you may read the
    file. With --no-plain-keys the file has that variable, and you export it first. docs/migration.md says which rules
    are not kept, and why.
    """


@importing.command(epilog=EPILOG)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=Path(CCR_FILE))
@_options
def ccr(file: Path, output: Path, force: bool, no_plain_keys: bool, as_json: bool) -> None:
    """Import claude-code-router's config.json (versions 1 and 2).

    FILE is ~/.claude-code-router/config.json by default. Version 3 keeps its configuration in a database; its
    config.json of before is still read here.
    """
    from tenbin.config.importing.ccr import read

    _import(read, file, output, force=force, keep_secrets=not no_plain_keys, as_json=as_json)


@importing.command(epilog=EPILOG)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_options
def litellm(file: Path, output: Path, force: bool, no_plain_keys: bool, as_json: bool) -> None:
    """Import the config.yaml of LiteLLM's proxy."""
    from tenbin.config.importing.litellm import read

    _import(read, file, output, force=force, keep_secrets=not no_plain_keys, as_json=as_json)


def _import(
    read: "Callable[..., Imported]", file: Path, output: Path, *, force: bool, keep_secrets: bool, as_json: bool
) -> None:
    try:
        imported = read(_text(file.expanduser()), str(file), keep_secrets=keep_secrets)
    except ConfigError as error:
        if as_json:
            mistakes = msgspec.to_builtins(error.problems)
            click.echo(json.dumps({"ok": False, "file": str(file), "mistakes": mistakes}, indent=2))
        else:
            click.echo(told(error), err=True)
        raise SystemExit(1) from None
    printed = str(output) == "-"
    if not printed:
        _write(output, imported, force=force)
    if as_json:
        said = {
            "ok": True,
            "file": str(file),
            "output": None if printed else str(output),
            "mistakes": [],
            "variables": {name: bool(os.environ.get(name)) for name in imported.variables},
            "counts": imported.counts,
            "notes": msgspec.to_builtins(imported.notes),
        }
        click.echo(json.dumps(said | ({"text": imported.text} if printed else {}), indent=2, ensure_ascii=False))
        return
    if printed:
        click.echo(imported.text, nl=False)
    for line in _report(imported, output):
        click.echo(line, err=printed)


def _text(file: Path) -> str:
    from tenbin.config.problem import ConfigProblem

    def refused(message: str, fix: str) -> ConfigError:
        return ConfigError([ConfigProblem(file=str(file), line=1, column=1, key="", message=message, fix=fix)])

    try:
        content = file.read_bytes()
    except OSError as error:
        raise refused(f"the file cannot be read: {error.strerror}", "Look at its name and rights.") from None
    if content.startswith(b"SQLite format 3\0"):
        fix = f"Name the {CCR_FILE} of before, if it is still there; else write tenbin.yaml with `tenbin init`."
        raise refused("this is the database of claude-code-router 3, which is not read", fix)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise refused("the file is not UTF-8", "Save it as UTF-8.") from None


def _write(output: Path, imported: "Imported", *, force: bool) -> None:
    """Only its owner may read a file that holds keys, from its first byte on."""
    mode = 0o600 if imported.holds_secrets else 0o666
    try:
        flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
        with os.fdopen(os.open(output, flags, mode), "w", encoding="utf-8") as file:
            if imported.holds_secrets:
                os.fchmod(file.fileno(), mode)
            file.write(imported.text)
    except FileExistsError:
        fail(f"{output} is already there. Look at it with `tenbin check {output}`, or replace it with --force.")
    except OSError as error:
        fail(f"{output} cannot be written: {error.strerror}.")


def _report(imported: "Imported", output: Path) -> list[str]:
    counts = imported.counts
    lines = []
    if str(output) != "-":
        lines.append(
            say(
                f"Wrote {output}: {counts['providers']} providers, {counts['models']} named models.",
                f"{output} を書きました: プロバイダー {counts['providers']}、モデル名 {counts['models']}。",
            )
        )
    for kind, titles in _TITLES.items():
        notes = [note for note in imported.notes if note.kind == kind]
        if notes:
            lines += ["", say(*titles), *(f"  - {note}" for note in notes)]
    missing = [name for name in imported.variables if not os.environ.get(name)]
    if missing:
        names = ", ".join(missing)
        lines += ["", say(f"Not set in this shell: {names}", f"このシェルで未設定: {names}")]
    if str(output) != "-":
        next_step = say("shows how it routes, `tenbin serve` starts it.", "で経路を確認、`tenbin serve` で起動。")
        lines += ["", say("Next: ", "次: ") + f"`tenbin check {output}` {next_step}"]
    return lines
