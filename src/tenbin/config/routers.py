"""Finds a router of one's own by what ``routing.router`` says: the name of an installed one, or
``package.module:function``.
"""

import importlib
import re
from importlib.metadata import entry_points
from typing import Any, cast

from tenbin.core.router import Router

GROUP = "tenbin.routers"
"""The entry points' group under which packages offer routers."""

_PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def load_router(name: str) -> Router:
    """Import a router. Raises ValueError, in words that name the fix, when there is none of that name or it is no
    function; what its module raises while it is imported comes as that error's cause.
    """
    found = _import(name) if _PATH.fullmatch(name) else _installed(name)
    if not callable(found):
        raise ValueError(f"router {name!r} is a {type(found).__name__}, not a function of (features, candidates)")
    return cast(Router, found)


def _import(name: str) -> Any:
    module_name, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except Exception as error:
        raise ValueError(
            f"router {name!r}: {module_name} cannot be imported ({type(error).__name__}: {error}); "
            "its folder must stand in PYTHONPATH, or it must be installed beside tenbin"
        ) from error
    for part in path.split("."):
        if not hasattr(found, part):
            raise ValueError(f"router {name!r}: {module_name} has no {path}")
        found = getattr(found, part)
    return found


def _installed(name: str) -> Any:
    offered = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in offered:
        there = ", ".join(sorted(offered)) or "none"
        raise ValueError(
            f"{name!r} is neither an installed router (there is {there}) nor of the form package.module:function"
        )
    try:
        return offered[name].load()
    except Exception as error:
        raise ValueError(f"router {name!r} cannot be imported ({type(error).__name__}: {error})") from error
