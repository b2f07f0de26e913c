"""claude-code-router's Providers as rows of tenbin.yaml: who they are by their URL, and what their transformers did."""

import re
from typing import Any, NamedTuple

from tenbin.config.importing.draft import PLACEHOLDERS, Draft, escaped
from tenbin.config.importing.endpoint import Endpoint, endpoint, plain_quirks, variable_of
from tenbin.config.importing.entry import Entry, Words, block
from tenbin.config.problem import KeyPath
from tenbin.config.provider import EMBEDDED
from tenbin.config.quirks import PROFILES
from tenbin.core.target import DialectName

_REFERENCE = re.compile(r"\$\{([^}]+)\}|\$([A-Z_][A-Z0-9_]*)")

_SIGN_IN = frozenset({"gemini-cli", "qwen-cli", "rovo-cli", "claude-code-oauth", "codex-oauth"})
_UNSPOKEN = {"vertex-gemini": "Vertex AI's Gemini API", "vertex-claude": "Vertex AI's Claude API"}
_BY_ITSELF = {
    "openai": "it speaks Chat Completions by itself",
    "openrouter": "it knows OpenRouter by its URL",
    "gemini": "it speaks to Gemini in its Chat Completions dialect",
    "groq": "cache marks are only sent to those who take them",
    "cerebras": "fields for thinking are only sent to those who take them",
    "vercel": "it speaks Chat Completions by itself",
    "streamoptions": "usage is asked for in every stream",
}
_NOT_OURS = {
    "tooluse": "Tenbin adds no tool and no words of its own to a request, and forces no tool call",
    "enhancetool": "Tenbin does not mend the arguments of tool calls; they are passed on as the model wrote them",
    "forcereasoning": "Tenbin adds no words of its own to a request",
    "customparams": "Tenbin adds no parameters to a request",
}


class Use(NamedTuple):
    """A transformer that is applied."""

    path: KeyPath
    name: str
    options: dict[str, Any]
    model: str | None
    """None: every model of the provider."""


def words(draft: Draft, source: Words) -> Words:
    """A text in tenbin.yaml's words: ``$NAME`` and ``${NAME}`` become ``${NAME}``."""
    parts, end = [], 0
    for match in _REFERENCE.finditer(source.text):
        name = match[1] or match[2]
        parts.append(escaped(source.text[end : match.start()]))
        if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            if parts[-1].endswith("$"):
                draft.mistake(source.path, "a `$` stands before a variable", "Put the whole text into the variable.")
            parts.append(f"${{{name}}}")
        else:
            parts.append(escaped(match[0]))
        end = match.end()
    return Words(source.path, "".join([*parts, escaped(source.text[end:])]))


def add_providers(draft: Draft, rows: list[Entry]) -> dict[str, str | None]:
    """Write all providers. Returns Tenbin's name for each of claude-code-router's; None for one that is left out."""
    names: dict[str, str | None] = {}
    for row in rows:
        name, url = row.text("name", "NAME"), row.text("api_base_url", "baseUrl", "base_url", "HOST")
        if name is None or not name.text.strip():
            draft.mistake((*row.path, "name"), "this provider has no name", 'Add "name": "...".')
        elif name.text in names:
            draft.mistake(
                name.path, f"a provider named {name.text} stands here a second time", "Rename one of the two."
            )
        elif url is None or not url.text.strip():
            draft.mistake(
                (*row.path, "api_base_url"), "this provider has no api_base_url", 'Add "api_base_url": "https://...".'
            )
        else:
            taken = {each for each in names.values() if each is not None}
            names[name.text] = _add(draft, row, name, url, taken)
    return names


def _add(draft: Draft, row: Entry, name: Words, url: Words, taken: set[str]) -> str | None:
    uses = _uses(draft, row)
    key = row.text("api_key", "apiKey", "APIKEY")
    models = [model.text for model in row.texts("models", "MODELS")]
    for path, _ in row.rest():
        draft.lost(path, "Tenbin has no such setting of a provider", "Look for another way in docs/configuration.md.")
    reached = _reached(draft, row, words(draft, url), uses)
    if reached is None:
        return None
    own = _own_name(draft, name, taken)
    _write_row(draft, own, row, url, reached)
    _write_key(draft, own, row, key, reached)
    for use in uses:
        _apply(draft, own, use, models, reached)
    return own


