"""tenbin.yaml while it is being put together: values with the place that each came from, and notes for the user.

Before it is handed out it is loaded as `tenbin check` would; what is refused is told as a mistake of the source.
"""

import re
from typing import Any

from tenbin.config.document import Document
from tenbin.config.importing.endpoint import variable_of
from tenbin.config.importing.entry import Words
from tenbin.config.importing.render import render
from tenbin.config.importing.report import KINDS, Imported, Kind, Note
from tenbin.config.load import FILE_NAME, parse
from tenbin.config.problem import ConfigError, KeyPath, written

VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(:-[^}]*)?\}")
PLACEHOLDERS = frozenset(
    {"", "-", "any", "anything", "dummy", "empty", "fake", "fake-key", "key", "lm-studio", "no-key", "no-key-required"}
    | {"none", "not-needed", "null", "ollama", "sk-no-key-required", "sk-placeholder", "test", "unused", "x"}
)
"""What people write where a key is asked for and none is needed; no secrets."""

_FILLED_IN = "https://host.invalid/filled-in"
"""Stands for each variable while the draft is loaded: fits a key, a URL and the beginning of one."""


class Draft:
    """Collects what the file will hold. Values are in tenbin.yaml's own words: ``${NAME}`` stands for a variable."""

    def __init__(self, document: Document, *, keep_secrets: bool) -> None:
        self.document = document
        self.config: dict[str, Any] = {}
        self._keep_secrets = keep_secrets
        self._comments: dict[KeyPath, str] = {}
        self._origins: dict[str, KeyPath] = {}
        self._notes: dict[tuple[Kind, str, str], list[str]] = {}
        self._secrets: dict[str, str] = {}
        self._holds_secrets = False

    def put(self, path: KeyPath, value: Any, origin: KeyPath, comment: str = "") -> None:
        """Set a value; the blocks around it are made."""
        place: dict[Any, Any] = self.config
        for key in path[:-1]:
            place = place.setdefault(key, {})
        place[path[-1]] = int(value) if isinstance(value, float) and value.is_integer() else value
        self._origins[written(path)] = origin
        if comment:
            self._comments[path] = comment

    def comment(self, path: KeyPath, text: str) -> None:
        """Lines above a key."""
        self._comments[path] = text

    def names(self, variable: str) -> bool:
        """True when a value so far names this variable."""
        return f"${{{variable}}}" in repr(self.config)

    def note(self, kind: Kind, path: KeyPath, message: str, fix: str = "") -> None:
        """Tell the user something; the same about several keys is told once."""
        keys = self._notes.setdefault((kind, message, fix), [])
        if written(path) not in keys:
            keys.append(written(path))

    def lost(self, path: KeyPath, message: str, fix: str) -> None:
        """Not carried over: why, and what to do instead."""
        self.note("lost", path, message, fix)

    def changed(self, path: KeyPath, message: str, fix: str = "") -> None:
        """Carried over, and works differently here."""
        self.note("changed", path, message, fix)

    def needless(self, path: KeyPath, message: str) -> None:
        """Tenbin does it by itself, or has nothing that this could switch."""
        self.note("needless", path, message)

    def mistake(self, path: KeyPath, message: str, fix: str) -> None:
        """The source itself makes no sense here: nothing is imported."""
        self.document.report(path, message, fix)

    def secret(self, path: KeyPath, words: Words, source_text: str, name: str) -> None:
        """Set a key: ``words`` in our words, ``source_text`` as the source has it, ``name`` whose it is. One in
        plain text is told, with the variable that it should rather stand in.
        """
        if VARIABLE.search(words.text.replace("$${", "")) or source_text.strip().lower() in PLACEHOLDERS:
            self.put(path, words.text, words.path)
            return
        variable = self._variable(name, source_text)
        if self._keep_secrets:
            self._holds_secrets = True
            self.put(
                path,
                words.text,
                words.path,
                f"In plain text. Better: export {variable} and write ${{{variable}}} here.",
            )
            message = f"a key in plain text stands in {FILE_NAME} as it is, which only you may read"
            self.note("secret", words.path, message, f"Better: export {variable} and write ${{{variable}}} there.")
            return
        self.put(path, f"${{{variable}}}", words.path)
        message = f"this key in plain text is not written down; {FILE_NAME} takes it from ${{{variable}}}"
        self.note("secret", words.path, message, f"Run `export {variable}=...` with the value that stands here.")

    def _variable(self, name: str, secret: str) -> str:
        base = variable = name if name.isupper() else variable_of(name)
        number = 2
        while self._secrets.setdefault(variable, secret) != secret:
            variable, number = f"{base}_{number}", number + 1
        return variable

    def finish(self, head: str) -> Imported:
        """The text, once it loads. Raises ConfigError with the source's mistakes."""
        if self.document.problems:
            raise self._refused()
        notes = tuple(
            Note(kind=kind, keys=tuple(keys), message=message, fix=fix)
            for (kind, message, fix), keys in sorted(self._notes.items(), key=lambda item: KINDS.index(item[0][0]))
        )
        text = render(head, self.config, self._comments, notes)
        variables = _variables(text)
        try:
            config = parse(text, environ=dict.fromkeys(variables, _FILLED_IN))
        except ConfigError as error:
            for problem in error.problems:
                self.document.report(self._origin(problem.key), problem.message, problem.fix)
            raise self._refused() from None
        return Imported(
            text=text,
            notes=notes,
            variables=variables,
            holds_secrets=self._holds_secrets,
            counts={"providers": len(config.providers), "models": len(config.models)},
        )

    def _refused(self) -> ConfigError:
        """All mistakes, each once."""
        return ConfigError(list(dict.fromkeys(self.document.problems)))

    def _origin(self, key: str) -> KeyPath:
        """Where in the source a key of tenbin.yaml came from."""
        known = max((name for name in self._origins if key.startswith(name)), key=len, default=None)
        return self._origins[known] if known is not None else ()


def escaped(text: str) -> str:
    """Text as tenbin.yaml writes it: a ``${`` that stands for itself is ``$${``."""
    return text.replace("${", "$${")


def _variables(text: str) -> tuple[str, ...]:
    """The variables that must be set, in order, each once."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    found = [match[1] for line in lines for match in VARIABLE.finditer(line) if match[1] and not match[2]]
    return tuple(dict.fromkeys(found))
