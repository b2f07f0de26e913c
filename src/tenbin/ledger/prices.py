"""7. What a model cost at the moment it was called: the configuration's own price, else the price library's, else
unknown, which is never zero.

The library is heavy, so a child process reads it (price_source) and a thread waits for that; a settlement that comes
before the table does waits too, a request never.
"""

import contextlib
import os
import re
import subprocess
import sys
import threading
import zlib
from collections.abc import Mapping
from decimal import Decimal
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import msgspec

from tenbin.config.model import ModelPrice, ProviderConfig
from tenbin.core.money import pico_per_token
from tenbin.core.price import FREE, SUBSCRIPTION, Price, Rates, share_of
from tenbin.ledger.price_table import (
    ModelRow,
    PriceTable,
    ProviderRow,
    find_model,
    matches,
    resolve,
)

# The library's name for a provider, by our profile's or the configuration's name where they differ.
_NAMES = {
    "gemini": "google",
    "vertex": "google",
    "bedrock": "aws",
    "moonshot": "moonshotai",
    "kimi": "moonshotai",
    "xai": "x-ai",
    "grok": "x-ai",
    "z-ai": "zai",
    "zhipu": "zhipuai",
    "qwen": "dashscope",
    "alibaba": "dashscope",
}
_PROXIES = frozenset({"litellm"})
"""Profiles that pass on other providers' models: who is paid is told by the model's name."""

_COMPACT_DATE = re.compile(r"-(20\d\d)(\d\d)(\d\d)(?=$|[^\d])")

_CACHED_PRICES = 4_096
"""Prices remembered, one for each (provider, model, tier) seen; all are forgotten when there are more."""


class PricesUnavailable(Exception):
    """The price library could not be read; carries why."""


class PriceBook:
    """Prices by provider name, as configured. Safe to ask from any thread."""

    def __init__(self, providers: Mapping[str, ProviderConfig], *, cache: Path | None = None) -> None:
        """``cache``: a folder in which to keep the read table, so that the next start needs no child process."""
        self._providers = providers
        self._cache_directory = cache
        self._table: PriceTable | None = None
        self._loaded = threading.Event()
        self._loader: threading.Thread | None = None
        self._trouble = ""
        self._rows: dict[str, ProviderRow] = {}
        self._prices: dict[tuple[str, str, str | None], tuple[int, int, Price | None]] = {}
        self._shadows: dict[tuple[str, str], tuple[int, int, Price | None]] = {}

    def start(self) -> None:
        """Begin to read the price library in the background. Called again, does nothing."""
        if self._loader is None:
            self._loader = threading.Thread(target=self._load, name="tenbin-prices", daemon=True)
            self._loader.start()

    def reconfigure(self, providers: Mapping[str, ProviderConfig]) -> None:
        """Take over a new configuration's providers and prices; what is settled from now on is priced by them."""
        self._providers = providers
        self._prices, self._shadows = {}, {}

    @property
    def ready(self) -> bool:
        """Whether the price library has been read, or cannot be: a price is told without waiting."""
        return self._loaded.is_set()

    def wait(self) -> None:
        """Return when it is ready."""
        self.start()
        self._loaded.wait()

    @property
    def trouble(self) -> str:
        """Why prices can't be told, or nothing."""
        return self._trouble

    @property
    def source(self) -> str:
        """The price library and its version; waits until it is read."""
        return self._wait().source

    def price(self, provider: str, model: str, at_ms: int, tier: str | None = None) -> Price | None:
        """What ``model`` costs at ``provider`` (the name in the configuration) at a moment, UTC ms; None if unknown.

        ``tier`` is the service tier that the answer echoed: ``batch``, ``flex``, ``priority``, ``fast`` ..., several
        joined by ``+`` (``fast+us`` for Anthropic's fast mode with ``inference_geo: us``).
        """
        key = (provider, model, tier)
        known = self._prices.get(key)
        if known is not None and known[0] <= at_ms < known[1]:
            return known[2]
        found = self._find(provider, model, at_ms, tier)
        if len(self._prices) >= _CACHED_PRICES:
            self._prices = {}
        self._prices[key] = found
        return found[2]

    def shadow(self, provider: str, model: str, at_ms: int) -> Price | None:
        """What a subscription's quota is worth: ``shadow_share`` of what the model costs by the list (the
        configuration's own price, else the library's). None for a provider that is none, or where no price is known.
        """
        config = self._providers.get(provider)
        if config is None or config.subscription is None:
            return None
        known = self._shadows.get((provider, model))
        if known is not None and known[0] <= at_ms < known[1]:
            return known[2]
        begin, end, listed = self._charged(provider, model, at_ms, None)
        worth = None if listed is None else share_of(listed, config.subscription.shadow_share)
        if len(self._shadows) >= _CACHED_PRICES:
            self._shadows = {}
        self._shadows[provider, model] = begin, end, worth
        return worth

    def _find(self, provider: str, model: str, at_ms: int, tier: str | None) -> tuple[int, int, Price | None]:
        config = self._providers.get(provider)
        if config is not None and config.subscription is not None:
            return 0, sys.maxsize, SUBSCRIPTION
        return self._charged(provider, model, at_ms, tier)

    def _charged(self, provider: str, model: str, at_ms: int, tier: str | None) -> tuple[int, int, Price | None]:
        always = (0, sys.maxsize)
        config = self._providers.get(provider)
        facts = config.models.get(model) if config is not None else None
        if facts is not None and facts.price is not None:
            return self._overridden(provider, model, facts.price, at_ms, tier)
        if config is not None and config.free:
            return *always, FREE
        listed = self._listed(provider, config, model, at_ms, tier)
        if listed is None:
            return *always, None
        price, begin, end = listed
        return begin, end, price

    def _overridden(
        self, provider: str, model: str, own: ModelPrice, at_ms: int, tier: str | None
    ) -> tuple[int, int, Price | None]:
        """The configuration's price. Only what a web search costs is still the library's to say, once it is read."""
        loaded = self._loaded.is_set()
        library = self._listed(provider, self._providers[provider], model, at_ms, tier) if loaded else None
        web_search = None if library is None else library[0].steps[0][1].web_search
        price = _configured(f"configuration: {provider}/{model}", own, web_search)
        return 0, sys.maxsize if loaded else 0, price

    def _listed(
        self, provider: str, config: ProviderConfig | None, model: str, at_ms: int, tier: str | None
    ) -> tuple[Price, int, int] | None:
        try:
            table = self._wait()
        except PricesUnavailable:
            return None
        seller, name = self._seller(table, provider, config, model.lower())
        if seller is None:
            return None
        row, where = self._row(seller), seller
        found = _named(row, name)
        if found is None:
            for lender in row.borrows_from:
                found = _named(self._row(lender), name)
                if found is not None:
                    # Its service tiers are the lender's own, not sold here.
                    found, where = msgspec.structs.replace(found, variants=(), modifiers=()), lender
                    break
        if found is None:
            return None
        resolved = resolve(found, at_ms, tier, table.source, where)
        if resolved is None and name.endswith(":free"):
            return FREE, 0, sys.maxsize
        return resolved

    def _seller(
        self, table: PriceTable, provider: str, config: ProviderConfig | None, model: str
    ) -> tuple[str | None, str]:
        """Whose price list to look in: by base URL, else by profile, else by name; a proxy's by the model's name."""
        if config is not None and config.base_url:
            for pattern, seller in table.url_patterns:
                if re.match(pattern, config.base_url):
                    return seller, model
        profile = (config.profile if config is not None else None) or provider
        if profile in _PROXIES:
            prefix, slash, rest = model.partition("/")
            if slash and self._known(table, prefix) is not None:
                return self._known(table, prefix), rest
            return next((seller for match, seller in table.families if matches(match, model)), None), model
        return self._known(table, profile) or self._known(table, provider), model

    def _known(self, table: PriceTable, name: str) -> str | None:
        name = _NAMES.get(name.lower(), name.lower())
        return name if name in table.providers else None

    def _row(self, seller: str) -> ProviderRow:
        row = self._rows.get(seller)
        if row is None:
            row = msgspec.msgpack.decode(self._wait().providers[seller], type=ProviderRow)
            self._rows[seller] = row
        return row

    def _wait(self) -> PriceTable:
        if self._table is None:
            self.start()
            self._loaded.wait()
            if self._table is None:
                raise PricesUnavailable(self._trouble)
        return self._table

    def _load(self) -> None:
        try:
            self._table = read_table(self._cache_directory)
        except (OSError, subprocess.SubprocessError, msgspec.DecodeError, PricesUnavailable) as error:
            self._trouble = f"the price library can't be read, so prices are unknown: {error}"
        finally:
            self._loaded.set()


