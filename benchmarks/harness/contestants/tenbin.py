"""Tenbin as a user runs it: authentication, decision, receipt in the ledger."""

import sqlite3
import subprocess

import yaml

from benchmarks.harness.contestants.base import (
    BENCHMARKS,
    KEY,
    PROVIDER_MODELS,
    Audit,
    Contestant,
    Launch,
    Place,
    Served,
)

_PRICE = {"input": 3.0, "output": 15.0}
"""USD per one million tokens."""

_NANO_USD_EACH = 180 * 3_000 + 20 * 15_000
"""What one answer of the mock costs at that price: 180 tokens in, 20 out. 1 USD per million is 1000 nano-USD each."""

COMMAND = BENCHMARKS.parent / ".venv" / "bin" / "tenbin"


class Tenbin(Contestant):
    """This project, complete."""

    name = "tenbin"
    title = "Tenbin, complete"
    note = "`tenbin serve --no-local-model` with a master key: key check, decision, journal, a receipt in SQLite."

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
        dialects = {"chat": ("openai_chat", f"{place.mock}/v1"), "messages": ("anthropic", place.mock)}
        providers = {
            f"mock-{dialect}": {
                "dialect": spoken,
                "base_url": base_url,
                "api_key": KEY,
                "models": {PROVIDER_MODELS[dialect] + suffix: {"price": _PRICE} for suffix in ("", "-ticked")},
            }
            for dialect, (spoken, base_url) in dialects.items()
        }
        written = {
            "listen": f"127.0.0.1:{place.port}",
            "master_key": KEY,
            "providers": providers,
            "models": models,
            "default": ["mock-chat/gpt-bench"],
        }
        configuration.write_text(yaml.safe_dump(written, sort_keys=False))
        data = place.work / "data"
        command = [str(COMMAND), "serve", "--config", str(configuration), "--port", str(place.port)]
        command += ["--no-local-model", "--data-dir", str(data)]
        return Launch(command, "/health/readiness", lambda _: place.port)

    def audit(self, place: Place, served: Served) -> Audit:
        """One receipt for every answer, each priced right to the nano-USD."""
        query = "SELECT count(*), sum(cost_nano IS NOT ?) FROM requests WHERE outcome = 'answered'"
        with sqlite3.connect(f"file:{place.work / 'data' / 'ledger.sqlite'}?mode=ro", uri=True) as ledger:
            receipts, wrong = ledger.execute(query, (_NANO_USD_EACH,)).fetchone()
        ledger.close()
        enough = served.whole <= receipts <= served.whole + served.cut_at_most
        finding = f"{served.whole} answers received whole, {receipts} receipts, {wrong or 0} of them at a wrong price"
        return Audit(enough and not wrong, finding)


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=BENCHMARKS, capture_output=True, text=True)
    return done.stdout.strip()
