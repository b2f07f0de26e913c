"""2. From a request's messages, whatever their dialect, to a Sketch: who spoke last, the first and the last words.

Each dialect's sketch_reader says what stands where (Said, Frame); here it is counted and sampled. Only what is sampled
is decoded; every loop goes once over what there is.
"""

import re
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec

from tenbin.codecs.client_words import OPENINGS, tag_of, without_client_words, without_tag
from tenbin.codecs.openai_json import decoded
from tenbin.codecs.trail import Said, Words, trail_of
from tenbin.core.sketch import (
    CONTEXT_CHARACTERS,
    MOST_FIELDS,
    MOST_TOOLS,
    SYSTEM_CHARACTERS,
    USER_CHARACTERS,
    Sketch,
    Thinking,
)

T = TypeVar("T")

NOTHING = msgspec.Raw(b"null")


class Frame(msgspec.Struct, kw_only=True):
    """What stands around the messages; sketch_readers fill it as they go."""

    system: list[str] = []
    """Texts of the system prompt, pseudo-headers taken out."""
    tools: tuple[str, ...] = ()
    data_bytes: int = 0
    """Of images and documents."""
    document_bytes: int = 0
    other_bytes: int = 0
    """Of fields that are no part of the prompt."""
    effort: str = ""
    thinking: Thinking = ""
    max_tokens: int | None = None
    schema: Any = None
    """The JSON schema that the answer has to fit, decoded."""
    structured: bool = False
    sub_agent: bool = False
    service_tier: Literal["", "flex", "priority"] = ""
    cache_marks: int = 0
    hour_marks: int = 0
    """Of those, marks that ask for an hour."""
    unmarked_bytes: int = 0
    """Behind the last mark."""
    short_bytes: int = 0
    """Behind the last mark of an hour, where shorter ones follow."""


def sketched(body: bytes, said: list[Said], frame: Frame) -> Sketch:
    """The sketch of a request with these messages."""
    counted = _counted(said)
    first = "" if counted.first < 0 else persons_words(said[counted.first])
    last = first if counted.last == counted.first else persons_words(said[counted.last])
    system, system_tag = _system(frame.system)
    tag = tag_of(first)
    if tag:
        first = without_tag(first)
        last = without_tag(last) if counted.last == counted.first else last
    prompt_bytes = max(len(body) - frame.data_bytes - frame.other_bytes, 0)
    answer = _answer_before(said, counted.last)
    sample = sampled(last)
    wide_bytes, wide_characters = _wide(body, prompt_bytes, frame.data_bytes, (system, sample, answer))
    return Sketch(
        system=system,
        first_user=first[:CONTEXT_CHARACTERS],
        user=sample,
        user_characters=len(last),
        previous_answer=answer,
        messages=len(said),
        user_turns=counted.turns,
        tool_results=counted.results,
        failed_tool_results=counted.failed,
        in_tool_loop=counted.in_tool_loop,
        tools=frame.tools[:MOST_TOOLS],
        images=counted.images,
        recent_images=counted.recent_images,
        document_bytes=frame.document_bytes,
        prompt_bytes=prompt_bytes,
        wide_bytes=wide_bytes,
        wide_characters=wide_characters,
        effort=frame.effort,
        thinking=frame.thinking,
        max_tokens=frame.max_tokens,
        service_tier=frame.service_tier,
        structured=frame.structured,
        structured_fields=_fields_of(frame.schema) if frame.structured else (),
        plan_mode=_plan_mode(said),
        sub_agent=frame.sub_agent,
        model_tag=system_tag or tag,
        model_tag_place="system" if system_tag else "user" if tag else "",
        cache_marks=frame.cache_marks,
        cache_1h=frame.hour_marks > 0,
        unmarked_share=min(frame.unmarked_bytes / prompt_bytes, 1.0) if prompt_bytes else 0.0,
        short_share=min(frame.short_bytes / prompt_bytes, 1.0) if prompt_bytes else 0.0,
        origin=origin_of(system, first),
        model_turns=counted.model_turns,
        spoken=counted.spoken,
        trail=trail_of(said, counted.last) if counted.model_turns else None,
    )


