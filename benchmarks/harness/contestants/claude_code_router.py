"""claude-code-router: Node; takes Anthropic Messages and speaks OpenAI to the provider."""

import json

from benchmarks.harness.contestants.base import KEY, PEERS, Contestant, Launch, Place, ticked
from benchmarks.harness.points import MESSAGES_TO_CHAT, Load, Route

_PACKAGE = PEERS / "claude-code-router" / "node_modules" / "@musistudio" / "claude-code-router"


class ClaudeCodeRouter(Contestant):
    """Node, one route: Messages to Chat Completions."""

    name = "claude-code-router"
    title = "claude-code-router"
    note = "`ccr start`, logging off, one OpenAI provider and the default route; it counts the tokens of every request."
    routes = (MESSAGES_TO_CHAT,)

    def missing(self) -> str | None:
        """It is installed by `benchmarks/run peers`."""
        return None if (_PACKAGE / "dist" / "cli.js").exists() else "not installed: benchmarks/run peers"

    def version(self) -> str:
        """From its package.json."""
        return str(json.loads((_PACKAGE / "package.json").read_text())["version"])

    def prepare(self, place: Place) -> Launch:
        """Its configuration lies in the home directory, so it gets one of its own."""
        directory = place.work / ".claude-code-router"
        directory.mkdir(parents=True, exist_ok=True)
        provider = {
            "name": "mock",
            "api_base_url": f"{place.mock}/v1/chat/completions",
            "api_key": KEY,
            "models": ["gpt-bench", "gpt-bench-ticked"],
        }
        written = {
            "HOST": "127.0.0.1",
            "PORT": place.port,
            "LOG": False,
            "APIKEY": KEY,
            "NON_INTERACTIVE_MODE": True,
            "Providers": [provider],
            "Router": {"default": "mock,gpt-bench", "background": "mock,gpt-bench"},
        }
        (directory / "config.json").write_text(json.dumps(written))
        environment = {"HOME": str(place.work), "NODE_ENV": "production"}
        return Launch(
            ["node", str(_PACKAGE / "dist" / "cli.js"), "start"], "/health", lambda _: place.port, environment
        )

    def model(self, load: Load, route: Route) -> str:
        """Its way to name a provider's model."""
        return ticked("mock,gpt-bench", load)
