"""The gateway as a client on this machine sees it: where it is, which key it wants, whether it is there."""

import json
import os
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tenbin.config.keys import PREFIX
from tenbin.config.model import Config

NO_KEY = f"{PREFIX}local"
"""What a client sends where no key is needed: most clients insist on some key."""
KEY_VARIABLE = "TENBIN_KEY"


class Reply(msgspec.Struct, frozen=True):
    """An answer of the gateway, whole."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    def json(self) -> Any:
        """The decoded body; None when it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def complaint(self) -> str:
        """Of an answer that is an error: what it says is wrong."""
        told = self.json()
        why = told.get("error", told) if isinstance(told, dict) else self.body.decode(errors="replace")
        return str(why.get("message", why) if isinstance(why, dict) else why)


def client_key(config: Config) -> str:
    """The key to send: ``$TENBIN_KEY``, else the configuration's master key, else a word that stands for none."""
    return os.environ.get(KEY_VARIABLE) or config.master_key or NO_KEY


def call(
    url: str,
    path: str,
    *,
    key: str = NO_KEY,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = 5.0,
    method: str | None = None,
) -> Reply:
    """One request; ``headers`` go beside the usual ones. Raises OSError or HTTPException when there is no answer.

    ``method``: by default GET, or POST with a body.
    """
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=seconds)
    sent = {"authorization": f"Bearer {key}", "user-agent": "tenbin-cli", **(headers or {})}
    if body is not None:
        sent["content-type"] = "application/json"
    try:
        data = None if body is None else json.dumps(body).encode()
        connection.request(method or ("GET" if body is None else "POST"), parts.path.rstrip("/") + path, data, sent)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, found, answer.read())
    finally:
        connection.close()


def is_gateway(url: str) -> bool | None:
    """Does a Tenbin answer there? None when nobody does, False when it is somebody else."""
    try:
        reply = call(url, "/health/liveliness", seconds=2.0)
    except HTTPException:
        return False
    except OSError:
        return None
    return reply.status == 200 and reply.json() == {"status": "alive"}


def model_names(url: str, key: str) -> list[str]:
    """The names that the gateway lists; empty when it does not say."""
    try:
        listed = call(url, "/v1/models?limit=1000", key=key).json()
        return [str(model["id"]) for model in listed["data"]]
    except (OSError, HTTPException, KeyError, TypeError):
        return []


def variables(url: str, key: str) -> dict[str, str]:
    """The environment in which clients find the gateway."""
    return {
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_AUTH_TOKEN": key,
        "OPENAI_BASE_URL": f"{url}/v1",
        "OPENAI_API_KEY": key,
        # Claude Code then says of each request what it is for.
        "CLAUDE_CODE_GATEWAY_HINT_HEADERS": "1",
        # Claude Code then offers the gateway's models whose names begin with `claude`.
        "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1",
    }
