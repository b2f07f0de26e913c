"""Stage 2, a request that would have its provider ask another model than the one it names: routers of models
(OpenRouter, LiteLLM) read names of others out of a body or an address, and some tools are models themselves.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn
from urllib.parse import parse_qsl

import msgspec

from tenbin.codecs.splice import fields
from tenbin.core.problems import Unreadable, invalid

_LEADING = frozenset(
    {
        "models", "fallbacks", "context_window_fallbacks", "content_policy_fallbacks", "preset", "extra_body",
        "model_list", "user_config", "litellm_params", "custom_llm_provider", "api_base", "base_url",
    }
)  # fmt: skip
"""Top-level fields by which OpenRouter and LiteLLM choose another model than ``model``, or another place of it."""

_NAMING = frozenset({"model", "models", "allowed_models", "fallbacks", "preset"})
"""Within a tool that its provider runs, or a plugin: what names a model."""

_QUERY = frozenset({"model", "models", "fallbacks", "preset"})
"""In an address; LiteLLM takes ``?model=`` before the body's."""

_NOTHING = (b"null", b"[]", b"{}", b'""', b"false")

_any_decoder = msgspec.json.Decoder()


def check_other_models(body: bytes, query: bytes) -> None:
    """Raises Unreadable where a provider may take it to ask a model that neither a key's rules nor a budget have been
    held against. ``body``: known to be a JSON object.
    """
    values = fields(body, checked=True)
    for key in _LEADING.intersection(values):
        if bytes(values[key]) not in _NOTHING:
            _refuse(key)
    for key in ("tools", "plugins"):
        if key in values:
            _check_list(key, values)
    if query:
        for key, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
            if key.casefold() in _QUERY:
                _refuse(key)


def _check_list(key: str, values: Mapping[str, msgspec.Raw]) -> None:
    raw = bytes(values[key])
    if b"model" not in raw and b"\\u00" not in raw and b"fallbacks" not in raw and b"preset" not in raw:
        return
    try:
        entries = _any_decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return  # whoever reads the field says so
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict) and not _is_clients(entry):
            for path in _named(entry, f"{key}[{index}]"):
                _refuse(path)


def _is_clients(tool: dict[str, Any]) -> bool:
    """A tool that the client runs itself: its schema may speak of models as it likes."""
    if tool.get("type", "custom") in ("function", "custom"):
        # In no form of a tool that a client runs does a model stand beside its name.
        return _NAMING.isdisjoint(tool)
    return False


def _named(value: Any, where: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in _NAMING and inner:
                yield f"{where}.{key}"
            yield from _named(inner, f"{where}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _named(inner, f"{where}[{index}]")


def _refuse(where: str) -> NoReturn:
    shown = where[:200]
    raise Unreadable(
        invalid(
            f"{shown}: by this a provider may ask another model than `model` names, past what this key may use or a "
            "budget has room for. Leave it out, and ask for one model; whoever runs the gateway can name chains and "
            "fallbacks in its configuration.",
            param=shown,
        )
    )
