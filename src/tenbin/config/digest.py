"""The name of a configuration: a hash of all that it says except secrets. It stands on every receipt."""

import hashlib
from typing import Any

import msgspec

from tenbin.config.model import Config

_SECRETS = ("api_key", "master_key", "headers", "keys", "secret")


def digest(config: Config) -> str:
    """SHA-256, in hex, of the canonical configuration. Of secrets only their names count, so a new key is no change."""
    return hashlib.sha256(msgspec.json.encode(without_secrets(config), order="sorted")).hexdigest()


def without_secrets(config: Config) -> dict[str, Any]:
    """All that the configuration says, defaults included, each secret replaced by ``(set)``."""
    plain: dict[str, Any] = _plain(config)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return {
            name: _hidden(getattr(value, name)) if name in _SECRETS else _plain(getattr(value, name))
            for name in value.__struct_fields__
        }
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return dict.fromkeys(value, "(set)")
    return "(set)" if value else None
