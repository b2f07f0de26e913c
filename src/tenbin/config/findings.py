"""What was found on this machine (API keys, servers), and how it becomes a part of the configuration.

Pure: looking is done by ``tenbin.execute.upstream.probe`` and by ``found_keys``; here it is decided what it means.
What the file says always wins over what was found.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from tenbin.config.address import is_loopback
from tenbin.config.chains import chains
from tenbin.config.keys import PREFIX
from tenbin.config.model import Config, ModelFacts, ProviderConfig
from tenbin.config.provider import EMBEDDED, profile_of, split_target
from tenbin.config.quirks import PROFILES

EMBEDDED_MODEL = "smollm2-135m"
"""Name of the embedded model: SmolLM2-135M-Instruct, quantised to 4 bits."""
EMBEDDED_CONTEXT = 8_192
"""Its context window in tokens, as it was trained."""

DEFAULT_MODELS: Mapping[str, str] = {
    "anthropic": "claude-sonnet-5-5",
    "openai": "gpt-6.1-terra",
    "openrouter": "openrouter/auto",
    "gemini": "gemini-3.8-flash",
    "deepseek": "deepseek-v4-pro",
}
"""By profile: the middle model of each provider's list as of November 2026. In this order they make up the default
chain, then come the local servers, then the embedded model: the first that has a key takes a name nobody knows."""

LOCAL_SERVERS = ("ollama", "llamacpp")
"""Profiles of servers that are looked for on this machine, in the order of the default chain."""

OLLAMA_CONTEXT = 65_536
"""Most context, in tokens, that is asked of a found Ollama model. Coding agents need about 64K (Ollama's own advice);
a model's full window may not fit the machine's memory. ``providers.ollama.models`` overrides it."""


class FoundKey(msgspec.Struct, frozen=True):
    """An API key in the environment. The key itself is not kept here."""

    provider: str
    variable: str


class FoundModel(msgspec.Struct, frozen=True):
    """A model that a local server offers."""

    name: str
    context: int | None = None
    """Context window in tokens, where the server says it."""
    chat: bool = True
    """False for a model that only embeds."""


class FoundServer(msgspec.Struct, frozen=True):
    """A local server that answers."""

    provider: str
    base_url: str
    models: tuple[FoundModel, ...] = ()


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """All that was found, and where else was looked."""

    keys: tuple[FoundKey, ...] = ()
    servers: tuple[FoundServer, ...] = ()
    missing_keys: tuple[str, ...] = ()
    """Variables that are not set, one for each provider without a key."""
    silent: tuple[tuple[str, str], ...] = ()
    """(provider, base URL) of each usual place at which no server answered."""
    embedded: bool = False
    """The embedded model is installed and may be started."""


def found_keys(environ: Mapping[str, str]) -> tuple[tuple[FoundKey, ...], tuple[str, ...]]:
    """The providers whose API key is set, and for each other one the variable that it would stand in."""
    found, missing = [], []
    for name, profile in PROFILES.items():
        if not profile.env or profile.base_url is None or is_loopback(urlsplit(profile.base_url).hostname or ""):
            continue  # a key alone does not say at which port of this machine a server is
        variable = next((variable for variable in profile.env if _is_key(environ.get(variable, ""))), None)
        if variable is not None:
            found.append(FoundKey(name, variable))
        else:
            missing.append(profile.env[0])
    return tuple(found), tuple(missing)


def _is_key(value: str) -> bool:
    """A key of Tenbin's own, which `tenbin env` puts there for clients, is no provider's."""
    return bool(value.strip()) and not value.strip().startswith(PREFIX)


def named_providers(config: Config) -> list[str]:
    """The providers that the configuration's chains name, in order, each once."""
    targets = [split_target(target) for _, chain in chains(config) for target in chain]
    return list(dict.fromkeys(parts[0] for parts in targets if parts is not None))


def build(config: Config, findings: Findings, environ: Mapping[str, str]) -> Config:
    """The configuration in force: what the file says, then what was found where the file is silent.

    With ``discover: false`` only the embedded model is added: when it is asked for, or when there is nothing else.
    """
    providers = dict(config.providers)
    models = dict(config.models)
    if config.discover:
        for key in findings.keys:
            _add_key(key, environ[key.variable].strip(), providers)
        for server in findings.servers:
            _add_server(server, providers, models)
        for name in named_providers(config):
            if name not in providers and name in PROFILES:
                providers[name] = ProviderConfig(free=name in LOCAL_SERVERS)
    if findings.embedded and _embedded_wanted(config, providers, findings):
        providers.setdefault(EMBEDDED, _embedded())
        models.setdefault(EMBEDDED_MODEL, [f"{EMBEDDED}/{EMBEDDED_MODEL}"])
    default = config.default
    if not default and (config.discover or not config.providers):
        default = _default_chain(providers, findings)
    return msgspec.structs.replace(config, providers=providers, models=models, default=default)


def _add_key(key: FoundKey, secret: str, providers: dict[str, ProviderConfig]) -> None:
    """A found key makes a provider, or completes those of its profile that have none and go to the profile's own URL:
    a key is never sent to another host than its own.
    """
    providers.setdefault(key.provider, ProviderConfig())
    for name, provider in providers.items():
        profile, _ = profile_of(name, provider)
        if profile == key.provider and provider.api_key is None and provider.base_url is None:
            providers[name] = msgspec.structs.replace(provider, api_key=secret)


def _add_server(server: FoundServer, providers: dict[str, ProviderConfig], models: dict[str, list[str]]) -> None:
    """A found server becomes a provider, unless the file has one of that name; its models' facts are filled in."""
    known = providers.get(server.provider)
    if known is None:
        known = ProviderConfig(base_url=server.base_url, free=True)
    elif known.base_url not in (None, server.base_url):
        return  # the file means another server
    facts = dict(known.models)
    for model in server.models:
        if model.context and (model.name not in facts or facts[model.name].context is None):
            context = min(model.context, OLLAMA_CONTEXT) if server.provider == "ollama" else model.context
            facts[model.name] = msgspec.structs.replace(facts.get(model.name, ModelFacts()), context=context)
        models.setdefault(model.name, [f"{server.provider}/{model.name}"])
    providers[server.provider] = msgspec.structs.replace(known, models=facts)


def _embedded_wanted(config: Config, providers: Mapping[str, ProviderConfig], findings: Findings) -> bool:
    """When it is asked for or named, or else nobody could answer: a found server may hold no model yet."""
    if config.local_model is not None:
        return config.local_model
    if EMBEDDED in named_providers(config):
        return True
    idle = {server.provider for server in findings.servers if not any(model.chat for model in server.models)}
    return providers.keys() <= idle - config.providers.keys()


def _embedded() -> ProviderConfig:
    models = {EMBEDDED_MODEL: ModelFacts(context=EMBEDDED_CONTEXT)}
    return ProviderConfig(profile="llamacpp", models=models, free=True)


def _default_chain(providers: Mapping[str, ProviderConfig], findings: Findings) -> list[str]:
    """One target for each provider whose usual model is known, in the order of DEFAULT_MODELS and LOCAL_SERVERS."""
    by_profile: dict[str, list[str]] = {}
    for name, provider in providers.items():
        profile, _ = profile_of(name, provider)
        if profile is not None and name != EMBEDDED:
            by_profile.setdefault(profile, []).append(name)
    chain = [f"{name}/{model}" for profile, model in DEFAULT_MODELS.items() for name in by_profile.get(profile, ())]
    served = {server.provider: server for server in findings.servers}
    for profile in LOCAL_SERVERS:
        for name in by_profile.get(profile, ()):
            chat = [model for model in served[name].models if model.chat] if name in served else []
            chain += [f"{name}/{chat[0].name}"] if chat else []
    if EMBEDDED in providers:
        chain.append(f"{EMBEDDED}/{EMBEDDED_MODEL}")
    return chain
