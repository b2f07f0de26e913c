"""2. What a codec reads of a request so that it can be weighed: a few samples of its words and what stands around them.

Bounded whatever the request's size: long texts are sampled at head and tail. It is looked at and forgotten; no text of
it is ever written down.
"""

from typing import Literal, TypeAlias

import msgspec

SYSTEM_CHARACTERS = 2_000
"""Of the system prompt's beginning."""
USER_CHARACTERS = 6_000
"""Of the last user turn: two thirds from its head, one third from its tail."""
CONTEXT_CHARACTERS = 1_000
"""Of the first user turn's head, and of the last answer's tail."""
MOST_TOOLS = 128
"""Tool names that are kept."""
MOST_FIELDS = 16
"""Property names of a schema that are kept."""

MOST_CALLS = 64
"""Tool calls of the present turn that are looked back upon."""
MOST_RESULTS = 16
"""Results of one answer's tool calls that are looked at."""

Thinking: TypeAlias = Literal["", "off", "adaptive", "budget"]
"""How thinking is asked for: not mentioned, switched off, left to the model, or with a budget."""


class ToolCall(msgspec.Struct, frozen=True, gc=False):
    """A call that the model asked for."""

    id: str | msgspec.Raw
    tool: str | msgspec.Raw
    input: str | msgspec.Raw
    """A JSON object; OpenAI's clients write it as a string. All three as the request has them, undecoded."""


class ToolResult(msgspec.Struct, frozen=True, gc=False):
    """What came of one."""

    id: str | msgspec.Raw
    """Of its call."""
    content: str | msgspec.Raw
    """A text, or the JSON that it is still written as."""
    failed: bool | None = None
    """Whether the client marks it as an error; None where it says nothing of the kind."""


class Trail(msgspec.Struct, frozen=True, gc=False):
    """What the model's last answer led to, as far as the client tells; read only where signals are looked for."""

    calls: tuple[ToolCall, ...] = ()
    """Of the present turn, the latest last, at most MOST_CALLS."""
    last_calls: int = 0
    """Of these, those of the model's last answer."""
    results: tuple[ToolResult, ...] = ()
    """Behind that answer, at most MOST_RESULTS."""


class Sketch(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One request, as far as deciding where to send it looks."""

    system: str = ""
    """Beginning of the system prompt, pseudo-headers taken out."""
    first_user: str = ""
    """Beginning of the first user turn, reminders of the client taken out."""
    user: str = ""
    """The last turn that a person (or program) wrote, sampled; tool results and the client's reminders are not."""
    user_characters: int = 0
    """Length of that turn, unsampled."""
    previous_answer: str = ""
    """End of the model's last words before it."""
    messages: int = 0
    user_turns: int = 0
    """Turns that a person wrote, the last one included."""
    tool_results: int = 0
    """Tool results after the last turn that a person wrote."""
    failed_tool_results: int = 0
    """Of these, those marked as errors."""
    in_tool_loop: bool = False
    """The last message brings tool results: the model is at work, nobody has spoken."""
    tools: tuple[str, ...] = ()
    """Names of the offered tools, at most MOST_TOOLS."""
    images: int = 0
    recent_images: int = 0
    """Of these, those in the last turn that a person wrote and after it."""
    document_bytes: int = 0
    """Base64 of PDFs and other files."""
    prompt_bytes: int = 0
    """Bytes of system, messages and tools as they came, without images' and documents' data: what tokens are estimated
    from."""
    wide_bytes: int = 0
    """Of these, about how many write wide characters (kana, hanzi, hangul, emoji: three bytes or more as UTF-8), or
    escape what could be written shorter."""
    wide_characters: int = 0
    """About how many wide characters those are."""
    effort: str = ""
    """``low`` ... ``max``, where asked for."""
    thinking: Thinking = ""
    max_tokens: int | None = None
    service_tier: Literal["", "flex", "priority"] = ""
    """The service tier that is asked for (OpenAI's clients), where it has a price of its own."""
    structured: bool = False
    """A JSON schema is asked for."""
    structured_fields: tuple[str, ...] = ()
    """Names of its properties, at most MOST_FIELDS."""
    plan_mode: bool = False
    """The client's own words say that the person wants a plan, not yet its execution."""
    sub_agent: bool = False
    """The client's pseudo-header says that a sub-agent is asking."""
    model_tag: str = ""
    """The model that a tag at the head of a system block, or of the first user turn, asks for."""
    model_tag_place: Literal["", "system", "user"] = ""
    """Where that tag stands."""
    cache_marks: int = 0
    """``cache_control`` marks that the client set."""
    cache_1h: bool = False
    origin: str = ""
    """Hash of the system prompt's and the first user turn's beginning, hex: the same in every turn of a conversation,
    and its name where the client gives none."""

    model_turns: int = 0
    """Answers of the model so far: its messages, those right behind one another counted as one."""
    spoken: bool = False
    """The last message is a person's (or program's) own words."""
    trail: Trail | None = None
    """None where nothing has been answered yet."""
    unmarked_share: float = 0.0
    """Share of the prompt, 0..1, that stands behind its last cache mark, where it has any."""
    short_share: float = 0.0
    """Share of it behind its last mark of an hour, where marks of five minutes follow; else 0."""


BYTES_PER_TOKEN = 4.2
"""Of a request in English, code or another alphabet, its JSON included."""
TOKENS_PER_WIDE_CHARACTER = 1.03
"""Of Japanese, Chinese and Korean. Both figures: requests counted with codecs.tokens (tests/core/test_sketch.py)."""
IMAGE_TOKENS = 1_600
"""As codecs.tokens counts an image of unknown size."""
DOCUMENT_BYTES_PER_TOKEN = 39
"""Base64 of a PDF: 2,250 tokens a page of 64 KiB, as codecs.tokens has it."""


def estimated_tokens(sketch: Sketch) -> int:
    """Prompt tokens, from bytes alone: within 15 % of a count for requests of a coding agent, English prose, code and
    Japanese from some hundred tokens on; digits, tables and minified code take up to 40 % more than it says.
    """
    narrow = max(sketch.prompt_bytes - sketch.wide_bytes, 0) / BYTES_PER_TOKEN
    wide = sketch.wide_characters * TOKENS_PER_WIDE_CHARACTER
    media = sketch.images * IMAGE_TOKENS + sketch.document_bytes // DOCUMENT_BYTES_PER_TOKEN
    return round(narrow + wide) + media
