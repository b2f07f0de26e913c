"""Does a configuration make sense? What no type can say: names that must be known, addresses, keys, chains."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from tenbin.config import address, keys
from tenbin.config.alerts import alert_mistakes
from tenbin.config.caching_check import caching_mistakes
from tenbin.config.cascade import cascade_mistakes
from tenbin.config.chains import chains
from tenbin.config.content import content_mistakes
from tenbin.config.document import Document
from tenbin.config.landing import landing_mistakes
from tenbin.config.model import Config, DirectConfig, ModelFacts, ProviderConfig
from tenbin.config.plans import plans_mistakes
from tenbin.config.problem import KeyPath
from tenbin.config.provider import EMBEDDED, profile_of, split_target
from tenbin.config.quirks import PROFILES
from tenbin.config.routing_check import routing_mistakes
from tenbin.config.shape import suggestion
from tenbin.config.spending_check import spending_mistakes
from tenbin.core.target import Quirks

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What a header may be called (RFC 9110)."""
WRITTEN_ANEW = frozenset(
    {"accept-encoding", "connection", "content-length", "content-type", "host", "transfer-encoding", "upgrade"}
)
"""Headers that Tenbin writes itself."""
_QUIRKS = {field.name: field for field in msgspec.structs.fields(Quirks)}
_SINGLE_QUIRK = {
    name: msgspec.defstruct("OneQuirk", [(name, field.type)], kw_only=True) for name, field in _QUIRKS.items()
}


def check(document: Document, config: Config, environ: Mapping[str, str]) -> None:
    """Note in ``document`` all that is wrong with ``config``, which was read from it."""
    _Check(document, config, environ).all()


