"""Does a document have the shape of a Config? Every value is held against its type, and every misfit is noted.

What does not fit is left out, so that the checks that follow still see all the rest.
"""

import contextlib
import difflib
import re
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import inspect

from tenbin.config.document import Document
from tenbin.config.problem import KeyPath

_NOTHING = object()
"""Stands for a value that did not fit."""


def fit(document: Document, shape: type[msgspec.Struct]) -> Any:
    """The document's values in builtin types, ready for ``msgspec.convert``; misfits are noted and left out."""
    value = _Fitter(document).fit(inspect.type_info(shape), document.value, ())
    return {} if value is _NOTHING else value


def suggestion(word: str, words: Iterable[str]) -> str:
    """A sentence that names the word that was probably meant, or else all the words there are."""
    known = sorted(words)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]}?"
    return f"Known here: {', '.join(known)}." if known else "Nothing is known here."


def described(value: Any) -> str:
    """A value in an error message: what it is, without repeating words that may be secret."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, dict):
        return "a block of keys"
    return "a list" if isinstance(value, list) else "text"


class _Fitter:
    def __init__(self, document: Document) -> None:
        self.document = document

    def fit(self, shape: inspect.Type, value: Any, path: KeyPath) -> Any:
        match shape:
            case inspect.Metadata():
                return self._exemplified(shape, value, path)
            case inspect.UnionType():
                return self._optional(shape, value, path)
            case inspect.StructType():
                return self._struct(shape, value, path)
            case inspect.DictType():
                return self._dict(shape, value, path)
            case inspect.ListType():
                return self._list(shape, value, path)
            case inspect.AnyType():
                return value
        return self._scalar(shape, value, path)

    def _misfit(self, path: KeyPath, message: str, fix: str) -> Any:
        self.document.report(path, message, fix)
        return _NOTHING

    def _exemplified(self, shape: inspect.Metadata, value: Any, path: KeyPath) -> Any:
        """Text of a certain form, of which the type gives an example."""
        fitted = self.fit(shape.type, value, path)
        pattern = shape.type.pattern if isinstance(shape.type, inspect.StrType) else None
        if pattern is None or not isinstance(fitted, str) or re.search(pattern, fitted):
            return fitted
        examples = " or ".join((shape.extra_json_schema or {}).get("examples", [pattern]))
        return self._misfit(path, f"{fitted!r} has not the form that is needed here", f"Write it like {examples}.")

    def _optional(self, shape: inspect.UnionType, value: Any, path: KeyPath) -> Any:
        if value is None and any(isinstance(option, inspect.NoneType) for option in shape.types):
            return None
        options = [option for option in shape.types if not isinstance(option, inspect.NoneType)]
        if isinstance(value, dict):
            # A switch that may also be a whole block.
            options.sort(key=lambda option: not isinstance(option, inspect.StructType))
        return self.fit(options[0], value, path)

    def _struct(self, shape: inspect.StructType, value: Any, path: KeyPath) -> Any:
        if value is None:
            value = {}  # a heading with nothing, or only comments, under it
        if not isinstance(value, dict):
            where = "the file" if not path else "this"
            return self._misfit(path, f"{where} must be a block of keys, not {described(value)}", "Write `key: value`.")
        fields = {field.encode_name: field for field in shape.fields}
        fitting = {}
        for key, item in value.items():
            if key not in fields:
                self._misfit((*path, key), f"{key} is not a key that Tenbin knows", suggestion(key, fields))
                continue
            fitted = self.fit(fields[key].type, item, (*path, key))
            if fitted is not _NOTHING:
                fitting[key] = fitted
        for name, field in fields.items():
            if field.required and name not in fitting:
                if name not in value:
                    self._misfit((*path, name), f"{name} is missing", f"Add `{name}: ...` here.")
                return _NOTHING
        return fitting

    def _dict(self, shape: inspect.DictType, value: Any, path: KeyPath) -> Any:
        if value is None:
            return {}
        if not isinstance(value, dict):
            return self._misfit(path, f"this must be a block of keys, not {described(value)}", "Write `name: value`.")
        fitted = {key: self.fit(shape.value_type, item, (*path, key)) for key, item in value.items()}
        return {key: item for key, item in fitted.items() if item is not _NOTHING}

    def _list(self, shape: inspect.ListType, value: Any, path: KeyPath) -> Any:
        if value is None:
            return []
        if not isinstance(value, list):
            return self._misfit(path, f"this must be a list, not {described(value)}", "Write `[first, second]`.")
        fitted = [self.fit(shape.item_type, item, (*path, number)) for number, item in enumerate(value)]
        return [item for item in fitted if item is not _NOTHING]

    def _scalar(self, shape: inspect.Type, value: Any, path: KeyPath) -> Any:
        match shape:
            case inspect.StrType():
                if isinstance(value, int | float) and not isinstance(value, bool):
                    return self.document.texts[path]  # a key or version of digits only, meant as words
                if isinstance(value, str):
                    return value
                return self._misfit(path, f"this must be text, not {described(value)}", "Put it in quotes.")
            case inspect.LiteralType():
                words = [str(word) for word in shape.values]
                if value in words:
                    return value
                if self.document.texts.get(path) in words:
                    return self.document.texts[path]  # `off`, which YAML takes for false
                return self._misfit(path, f"{_quoted(value)} is not one of the choices", suggestion(str(value), words))
            case inspect.BoolType():
                return self._bool(value, path)
            case inspect.IntType() | inspect.FloatType():
                return self._number(shape, value, path)
        raise AssertionError(f"{shape} has no reader")

    def _bool(self, value: Any, path: KeyPath) -> Any:
        if path in self.document.filled and str(value).lower() in ("true", "false", "1", "0"):
            return str(value).lower() in ("true", "1")
        if isinstance(value, bool):
            return value
        return self._misfit(path, f"this must be true or false, not {described(value)}", "Write true or false.")

    def _number(self, shape: inspect.IntType | inspect.FloatType, value: Any, path: KeyPath) -> Any:
        whole = isinstance(shape, inspect.IntType)
        if path in self.document.filled:
            with contextlib.suppress(msgspec.ValidationError):
                value = msgspec.convert(value, int if whole else float, strict=False)
        kind = "a whole number" if whole else "a number"
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            return self._misfit(path, f"this must be {kind}, not {described(value)}", f"Write {kind}, without units.")
        if value != value or value in (float("inf"), float("-inf")):
            return self._misfit(path, f"this must be {kind} that is finite", f"Write {kind}.")
        if shape.ge is not None and value < shape.ge:
            return self._misfit(path, f"{value} is too small", f"The least is {shape.ge}.")
        if shape.gt is not None and value <= shape.gt:
            return self._misfit(path, f"{value} is too small", f"It must be more than {shape.gt}.")
        if shape.le is not None and value > shape.le:
            return self._misfit(path, f"{value} is too large", f"The most is {shape.le}.")
        return value if whole else float(value)


def _quoted(value: Any) -> str:
    return repr(value) if isinstance(value, str) else described(value)
