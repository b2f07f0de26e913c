"""`tenbin schema` prints the schema that the loader agrees with."""

import json

from tenbin.config.schema import json_schema
from tests.cli.conftest import Run


def test_it_is_printed_as_json(run: Run) -> None:
    assert json.loads(run("schema").output) == json.loads(json.dumps(json_schema()))
