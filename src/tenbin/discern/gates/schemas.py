"""7. JSON Schemas of requests, checked by jsonschema-rs: never from the network, with patterns in linear time, and
with a bound on what a schema that refers to itself may cost.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from tenbin.discern.gates.json_text import DEEPEST, decoded, depth

if TYPE_CHECKING:
    import jsonschema_rs

MOST_SCHEMA = 1 << 18
"""Bytes of a schema that is read."""
MOST_WORK = 20_000
"""Checks that a schema may ask for at one place of a value, the ones below it along one path included. References that
double what they refer to, twenty times over, would ask for a million."""
MOST_ERRORS = 5

MISSING = "jsonschema-rs is not installed: pip install 'tenbin[gates]'"

_IN_PLACE = ("allOf", "anyOf", "oneOf")
_IN_PLACE_ONE = ("not", "if", "then", "else")
_BELOW_ONE = ("items", "additionalItems", "additionalProperties", "unevaluatedItems", "unevaluatedProperties",
"contains",
              "propertyNames")  # fmt: skip
_BELOW_NAMED = ("patternProperties", "dependentSchemas", "dependencies")


class NotChecked(Exception):
    """Nothing can be said with this schema; the message says why."""


class Fault(NamedTuple):
    """Where a value does not fit its schema."""

    path: tuple[str | int, ...]
    message: str

    @property
    def words(self) -> str:
        """For people: where and what."""
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path).lstrip(".")
        return f"{where}: {self.message}" if where else self.message


def faults(schema: bytes, value: Any) -> list[Fault]:
    """Where a decoded value does not fit a schema (JSON text); empty when it does. At most MOST_ERRORS.

    Raises NotChecked: for a schema that is none, refers to elsewhere, or is too costly, and without jsonschema-rs.
    """
    levels = depth(value)
    if levels > DEEPEST:
        raise NotChecked("the value is nested too deep")
    parsed = _schema(schema)
    if b"$ref" in schema and work(parsed, levels) > MOST_WORK:
        raise NotChecked("the schema's references multiply: too costly to check")
    validator = _validator(schema)
    found: list[Fault] = []
    for error in validator.iter_errors(value):
        found.append(Fault(tuple(error.instance_path), error.message[:200]))
        if len(found) == MOST_ERRORS:
            break
    return found


def _schema(schema: bytes) -> Any:
    if len(schema) > MOST_SCHEMA:
        raise NotChecked("the schema is too long")
    if b"$dynamicRef" in schema or b"$recursiveRef" in schema:
        raise NotChecked("the schema has dynamic references, whose cost is not known")
    try:
        parsed = decoded(schema)
    except ValueError as error:
        raise NotChecked(f"the schema is no JSON: {error}") from None
    if not isinstance(parsed, dict | bool):
        raise NotChecked("the schema is no object")
    return parsed


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> "jsonschema_rs.Validator":
    try:
        import jsonschema_rs
    except ImportError:
        raise NotChecked(MISSING) from None
    try:
        return jsonschema_rs.validator_for(
            decoded(schema),
            pattern_options=jsonschema_rs.RegexOptions(size_limit=1 << 20),
            offline=True,
        )
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise NotChecked(f"the schema cannot be used: {str(error).partition(chr(10))[0][:160]}") from None


def resolved(schema: Any, root: Any) -> Any:
    """A subschema, or what its local reference (``#/...``) means; itself when that leads nowhere."""
    for _ in range(8):
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(reference, str) or not reference.startswith("#"):
            return schema
        target = root
        for part in reference[1:].strip("/").split("/") if reference != "#" else ():
            part = part.replace("~1", "/").replace("~0", "~")
            if isinstance(target, dict) and part in target:
                target = target[part]
            elif isinstance(target, list) and part.isdecimal() and int(part) < len(target):
                target = target[int(part)]
            else:
                return schema
        schema = target
    return schema


def work(root: Any, levels: int) -> int:
    """How many checks this schema may ask for at one place of a value ``levels`` deep, with those below it along one
    path: what applies to the same value adds up, and so does what applies to the same child. Above MOST_WORK it is not
    counted on.
    """
    known: dict[tuple[int, int], int] = {}
    underway: set[tuple[int, int]] = set()

    def cost(schema: Any, left: int) -> int:
        if not isinstance(schema, dict) or left < 0:
            return 1
        key = (id(schema), left)
        if key in known:
            return known[key]
        if key in underway or len(known) + len(underway) > MOST_WORK:
            return 1 if key in underway else MOST_WORK + 1  # A circle at one place is looked through once.
        underway.add(key)
        total = 1
        for child in _in_place(schema, root):
            total += cost(child, left)
            if total > MOST_WORK:
                break
        named = schema.get("properties")
        if isinstance(named, dict):  # Each is about a child of its own.
            total += max((cost(each, left - 1) for each in named.values()), default=0)
        for child in _below(schema):
            total += cost(child, left - 1)
            if total > MOST_WORK:
                break
        underway.discard(key)
        known[key] = total
        return total

    try:
        return cost(root, levels)
    except RecursionError:
        return MOST_WORK + 1


def _in_place(schema: dict[str, Any], root: Any) -> list[Any]:
    """Subschemas that apply to the same value."""
    found = [each for key in _IN_PLACE if isinstance(schema.get(key), list) for each in schema[key]]
    found += [schema[key] for key in _IN_PLACE_ONE if key in schema]
    if isinstance(schema.get("$ref"), str):
        target = resolved(schema, root)
        found += [target] if target is not schema else []
    return found


def _below(schema: dict[str, Any]) -> list[Any]:
    """Subschemas that may all apply to the same child."""
    found = [schema[key] for key in _BELOW_ONE if key in schema]
    for key in _BELOW_NAMED:
        if isinstance(schema.get(key), dict):
            found += schema[key].values()
    return [each for child in found for each in (child if isinstance(child, list) else [child])]
