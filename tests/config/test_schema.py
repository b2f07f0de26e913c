"""The JSON Schema and the loader agree, and every key is explained."""

import jsonschema
import pytest
import yaml

from tenbin.config.load import parse
from tenbin.config.problem import ConfigError
from tenbin.config.schema import field_docs, json_schema, sections

GOOD = """
listen: 127.0.0.1:4000
providers: {a: {profile: openai, quirks: {tools: false}, models: {m: {price: {input: 1, output: 2}}}}}
models: {x: [a/m]}
timeouts:
retries: {per_target: "${N:-3}"}
"""


def test_it_is_a_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_what_loads_fits_the_schema() -> None:
    parse(GOOD, environ={})
    jsonschema.validate(yaml.safe_load(GOOD), json_schema())


@pytest.mark.parametrize(
    "text",
    [
        "lisen: x",
        "providers: {a: {profile: openai, quirks: {toolz: 1}}}",
        "providers: {a: {profile: openai, models: {m: {quirks: {tools: 3}}}}}",
        "retries: {per_target: -1}",
        "default: openai/x",
        "models: {a: [x]}",
        "discover: 7",
    ],
)
def test_what_does_not_load_does_not_fit(text: str) -> None:
    with pytest.raises(ConfigError):
        parse(text, environ={})
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), json_schema())


SPEAK_FOR_THEMSELVES = {"ModelPrice.input", "ModelPrice.output", "Timeouts.connect", "Timeouts.total"}


def test_every_key_is_explained() -> None:
    silent = {
        f"{struct.__name__}.{name}"
        for struct in sections().values()
        for name in struct.__struct_fields__
        if name not in field_docs(struct)
    }
    assert silent == SPEAK_FOR_THEMSELVES


def test_descriptions_reach_the_schema() -> None:
    schema = json_schema()["$defs"]
    assert "loopback" in schema["Config"]["properties"]["listen"]["description"]
    assert schema["ModelFacts"]["properties"]["quirks"]["anyOf"][0]["properties"]["tool_id_limit"]["description"]
