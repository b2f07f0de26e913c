"""Portkey's gateway: Node; the provider is named in headers."""

import json

from benchmarks.harness.contestants.base import (
    PEERS,
    PROVIDER_MODELS,
    Contestant,
    Launch,
    Place,
    client_headers,
    ticked,
)
from benchmarks.harness.points import CHAT, CHAT_TO_MESSAGES, MESSAGES, Load, Route

_PACKAGE = PEERS / "portkey" / "node_modules" / "@portkey-ai" / "gateway"


class Portkey(Contestant):
    """Node, both dialects in, Messages only for providers that speak it."""

    name = "portkey"
    title = "Portkey gateway"
    note = (
        "Headless, provider and custom host in headers; hono 4.9.7 and @hono/node-server 1.3.3, because with the newer "
        "ones that a fresh install brings every stream fails."
    )
    routes = (CHAT, MESSAGES, CHAT_TO_MESSAGES)

    def missing(self) -> str | None:
        """It is installed by `benchmarks/run peers`."""
        return None if (_PACKAGE / "build" / "start-server.js").exists() else "not installed: benchmarks/run peers"

    def version(self) -> str:
        """From its package.json."""
        return str(json.loads((_PACKAGE / "package.json").read_text())["version"])

    def prepare(self, place: Place) -> Launch:
        """It needs no configuration."""
        command = ["node", str(_PACKAGE / "build" / "start-server.js"), f"--port={place.port}", "--headless"]
        return Launch(command, "/", lambda _: place.port, {"NODE_ENV": "production"})

    def headers(self, route: Route, place: Place) -> dict[str, str]:
        """The provider, and that it is at the mock's address."""
        provider = "openai" if route.provider == "chat" else "anthropic"
        chosen = {"x-portkey-provider": provider, "x-portkey-custom-host": f"{place.mock}/v1"}
        return {**client_headers(route.client), **chosen}

    def model(self, load: Load, route: Route) -> str:
        """Straight the provider's name."""
        return ticked(PROVIDER_MODELS[route.provider], load)
