"""claude-code-router's config.json (versions 1 and 2) as a tenbin.yaml.

Its rules, and which of them do not fit today's clients: docs/migration.md.
"""

import re

import msgspec

from tenbin.config.address import SHORTEST_MASTER_KEY, BadAddress, is_loopback, split_listen
from tenbin.config.importing import json5
from tenbin.config.importing.ccr_providers import add_providers, words
from tenbin.config.importing.draft import VARIABLE, Draft
from tenbin.config.importing.entry import Entry, Words, block
from tenbin.config.importing.report import Imported
from tenbin.config.model import ProviderConfig
from tenbin.config.problem import ConfigError
from tenbin.config.provider import complete
from tenbin.config.shape import suggestion

PORT = 3456
"""Where claude-code-router listens when it is not told."""
LONG_CONTEXT_TOKENS = 60_000
"""From how many tokens on it takes a request for a long one, when it is not told."""

CATEGORIES = {
    "background": "background",
    "think": "think",
    "longContext": "long_context",
    "webSearch": "web_search",
    "image": "image",
}
"""Keys of its Router, and Tenbin's categories."""

_RULES = {
    "background": "every model with `haiku` in its name was sent here; Tenbin sends what the client does by itself "
    "(titles, names, probes, calls to the small model without tools), and leaves a person who chose Haiku alone",
    "think": "every request that sets `thinking` was sent here, which today's Claude Code does in each turn; Tenbin "
    "sends those in plan mode, with the highest efforts, or that ask to think hard",
    "longContext": "tokens are estimated from a request's size (within about 15 %), and a request is not held to be "
    "long because the one before it was; a client's small calls are never sent here",
    "webSearch": "a request goes here when web search is its only tool, as when Claude Code searches; one that "
    "merely offers it beside others goes by its other signs",
    "image": "a request with images in its last turn goes here whole; nobody describes them to another model",
}
"""Where the old rule is not kept, and why."""

_ELSEWHERE = {
    "PROXY_URL": ("a proxy stands in the environment", "Run `export HTTPS_PROXY=...` before Tenbin starts."),
    "HTTPS_PROXY": ("a proxy stands in the environment", "Run `export HTTPS_PROXY=...` before Tenbin starts."),
    "https_proxy": ("a proxy stands in the environment", "Run `export HTTPS_PROXY=...` before Tenbin starts."),
    "httpsProxy": ("a proxy stands in the environment", "Run `export HTTPS_PROXY=...` before Tenbin starts."),
    "CUSTOM_ROUTER_PATH": (
        "the custom router is JavaScript, which Tenbin does not run",
        "Say its rules with `routing.rules`, or write them in Python (`routing.router`).",
    ),
    "REWRITE_SYSTEM_PROMPT": ("Tenbin does not change prompts", "Give Claude Code `--system-prompt-file`."),
    "StatusLine": ("the status line is Claude Code's own", "Set `statusLine` in Claude Code's settings."),
    "transformers": (
        "these are plug-ins in JavaScript, which Tenbin does not run",
        "See docs/configuration.md for the quirks that take the place of most.",
    ),
    "plugins": ("Tenbin does not run its plug-ins", "The ledger has the time and tokens of each answer."),
    "Plugins": ("Tenbin does not run its plug-ins", "The ledger has the time and tokens of each answer."),
    "claudeCodeSettings": ("these are Claude Code's", "Put them into Claude Code's settings."),
    "tokenizer": ("tokens are counted with the tokenizer that Tenbin has for the model", "Nothing is to be done."),
}
_NEEDLESS = {
    "LOG": "a receipt of every request is kept, without its prompt; `tenbin serve --log-level` sets the rest",
    "LOG_LEVEL": "`tenbin serve --log-level` sets it",
    "LOG_FILE": "Tenbin logs to its standard error",
    "NON_INTERACTIVE_MODE": "`tenbin serve` asks nothing",
    "CLAUDE_PATH": "`tenbin code` finds Claude Code on the PATH",
    "forceUseImageAgent": "an image goes to the image model whole",
}


