"""`tenbin doctor`: the whole path to every provider, proven by real requests."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path

import click
import msgspec

from tenbin.cli.client import client_key, is_gateway
from tenbin.cli.examination import Check, Patient, examine
from tenbin.cli.ledger import database_path
from tenbin.cli.listing import offered
from tenbin.cli.local_servers import context
from tenbin.cli.settings import Settings, config_option, data_directory, fail, settle, told
from tenbin.config.findings import DEFAULT_MODELS, named_providers
from tenbin.config.problem import ConfigError
from tenbin.config.provider import EMBEDDED, Provider, complete, split_target
from tenbin.core.receipt import Receipt

EPILOG = """\b
Examples:
  tenbin doctor
  tenbin doctor --model openai/gpt-6.1-sol --model ollama/qwen3:8b
  tenbin doctor --json | jq '.targets[] | select(.ok | not)'
\b
Exit codes: 0 everything works (there may be warnings); 1 something does not.
"""

RECEIPT_SECONDS = 5.0
"""The ledger is written behind the answer: until a receipt is there."""

LOADING_SECONDS = 60.0
"""Until the embedded model is loaded; usually one."""

MARKS = {"ok": "ok  ", "warning": "note", "failed": "FAIL"}


@click.command(epilog=EPILOG)
@config_option
@click.option(
    "--model",
    "-m",
    "named",
    multiple=True,
    help="A provider/model to look at; may be given again.  [default: one of each provider]",
)
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Folder of the gateway's ledger.")
@click.option("--no-discover", is_flag=True, help="Look for no API keys and servers: what the file says is all.")
@click.option("--json", "as_json", is_flag=True, help="For programs: {ok, targets: [{target, ok, checks}]}.")
def doctor(path: Path | None, named: tuple[str, ...], data_dir: Path | None, no_discover: bool, as_json: bool) -> None:
    """Prove the whole path to every provider: reachable, key valid, streams, usage adds up, context really there.

    For each provider one model is asked a short question four times through the gateway (the running one, or else one
    that is started for the moment), in both dialects, streamed and unstreamed. That costs a few hundred tokens, which
    stand in the ledger like any others.
    """
    settings = settle(path, discover=not no_discover)
    directory = data_directory(data_dir, settings.config)
    providers = {name: complete(name, row) for name, row in settings.config.providers.items()}
    targets = [_target(name, providers) for name in named] if named else usual_targets(settings, providers)
    if not targets:
        fail("There is no provider to look at: set an API key, start Ollama, or write a tenbin.yaml (`tenbin init`).")
    results = []
    with _gateway(settings, directory) as (url, base_urls):
        for provider, model in targets:
            provider = msgspec.structs.replace(provider, base_url=base_urls.get(provider.name, provider.base_url))
            found: list[Check] = []
            if not model:
                listed, model = offered(provider)
                found = [listed]
            checks = _examined(settings, directory, url, provider, model) if model else []
            checks = found + checks
            if model and checks[len(found)].state == "ok" and (provider.name != EMBEDDED or EMBEDDED in base_urls):
                checks.append(context(provider, model))
            results.append((f"{provider.name}/{model or '?'}", checks))
            if not as_json:
                _show(*results[-1])
    well = all(check.state != "failed" for _, checks in results for check in checks)
    if as_json:
        click.echo(json.dumps({"ok": well, "targets": [_plain(*result) for result in results]}, indent=2))
    else:
        click.echo("Everything works." if well else "Something does not work: see above for what to do.")
    raise SystemExit(0 if well else 1)


def usual_targets(settings: Settings, providers: dict[str, Provider]) -> list[tuple[Provider, str]]:
    """For each provider the model that a chain names first, else a configured one, else its profile's, else none: then
    the provider itself is asked.
    """
    config = settings.config
    chosen: dict[str, str] = {}
    for chain in (config.default, *config.models.values(), config.fallback):
        for target in chain:
            parts = split_target(target)
            if parts is not None:
                chosen.setdefault(*parts)
    for name, provider in providers.items():
        for model in (*provider.models, DEFAULT_MODELS.get(provider.profile or "", "")):
            if model:
                chosen.setdefault(name, model)
    order = dict.fromkeys([*named_providers(config), *providers])
    return [(providers[name], chosen.get(name, "")) for name in order if name in providers]


def _target(name: str, providers: dict[str, Provider]) -> tuple[Provider, str]:
    parts = split_target(name)
    if parts is None or parts[0] not in providers:
        fail(f"{name} is not a provider/model of this configuration. Providers: {', '.join(providers) or 'none'}.")
    return providers[parts[0]], parts[1]


@contextlib.contextmanager
def _gateway(settings: Settings, directory: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A gateway's URL, and where the embedded model is, when it is this process that runs it."""
    there = is_gateway(settings.url)
    if there:
        yield settings.url, {}
        return
    from tenbin.ledger.segments import LedgerUnusable
    from tenbin.running import RunningGateway

    try:
        with RunningGateway(settings.config, directory) as running:
            model = running.gateway.local_model
            end = time.monotonic() + LOADING_SECONDS
            while model is not None and not model.ready and time.monotonic() < end:
                time.sleep(0.05)
            yield running.url, {EMBEDDED: model.base_url} if model is not None else {}
    except ConfigError as error:
        fail(told(error))
    except LedgerUnusable as error:
        fail(f"{error}\nIf a gateway runs at another address, name its configuration: tenbin doctor --config FILE")


def _examined(settings: Settings, directory: Path, url: str, provider: Provider, model: str) -> list[Check]:
    patient = Patient(
        url=url,
        key=client_key(settings.config),
        provider=provider,
        model=model,
        receipt=_receipts(database_path(directory)),
    )
    try:
        return examine(patient)
    except (OSError, HTTPException, ValueError) as error:
        fix = "Try again; if it stays, look at what the gateway says (tenbin serve --log-level debug)."
        return [Check("answers", "failed", f"the answer broke off: {type(error).__name__} {error}", fix)]


def _receipts(database: Path) -> Callable[[str], Receipt | None]:
    """Looks receipts up, patiently."""
    from sqlite3 import Error  # while the first migration is under way

    from tenbin.ledger import queries

    def find(request_id: str) -> Receipt | None:
        end = time.monotonic() + RECEIPT_SECONDS
        while True:
            with contextlib.suppress(FileNotFoundError, Error), queries.reading(database) as connection:
                found = queries.receipt(connection, request_id)
                if found is not None:
                    return found
            if time.monotonic() > end:
                return None
            time.sleep(0.05)

    return find


def _show(target: str, checks: list[Check]) -> None:
    click.echo(target)
    width = max(len(check.name) for check in checks)
    for check in checks:
        click.echo(f"  {MARKS[check.state]}  {check.name:<{width}}  {check.said}")
        if check.fix:
            click.echo(f"        {'':<{width}}  {check.fix}")
    click.echo()


def _plain(target: str, checks: list[Check]) -> dict[str, object]:
    well = all(check.state != "failed" for check in checks)
    return {"target": target, "ok": well, "checks": msgspec.to_builtins(checks)}