def _own_name(draft: Draft, name: Words, taken: set[str]) -> str:
    own = base = re.sub(r"[/,\s]+", "-", name.text.strip()).strip("-") or "provider"
    if own == EMBEDDED:
        own = base = f"{own}-server"
    number = 2
    while own in taken:
        own, number = f"{base}-{number}", number + 1
    if own != name.text:
        draft.changed(
            name.path, f"the provider is called {own} here", f"Ask for its models as {own}/MODEL or {own},MODEL."
        )
    elif own != own.lower():
        message = "in `provider,model` a provider's name is matched letter by letter, capitals too"
        draft.changed(name.path, message, f"Write {own},MODEL.")
    return own


def _uses(draft: Draft, row: Entry) -> list[Use]:
    """All transformers of a provider, those of single models too."""
    found: list[Use] = []
    for each in row.texts("transformers"):
        draft.needless(each.path, "a request is translated whenever client and provider speak differently")
    transformer = row.block("transformer")
    if transformer is None:
        return found
    found += _list_of_uses(draft, transformer, None)
    for path, value in transformer.rest():
        below = block(draft.document, path, value)
        if below is not None:
            found += _list_of_uses(draft, below, str(path[-1]))
            for rest, _ in below.rest():
                draft.lost(rest, "Tenbin has no transformers", "See docs/migration.md for what takes their place.")
    return found


def _list_of_uses(draft: Draft, entry: Entry, model: str | None) -> list[Use]:
    found = []
    for path, item in entry.items("use"):
        match item:
            case str():
                found.append(Use(path, item, {}, model))
            case [str() as name]:
                found.append(Use(path, name, {}, model))
            case [str() as name, dict() as options]:
                found.append(Use(path, name, options, model))
            case _:
                fix = 'Write "name", or ["name", {"option": value}].'
                draft.mistake(path, "this is neither a transformer's name nor a list of its name and options", fix)
    return found


def _reached(draft: Draft, row: Entry, url: Words, uses: list[Use]) -> Endpoint | None:
    """How the provider is reached; None when Tenbin cannot."""
    dialect: DialectName | None = None
    for use in uses:
        name = use.name.lower()
        if name in _SIGN_IN:
            message = f"{use.name} works with the login of another program, which Tenbin never borrows"
            draft.lost(row.path, message, "Get an API key of that provider, and add it with `api_key`.")
            return None
        if name in _UNSPOKEN:
            message = f"Tenbin does not speak {_UNSPOKEN[name]}"
            draft.lost(row.path, message, "Put a gateway that does before it, and name its URL in `providers`.")
            return None
        if name == "anthropic" and use.model is None:
            dialect = "anthropic"
        elif name in ("openai-responses", "openai-response"):
            dialect = "openai_responses"
    reached = endpoint(url.text, dialect)
    if any(use.name.lower() == "gemini" for use in uses) and reached.profile != "gemini":
        message = "Tenbin speaks to Gemini at Google's own address only, in its Chat Completions dialect"
        draft.lost(row.path, message, "Name this server's OpenAI-compatible URL, if it has one.")
        return None
    return reached


def _write_row(draft: Draft, own: str, row: Entry, url: Words, reached: Endpoint) -> None:
    place = ("providers", own)
    draft.put(place, {}, row.path)
    if reached.profile is not None and reached.profile != own:
        draft.put((*place, "profile"), reached.profile, url.path)
    if reached.dialect is not None:
        draft.put((*place, "dialect"), reached.dialect, url.path)
    if reached.base_url is not None:
        draft.put((*place, "base_url"), reached.base_url, url.path)
    if reached.free:
        draft.put((*place, "free"), True, url.path)
    if reached.profile is None and own in PROFILES:
        comment = f"It bears the name of the profile {own}, but is somebody else: the plain dialect."
        draft.put((*place, "quirks"), plain_quirks(own), row.path, comment)
    if reached.profile == "ollama":
        message = (
            "Ollama is spoken to in its own dialect, since its OpenAI-shaped endpoint cuts long prompts without a word"
        )
        draft.changed(url.path, message)
    if reached.profile == "gemini" and "/openai" not in url.text:
        draft.changed(url.path, "Gemini is spoken to in its Chat Completions dialect")
    if reached.profile == "openai" and reached.base_url is not None:
        draft.changed(
            url.path,
            "Azure is spoken to by its API without versions (/openai/v1)",
            "A model's name is that of a deployment.",
        )