class _Counted(NamedTuple):
    first: int = -1
    """Index of the first turn that a person wrote; -1 for none."""
    last: int = -1
    turns: int = 0
    results: int = 0
    failed: int = 0
    images: int = 0
    recent_images: int = 0
    in_tool_loop: bool = False
    model_turns: int = 0
    spoken: bool = False


def _counted(said: list[Said]) -> _Counted:
    first = last = -1
    turns = results = failed = images = recent = answers = 0
    waiting = answering = spoken = False
    for index, message in enumerate(said):
        role = message.role
        images += message.images
        recent += message.images
        if role == "assistant":
            answers += not answering
            answering, waiting, spoken = True, False, False
            continue
        if role == "system":
            continue
        answering = False
        if role == "user" and is_persons(message):
            if first < 0:
                first = index
            last, turns = index, turns + 1
            results = failed = 0
            recent, waiting, spoken = message.images, False, True
        else:
            results += message.results
            failed += message.failed
            waiting, spoken = True, False
    return _Counted(first, last, turns, results, failed, images, recent, waiting, answers, spoken)


# What a person wrote

_SUSPICIOUS = (b'"<', b'"[', b'"#', b'" ', b'"\\')


def text_of(words: Words) -> str:
    """The text; empty for JSON that is no string."""
    if isinstance(words, str):
        return words
    value = decoded(bytes(words))
    return value if isinstance(value, str) else ""


def is_persons(message: Said) -> bool:
    """Whether a person (or a program in their place) wrote something in this user message. A picture without words
    counts; tool results and the client's reminders do not.
    """
    if not message.results and message.images:
        return True
    for words in message.words:
        if isinstance(words, str):
            if words and (words[0] not in "<[# \n\t" or without_client_words(words)):
                return True
        else:
            head = bytes(memoryview(words)[:2])
            if head != b'""' and (head not in _SUSPICIOUS or without_client_words(text_of(words))):
                return True
    return False


def persons_words(message: Said) -> str:
    """What the person wrote in a user message."""
    if len(message.words) == 1:
        return without_client_words(text_of(message.words[0]))
    return "\n".join(filter(None, (without_client_words(text_of(words)) for words in message.words)))


_PLAN = (b"Plan mode is active", b"Plan mode still active")
_NO_PLAN = b"You have exited plan mode"


def _plan_mode(said: list[Said]) -> bool:
    """Whether the latest of the client's words about Claude Code's plan mode say that it is on. Only messages of the
    role ``system`` and the client's blocks are looked at, never what a person wrote or a tool brought.
    """
    active = False
    for message in said:
        if message.role == "assistant" or message.role == "tool":
            continue
        for words in message.words:
            if message.role == "user":
                if isinstance(words, str):
                    if not words.startswith(OPENINGS):
                        continue
                elif bytes(memoryview(words)[:2]) != b'"<' or not text_of(words).startswith(OPENINGS):
                    continue
            text = words.encode("utf-8", "replace") if isinstance(words, str) else bytes(words)
            on, off = max(text.rfind(mark) for mark in _PLAN), text.rfind(_NO_PLAN)
            if on >= 0 or off >= 0:
                active = on > off
    return active


# Samples


def sampled(text: str) -> str:
    """A turn, or two thirds of USER_CHARACTERS from its head and one third from its tail."""
    if len(text) <= USER_CHARACTERS:
        return text
    tail = USER_CHARACTERS // 3
    return text[: USER_CHARACTERS - tail] + text[-tail:]


def _answer_before(said: list[Said], last: int) -> str:
    """The end of the model's last words before a turn; of all words when no person spoke."""
    for index in range(last - 1 if last >= 0 else len(said) - 1, -1, -1):
        message = said[index]
        if message.role == "assistant" and message.words:
            text = "\n".join(filter(None, map(text_of, message.words)))
            if text:
                return text[-CONTEXT_CHARACTERS:]
    return ""


def _system(texts: Iterable[str]) -> tuple[str, str]:
    """The system prompt's beginning, and the model that a tag at the head of one of its blocks asks for."""
    kept: list[str] = []
    length, found = 0, ""
    for text in texts:
        tag = tag_of(text)
        if tag:
            found, text = found or tag, without_tag(text)
        if length < SYSTEM_CHARACTERS:
            text = text.strip()
            kept.append(text[: SYSTEM_CHARACTERS - length])
            length += len(text) + 1
    return "\n".join(kept)[:SYSTEM_CHARACTERS], found


