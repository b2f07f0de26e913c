"""TensorZero: the Rust gateway that its Python wheel embeds, with an HTTP server of its own."""

import re

from benchmarks.harness.contestants.base import KEY, PEERS, PROVIDER_MODELS, Contestant, Launch, Place, ticked
from benchmarks.harness.points import CHAT, CHAT_TO_MESSAGES, Load, Route

_LAUNCHER = """
import signal
from tensorzero import _start_http_gateway
gateway = _start_http_gateway(
    config_file="tensorzero.toml", clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=False
)
print("serving", gateway.base_url, flush=True)
signal.pause()
"""

_MODEL = """
[models.{name}]
routing = ["mock"]
[models.{name}.providers.mock]
type = "{kind}"
model_name = "{model}"
api_base = "{mock}/v1/"
api_key_location = "env::MOCK_KEY"
"""


class TensorZero(Contestant):
    """Rust, chat completions in."""

    name = "tensorzero"
    title = "TensorZero"
    note = "The HTTP gateway embedded in its Python wheel; observability off, no database, so it books nothing."
    routes = (CHAT, CHAT_TO_MESSAGES)

    def missing(self) -> str | None:
        """It is installed by `benchmarks/run peers`."""
        return None if (PEERS / "tensorzero" / "bin" / "python").exists() else "not installed: benchmarks/run peers"

    def version(self) -> str:
        """From the wheel's metadata."""
        found = list((PEERS / "tensorzero").glob("lib/*/site-packages/tensorzero-*.dist-info"))
        return found[0].name.removeprefix("tensorzero-").removesuffix(".dist-info") if found else "?"

    def prepare(self, place: Place) -> Launch:
        """A model per dialect; the wheel chooses the port and the launcher prints it."""
        kinds = {"chat": "openai", "messages": "anthropic"}
        models = [
            _MODEL.format(
                name=f"bench-{dialect}{suffix}", kind=kind, model=PROVIDER_MODELS[dialect] + suffix, mock=place.mock
            )
            for dialect, kind in kinds.items()
            for suffix in ("", "-ticked")
        ]
        (place.work / "tensorzero.toml").write_text("[gateway]\nobservability.enabled = false\n" + "".join(models))
        (place.work / "launch.py").write_text(_LAUNCHER)
        command = [str(PEERS / "tensorzero" / "bin" / "python"), "launch.py"]
        return Launch(command, None, _printed_port, {"MOCK_KEY": KEY})

    def path(self, route: Route) -> str:
        """Its endpoint for OpenAI clients."""
        return "/openai/v1/chat/completions"

    def model(self, load: Load, route: Route) -> str:
        """Its way to name a model."""
        return ticked(f"tensorzero::model_name::bench-{route.provider}", load)


def _printed_port(log: str) -> int | None:
    found = re.search(r"serving http://127\.0\.0\.1:(\d+)", log)
    return int(found[1]) if found else None
