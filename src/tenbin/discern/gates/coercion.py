"""7. A value brought nearer to its JSON Schema without inventing anything: types that say the same, letters of another
case, fields that nobody asked for. Used to repair a tool call or structured output before anything dearer is tried.
"""

import re
from typing import Any, NamedTuple

from tenbin.discern.gates.json_text import decoded, repair_json
from tenbin.discern.gates.schemas import resolved

_INTEGER = re.compile(r"[-+]?\d{1,18}(?:\.0{1,6})?")
_NUMBER = re.compile(r"[-+]?\d{1,18}(?:\.\d{1,18})?(?:[eE][-+]?\d{1,3})?")
_DEEPEST = 32


class Coerced(NamedTuple):
    """A value and what was changed of it, in words."""

    value: Any
    changes: tuple[str, ...]


def coerced(value: Any, schema: Any) -> Coerced:
    """The value as this schema would have it, as far as that can be told. It may still not fit: check it."""
    changes: list[str] = []
    return Coerced(_fit(value, schema, schema, "", changes, 0), tuple(changes))


def _fit(value: Any, schema: Any, root: Any, path: str, changes: list[str], deep: int) -> Any:
    schema = resolved(schema, root)
    if not isinstance(schema, dict) or deep > _DEEPEST:
        return value
    wanted = schema.get("type")
    types = [wanted] if isinstance(wanted, str) else wanted if isinstance(wanted, list) else []
    if types and not any(_is(value, each) for each in types):
        for each in types:
            made, how = _as_type(value, each)
            if how:
                changes.append(f"{path or 'value'}: {how}")
                value = made
                break
    choices = schema.get("enum")
    if isinstance(choices, list) and isinstance(value, str) and value not in choices:
        same = [each for each in choices if isinstance(each, str) and _name(each) == _name(value)]
        if len(same) == 1:
            changes.append(f"{path or 'value'}: written as {same[0]!r}")
            value = same[0]
    if isinstance(value, dict):
        return _fit_object(value, schema, root, path, changes, deep)
    items = schema.get("items")
    if isinstance(value, list) and isinstance(items, dict):
        return [_fit(each, items, root, f"{path}[{place}]", changes, deep + 1) for place, each in enumerate(value)]
    return value


def _fit_object(
    value: dict[str, Any], schema: dict[str, Any], root: Any, path: str, changes: list[str], deep: int
) -> dict[str, Any]:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return value
    closed = schema.get("additionalProperties") is False and not schema.get("patternProperties")
    missing = {_name(name): name for name in properties if name not in value}
    made: dict[str, Any] = {}
    for name, each in value.items():
        where = f"{path}.{name}" if path else name
        if name in properties:
            made[name] = _fit(each, properties[name], root, where, changes, deep + 1)
        elif (meant := missing.pop(_name(name), None)) is not None and (closed or meant in schema.get("required", ())):
            changes.append(f"{where}: called {meant!r}")
            made[meant] = _fit(each, properties[meant], root, where, changes, deep + 1)
        elif closed:
            changes.append(f"{where}: left out, the schema does not know it")
        else:
            made[name] = each
    required = schema.get("required")
    for name in [name for name, each in made.items() if each is None]:
        known = resolved(properties.get(name), root)
        if name in properties and name not in (required or ()) and isinstance(known, dict) and not _takes_null(known):
            changes.append(f"{path}.{name}: null left out".lstrip("."))
            del made[name]
    return made


def _takes_null(schema: dict[str, Any]) -> bool:
    wanted = schema.get("type")
    return wanted is None or wanted == "null" or (isinstance(wanted, list) and "null" in wanted)


def _is(value: Any, kind: Any) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
        case "null":
            return value is None
    return True


def _as_type(value: Any, kind: Any) -> tuple[Any, str]:
    """(the value as this type, how it was made); unchanged with no words where it cannot be told."""
    if isinstance(value, str):
        said = value.strip()
        if kind == "integer" and _INTEGER.fullmatch(said):
            return int(said.partition(".")[0]), "a text turned into a whole number"
        if kind == "number" and _NUMBER.fullmatch(said):
            return float(said) if any(sign in said for sign in ".eE") else int(said), "a text turned into a number"
        if kind == "boolean" and said.lower() in ("true", "false"):
            return said.lower() == "true", "a text turned into true or false"
        if kind == "null" and said.lower() in ("null", "none"):
            return None, "a text turned into null"
        if kind in ("object", "array") and said[:1] == ("{" if kind == "object" else "["):
            return _inner(value, kind)
    elif kind == "integer" and isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value), "written as a whole number"
    elif kind == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value), "a number turned into a text"
    if kind == "array" and value is not None and not isinstance(value, list):
        return [value], "put into a list"
    return value, ""


def _inner(value: str, kind: Any) -> tuple[Any, str]:
    """JSON within a text."""
    try:
        found = decoded(value)
    except ValueError:
        repaired = repair_json(value)
        found = None if repaired is None else repaired.value
    return (found, "JSON within a text read") if _is(found, kind) and found is not None else (value, "")


def _name(text: str) -> str:
    """A name without case and separators."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())
