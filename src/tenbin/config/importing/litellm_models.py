"""LiteLLM's model_list: each deployment becomes a target, each of its providers a row of tenbin.yaml."""

import re
from decimal import Decimal
from typing import Any

import msgspec

from tenbin.config.check import HEADER_NAME, WRITTEN_ANEW
from tenbin.config.importing.draft import Draft, escaped
from tenbin.config.importing.endpoint import Endpoint
from tenbin.config.importing.entry import Entry, Words
from tenbin.config.importing.litellm_params import DEPLOYMENT, MODEL_INFO, tell
from tenbin.config.importing.litellm_providers import ORIGINS, plain_name, reached, split_model
from tenbin.config.problem import KeyPath
from tenbin.config.provider import EMBEDDED
from tenbin.config.quirks import PROFILES

_ENVIRONMENT = "os.environ/"
_PLACEHOLDER = re.compile(r"<.*>|your[-_ ].*", re.IGNORECASE | re.DOTALL)
_SERVED = ("chat", "completion", "embedding", "responses")
_SECRET_HEADER = re.compile(r"auth|key|token|secret|cookie", re.IGNORECASE)
_KEEP = (
    "Keep LiteLLM for it, and name LiteLLM as a provider: `litellm: {profile: litellm, base_url: ...}` "
    "with a target litellm/MODEL_NAME."
)


class Deployment(msgspec.Struct, frozen=True):
    """A deployment that Tenbin can reach."""

    group: Words
    """Its model_name."""
    provider: str
    """Tenbin's name of the provider."""
    model: str
    identity: str | None
    """Of model_info.id, by which a fallback may name it."""
    order: float
    embeds: bool
    """It makes vectors, not words."""

    @property
    def target(self) -> str:
        """``provider/model``."""
        return f"{self.provider}/{self.model}"

    @property
    def is_wildcard(self) -> bool:
        """It stands for many models."""
        return "*" in self.group.text or "*" in self.model


def words(draft: Draft, source: Words) -> Words:
    """A text in tenbin.yaml's words: ``os.environ/NAME`` becomes ``${NAME}``."""
    if not source.text.startswith(_ENVIRONMENT):
        return Words(source.path, escaped(source.text))
    name = source.text.removeprefix(_ENVIRONMENT).strip()
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        draft.mistake(source.path, "what follows os.environ/ is not a variable's name", "Write os.environ/NAME.")
    return Words(source.path, f"${{{name}}}")