def read_table(cache: Path | None) -> PriceTable:
    """The price table, from the cache folder when it is there for the installed versions, else from the library.

    Raises PricesUnavailable when the library can't be read.
    """
    kept = None if cache is None else cache / f"prices-{_edition()}.msgpack"
    if kept is not None:
        try:
            return msgspec.msgpack.decode(kept.read_bytes(), type=PriceTable)
        except (OSError, msgspec.DecodeError):
            pass  # Not there yet, or cut short: it is made again.
    command = [sys.executable, "-m", "tenbin.ledger.price_source"]
    child = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    if child.returncode != 0:
        raise PricesUnavailable(child.stderr.decode(errors="replace").strip().rpartition("\n")[2])
    table = msgspec.msgpack.decode(child.stdout, type=PriceTable)
    if kept is not None:
        _keep(kept, child.stdout)
    return table


def _edition() -> str:
    """Changes whenever the table would: with the library's version, our reading of it, or our supplement."""
    here = files("tenbin.ledger")
    ours = b"".join(here.joinpath(name).read_bytes() for name in ("price_source.py", "price_supplement.json"))
    return f"{version('genai-prices')}-{zlib.crc32(ours):08x}"


def _keep(path: Path, data: bytes) -> None:
    """Write whole or not at all; a folder that can't be written only means the next start reads the library again."""
    draft = path.with_suffix(f".{os.getpid()}")
    try:
        draft.write_bytes(data)
        for former in path.parent.glob("prices-*.msgpack"):
            former.unlink(missing_ok=True)
        draft.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()


def _named(row: ProviderRow, name: str) -> ModelRow | None:
    """The model by its name, or by its name with a compact date (``-20251211``) written ``-2025-12-11``."""
    return find_model(row, name) or find_model(row, _COMPACT_DATE.sub(r"-\1-\2-\3", name))


def _configured(label: str, price: ModelPrice, web_search: int | None) -> Price:
    """A Price from the configuration's figures (USD per million tokens, per_request in USD)."""

    def pico(usd: float) -> int:
        # By way of its shortest decimal form: 0.1 in the file is one tenth, not the nearest binary fraction.
        return pico_per_token(Decimal(repr(usd)))

    given = pico(price.input)
    output = pico(price.output)
    write = given if price.cache_write_5m is None else pico(price.cache_write_5m)
    rates = Rates(
        input=given,
        cache_read=given if price.cache_read is None else pico(price.cache_read),
        cache_write_5m=write,
        cache_write_1h=write if price.cache_write_1h is None else pico(price.cache_write_1h),
        output=output,
        reasoning=output,
        audio_input=given,
        audio_output=output,
        web_search=web_search,
        per_request=pico(price.per_request) * 1_000_000,
    )
    return Price(label=label, steps=((0, rates),))
