"""1. The admin API's OpenAPI 3.1 document, made of the operations and of the types that read and write."""

from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec

from tenbin import __version__
from tenbin.api.admin import answers, shapes
from tenbin.api.admin.answers import Error, NewKey
from tenbin.api.admin.operations import DOCUMENT, OPERATIONS, Operation
from tenbin.config.schema import field_docs

_REF = "#/components/schemas/{name}"

FAILURES = {
    400: "The request says something that cannot be; `error.field` says where.",
    401: "No key, or one that is not known or not taken any more.",
    403: "The key may not do this.",
    404: "What the path names is not there.",
    408: "The body did not come in time.",
    409: "As things are, it cannot be done.",
    413: "The body is too large.",
    415: "The body is not JSON, or is compressed.",
    429: "Too many wrong keys from this address; `retry-after` says when to try again.",
    500: "Tenbin failed inside.",
    501: "The body comes in a transfer-encoding that is not taken.",
    503: "The store cannot be used just now.",
}


@cache
def document() -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.url, {})[operation.method.lower()] = _operation(operation)
    paths[DOCUMENT] = {
        "get": {
            "operationId": "show_document",
            "summary": "This document.",
            "responses": {
                "200": {"description": "OpenAPI 3.1", "content": {"application/json": {"schema": {"type": "object"}}}},
                **_failures((400, 401, 403, 429, 500)),
            },
        }
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tenbin admin API",
            "version": __version__,
            "description": "Keys, teams, users, budgets and the audit log of a Tenbin gateway. See docs/admin.md.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:4000"}],
        "security": [{"bearer": []}, {"key": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "responses": {f"Failure{status}": _failure(words) for status, words in FAILURES.items()},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "The master key, or an admin key."},
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "The same."},
            },
        },
    }


@cache
def encoded() -> bytes:
    """The document as it is served."""
    return msgspec.json.format(msgspec.json.encode(document()), indent=2) + b"\n"


def _operation(operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {"operationId": operation.name, "summary": operation.about}
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in operation.placeholders
    ]
    parameters += _query(operation.query)
    if parameters:
        told["parameters"] = parameters
    failures = {400, 401, 403, 429, 500, 503}
    if operation.placeholders or operation.names_a_key:
        failures.add(404)
    if operation.conflicts:
        failures.add(409)
    if operation.method != "GET":
        failures |= {408, 413, 415, 501}
    if operation.body is not None:
        schema = {"$ref": _REF.format(name=operation.body.__name__)}
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    answer = {"$ref": _REF.format(name=operation.answer.__name__)}
    told["responses"] = {
        str(operation.status): {
            "description": (operation.answer.__doc__ or "").strip().partition("\n")[0],
            "content": {"application/json": {"schema": answer}},
        },
        **_failures(sorted(failures)),
    }
    if operation.answer is NewKey and operation.status == 201:
        told["responses"]["201"]["links"] = {
            one.name: {"operationId": one.name, "parameters": {"key": "$response.body#/key/key_id"}}
            for one in OPERATIONS
            if one.placeholders == ("key",)
        }
    return told


def _query(shape: type[msgspec.Struct]) -> list[dict[str, Any]]:
    """The fields of a query as parameters."""
    docs = field_docs(shape)
    components = _documented((shape,))
    properties = components[shape.__name__].get("properties", {})
    found = []
    for name, schema in properties.items():
        plain = _without_null(schema)
        description = docs.get(name) or plain.pop("description", None)
        found.append(
            {"name": name, "in": "query", "required": False, "schema": plain}
            | ({"description": description.replace("``", "`")} if description else {})
        )
    return found


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out rather than null."""
    plain = {key: value for key, value in schema.items() if not (key == "default" and value is None)}
    if "anyOf" in plain:
        options = [one for one in plain.pop("anyOf") if one != {"type": "null"}]
        plain |= options[0]
    if "enum" in plain:
        plain["enum"] = [one for one in plain["enum"] if one is not None]
    return plain


def _failures(statuses: Iterable[int]) -> dict[str, Any]:
    return {str(status): {"$ref": f"#/components/responses/Failure{status}"} for status in statuses}


def _failure(words: str) -> dict[str, Any]:
    error = {"$ref": _REF.format(name=Error.__name__)}
    return {"description": words, "content": {"application/json": {"schema": error}}}


def _schemas() -> dict[str, Any]:
    stated: set[type[msgspec.Struct]] = {Error}
    for one in OPERATIONS:
        stated |= {one.answer} if one.body is None else {one.answer, one.body}
    return _documented(tuple(sorted(stated, key=lambda shape: shape.__name__)))


def _documented(stated: tuple[type[msgspec.Struct], ...]) -> dict[str, Any]:
    """JSON Schemas of these and of all that they hold, by name, with what the fields' docstrings say."""
    _, components = msgspec.json.schema_components(stated, ref_template=_REF)
    for name, schema in components.items():
        shape = getattr(shapes, name, None) or getattr(answers, name, None)
        docs = field_docs(shape) if shape is not None else {}
        for field, own in schema.get("properties", {}).items():
            if field in docs and "$ref" not in own:
                own["description"] = docs[field].replace("``", "`")
    return dict(sorted(components.items()))
