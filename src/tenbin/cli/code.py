"""`tenbin code`: Claude Code, through the gateway."""

import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import click

from tenbin.cli.client import client_key, is_gateway, model_names, variables
from tenbin.cli.settings import data_directory, fail, gateway_url, read_file
from tenbin.config.address import is_loopback, split_listen
from tenbin.config.findings import EMBEDDED_CONTEXT, EMBEDDED_MODEL
from tenbin.config.provider import EMBEDDED

EPILOG = """\b
Examples:
  tenbin code
  tenbin code -p "What does this project do?"
  tenbin code --model ollama/qwen3-coder:30b
  tenbin code --url https://gateway.example.com --continue
\b
Ends with Claude Code's own exit code; 1 when it could not be started.
"""

START_SECONDS = 15.0
SMALL_PROMPT = ("--bare", "--tools", "", "--system-prompt", "Answer briefly.")
"""Claude Code's usual prompt is about 11 000 tokens long. With these it is under 1 KB."""
SMALL_OUTPUT = "512"
"""Tokens: what is asked of the embedded model at most, which is slow."""


@click.command(epilog=EPILOG, context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The configuration.  [default: tenbin.yaml here, if there is one]",
)
@click.option("--url", help="Where the gateway is.  [default: from `listen`, else http://127.0.0.1:4000]")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
def code(path: Path | None, url: str | None, arguments: tuple[str, ...]) -> None:
    """Start Claude Code so that it talks to the gateway. ARGS go to Claude Code as they are.

    If no gateway answers at that address on this machine, one is started for as long as Claude Code runs. The program
    is the `claude` on PATH, else the one inside the Python package claude-agent-sdk. Put this command's own options
    before Claude Code's.
    """
    program = find_claude()
    if program is None:
        fail(
            "Claude Code is not installed: there is no `claude` on PATH, and no Python package claude-agent-sdk.\n"
            "Install it with `npm install -g @anthropic-ai/claude-code`, or `pip install claude-agent-sdk`."
        )
    _, config = read_file(path)
    where = url.rstrip("/") if url else gateway_url(*split_listen(config.listen))
    key = client_key(config)
    there = is_gateway(where)
    gateway = None
    if there is False:
        fail(f"At {where} is something that is not Tenbin. Name your gateway: tenbin code --url http://127.0.0.1:4100")
    if there is None:
        if url is not None and not is_loopback(urlsplit(where).hostname or ""):
            fail(f"No gateway answers at {where}.")
        gateway = _start_gateway(path, where, data_directory(None, config))
    environ = {name: value for name, value in os.environ.items() if name != "ANTHROPIC_API_KEY"} | variables(where, key)
    if os.environ.get("OPENAI_API_KEY"):
        environ["OPENAI_API_KEY"] = os.environ["OPENAI_API_KEY"]  # for what is run inside: it is not Claude Code's
        environ.pop("OPENAI_BASE_URL")
    if only_embedded(model_names(where, key)):
        arguments, environ = _small(arguments, environ)
    if gateway is None:
        _replace_process(program, arguments, environ)
    raise SystemExit(_run_beside(gateway, program, arguments, environ))


def find_claude() -> Path | None:
    """Claude Code's program."""
    found = shutil.which("claude")
    if found is not None:
        return Path(found)
    package = find_spec("claude_agent_sdk")
    for folder in (package.submodule_search_locations or ()) if package is not None else ():
        bundled = Path(folder) / "_bundled" / ("claude.exe" if sys.platform == "win32" else "claude")
        if bundled.is_file():
            return bundled
    return None


def only_embedded(names: list[str]) -> bool:
    """True when the gateway has nothing but the embedded model. Names without a provider (``auto``, a chain's, an
    alias) lead to targets that are listed as well.
    """
    return {name for name in names if "/" in name} == {f"{EMBEDDED}/{EMBEDDED_MODEL}"}


def _small(arguments: tuple[str, ...], environ: dict[str, str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Claude Code cut down to what the embedded model can hold."""
    click.echo(
        f"Only the embedded model is here: small, slow, with {EMBEDDED_CONTEXT:,} tokens of context. Claude Code is\n"
        "started without tools and with a short prompt, which is enough to see that everything works. For real work\n"
        "set an API key (export ANTHROPIC_API_KEY=...) or start Ollama, and restart the gateway.\n",
        err=True,
    )
    if "--model" not in arguments:
        arguments = ("--model", EMBEDDED_MODEL, *arguments)
    if not {"--bare", "--tools", "--system-prompt"} & set(arguments):
        arguments = (*SMALL_PROMPT, *arguments)
    small = {
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS": str(EMBEDDED_CONTEXT),
        # It keeps more room free than this context has, and would have every answer summarised.
        "DISABLE_AUTO_COMPACT": "1",
        "CLAUDE_CODE_MAX_OUTPUT_TOKENS": SMALL_OUTPUT,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    return arguments, {**small, **environ}


def _start_gateway(path: Path | None, where: str, data_dir: Path) -> subprocess.Popen[bytes]:
    """Start a gateway beside Claude Code, and wait until it answers. Its words go to a file in the ledger's folder."""
    parts = urlsplit(where)
    arguments = ["serve", "--host", parts.hostname or "127.0.0.1", "--port", str(parts.port or 80)]
    if path is not None:
        arguments += ["--config", str(path)]
    log_file = data_dir / "serve.log"
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = log_file.open("wb")
    except OSError as error:
        fail(f"The ledger's folder {data_dir} cannot be used: {error.strerror}. Set TENBIN_HOME to another one.")
    with log:
        gateway = subprocess.Popen(
            [sys.executable, "-m", "tenbin.cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    click.echo(f"No gateway runs at {where}: one is started for this session (its words: {log_file}).", err=True)
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and gateway.poll() is None:
        if is_gateway(where):
            return gateway
        time.sleep(0.05)
    gateway.kill()
    gateway.wait()
    fail(f"The gateway did not start:\n{log_file.read_text(errors='replace').strip()}")


def _replace_process(program: Path, arguments: tuple[str, ...], environ: dict[str, str]) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execve(program, [str(program), *arguments], environ)
    except OSError as error:
        fail(f"Claude Code ({program}) cannot be started: {error.strerror}.")


def _run_beside(
    gateway: subprocess.Popen[bytes], program: Path, arguments: tuple[str, ...], environ: dict[str, str]
) -> int:
    """Run Claude Code while the gateway runs, and end the gateway after it. Ctrl-C is Claude Code's to understand;
    an order to end goes on to it.
    """
    try:
        claude = subprocess.Popen([str(program), *arguments], env=environ)
    except OSError as error:
        _end(gateway)
        fail(f"Claude Code ({program}) cannot be started: {error.strerror}.")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: claude.send_signal(received))
    try:
        status = claude.wait()
    finally:
        _end(gateway)
    return 128 - status if status < 0 else status


def _end(gateway: subprocess.Popen[bytes]) -> None:
    """End the gateway in order, so that its ledger is complete."""
    gateway.terminate()
    gateway.wait()
