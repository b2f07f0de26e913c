"""What `serve` says once it listens: what was found, how it routes, and three commands to try."""

import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

from tenbin import __version__
from tenbin.cli.language import is_japanese, say
from tenbin.cli.routing import table
from tenbin.cli.settings import Settings, gateway_url
from tenbin.config.address import split_listen
from tenbin.config.findings import EMBEDDED_MODEL, FoundServer
from tenbin.config.provider import EMBEDDED
from tenbin.decide.policy import Policy
from tenbin.decide.resolve import absent

SHOWN_MODELS = 5
"""Of a local server's models, how many are named."""

SERVER_NAMES = {"ollama": "Ollama", "llamacpp": "llama.cpp"}


def welcome(settings: Settings, policy: Policy, url: str, *, keyed: bool = False) -> str:
    """The whole text. ``keyed``: the store holds keys, so that everybody has to show one."""
    listens = say(f"Tenbin {__version__} listens on {url}", f"Tenbin {__version__} は {url} で待ち受けています")
    parts = [[listens], found(settings), routing(settings, policy), to_try(settings, policy, url, keyed=keyed)]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def found(settings: Settings) -> list[str]:
    """What is there (+) and what was looked for in vain (-), in plain words."""
    config, findings = settings.config, settings.findings
    lines = [say("Found", "見つかったもの")]
    if settings.path is not None:
        lines.append(f"  + {settings.path}")
    variables = {key.provider: key.variable for key in findings.keys}
    servers = {server.provider: server for server in findings.servers}
    for name, provider in config.providers.items():
        if name == EMBEDDED:
            what = say(
                f"the embedded model {EMBEDDED_MODEL} (small: for trying things out)",
                f"内蔵モデル {EMBEDDED_MODEL} (小型・英語のみ・お試し用)",
            )
        elif name in servers and provider.base_url == servers[name].base_url:
            what = _server(servers[name])
        elif name in variables:
            what = say(f"the API key in {variables[name]}", f"環境変数 {variables[name]} の API キー")
        else:
            what = say("from the configuration", "設定ファイルより")
        lines.append(f"  + {name}: {what}")
    if config.discover:
        lines += _in_vain(settings)
    for target in absent(config):
        lines.append(say(f"  ! {target} is left out: it is not here", f"  ! {target} は見つからないため使われません"))
    return lines


def _server(server: FoundServer) -> str:
    names = [model.name for model in server.models]
    shown = ", ".join(names[:SHOWN_MODELS]) + (", ..." if len(names) > SHOWN_MODELS else "")
    if not names:
        return say(f"a server at {server.base_url}, without any model", f"{server.base_url} (モデルなし)")
    return say(f"a server at {server.base_url} with {shown}", f"{server.base_url} ({shown})")


def _in_vain(settings: Settings) -> list[str]:
    findings, lines = settings.findings, []
    if findings.missing_keys:
        names = ", ".join(findings.missing_keys)
        lines.append(say(f"  - no API key in {names}", f"  - API キーなし: {names}"))
    for provider, base_url in findings.silent:
        at, name = urlsplit(base_url).netloc, SERVER_NAMES.get(provider, provider)
        lines.append(say(f"  - no {name} server at {at}", f"  - {at} に {name} サーバーなし"))
    if not findings.embedded:
        lines.append(say("  - no embedded model: it is not installed", "  - 内蔵モデルはインストールされていません"))
    return lines


def routing(settings: Settings, policy: Policy) -> list[str]:
    """How it routes."""
    lines = [say("Routing", "振り分け"), *(f"  {line}" for line in table(policy))]
    if set(policy.providers) == {EMBEDDED}:
        lines += say(
            "  For a capable model, set an API key (export ANTHROPIC_API_KEY=...) or start Ollama,\n  and start again.",
            "  高性能なモデルを使うには、API キーを設定する (export ANTHROPIC_API_KEY=...) か\n"
            "  Ollama を起動してから、再起動してください。",
        ).splitlines()
    return lines


def to_try(settings: Settings, policy: Policy, url: str, *, keyed: bool = False) -> list[str]:
    """Three commands to try. ``keyed``: the store holds keys."""
    model = next((target.name for target in policy.default), None) or next(iter(policy.chains), "provider/model")
    if model == f"{EMBEDDED}/{EMBEDDED_MODEL}":
        model = EMBEDDED_MODEL
    # The embedded model knows English only.
    question = "日本の首都は?" if is_japanese() and model != EMBEDDED_MODEL else "What is the capital of Japan?"
    body = f'{{"model":"{model}","max_tokens":64,"messages":[{{"role":"user","content":"{question}"}}]}}'
    key = ""
    if settings.config.master_key is not None or settings.config.keys or keyed:
        key = ' -H "authorization: Bearer $TENBIN_KEY"'
    lines = [say("Try", "試してみる")]
    for path in ("/v1/messages", "/v1/chat/completions"):
        lines.append(f"  curl {url}{path} -H 'content-type: application/json'{key} -d '{body}'")
    usual = gateway_url(*split_listen(settings.config.listen)) == url
    lines.append(f"  {own_name()} code" if usual else f"  {own_name()} code --url {url}")
    return lines


def own_name() -> str:
    """What to type for this program: ``tenbin`` where that is it, else the path that it was started by."""
    started = Path(sys.argv[0])
    if started.name != "tenbin" or not started.is_file():
        return "tenbin"
    found = shutil.which("tenbin")
    return "tenbin" if found is not None and Path(found).samefile(started) else str(started)
