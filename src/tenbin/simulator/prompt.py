"""What any dialect's request comes down to: blocks that cost tokens, turns of talk, tools, and wishes for "
"the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tenbin.simulator import tokens
from tenbin.simulator.models import Model


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of the prompt: the exact text that a prompt cache compares, its tokens, and the mark after "
    "it."""

    section: str
    """`tools`, `system` or `messages`."""
    content: str
    tokens: int
    ttl: str | None = None
    """`5m` or `1h` if a cache breakpoint follows this block."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Text of one message: what scripts are looked for in, and what a generated answer speaks about."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request in the simulator's own words."""

    model: Model
    model_name: str
    blocks: Sequence[Block]
    turns: Sequence[Turn]
    tools: Mapping[str, Any] = field(default_factory=dict)
    """Name of each offered tool -> its JSON schema."""
    choice: str = "auto"
    """`auto`, `none`, `required`, or `tool:NAME`."""
    schema: Any = None
    """JSON schema that the text of the answer must follow, or None."""
    json_mode: bool = False
    max_tokens: int | None = None
    stops: tuple[str, ...] = ()
    thinking: bool = False
    stream: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        """Tokens of the whole prompt."""
        return tokens.REQUEST_OVERHEAD + sum(block.tokens for block in self.blocks)

    @property
    def last_user_text(self) -> str:
        """Text of the last user message that has any."""
        return next((turn.text for turn in reversed(self.turns) if turn.role == "user" and turn.text), "")


class ApiError(Exception):
    """A refusal, to be said in the caller's dialect. `kind` and `code` None mean the dialect's usual word."""

    def __init__(
        self,
        status: int,
        message: str,
        kind: str | None = None,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.kind, self.code, self.param = status, message, kind, code, param
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})
