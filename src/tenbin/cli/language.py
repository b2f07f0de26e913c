"""In which language Tenbin speaks to the person at the terminal: English, or Japanese where the locale is."""

import os
from collections.abc import Mapping


def is_japanese(environ: Mapping[str, str] | None = None) -> bool:
    """What the locale variables say; the first of them that is set counts, as everywhere in POSIX."""
    environ = os.environ if environ is None else environ
    locale = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environ.get(name))), "")
    return locale.lower().startswith("ja")


def say(english: str, japanese: str) -> str:
    """One of the two."""
    return japanese if is_japanese() else english
