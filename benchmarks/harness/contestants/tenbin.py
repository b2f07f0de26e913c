"""Tenbin as a user runs it: authentication, decision, receipt in the ledger."""

import subprocess

import yaml

from benchmarks.harness.contestants.base import BENCHMARKS, KEY, PROVIDER_MODELS, Contestant, Launch, Place

COMMAND = BENCHMARKS.parent / ".venv" / "bin" / "tenbin"


class Tenbin(Contestant):
    """This project, complete."""

    name = "tenbin"
    title = "Tenbin, complete"
    note = "`tenbin serve --no-local-model`: decision, journal and a receipt in SQLite for every request."

    def missing(self) -> str | None:
        """It runs from the checkout's virtual environment."""
        if not COMMAND.exists():
            return f"{COMMAND.relative_to(BENCHMARKS.parent)} does not exist: run `make install`"
        help_shown = subprocess.run([str(COMMAND), "serve", "--help"], capture_output=True, text=True)
        return None if help_shown.returncode == 0 else f"tenbin serve does not work: {help_shown.stderr[-300:]}"

    def version(self) -> str:
        """The version and the commit, with a mark when the tree has uncommitted changes under src."""
        said = subprocess.run([str(COMMAND), "--version"], capture_output=True, text=True).stdout.strip()
        commit = _git("rev-parse", "--short", "HEAD")
        changed = "+" if _git("status", "--porcelain", "--", "src") else ""
        return f"{said.split()[-1] if said else '?'} ({commit}{changed})"

    def prepare(self, place: Place) -> Launch:
        """Two providers, both the mock, and a model name for each, ticked and not."""
        configuration = place.work / "tenbin.yaml"
        models = {
            f"bench-{dialect}{suffix}": [f"mock-{dialect}/{model}{suffix}"]
            for dialect, model in PROVIDER_MODELS.items()
            for suffix in ("", "-ticked")
        }
        providers = {
            "mock-chat": {"dialect": "openai_chat", "base_url": f"{place.mock}/v1", "api_key": KEY},
            "mock-messages": {"dialect": "anthropic", "base_url": place.mock, "api_key": KEY},
        }
        written = {
            "listen": f"127.0.0.1:{place.port}",
            "providers": providers,
            "models": models,
            "default": ["mock-chat/gpt-bench"],
        }
        configuration.write_text(yaml.safe_dump(written, sort_keys=False))
        data = place.work / "data"
        command = [str(COMMAND), "serve", "--config", str(configuration), "--port", str(place.port)]
        command += ["--no-local-model", "--data-dir", str(data)]
        return Launch(command, "/health/readiness", lambda _: place.port)


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=BENCHMARKS, capture_output=True, text=True)
    return done.stdout.strip()
