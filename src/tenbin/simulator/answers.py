"""Makes an answer out of a prompt and a script: the same answer for the same words, in every dialect."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from tenbin.simulator import tokens
from tenbin.simulator.prompt import Prompt
from tenbin.simulator.scripts import Script, ToolCall

_WORDS_TEXT = (
    "the scale weighs what it is given and tells the truth about it every grain counts twice once when it "
    "is asked for "
    "and once when it is paid a balance at rest says more than a promise so we measure write it down and "
    "read it again "
    "naïve café résumé 天秤 均衡 weights measures answers tokens light heavy quiet steady 🙂 ledger receipt price"
)
_WORDS = _WORDS_TEXT.split()

_STOP_WORDS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of an answer. `kind` is `thinking`, `text` or `tool`; a tool's `text` is its arguments as "
    "JSON."""

    kind: str
    text: str
    name: str = ""
    id: str = ""
    given: bool = False
    """Whether the id is the script's own, to be sent as it is."""

    @property
    def tokens(self) -> int:
        """Output tokens of this part."""
        return tokens.count(self.text) + tokens.count(self.name)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says: parts in order, why it stopped (in Anthropic's words) and what it cost in "
    "tokens."""

    parts: Sequence[Part]
    stop_reason: str
    stop_sequence: str | None = None
    web_searches: int = 0
    text_tokens: int = field(init=False, default=0)
    thinking_tokens: int = field(init=False, default=0)
    tool_tokens: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        for name, kind in (("text_tokens", "text"), ("thinking_tokens", "thinking"), ("tool_tokens", "tool")):
            object.__setattr__(self, name, sum(part.tokens for part in self.parts if part.kind == kind))

    @property
    def output_tokens(self) -> int:
        """All tokens of the answer, thinking included."""
        return self.text_tokens + self.thinking_tokens + self.tool_tokens

    def joined(self, kind: str) -> str:
        """Return the text of all parts of one kind, joined."""
        return "".join(part.text for part in self.parts if part.kind == kind)

    @property
    def calls(self) -> list[Part]:
        """The tool calls in order."""
        return [part for part in self.parts if part.kind == "tool"]


def compose(prompt: Prompt, script: Script) -> Answer:
    """Return the answer to `prompt` that `script` asks for; what the script leaves open is generated from the words.

    An answer is cut at `max_tokens` and at stop sequences as a real one would be.
    """
    seed = f"{script.seed}\n{prompt.last_user_text}"
    if script.fails:
        return Answer([], "end_turn")
    parts = _thinking(prompt, script, seed)
    calls = script.calls or _forced_calls(prompt, script)
    text = _text(prompt, script, seed, bool(calls))
    if text:
        parts.append(Part("text", text))
    for index, call in enumerate(calls):
        arguments = json.dumps(call.input, ensure_ascii=False)
        parts.append(Part("tool", arguments, call.name, call.id or _call_id(seed, prompt, index), bool(call.id)))
    reason = _STOP_WORDS.get(script.stop_reason or "", script.stop_reason or "")
    answer = Answer(parts, reason or ("tool_use" if calls else "end_turn"), script.stop_sequence, script.web_searches)
    return answer if script.stop_reason else _limit(_stop(answer, prompt.stops), prompt.max_tokens)


def _thinking(prompt: Prompt, script: Script, seed: str) -> list[Part]:
    if script.thinking is not None:
        return [Part("thinking", script.thinking)] if script.thinking else []
    scripted = script.text is not None or script.output_tokens is not None or script.calls
    if scripted or not prompt.thinking or prompt.choice not in ("auto", "none"):
        return []
    return [Part("thinking", _lorem(f"thinking {seed}", 8 + _draw(seed, 24)))]


def _text(prompt: Prompt, script: Script, seed: str, has_calls: bool) -> str:
    if script.text is not None:
        return script.text
    if script.output_tokens is not None:
        return tokens.exact_text(script.output_tokens)
    if has_calls or (script.thinking and script.stop_reason):
        return ""
    if prompt.schema is not None:
        return json.dumps(example(prompt.schema, seed))
    if prompt.json_mode:
        return json.dumps({"answer": _lorem(seed, 6)})
    heard = " ".join(prompt.last_user_text.split()[:8])
    return f"You said: {heard}. " + _lorem(seed, 12 + _draw(seed, 36))


def _forced_calls(prompt: Prompt, script: Script) -> list[ToolCall]:
    if script.text is not None or prompt.choice in ("auto", "none") or not prompt.tools:
        return []
    name = prompt.choice.removeprefix("tool:") if prompt.choice != "required" else next(iter(prompt.tools))
    return [ToolCall(name, example(prompt.tools.get(name), name))]


def _stop(answer: Answer, stops: Sequence[str]) -> Answer:
    """Cut the answer before the first stop sequence in its text."""
    for index, part in enumerate(answer.parts):
        found = [(part.text.find(stop), stop) for stop in stops if stop and stop in part.text]
        if part.kind == "text" and found:
            position, stop = min(found)
            kept = [*answer.parts[:index], Part("text", part.text[:position])]
            return Answer(kept, "stop_sequence", stop, answer.web_searches)
    return answer


def _limit(answer: Answer, max_tokens: int | None) -> Answer:
    """Cut the answer after `max_tokens` output tokens."""
    if max_tokens is None or answer.output_tokens <= max_tokens:
        return answer
    kept: list[Part] = []
    left = max_tokens
    for part in answer.parts:
        if part.tokens > left:
            text = tokens.first_tokens(part.text, left - tokens.count(part.name))
            if text:
                kept.append(replace(part, text=text))
            break
        kept.append(part)
        left -= part.tokens
    return Answer(kept, "max_tokens", None, answer.web_searches)


def example(schema: Any, seed: str) -> Any:
    """Return a value that follows a JSON schema (types, enum, const, required properties, items, anyOf, "
    "$ref)."""
    return _example(schema if isinstance(schema, dict) else {}, seed, schema if isinstance(schema, dict) else {}, 0)


def _example(schema: dict[str, Any], seed: str, root: dict[str, Any], depth: int) -> Any:
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/") and depth < 20:
        target: Any = root
        for key in reference[2:].split("/"):
            target = target.get(key, {}) if isinstance(target, dict) else {}
        return _example(target, seed, root, depth + 1)
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return _example(schema[key][0], seed, root, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][_draw(seed, len(schema["enum"]))]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object":
        wanted = schema.get("required", list(schema.get("properties", {})))
        properties = schema.get("properties", {})
        return {key: _example(properties.get(key, {}), f"{seed}.{key}", root, depth + 1) for key in wanted}
    if kind == "array":
        length = max(1, int(schema.get("minItems", 1))) if depth < 20 else 0
        return [_example(schema.get("items", {}), f"{seed}.{i}", root, depth + 1) for i in range(length)]
    if kind in ("integer", "number"):
        return max(int(schema.get("minimum", 0)), min(int(schema.get("maximum", 100)), _draw(seed, 100)))
    return {"boolean": bool(_draw(seed, 2)), "null": None}.get(kind, _lorem(seed, 3))


def _call_id(seed: str, prompt: Prompt, index: int) -> str:
    digest = sha256(f"{seed}|{len(prompt.turns)}|{len(prompt.blocks)}|{index}".encode()).hexdigest()
    return digest[:24]


def _draw(seed: str, limit: int) -> int:
    return int.from_bytes(sha256(seed.encode(errors="replace")).digest()[:4], "big") % limit


def _lorem(seed: str, words: int) -> str:
    digest = sha256(seed.encode(errors="replace")).digest()
    start = int.from_bytes(digest[:2], "big")
    stride = 1 + digest[2] % 7
    return " ".join(_WORDS[(start + i * stride) % len(_WORDS)] for i in range(words))
