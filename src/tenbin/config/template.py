"""A commented tenbin.yaml: what was found is set, the rest stands there as comments with its defaults."""

from typing import Any

import msgspec
import yaml

from tenbin.config.caching import CachingConfig
from tenbin.config.findings import DEFAULT_MODELS, EMBEDDED_MODEL, Findings
from tenbin.config.model import Config
from tenbin.config.provider import EMBEDDED
from tenbin.config.quirks import PROFILES
from tenbin.config.routing import RoutingConfig
from tenbin.config.schema import field_docs
from tenbin.core.features import TIERS

_WIDTH = 100

HEAD = """\
# Tenbin's configuration. `tenbin check` looks for mistakes and shows how it routes; a running gateway takes over
# changes by itself. ${NAME} stands for an environment variable, ${NAME:-default} for one that may be missing.
# For completion and explanations in an editor run `tenbin schema > tenbin.schema.json` and add this line:
#   # yaml-language-server: $schema=tenbin.schema.json
"""


def template(findings: Findings) -> str:
    """The text of a tenbin.yaml in which ``findings`` are set. It reads back without a mistake."""
    docs = field_docs(Config)
    parts = [HEAD, _unset("listen", Config().listen, docs), _secret("master_key", "TENBIN_MASTER_KEY", docs)]
    parts.append(_unset("keys", {}, docs))
    parts.append(_comment(docs.get("providers", "")) + _providers(findings))
    parts.append(_comment(docs.get("models", "")) + _models(findings))
    parts.append(_comment(docs.get("default", "")) + _default(findings))
    parts.append(_unset("fallback", [], docs))
    parts.append(_unset("cascades", {}, docs))
    parts.append(_routing(docs))
    parts.append(_cache(docs))
    for name in ("discover", "local_model", "proxy_down"):
        parts.append(_unset(name, getattr(Config(), name), docs))
    for name in (
        "prompt_caching",
        "spending",
        "plans",
        "alerts",
        "admin",
        "shadow",
        "timeouts",
        "retries",
        "hedging",
        "cooldown",
        "limits",
        "ledger",
        "content",
    ):
        parts.append(_section(name, getattr(Config(), name), docs))
    parts.append(_unset("ping_seconds", Config().ping_seconds, docs))
    return "\n".join(parts)


def _providers(findings: Findings) -> str:
    lines = ["providers:"]
    for key in findings.keys:
        lines += [f"  {key.provider}:", f"    api_key: ${{{key.variable}}}"]
    for server in findings.servers:
        lines += [f"  {server.provider}:", f"    base_url: {server.base_url}", "    free: true"]
        facts = [model for model in server.models if model.context]
        lines += ["    models:"] if facts else []
        for model in facts:
            lines.append(f"      {_word(model.name)}: {{context: {model.context}}}")
    found = {*(key.provider for key in findings.keys), *(server.provider for server in findings.servers)}
    for name, profile in PROFILES.items():
        if name in found:
            continue
        value = f"{{api_key: ${{{profile.env[0]}}}}}" if profile.env else f"{{base_url: {profile.base_url}}}"
        value = value.replace("${", '"${').replace("}}", '}"}') if profile.env else value
        lines.append(f"  # {name}: {value}")
    return "\n".join(lines) + "\n"


def _models(findings: Findings) -> str:
    lines = ["models:"]
    chain = _chain(findings)
    if chain:
        lines.append(f"  # my-model: [{', '.join(chain)}]")
    for server in findings.servers:
        lines += [f"  {_word(model.name)}: [{_word(f'{server.provider}/{model.name}')}]" for model in server.models]
    return "\n".join(lines) + "\n"


def _default(findings: Findings) -> str:
    chain = _chain(findings)
    return f"default: [{', '.join(map(_word, chain))}]\n" if chain else "# default: [provider/model]\n"


def _chain(findings: Findings) -> list[str]:
    """The default chain that these findings have without a file (config.findings)."""
    keys = {key.provider for key in findings.keys}
    chain = [f"{profile}/{model}" for profile, model in DEFAULT_MODELS.items() if profile in keys]
    for server in findings.servers:
        chain += [f"{server.provider}/{model.name}" for model in server.models if model.chat][:1]
    if not chain and findings.embedded:
        chain = [f"{EMBEDDED}/{EMBEDDED_MODEL}"]
    return chain


def _routing(docs: dict[str, str]) -> str:
    """The few keys of weighing that most people set; docs/configuration.md has all."""
    routing, own = Config().routing, field_docs(RoutingConfig)
    lines = [_comment(docs.get("routing", "")) + "routing:"]
    for name in ("names", "mode", "floor", "long_context_tokens"):
        lines += [f"  {line}" for line in _comment(own.get(name, "")).splitlines()]
        lines.append(f"  # {name}: {_value(getattr(routing, name))}")
    lines += [f"  {line}" for line in _comment(own.get("tiers", "")).splitlines()]
    lines += ["  # tiers:", *(f"  #   {tier}: []" for tier in TIERS)]
    return "\n".join(lines) + "\n"


def _cache(docs: dict[str, str]) -> str:
    """The few keys of the response cache that most people set; docs/caching.md has all."""
    cache, own = Config().cache, field_docs(CachingConfig)
    lines = [_comment(docs.get("cache", "")) + "cache:"]
    for name in ("exact", "scope", "store", "sampled"):
        lines += [f"  {line}" for line in _comment(own.get(name, "")).splitlines()]
        lines.append(f"  # {name}: {getattr(cache, name)}")
    lines += [f"  {line}" for line in _comment(own.get("semantic", "")).splitlines()]
    lines.append(f"  # semantic: {{mode: {cache.semantic.mode}, profile: {cache.semantic.profile}}}")
    return "\n".join(lines) + "\n"


def _section(name: str, section: msgspec.Struct, docs: dict[str, str]) -> str:
    """A block whose keys all have defaults: a heading, and each key as a comment."""
    own = field_docs(type(section))
    lines = [_comment(docs.get(name, "")) + f"{name}:"]
    for field in section.__struct_fields__:
        line = f"  # {field}: {_value(getattr(section, field))}"
        explained = f"  # {own[field].replace('``', '`')}" if field in own else ""
        lines.append(f"{line}{explained}" if len(line + explained) <= _WIDTH + 20 else f"{explained}\n{line}")
    return "\n".join(lines) + "\n"


def _unset(name: str, default: Any, docs: dict[str, str]) -> str:
    return _comment(docs.get(name, "")) + f"# {name}: {_value(default)}\n"


def _secret(name: str, variable: str, docs: dict[str, str]) -> str:
    return _comment(docs.get(name, "")) + f"# {name}: ${{{variable}}}\n"


def _comment(text: str) -> str:
    """A sentence or more as comment lines."""
    lines, line = [], "#"
    for word in text.replace("``", "`").split():
        if len(line) + 1 + len(word) > _WIDTH:
            lines.append(line)
            line = "#"
        line += f" {word}"
    return "".join(f"{each}\n" for each in [*lines, line] if each != "#")


def _value(value: Any) -> str:
    if isinstance(value, msgspec.Struct):
        return "{}"  # a block of its own, all of whose keys have defaults
    return (
        _word(value) if isinstance(value, str) else str(yaml.safe_dump(value, default_flow_style=True)).split("\n")[0]
    )


def _word(text: str) -> str:
    """A string as YAML, also inside brackets; in quotes where it needs them."""
    return str(yaml.safe_dump([text], default_flow_style=True, allow_unicode=True, width=10_000)).strip()[1:-1]
