"""What can be configured of content: whether requests and answers are kept, how long, under which key."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator

from tenbin.config.problem import KeyPath
from tenbin.config.section import OneOrMore, Section

KEY_BYTES = 32
"""Of a key of AES-256-GCM."""

FIX = "`tenbin content key` makes one: key: ${TENBIN_CONTENT_KEY}, or key_file: a path away from the ledger's folder."


class ContentConfig(Section, frozen=True):
    """What people ask and are answered, kept beside the ledger, encrypted. Nothing is kept unless it is said here."""

    store: bool = False
    """Keep each request's and each answer's bytes. Needs `pip install "tenbin[content]"`, and a key."""
    key: str | None = None
    """32 random bytes in base64, from the environment as ``${NAME}``; `tenbin content key` makes one."""
    key_file: str | None = None
    """A file that holds such a key, readable by its owner only; made where it does not exist. Best on another disk."""
    days: OneOrMore = 30
    """After so many days it is deleted."""
    most_bytes: OneOrMore = 1_048_576
    """Of a request, and of an answer; what is beyond is left out, and marked so."""


def content_mistakes(content: ContentConfig) -> Iterator[tuple[KeyPath, str, str]]:
    """What no type can say: where, what is wrong, how to mend it. Never the key."""
    if content.store and content.key is None and content.key_file is None:
        yield ("content", "store"), "content is kept under a key only, and none is named", FIX
    if content.key is not None and content.key_file is not None:
        yield ("content", "key_file"), "the key is named twice", "Leave `key` or `key_file` out."
    if content.key is not None and key_of(content.key) is None:
        yield ("content", "key"), "this is no key of 32 bytes in base64", FIX


def key_of(text: str) -> bytes | None:
    """The key that base64 of either alphabet spells; None where it spells none of that length."""
    plain = text.strip().rstrip("=").replace("+", "-").replace("/", "_")
    if re.fullmatch(r"[A-Za-z0-9_-]{43}", plain) is None:
        return None
    return urlsafe_b64decode(plain + "=")