class Deployments:
    """Reads model_list. Providers with the same address, key and headers become one row."""

    def __init__(self, draft: Draft, credentials: dict[str, Entry]) -> None:
        self._draft = draft
        self._credentials = credentials
        self._rows: dict[tuple[Any, ...], str] = {}

    def read(self, rows: list[Entry]) -> list[Deployment]:
        """All that can be reached, in order. What cannot is told."""
        found: list[Deployment] = []
        for row in sorted(rows, key=_wildcards_first):
            found += self._deployment(row)
        return sorted(found, key=lambda each: (each.order, each.group.path))

    def _deployment(self, row: Entry) -> list[Deployment]:
        group, params, about = row.text("model_name"), row.block("litellm_params"), row.block("model_info")
        tell(self._draft, row, DEPLOYMENT)
        if group is None or not group.text:
            self._draft.mistake(
                (*row.path, "model_name"), "this deployment has no model_name", "Add `model_name: ...`."
            )
            return []
        model = params.text("model") if params is not None else None
        if params is None or model is None or not model.text:
            fix = "Add `litellm_params: {model: provider/model}`."
            self._draft.mistake((*row.path, "litellm_params", "model"), "this deployment has no model", fix)
            return []
        apart = params.text("custom_llm_provider")
        if model.text == "*":
            return self._any_model(model, params)
        parts = split_model(words(self._draft, model).text, apart.text if apart is not None else None)
        mode = about.text("mode") if about is not None else None
        if parts is None or parts[0] not in ORIGINS:
            said = (
                f"Tenbin does not speak to {parts[0]}"
                if parts is not None
                else f"{model.text} does not say its provider"
            )
            self._draft.lost(model.path, said, _KEEP if parts is not None else "Write provider/model.")
            return []
        if mode is not None and mode.text not in _SERVED:
            self._draft.lost(mode.path, f"Tenbin serves no {mode.text}", _KEEP)
            return []
        return self._reachable(group, parts, params, about, mode)

    def _any_model(self, model: Words, params: Entry) -> list[Deployment]:
        self._draft.put(("discover",), True, model.path)
        message = "a name of any provider goes to the provider of its family whose API key is in the environment"
        self._draft.changed(model.path, message, "`tenbin check` shows which.")
        tell(self._draft, params, DEPLOYMENT)
        return []

    def _reachable(
        self, group: Words, parts: tuple[str, str], params: Entry, about: Entry | None, mode: Words | None
    ) -> list[Deployment]:
        provider, model = parts
        if model.startswith("responses/"):
            model = model.removeprefix("responses/")
        organizations: list[str | None] = [each.text for each in params.texts("organization")]
        order = params.number("order")
        identity = about.text("id") if about is not None else None
        found = []
        for organization in organizations or [None]:
            name = self._provider(provider, params, organization, group if "*" in group.text else None)
            found.append(
                Deployment(
                    group=group,
                    provider=name,
                    model=model,
                    identity=identity.text if identity is not None else None,
                    order=order.value if order is not None else 0.0,
                    embeds=model.startswith("text-embedding-") or (mode is not None and mode.text == "embedding"),
                )
            )
            if "*" not in model:
                self._facts(("providers", name, "models", model), params, about)
        tell(self._draft, params, DEPLOYMENT)
        if about is not None:
            tell(self._draft, about, MODEL_INFO)
        return found

    def _provider(self, provider: str, params: Entry, organization: str | None, pattern: Words | None) -> str:
        """Tenbin's name of the provider; its row is written when it is the first of its kind."""
        origin = ORIGINS[provider]
        credential = params.text("litellm_credential_name")
        kept = self._credentials.get(credential.text) if credential is not None else None
        base = params.text("api_base", "base_url") or (kept.text("api_base", "base_url") if kept else None)
        key = params.text("api_key") or (kept.text("api_key") if kept else None)
        headers = self._headers(params, organization)
        where = None if base is None or _PLACEHOLDER.fullmatch(base.text) else words(self._draft, base).text
        if base is not None and where is None:
            where = f"${{{origin.base_variable or f'{provider.upper()}_API_BASE'}}}"
            self._draft.changed(base.path, "this is no address yet", "Set the variable that stands in its place.")
        found = reached(provider, where)
        identity = (found, key.text if key is not None else None, tuple(headers.items()))
        wanted = pattern.text.partition("/")[0] if pattern is not None and pattern.text.endswith("/*") else ""
        name = self._rows.get(identity)
        if name is not None:
            return name
        name = self._free_name(wanted if re.fullmatch(r"[^/,\s*]+", wanted) else plain_name(provider, found))
        self._rows[identity] = name
        self._write(name, provider, found, params, base, key)
        for header, value in headers.items():
            place = ("providers", name, "headers", header)
            if _SECRET_HEADER.search(header):
                self._draft.secret(place, words(self._draft, value), value.text, f"{name}-{header}")
            else:
                self._draft.put(place, words(self._draft, value).text, value.path)
        return name

    def _headers(self, params: Entry, organization: str | None) -> dict[str, Words]:
        found: dict[str, Words] = {}
        extra = params.block("extra_headers", "headers")
        for header in extra.keys() if extra is not None else []:
            value = extra.text(header) if extra is not None else None
            if value is not None and HEADER_NAME.fullmatch(header) and header.lower() not in WRITTEN_ANEW:
                found[header] = value
            elif value is not None:
                message = "this is no header that a request could bear beside Tenbin's own"
                self._draft.lost(value.path, message, "Correct its name: letters, digits and `-`.")
        if organization is not None:
            found["OpenAI-Organization"] = Words((*params.path, "organization"), organization)
        return found

    def _free_name(self, base: str) -> str:
        base = name = f"{base}-server" if base == EMBEDDED else base
        number = 2
        while name in self._rows.values():
            name, number = f"{base}-{number}", number + 1
        return name

    def _write(
        self, name: str, provider: str, found: Endpoint, params: Entry, base: Words | None, key: Words | None
    ) -> None:
        draft, place, origin = self._draft, ("providers", name), base.path if base is not None else params.path
        draft.put(place, {}, params.path)
        if found.profile is not None and found.profile != name:
            draft.put((*place, "profile"), found.profile, origin)
        if found.dialect is not None:
            draft.put((*place, "dialect"), found.dialect, origin)
        if found.base_url is not None:
            comment = "A variable with an address must not end in a slash." if "}/" in found.base_url else ""
            draft.put((*place, "base_url"), found.base_url, origin, comment)
        if found.free:
            draft.put((*place, "free"), True, origin)
        if provider == "azure":
            message = "Azure is spoken to by its API without versions (/openai/v1), with an API key"
            draft.changed(origin, message, "A model's name is that of a deployment.")
        if provider == "azure_ai":
            message = "Claude at Azure is spoken to in Anthropic's dialect, below /anthropic"
            draft.changed(origin, message, "A variable with the address must end before that.")
        if provider in ("ollama", "ollama_chat"):
            draft.needless((*params.path, "model"), "Ollama is spoken to in its own dialect, either way")
        self._write_key(name, provider, found, params, key)

    def _write_key(self, name: str, provider: str, found: Endpoint, params: Entry, key: Words | None) -> None:
        place = ("providers", name, "api_key")
        usual = ORIGINS[provider].key
        if key is not None and key.text and not _PLACEHOLDER.fullmatch(key.text):
            self._draft.secret(place, words(self._draft, key), key.text, name)
        elif key is not None and key.text:
            self._draft.put(place, f"${{{usual or f'{name.upper()}_API_KEY'}}}", key.path)
        elif usual is not None and name.endswith("-compatible"):
            message = f"no key is sent there: LiteLLM would send {usual}, which is another provider's"
            self._draft.changed((*params.path, "api_key"), message, f"Set providers.{name}.api_key, if it wants one.")
        elif usual is not None:
            self._draft.put(place, f"${{{usual}}}", params.path)

    def _facts(self, place: KeyPath, params: Entry, about: Entry | None) -> None:
        """Prices and limits of a model."""
        sources = [source for source in (about, params) if source is not None]
        figures = [(name, source) for source in sources for name in (*_PRICES, *_LIMITS) if source.has(name)]
        prices: dict[str, tuple[KeyPath, float]] = {}
        for name, source in figures:
            if name in _PRICES and (number := source.number(name)) is not None:
                prices[_PRICES[name]] = (number.path, float(Decimal(repr(number.value)) * 1_000_000))
            elif (
                name in _LIMITS
                and source is about
                and (number := source.number(name)) is not None
                and number.value >= 1
            ):
                self._draft.put((*place, _LIMITS[name]), int(number.value), number.path)
        if "input" in prices and "output" in prices:
            for name, (path, value) in prices.items():
                self._draft.put((*place, "price", name), value, path)
        else:
            for path, _ in prices.values():
                message = "a price of one's own needs both input_cost_per_token and output_cost_per_token"
                self._draft.lost(path, message, "Add the other one, or leave it to Tenbin's price table.")


_PRICES = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write_5m",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
}
"""USD per token there, per million tokens here."""
_LIMITS = {"max_input_tokens": "context", "max_output_tokens": "max_output"}


def _wildcards_first(row: Entry) -> bool:
    """A wildcard needs the provider's row to bear the name that stands before its slash."""
    group = row.take("model_name")
    return group is None or not str(group[1]).endswith("/*")


def family_of(provider: str, profile: str | None) -> tuple[str, ...]:
    """Beginnings of names that go to a provider by themselves."""
    return PROFILES[profile or provider].prefixes if (profile or provider) in PROFILES else ()