def _write_key(draft: Draft, own: str, row: Entry, key: Words | None, reached: Endpoint) -> None:
    place = ("providers", own, "api_key")
    if key is not None and key.text.strip():
        if reached.profile != "ollama" or key.text.strip().lower() not in PLACEHOLDERS:
            draft.secret(place, words(draft, key), key.text, own)
        return
    if reached.profile == "ollama":
        return
    message = "claude-code-router leaves out a provider without a key; here it stays, and is asked without one"
    fix = "Add its `api_key`, if it wants one, or remove the provider."
    draft.changed((*row.path, "api_key"), message, fix)
    draft.comment(("providers", own), f"It has no key: add `api_key: ${{{variable_of(own)}}}`, if it wants one.")


def _apply(draft: Draft, own: str, use: Use, models: list[str], reached: Endpoint) -> None:
    """What a transformer did, in Tenbin's words, or a note."""
    name, place = use.name.lower(), ("providers", own)
    meant = [use.model] if use.model is not None else models
    here = ("providers", own) if use.model is None else (*place, "models", use.model)
    options = dict(use.options)
    match name:
        case "anthropic" | "openai-responses" | "openai-response":
            if use.model is not None:
                draft.lost(use.path, "one provider speaks one dialect", "Make a second provider of this model.")
        case "deepseek":
            message = "max_tokens is not cut to 8192; thinking in `reasoning_content` is read from every provider"
            draft.changed(use.path, message, "Set `max_output` of a model that takes no more.")
        case "maxtoken":
            _most_output(draft, own, use, meant, options.pop("max_tokens", None))
        case "sampling":
            _most_output(draft, own, use, meant, options.pop("max_tokens", None))
            if options:
                message = "Tenbin sets no sampling parameters; a client's own are passed on"
                draft.lost(use.path, message, "Set them in the client.")
            options.clear()
        case "maxcompletiontokens":
            draft.put((*here, "quirks", "max_tokens_field"), "max_completion_tokens", use.path)
        case "reasoning" if options.pop("enable", True):
            draft.put((*here, "quirks", "reasoning_request"), "thinking", use.path)
        case "reasoning":
            draft.put((*here, "quirks", "reasoning_request"), "none", use.path)
        case "cleancache":
            if reached.profile is not None and PROFILES[reached.profile].quirks.cache_control:
                draft.put((*here, "quirks", "cache_control"), False, use.path)
            else:
                draft.needless(use.path, "cache marks are only sent to those who take them")
        case _ if name in _BY_ITSELF:
            draft.needless(use.path, _BY_ITSELF[name])
        case _ if name in _NOT_OURS:
            draft.lost(use.path, _NOT_OURS[name], "See whether the model does without; most do today.")
            options.clear()
        case _:
            message = "this transformer is a plug-in in JavaScript, which Tenbin does not run"
            draft.lost(use.path, message, "See docs/configuration.md for the quirks that take the place of most.")
            options.clear()
    if options and name not in ("anthropic",):
        draft.lost(use.path, "Tenbin adds no parameters to a request", "Set them at the provider, if it lets you.")


def _most_output(draft: Draft, own: str, use: Use, models: list[str], most: object) -> None:
    if most is None:
        return
    if isinstance(most, bool) or not isinstance(most, int | float) or most != most or not 1 <= most < 1e12:
        draft.mistake(use.path, "max_tokens must be a whole number from 1 on", 'Write {"max_tokens": 16384}.')
        return
    for model in models:
        draft.put(("providers", own, "models", model, "max_output"), int(most), use.path)
