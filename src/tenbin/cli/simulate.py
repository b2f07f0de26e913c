"""`tenbin simulate`: the provider simulator, as a server."""

import click

from tenbin.cli.settings import fail

EPILOG = """\b
Examples:
  tenbin simulate
  tenbin simulate --port 4200
\b
A provider in tenbin.yaml that is simulated:
  providers:
    simulated: {dialect: anthropic, base_url: http://127.0.0.1:4010/anthropic}
"""


@click.command(epilog=EPILOG)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", "-p", type=click.IntRange(0, 65535), default=4010, show_default=True, help="0: any free one.")
def simulate(host: str, port: int) -> None:
    """Serve a simulated provider of every dialect, to try things at no cost.

    It answers like Anthropic, OpenAI and Ollama, counts tokens, keeps prompt caches, sends rate-limit headers, and
    misbehaves on request.
    """
    from tenbin import simulator

    try:
        simulator.serve(host, port, announce=click.echo)
    except OSError as error:
        fail(f"Cannot listen at {host}:{port}: {error.strerror or error}. Choose another port: --port 4200")
