"""`tenbin schema`: the JSON Schema of tenbin.yaml."""

import json

import click

EPILOG = """\b
Examples:
  tenbin schema > tenbin.schema.json
\b
Then this first line of tenbin.yaml makes editors complete and explain its keys:
  # yaml-language-server: $schema=tenbin.schema.json
"""


@click.command(epilog=EPILOG)
def schema() -> None:
    """Print the JSON Schema of tenbin.yaml, for editors."""
    from tenbin.config.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
