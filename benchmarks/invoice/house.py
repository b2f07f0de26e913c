"""What the drill runs against: the simulator as every provider, and a gateway that can be killed and started again."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness.mortal import Gateway, Provider, provider
from benchmarks.harness.process import free_port

PRICES: dict[str, dict[str, dict[str, str]]] = {
    "anthropic": {
        "claude-sonnet-4-6": {
            "input": "3",
            "cache_read": "0.3",
            "cache_write_5m": "3.75",
            "cache_write_1h": "6",
            "output": "15",
        },
        "claude-haiku-4-5": {
            "input": "1.03",
            "cache_read": "0.103",
            "cache_write_5m": "1.287501",
            "cache_write_1h": "2.06",
            "output": "5.07",
        },
    },
    "openai": {
        "gpt-4o": {"input": "2.5", "cache_read": "1.25", "output": "10"},
        "gpt-4.1": {"input": "2.000001", "cache_read": "0.5", "output": "8.333333"},
        "gpt-5.6": {"input": "1.1", "cache_read": "0.11", "cache_write_5m": "1.375", "output": "9.9"},
        "text-embedding-3-small": {"input": "0.020001", "output": "0"},
    },
    "openrouter": {"meta/llama-4": {"input": "0.1701", "cache_read": "0.0333", "output": "0.6603"}},
    "deepseek": {"deepseek-chat": {"input": "0.27", "cache_read": "0.07", "output": "1.1"}},
    "gemini": {"gemini-2.5-flash": {"input": "0.3", "cache_read": "0.075", "output": "2.5"}},
    "messy": {"messy-1": {"input": "0.5", "cache_read": "0.05", "output": "1.5"}},
    "ollama": {"llama3.2": {"input": "0", "output": "0"}},
}
"""USD per million tokens, by profile and model: told to the gateway in its file, and to the simulator."""

_ROWS: dict[str, dict[str, Any]] = {
    "anthropic": {"profile": "anthropic", "path": "/anthropic"},
    "openai": {"profile": "openai", "path": "/openai/v1"},
    "openrouter": {"profile": "openrouter", "path": "/openrouter/v1"},
    "deepseek": {"profile": "deepseek", "path": "/deepseek/v1"},
    "gemini": {"profile": "gemini", "path": "/gemini/v1beta/openai"},
    "messy": {"dialect": "openai_chat", "path": "/messy/v1"},
    "ollama": {"profile": "ollama", "path": "/ollama"},
}

CHAINS = {
    "anthropic": ["anthropic/claude-sonnet-4-6", "openai/gpt-4o"],
    "haiku": ["anthropic/claude-haiku-4-5"],
    "openai": ["openai/gpt-4o", "deepseek/deepseek-chat"],
    "reasoning": ["openai/gpt-5.6"],
    "openrouter": ["openrouter/meta/llama-4"],
    "deepseek": ["deepseek/deepseek-chat", "anthropic/claude-haiku-4-5"],
    "gemini": ["gemini/gemini-2.5-flash"],
    "messy": ["messy/messy-1"],
    "ollama": ["ollama/llama3.2"],
    "hedged": ["openai/gpt-4.1", "deepseek/deepseek-chat"],
    "cached": ["openai/gpt-4o"],
    "embedder": ["openai/text-embedding-3-small"],
}
"""Names that the drill asks for."""

KEYS = ("ada", "grace")


def _configuration(simulator: int, budget_usd: float | None) -> dict[str, Any]:
    providers = {}
    for name, row in _ROWS.items():
        kept = {key: value for key, value in row.items() if key != "path"}
        prices = {
            model: {"price": {bucket: float(usd) for bucket, usd in rates.items()}}
            for model, rates in PRICES[name].items()
        }
        address = f"http://127.0.0.1:{simulator}{row['path']}"
        providers[name] = {**kept, "base_url": address, "api_key": "sk-drill", "models": prices}
    written: dict[str, Any] = {
        "providers": providers,
        "models": CHAINS,
        "default": ["openai/gpt-4o"],
        "discover": False,
        "local_model": False,
        "retries": {"per_target": 1},
        "timeouts": {"first_byte": 4, "idle": 2},
        "hedging": {"after_ms": 60, "share": 1.0, "usd_per_day": 100_000, "models": ["hedged"]},
        "cache": {"rules": [{"models": ["cached"], "exact": "serve"}]},
        "cascades": {
            "cascade": {
                "skip": False,
                "ladder": [
                    {"target": "deepseek/deepseek-chat", "prior": 0.5, "judge": {"target": "openai/gpt-4.1"}},
                    {"target": "openai/gpt-4o"},
                ],
            }
        },
        "routing": {
            "tiers": {"low": ["deepseek/deepseek-chat"], "high": ["openai/gpt-4o"]},
            "judge": {"target": "openai/gpt-4.1", "least": 0, "most": 1, "max_usd": 1},
        },
    }
    if budget_usd is not None:
        written["spending"] = {
            "budgets": [
                {"scope": "global", "window": "total", "usd": budget_usd},
                {"scope": "key:*", "window": "day", "usd": budget_usd},
                {"scope": "model:*", "window": "month", "usd": budget_usd},
            ]
        }
    return written


@dataclass
class House:
    """The gateway, its providers, and the keys of its clients."""

    work: Path
    gateway: Gateway
    provider: Provider
    keys: list[str]


@contextlib.contextmanager
def house(work: Path, *, budget_usd: float | None) -> Iterator[House]:
    """Everything started, with two keys in the store; all of it ended at the end."""
    work.mkdir(parents=True, exist_ok=True)
    told = {f"{name}/{model}": rates for name, rows in PRICES.items() for model, rates in rows.items()}
    with provider(work, free_port(), told) as simulator:
        gateway = Gateway(work, free_port(), _configuration(simulator.port, budget_usd))
        keys = [str(gateway.tell("keys", "create", name, "--team", "drill")["key"]) for name in KEYS]
        gateway.start()
        try:
            yield House(work, gateway, simulator, keys)
        finally:
            gateway.stop()