class _Check:
    def __init__(self, document: Document, config: Config, environ: Mapping[str, str]) -> None:
        self.document = document
        self.config = config
        self.environ = environ
        self.items: dict[KeyPath, list[KeyPath]] = {}
        """Places of the items of each list, in order."""
        for place in document.positions:
            if place and isinstance(place[-1], int):
                self.items.setdefault(place[:-1], []).append(place)

    def all(self) -> None:
        self._listen()
        self._keys()
        for name, provider in self.config.providers.items():
            self._provider(("providers", name), name, provider)
        for name, chain in self.config.models.items():
            if not chain:
                self._report(("models", name), "this name has no target", "List one: [provider/model].")
        for path, chain in chains(self.config):
            self._chain(path, chain)
        for name, cascade in self.config.cascades.items():
            if name in self.config.models:
                self._report(("cascades", name), f"{name} stands under `models` too", "Give one of them another name.")
            for path, message, fix in cascade_mistakes(("cascades", name), cascade, has_ladder=True):
                self._report(path, message, fix)
        if self.config.routing.climb is not None:
            for path, message, fix in cascade_mistakes(
                ("routing", "climb"), self.config.routing.climb, has_ladder=False
            ):
                self._report(path, message, fix)
        if self.config.shadow.share and self.config.shadow.judge is None:
            self._report(("shadow", "share"), "nobody judges the answers", "Add `shadow.judge: provider/model`.")
        for number, name in enumerate(self.config.hedging.models):
            if name not in self.config.models:
                fix = suggestion(name, set(self.config.models))
                self._report(("hedging", "models", number), f"{name} does not stand under `models`", fix)
        for path, message, fix in (
            *routing_mistakes(self.config),
            *caching_mistakes(self.config),
            *landing_mistakes(self.config.spending.landing),
            *alert_mistakes(self.config),
            *content_mistakes(self.config.content),
            *spending_mistakes(self.config),
            *plans_mistakes(self.config.plans, self.config.keys),
        ):
            self._report(path, message, fix)

    def _report(self, path: KeyPath, message: str, fix: str) -> None:
        if not self.document.is_broken(path):
            self.document.report(path, message, fix)

    def _listen(self) -> None:
        for path, listen in ((("listen",), self.config.listen), (("admin", "listen"), self.config.admin.listen)):
            if listen is None:
                continue
            try:
                host, _ = address.split_listen(listen)
                if not self.document.is_broken(("master_key",)):
                    address.check_listen(host, self.config.master_key)
            except address.BadAddress as error:
                self._report(path, str(error), error.fix)
        if self.config.admin.listen == self.config.listen:
            fix = "Give it a port of its own, or leave it out: then it is served where clients ask."
            self._report(("admin", "listen"), "clients are listened for there already", fix)

    def _keys(self) -> None:
        master_key = self.config.master_key
        if master_key is not None and len(master_key) < address.SHORTEST_MASTER_KEY:
            self._report(
                ("master_key",),
                f"a master key has at least {address.SHORTEST_MASTER_KEY} characters, this one {len(master_key)}",
                "Run `tenbin keys new` for a good one.",
            )
        for name, value in self.config.keys.items():
            if not keys.HASH.fullmatch(value):
                self._report(
                    ("keys", name),
                    "this is not a key's hash",
                    "Put here what `tenbin keys hash` prints (sha256: and 64 hex digits), never the key itself.",
                )
            if name in ("master", "local"):
                self._report(("keys", name), f"{name} is a name that Tenbin uses itself", "Choose another name.")

    def _provider(self, path: KeyPath, name: str, provider: ProviderConfig) -> None:
        if not re.fullmatch(r"[^/,\s]+", name):
            self._report(path, f"{name!r} holds a slash, comma or blank", "Name the provider with one plain word.")
        _, profile = profile_of(name, provider)
        if provider.profile is not None and profile is None:
            self._report(
                (*path, "profile"), f"{provider.profile!r} is not a profile", suggestion(provider.profile, PROFILES)
            )
            return
        if profile is None and provider.dialect is None and not provider.dialects:
            self._report(
                (*path, "dialect"),
                f"{name} says neither what it speaks nor which profile it has",
                f"Add `dialect: openai_chat` (or another one), or `profile:`. {suggestion(name, PROFILES)}",
            )
        if provider.dialect and provider.dialects and provider.dialects[0] != provider.dialect:
            self._report(
                (*path, "dialects"),
                f"the preferred dialect, {provider.dialect}, does not come first here",
                "Leave `dialect` out, or put it first.",
            )
        if provider.base_url is not None:
            try:
                address.check_base_url(provider.base_url, plain_http=provider.plain_http)
            except address.BadAddress as error:
                self._report((*path, "base_url"), str(error), error.fix)
        elif name != EMBEDDED and (profile is None or profile.base_url is None):
            self._report((*path, "base_url"), f"{name} has no base_url", "Add `base_url: https://host/path`.")
        if provider.free and provider.subscription is not None:
            self._report(
                (*path, "subscription"),
                f"{name} is free and a subscription",
                "Leave `free` out: answers of a subscription cost no cash anyway.",
            )
        self._secrets(path, provider)
        if provider.direct is not None:
            self._secrets((*path, "direct"), provider.direct)
            try:
                address.check_base_url(provider.direct.base_url, plain_http=provider.plain_http)
            except address.BadAddress as error:
                self._report((*path, "direct", "base_url"), str(error), error.fix)
        self._quirks((*path, "quirks"), provider.quirks)
        for model, facts in provider.models.items():
            self._facts((*path, "models", model), facts)

    def _secrets(self, path: KeyPath, provider: ProviderConfig | DirectConfig) -> None:
        if provider.api_key and not re.fullmatch(r"[\x21-\x7e]+", provider.api_key):
            self._report(
                (*path, "api_key"), "an API key holds no blanks or control characters", "Look for a stray line break."
            )
        for header, value in provider.headers.items():
            if not HEADER_NAME.fullmatch(header):
                self._report((*path, "headers", header), "this is not a header's name", "Use letters, digits and `-`.")
            elif header.lower() in WRITTEN_ANEW:
                self._report((*path, "headers", header), "Tenbin writes this header itself", "Remove it.")
            if not re.fullmatch(r"[\t\x20-\x7e\x80-\xff]*", value):
                self._report((*path, "headers", header), "a header's value stands in one line of Latin-1", "Change it.")

    def _facts(self, path: KeyPath, facts: ModelFacts) -> None:
        self._quirks((*path, "quirks"), facts.quirks)
        if facts.context and facts.max_output and facts.max_output > facts.context:
            self._report((*path, "max_output"), "a model cannot give more tokens than its context holds", "Lower it.")

    def _quirks(self, path: KeyPath, quirks: dict[str, Any]) -> None:
        for name, value in quirks.items():
            if name not in _QUIRKS:
                self._report((*path, name), f"{name} is not a quirk that Tenbin knows", suggestion(name, _QUIRKS))
                continue
            try:
                msgspec.convert({name: value}, _SINGLE_QUIRK[name])
            except msgspec.ValidationError as error:
                said = str(error).partition(" - at ")[0]
                self._report((*path, name), said[:1].lower() + said[1:], f"The default is {_QUIRKS[name].default!r}.")

    def _chain(self, path: KeyPath, chain: list[str]) -> None:
        places = self.items.get(path) or [path]  # a target by itself stands at its own key
        fitting = [place for place in places if not self.document.is_broken(place)]
        seen: set[tuple[str, str]] = set()
        for place, target in zip(fitting, chain, strict=False):
            parts = split_target(target)
            if parts is None:
                self._report(place, f"{target!r} does not name a provider and a model", "Write provider/model.")
                continue
            if parts in seen:
                self._report(place, f"{target} stands twice in this chain", "Remove it; `retries` tries again.")
            seen.add(parts)
            self._known(place, parts[0])

    def _known(self, path: KeyPath, name: str) -> None:
        """A chain may name a provider that has no row of its own when its profile says all, or its key is found."""
        if name in self.config.providers:
            return
        if name == EMBEDDED:
            if self.config.local_model is False:
                self._report(path, "the embedded model is switched off", "Remove `local_model: false`, or this target.")
            return
        profile = PROFILES.get(name)
        if profile is None or not self.config.discover or profile.base_url is None:
            known = {*self.config.providers, *(PROFILES if self.config.discover else ())}
            self._report(path, f"no provider is named {name}", f"{suggestion(name, known)} Or add it to `providers`.")
        elif profile.env and not any(self.environ.get(variable) for variable in profile.env):
            self._report(
                path,
                f"{name} has no API key",
                f"Run `export {profile.env[0]}=...`, or add providers.{name} with an api_key.",
            )