def read(text: str, source: str, *, keep_secrets: bool = True) -> Imported:
    """Read a config.json. ``source`` is what errors call it. Raises ConfigError with every mistake in it."""
    document = json5.read(text, source)
    entry = block(document, (), document.value)
    if entry is None:
        raise ConfigError(document.problems)
    if not entry.has("Providers", "providers"):
        document.report((), "there are no Providers in this file", "Name claude-code-router's config.json.")
        raise ConfigError(document.problems)
    draft = Draft(document, keep_secrets=keep_secrets)
    _listen(draft, entry)
    names = add_providers(draft, entry.rows("Providers", "providers"))
    _router(draft, entry, names)
    draft.put(("discover",), False, ())
    draft.comment(("discover",), "Nobody else answers than the providers above, as before.")
    _timeout(draft, entry)
    _rest(draft, entry)
    return draft.finish(
        "Tenbin's configuration, imported from claude-code-router by `tenbin import ccr`. `tenbin check` looks for "
        "mistakes and shows how it routes. ${NAME} stands for an environment variable."
    )


def _listen(draft: Draft, entry: Entry) -> None:
    host, port, key = entry.text("HOST", "host"), entry.text("PORT", "port"), entry.text("APIKEY", "apiKey")
    master = _master_key(draft, key)
    shown = _own_or_default(draft, host, "127.0.0.1")
    if ":" in shown and not shown.startswith(("[", "${")):
        shown = f"[{shown}]"
    plain = shown.strip("[]")
    if not master and not is_loopback(plain) and not VARIABLE.search(shown):
        fix = "Set master_key (`tenbin keys new` makes one), then write listen anew."
        message = f"without a key Tenbin listens at 127.0.0.1 only, not at {plain}"
        draft.changed(host.path if host is not None else (), message, fix)
        shown = "127.0.0.1"
    listen = f"{shown}:{_own_or_default(draft, port, str(PORT))}"
    if not VARIABLE.search(listen):
        try:
            split_listen(listen)
        except BadAddress as error:
            draft.mistake(port.path if port is not None else (), str(error), error.fix)
            return
    origin = host.path if host is not None else port.path if port is not None else ()
    draft.put(("listen",), listen, origin, "Where claude-code-router listened, so that clients need no change.")
    if master and key is not None:
        draft.secret(("master_key",), words(draft, key), key.text, "TENBIN_MASTER_KEY")


def _master_key(draft: Draft, key: Words | None) -> bool:
    """True when it can be used."""
    if key is None or not key.text.strip():
        return False
    if VARIABLE.search(words(draft, key).text) or len(key.text) >= SHORTEST_MASTER_KEY:
        return True
    message = f"a master key has at least {SHORTEST_MASTER_KEY} characters here, and this one is shorter"
    draft.lost(key.path, message, "Run `tenbin keys new`, set master_key to it, and give it to the clients.")
    return False


def _own_or_default(draft: Draft, found: Words | None, default: str) -> str:
    """A text, in which variables have a default, as they may be missing."""
    if found is None or not found.text.strip():
        return default
    return VARIABLE.sub(
        lambda match: f"${{{match[1]}:-{default}}}" if match[1] else match[0], words(draft, found).text.strip()
    )


def _router(draft: Draft, entry: Entry, names: dict[str, str | None]) -> None:
    router, backups = entry.block("Router", "router"), entry.block("fallback")
    if router is None:
        if names:
            message = "there is no Router, so that only `provider,model` has an answer"
            draft.lost(("Router",), message, "Add `default: [provider/model]`.")
        return
    default = _chain(draft, router, backups, "default", names)
    if default:
        draft.put(("default",), default, (*router.path, "default"))
    elif not draft.document.problems:
        message = "it has no usable target, so that Tenbin weighs what belongs to no category by itself"
        draft.lost((*router.path, "default"), message, "Set `routing.categories.default`.")
    everything = "Every request is routed, whatever model it asks for; only `provider,model` is taken at its word."
    draft.put(("routing", "names"), ["*"], router.path, everything)
    for category in (*CATEGORIES.values(), "sub_agent", "default"):
        if default:
            draft.put(("routing", "categories", category), default, (*router.path, "default"))
    for key, category in CATEGORIES.items():
        chain = _chain(draft, router, backups, key, names)
        if chain:
            draft.put(("routing", "categories", category), chain, (*router.path, key))
            draft.changed((*router.path, key), _RULES[key])
    _searches(draft, router)
    if default:
        comment = (
            "A category of which Router says nothing goes where `default` does, as before. Remove its line here, and "
            "Tenbin weighs such requests by itself."
        )
        draft.comment(("routing", "categories"), comment)
    threshold = router.number("longContextThreshold")
    tokens = int(threshold.value) if threshold is not None and threshold.value >= 1 else LONG_CONTEXT_TOKENS
    draft.put(("routing", "long_context_tokens"), tokens, threshold.path if threshold is not None else router.path)
    for path, _ in router.rest():
        message = f"Tenbin has no such category; {suggestion(str(path[-1]), CATEGORIES)}"
        draft.lost(path, message, "Add a rule to `routing.rules` by hand.")
    for path, _ in backups.rest() if backups is not None else ():
        draft.lost(path, "nothing is routed by this name", "Add its targets to a chain by hand.")