_HASHED_CHARACTERS = 8_192


def origin_of(system: str, first: str) -> str:
    """The name of a conversation whose client gives it none: a hash of how it began, 16 hex digits.

    It is the same in every turn, whatever follows. Its limits: two conversations that begin with the same words under
    the same system prompt bear one name; one whose client changes its system prompt's beginning (a clock in it) or
    cuts off its first turn bears another name from then on. Empty when there is nothing to hash.
    """
    if not system and not first:
        return ""
    words = blake2b(system.encode("utf-8", "replace"), digest_size=8)
    words.update(b"\0")
    if len(first) > 2 * _HASHED_CHARACTERS:
        words.update(b"%d" % len(first))
        first = first[:_HASHED_CHARACTERS] + first[-_HASHED_CHARACTERS:]
    words.update(first.encode("utf-8", "replace"))
    return words.hexdigest()


_SLICES = 16
_SLICE_BYTES = 1_024
_NOT_WIDE = bytes(range(0xE0))
"""All bytes but those with which a character of three bytes or more begins in UTF-8."""
_ESCAPE = re.compile(rb"\\u(?:(0[0-7])|[0-9a-fA-F]{2})[0-9a-fA-F]{2}")
"""The group is set for a character that UTF-8 writes in one or two bytes."""


def _wide(body: bytes, prompt_bytes: int, data_bytes: int, samples: Iterable[str]) -> tuple[int, int]:
    """About how many bytes of the prompt write wide characters or escapes, and how many characters those are: counted
    in a small body, estimated from slices of a large one, or from the samples where most of it is images.
    """
    if data_bytes > prompt_bytes:
        looked_at = "".join(samples).encode("utf-8", "replace")
    elif len(body) <= _SLICES * _SLICE_BYTES:
        looked_at = body
    else:
        step = len(body) // _SLICES
        looked_at = b"".join([body[start : start + _SLICE_BYTES] for start in range(0, step * _SLICES, step)])
    characters = 0 if looked_at.isascii() else len(looked_at.translate(None, _NOT_WIDE))
    spent = 3 * characters
    if b"\\u" in looked_at:
        escapes = _ESCAPE.findall(looked_at)
        short = sum(map(bool, escapes))
        characters += len(escapes) - short
        spent += 6 * (len(escapes) - short) + 4 * short
    if not spent:
        return 0, 0
    scale = prompt_bytes / len(looked_at)
    return min(round(spent * scale), prompt_bytes), round(characters * scale)


# Fields


def piece(decoder: "msgspec.json.Decoder[T]", raw: msgspec.Raw, otherwise: T) -> T:
    """One piece of a request whose whole has an unknown shape, or what stands for it when it has one too."""
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return otherwise


def value_of(raw: msgspec.Raw) -> Any:
    """The decoded value of a small field; None for ``null`` and for what is none."""
    return None if raw is NOTHING else decoded(bytes(raw))


def text_field(raw: msgspec.Raw) -> str:
    """A field's text, cut to a name's length; empty for anything else."""
    value = value_of(raw)
    return value[:100] if isinstance(value, str) else ""


def count_field(raw: msgspec.Raw) -> int | None:
    """A field's whole number that is not negative; None for anything else."""
    value = value_of(raw)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _fields_of(schema: object) -> tuple[str, ...]:
    """The names of a schema's properties."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict):
        return ()
    return tuple(name[:100] for name in list(properties)[:MOST_FIELDS])


def mark(raw: msgspec.Raw, frame: Frame) -> None:
    """Count a ``cache_control`` mark."""
    value = bytes(raw)
    if value[:1] == b"{":
        frame.cache_marks += 1
        frame.hour_marks += b'"1h"' in value


def service_tier(raw: msgspec.Raw) -> Literal["", "flex", "priority"]:
    """OpenAI's ``service_tier``, where it names one with a price of its own."""
    value = bytes(raw)
    return "flex" if value == b'"flex"' else "priority" if value == b'"priority"' else ""


def thinking_by_effort(effort: str) -> Thinking:
    """OpenAI's way to ask for thinking: an effort, of which ``none`` is no thinking at all."""
    return "" if not effort else "off" if effort == "none" else "adaptive"
