"""LiteLLM's proxy: the most used gateway written in Python."""

import yaml

from benchmarks.harness.contestants.base import KEY, PEERS, PROVIDER_MODELS, Contestant, Launch, Place


class LiteLLM(Contestant):
    """Python, both dialects."""

    name = "litellm"
    title = "LiteLLM proxy"
    note = "One worker, master key, no database, production mode, logging to errors only, telemetry off."
    slow = True

    def missing(self) -> str | None:
        """It is installed by `benchmarks/run peers`."""
        return None if (PEERS / "litellm" / "bin" / "litellm").exists() else "not installed: benchmarks/run peers"

    def version(self) -> str:
        """From the wheel's metadata."""
        found = list((PEERS / "litellm").glob("lib/*/site-packages/litellm-*.dist-info"))
        return found[0].name.removeprefix("litellm-").removesuffix(".dist-info") if found else "?"

    def prepare(self, place: Place) -> Launch:
        """A model per dialect; Messages for an OpenAI model must go to chat completions, all that the mock offers
        a translator."""
        bases = {"chat": ("openai", f"{place.mock}/v1"), "messages": ("anthropic", place.mock)}
        models = [
            {
                "model_name": f"bench-{dialect}{suffix}",
                "litellm_params": {
                    "model": f"{bases[dialect][0]}/{model}{suffix}",
                    "api_base": bases[dialect][1],
                    "api_key": KEY,
                },
            }
            for dialect, model in PROVIDER_MODELS.items()
            for suffix in ("", "-ticked")
        ]
        settings = {"telemetry": False, "use_chat_completions_url_for_anthropic_messages": True}
        written = {"model_list": models, "litellm_settings": settings, "general_settings": {"master_key": KEY}}
        configuration = place.work / "litellm.yaml"
        configuration.write_text(yaml.safe_dump(written))
        command = [str(PEERS / "litellm" / "bin" / "litellm"), "--config", str(configuration)]
        command += ["--host", "127.0.0.1", "--port", str(place.port), "--num_workers", "1"]
        environment = {"LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        return Launch(command, "/health/readiness", lambda _: place.port, environment)