def _searches(draft: Draft, router: Entry) -> None:
    """Tell it when the web-search tool would be sent to somebody who does not know it."""
    for target in draft.config.get("routing", {}).get("categories", {}).get("web_search", ())[:1]:
        name = target.partition("/")[0]
        row = msgspec.convert(draft.config["providers"][name], ProviderConfig)
        if router.has("webSearch") and "anthropic" not in complete(name, row).dialects:
            message = (
                f"{name} does not run Anthropic's web-search tool. claude-code-router sent it there as a function that "
                "nobody ran; Tenbin refuses the request"
            )
            draft.changed((*router.path, "webSearch"), message, "Name a model at Anthropic or OpenRouter.")


def _chain(draft: Draft, router: Entry, backups: Entry | None, key: str, names: dict[str, str | None]) -> list[str]:
    """The targets of one rule: its own, then those that step in for it."""
    chain: list[str] = []
    own = router.text(key)
    if own is not None and own.text.strip():
        chain += _target(draft, own, names, needed=True)
    spare = backups.texts(key) if backups is not None else []
    if spare and not chain:
        draft.lost(spare[0].path, f"Router.{key} has no target that these could step in for", "Set it first.")
        return chain
    for each in spare:
        chain += [target for target in _target(draft, each, names, needed=False) if target not in chain]
    if spare and key == "default":
        message = "these step in for Router.default, and no longer for a model asked for as `provider,model`"
        draft.changed(spare[0].path[:3], message, "Put them into `fallback`, if they should step in everywhere.")
    return chain


def _target(draft: Draft, asked: Words, names: dict[str, str | None], *, needed: bool) -> list[str]:
    """``provider,model`` as Tenbin writes it; empty when it cannot be used, which is told."""
    text = words(draft, asked).text.strip()
    provider, found, model = text.partition(",")
    if not found:
        provider, found, model = text.partition("/")
    provider, model = provider.strip(), model.strip()
    if not found or not provider or not model:
        draft.mistake(asked.path, f"{asked.text!r} does not name a provider and a model", 'Write "provider,model".')
        return []
    known = provider if provider in names else next((name for name in names if name.lower() == provider.lower()), None)
    if known is None:
        fix = f"{suggestion(provider, names)} Or add it to Providers."
        if needed:
            draft.mistake(asked.path, f"no provider is named {provider}", fix)
        else:
            draft.lost(asked.path, f"no provider is named {provider}", fix)
        return []
    own = names[known]
    if own is None:
        draft.lost(asked.path, f"its provider {known} is not carried over", "Name another target in its place.")
        return []
    return [f"{own}/{model}"]


def _timeout(draft: Draft, entry: Entry) -> None:
    timeout = entry.number("API_TIMEOUT_MS", "TIMEOUT")
    if timeout is None or timeout.value <= 0:
        return
    seconds = timeout.value / 1000
    comment = "claude-code-router's API_TIMEOUT_MS: the same time for the first byte and for the whole answer."
    draft.put(("timeouts", "first_byte"), seconds, timeout.path)
    draft.put(("timeouts", "total"), seconds, timeout.path)
    draft.comment(("timeouts",), comment)


def _rest(draft: Draft, entry: Entry) -> None:
    for path, value in entry.rest():
        name = str(path[-1])
        if name in _NEEDLESS:
            draft.needless(path, _NEEDLESS[name])
        elif name in _ELSEWHERE:
            draft.lost(path, *_ELSEWHERE[name])
        elif isinstance(value, str) and re.fullmatch(rf"\$\{{?{re.escape(name)}\}}?", value):
            draft.needless(path, "a variable is used where it is named; it need not be listed")
        else:
            draft.lost(path, "Tenbin has no such setting", "Look for another way in docs/configuration.md.")
