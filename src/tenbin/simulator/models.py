"""What the simulator knows of models: context, smallest cacheable prefix, and which request fields a model refuses.

Sources: the providers' public model tables of November 2026. A name gets the rules of the longest matching prefix; a
name that matches none is served with the defaults; a name that contains "missing" is answered 404.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Model:
    """Rules of one model; all sizes in tokens."""

    name: str
    context: int = 131_072
    max_output: int = 131_072
    cache_minimum: int = 1024
    sampling: bool = True
    """False: temperature, top_p and top_k away from their defaults are refused."""
    prefill: bool = True
    """False: a conversation may not end with an assistant message."""
    forced_tools: bool = True
    """False: tool_choice `any` and `tool` are refused."""
    thinking: tuple[str, ...] = ("adaptive", "enabled", "disabled")
    """The values of `thinking.type` that are taken; none: the field itself is refused."""
    thinking_off_effort: bool = True
    """False: `thinking.type` `disabled` and `between_tools` are refused at the efforts `xhigh` and `max`."""
    efforts: tuple[str, ...] | None = None
    """The efforts that are taken; None: any."""
    system_messages: bool = True
    """Anthropic: takes messages of role `system`."""
    turn_effort: bool = True
    """Anthropic: takes `output_config` on them."""
    tool_references: bool = True
    """Anthropic: takes `defer_loading` and `tool_reference`."""
    serial_only: bool = False
    """OpenAI: `parallel_tool_calls` is refused."""
    json_schema: bool = True
    """False: an answer cannot be held to a schema."""
    reasoning: bool = False
    """OpenAI: hides its reasoning, wants max_completion_tokens and no sampling parameters."""
    cache_write_fee: bool = False
    """OpenAI: reports tokens written to the prompt cache."""


_MILLION = 1_000_000
_ALL = ("low", "medium", "high", "xhigh", "max")
_ADAPTIVE = ("adaptive", "disabled")
_BUDGET = ("enabled", "disabled")
_NEW: dict[str, Any] = {"sampling": False, "prefill": False, "efforts": _ALL, "thinking": _ADAPTIVE}
_LATEST: dict[str, Any] = _NEW | {"thinking_off_effort": False}
_STRICT: dict[str, Any] = _LATEST | {"forced_tools": False, "thinking": ("adaptive",)}
_NO_TURNS: dict[str, Any] = {"turn_effort": False}
_NO_SYSTEM: dict[str, Any] = {"system_messages": False, "turn_effort": False}
_EITHER: dict[str, Any] = _NO_SYSTEM | {
    "prefill": False,
    "efforts": ("low", "medium", "high", "max"),
    "thinking": (*_BUDGET, "adaptive"),
}
_OLD: dict[str, Any] = _NO_SYSTEM | {"efforts": (), "thinking": _BUDGET}
_ANCIENT: dict[str, Any] = _OLD | {"thinking": (), "json_schema": False, "tool_references": False}
_PLAIN: dict[str, Any] = {"efforts": ()}
_O: dict[str, Any] = {"reasoning": True, "efforts": ("low", "medium", "high"), "serial_only": True}


def _claude(name: str, minimum: int, context: int = _MILLION, output: int = 128_000, **rules: Any) -> Model:
    return Model(name, context, output, minimum, **rules)


_CATALOGUE = [
    _claude("claude-opus-5-5", 512, **_STRICT),
    _claude("claude-sonnet-5-5", 512, **_STRICT | {"thinking": ("adaptive", "between_tools")}),
    _claude("claude-haiku-5-5", 512, **_LATEST),
    _claude("claude-fable", 512, **_STRICT),
    _claude("claude-fable-5", 512, **_STRICT | _NO_TURNS | {"forced_tools": True}),
    _claude("claude-fable-5-1", 512, **_STRICT),
    _claude("claude-fable-5-2", 512, **_STRICT),
    _claude("claude-mythos", 512, **_STRICT),
    _claude("claude-opus-5", 512, **_LATEST),
    _claude("claude-sonnet-5", 1024, **_NEW, **_NO_TURNS),
    _claude("claude-opus-4-8", 1024, **_NEW, **_NO_TURNS),
    _claude("claude-opus-4-7", 2048, **_NEW, **_NO_SYSTEM),
    _claude("claude-opus-4-6", 4096, **_EITHER),
    _claude("claude-opus-4-5", 4096, 200_000, 64_000, **_OLD | {"efforts": ("low", "medium", "high")}),
    _claude("claude-opus-4", 1024, 200_000, 32_000, **_OLD, json_schema=False),
    _claude("claude-opus-4-1", 1024, 200_000, 32_000, **_OLD),
    _claude("claude-sonnet-4-6", 1024, **_EITHER),
    _claude("claude-sonnet-4-5", 1024, 200_000, 64_000, **_OLD),
    _claude("claude-sonnet-4", 1024, 200_000, 64_000, **_OLD, json_schema=False),
    _claude("claude-haiku-4-5", 4096, 200_000, 64_000, **_OLD, tool_references=False),
    _claude("claude-3-5", 1024, 200_000, 8_192, **_ANCIENT),
    _claude("claude", 1024, 200_000, 64_000),
    Model("gpt-6", 1_050_000, 128_000, reasoning=True, cache_write_fee=True),
    Model("gpt-5.6", 1_050_000, 128_000, reasoning=True, cache_write_fee=True),
    Model("gpt-5", 400_000, 128_000, reasoning=True, efforts=("minimal", "low", "medium", "high")),
    Model("gpt-5.1", 400_000, 128_000, reasoning=True, efforts=("none", "low", "medium", "high")),
    *(
        Model(name, 400_000, 128_000, reasoning=True, efforts=("none", "low", "medium", "high", "xhigh"))
        for name in ("gpt-5.2", "gpt-5.4", "gpt-5.5")
    ),
    Model("gpt-4.1", 1_047_576, 32_768, **_PLAIN),
    Model("gpt-4o", 128_000, 16_384, **_PLAIN),
    Model("o3", 200_000, 100_000, **_O),
    Model("o4", 200_000, 100_000, **_O),
    Model("deepseek", 131_072, 65_536),
    Model("gemini", 1_048_576, 65_536),
    Model("qwen3:8b", 40_960, 40_960),
    Model("llama3.2", 131_072, 131_072),
    Model("text-embedding-3", 8192, 0),
]


class Catalogue:
    """The models by name; a test may state its own rules for a name."""

    def __init__(self) -> None:
        self._rules = {model.name: model for model in _CATALOGUE}

    def find(self, name: str) -> Model | None:
        """Return the rules for `name`, or None if the provider does not have it. A `vendor/` prefix is "
        "ignored."""
        bare = name.rsplit("/", 1)[-1]
        if "missing" in bare:
            return None
        matching = [prefix for prefix in self._rules if bare.startswith(prefix)]
        if not matching:
            return Model(bare)
        return replace(self._rules[max(matching, key=len)], name=bare)

    def state(self, name: str, **rules: Any) -> None:
        """Set rules (fields of `Model`) for every model whose name begins with `name`. Raises TypeError if "
        "unknown."""
        self._rules[name] = replace(self.find(name) or Model(name), name=name, **rules)

    def names(self) -> list[str]:
        """Return all model names, without bare prefixes such as `claude`."""
        return [name for name in self._rules if any(mark in name for mark in "-.:")]
