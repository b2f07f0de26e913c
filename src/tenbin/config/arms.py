"""What an experiment's arm says, laid over the configuration in force: the Config that its policy is made of."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from tenbin.config.chains import chains
from tenbin.config.experiments import Arm
from tenbin.config.load import load
from tenbin.config.model import Config
from tenbin.config.problem import ConfigError
from tenbin.config.provider import split_target
from tenbin.config.routing import RoutingConfig
from tenbin.config.routing_check import routing_mistakes
from tenbin.config.shape import suggestion

DECIDING = ("models", "cascades", "default", "fallback", "routing", "retries", "cooldown")
"""What of another configuration file makes its policy; all else (providers, keys, limits, times) stays as it is."""


class BadArm(Exception):
    """An arm that cannot be put in force, and why."""


def arm_config(base: Config, arm: Arm, which: str = "the arm") -> Config:
    """The configuration of an arm. ``base`` is the one in force (config.findings.build). Raises BadArm."""
    config = _of_file(base, arm, which) if arm.file is not None else base
    if arm.routing:
        config = msgspec.structs.replace(config, routing=_overridden(config.routing, arm.routing, which))
    for path, message, fix in routing_mistakes(config):
        raise BadArm(f"{which}: {'.'.join(map(str, path))}: {message}. {fix}")
    for path, chain in chains(config):
        for target in chain:
            parts = split_target(target)
            if parts is None or parts[0] not in config.providers:
                known = suggestion(target.partition("/")[0], config.providers)
                raise BadArm(f"{which}: {'.'.join(map(str, path))}: nobody here is the provider of {target}. {known}")
    return config


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file, hex. Raises BadArm."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise BadArm(f"{path} cannot be read: {error.strerror or error}") from None


def _of_file(base: Config, arm: Arm, which: str) -> Config:
    assert arm.file is not None
    if arm.digest and file_digest(arm.file) != arm.digest:
        raise BadArm(f"{which}: {arm.file} has been changed since the experiment was started")
    try:
        other = load(arm.file)
    except ConfigError as error:
        raise BadArm(f"{which}: {error.problems[0]}") from None
    # A file says nothing of what is found on the machine: where it is silent, what is in force goes on.
    changes = {name: getattr(other, name) for name in DECIDING}
    changes["models"] = {**base.models, **other.models}
    changes["cascades"] = {**base.cascades, **other.cascades}
    changes["default"] = other.default or base.default
    return msgspec.structs.replace(base, **changes)


def _overridden(routing: RoutingConfig, changes: Mapping[str, Any], which: str) -> RoutingConfig:
    known = RoutingConfig.__struct_fields__
    for name in changes:
        if name not in known:
            raise BadArm(f"{which}: routing has no key {name}. {suggestion(name, known)}")
    try:
        return msgspec.convert(_merged(msgspec.to_builtins(routing), changes), RoutingConfig)
    except msgspec.ValidationError as error:
        said, _, place = str(error).partition(" - at `$")
        where = f"routing{place.rstrip('`')}" if place else "routing"
        raise BadArm(f"{which}: {where}: {said[:1].lower()}{said[1:]}") from None


def _merged(under: Any, over: Any) -> Any:
    if isinstance(under, dict) and isinstance(over, Mapping):
        return {**under, **{name: _merged(under.get(name), value) for name, value in over.items()}}
    return over
