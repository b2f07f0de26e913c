"""The configuration described for others: its JSON Schema for editors, its table for the documentation.

Descriptions are the docstrings of the model's fields, read from its source, so that they are written once.
"""

import ast
import inspect
import textwrap
from functools import cache
from itertools import pairwise
from typing import Any

import msgspec

from tenbin.config.model import Config
from tenbin.config.quirks import PROFILES
from tenbin.core.target import Quirks

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"


@cache
def field_docs(struct: type[msgspec.Struct]) -> dict[str, str]:
    """By field, the docstring that stands under it; empty without source code (an install of bytecode only)."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(struct)))
    except (OSError, SyntaxError):
        return {}
    docs: dict[str, str] = {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    for statement, after in pairwise(body):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            docs[statement.target.id] = " ".join(after.value.value.split())
    return docs


def sections() -> dict[str, type[msgspec.Struct]]:
    """Every block of the file by its key path: ``""`` the file itself, ``providers.NAME``, ``timeouts`` ..."""
    found: dict[str, type[msgspec.Struct]] = {}

    def walk(shape: msgspec.inspect.Type, path: str) -> None:
        match shape:
            case msgspec.inspect.StructType():
                found[path] = shape.cls
                for field in shape.fields:
                    walk(field.type, f"{path}.{field.name}" if path else field.name)
            case msgspec.inspect.DictType():
                walk(shape.value_type, f"{path}.{'MODEL' if path.endswith('.models') else 'NAME'}")
            case msgspec.inspect.ListType():
                walk(shape.item_type, path)
            case msgspec.inspect.UnionType():
                for option in shape.types:
                    walk(option, path)
            case msgspec.inspect.Metadata():
                walk(shape.type, path)

    walk(msgspec.inspect.type_info(Config), "")
    return found


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the file. A number or switch may also be text with a ``${NAME}`` in it."""
    schema: dict[str, Any] = msgspec.json.schema(Config)
    for struct in sections().values():
        block = schema["$defs"][struct.__name__]
        docs = field_docs(struct)
        for name, field in block["properties"].items():
            block["properties"][name] = _with_reference(field)
            if name in docs:
                block["properties"][name]["description"] = docs[name].replace("``", "`")
    provider = schema["$defs"]["ProviderConfig"]["properties"]
    provider["profile"] |= {"examples": list(PROFILES)}
    for block in ("ProviderConfig", "ModelFacts"):
        field = schema["$defs"][block]["properties"]["quirks"]
        field["anyOf"][0] |= {"properties": quirks_schema(), "additionalProperties": False}
    return {"$schema": SCHEMA_DIALECT, "title": "tenbin.yaml", **schema}


def quirks_schema() -> dict[str, Any]:
    """JSON Schema of each quirk, by name."""
    properties: dict[str, Any] = msgspec.json.schema(Quirks)["$defs"]["Quirks"]["properties"]
    docs = field_docs(Quirks)
    for name, field in properties.items():
        if name in docs:
            field["description"] = docs[name].replace("``", "`")
    return properties


def _with_reference(field: dict[str, Any]) -> dict[str, Any]:
    """Numbers and switches may come from the environment, and a heading may have nothing under it."""
    types = {option.get("type") for option in field.get("anyOf", [field])}
    if types & {"integer", "number", "boolean"}:
        more: dict[str, Any] = {"type": "string", "pattern": r"\$\{"}
    elif types & {"object", "array"} or "$ref" in field:
        more = {"type": "null"}
    else:
        return field
    kept: dict[str, Any] = {name: field.pop(name) for name in ("default", "description") if name in field}
    options = field.pop("anyOf", None) or [field]
    return {"anyOf": [*options, more], **kept}
