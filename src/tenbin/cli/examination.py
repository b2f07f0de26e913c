"""What `doctor` looks at: one target, asked through the gateway as clients ask, and what each answer proves."""

import json
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, Literal, NamedTuple

import msgspec

from tenbin.cli.client import Reply, call
from tenbin.config.provider import Provider
from tenbin.core.receipt import Receipt

AGENT_CONTEXT = 64_000
"""Tokens below which coding agents run out of room, and then their tool calls fail (Ollama's own advice)."""
SECONDS = 180.0
"""For one answer: a local model may have to be loaded first."""
MOST_OUTPUT = 64

PROMPT = (
    "A balance has two pans. In the left one lie three apples and a stone of one kilogram, in the right one lie five "
    "apples. All apples weigh the same, and the balance is level. People have weighed goods against stones for "
    "thousands of years, since a balance needs no scale: it only tells which side is heavier. Answer in one short "
    "sentence: how much does one apple weigh?"
)
"""Long enough that a count of its tokens that is off can be told from a chat template's own few."""

State = Literal["ok", "warning", "failed"]


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    name: str
    state: State
    said: str
    """What was found."""
    fix: str = ""
    """What to do about it; empty when it is well."""


class Asked(NamedTuple):
    """An answer and what it says that it used."""

    reply: Reply
    usage: dict[str, Any]


class Patient(msgspec.Struct, frozen=True, kw_only=True):
    """A target, and how to get at it."""

    url: str
    """The gateway's."""
    key: str
    provider: Provider
    model: str
    receipt: Callable[[str], Receipt | None]
    """The receipt of a request, by its id, once the ledger has it."""

    @property
    def name(self) -> str:
        """``provider/model``."""
        return f"{self.provider.name}/{self.model}"


def examine(patient: Patient) -> list[Check]:
    """All checks; those that need an answer are left out when there is none."""
    body = {
        "model": patient.name,
        patient.provider.target(patient.model).quirks.max_tokens_field: MOST_OUTPUT,
        "messages": [{"role": "user", "content": PROMPT}],
    }
    try:
        whole = call(patient.url, "/v1/chat/completions", key=patient.key, body=body, seconds=SECONDS)
    except (OSError, HTTPException) as error:
        return [Check("answers", "failed", f"the gateway gave no answer: {error}", "Look at what the gateway says.")]
    if whole.status != 200:
        return [Check("answers", "failed", _error(whole), _remedy(whole, patient))]
    content = whole.json() or {}
    usage: dict[str, Any] = content.get("usage") or {}
    checks = [Check("answers", "ok", f"as {content.get('model', 'a model without a name')}")]
    checks.append(_messages(patient, body))
    streamed, stream_usage = _streams(patient, body)
    checks.append(streamed)
    checks.append(_sums(usage, stream_usage))
    checks += _ledger(patient, whole, usage)
    checks.append(_count(patient, body, usage))
    return checks


def _error(reply: Reply) -> str:
    content = reply.json()
    error = content.get("error") if isinstance(content, dict) else None
    message = error.get("message") if isinstance(error, dict) else reply.body[:200].decode(errors="replace")
    return f"{reply.status}: {message}"


def _remedy(reply: Reply, patient: Patient) -> str:
    """What usually helps, by how the provider failed (as the receipt has it), else by the gateway's own status."""
    receipt = patient.receipt(reply.headers.get("x-tenbin-request-id", ""))
    last = receipt.last if receipt is not None else None
    failure = last.failure if last is not None else None
    provider = patient.provider
    match failure:
        case "unauthenticated":
            return f"Check providers.{provider.name}.api_key, and that it may use this model."
        case "unpaid":
            return f"There is no credit left for the key of {provider.name}: top it up there."
        case "not_found":
            return f"Check the model's name, or name another one: tenbin doctor --model {provider.name}/MODEL"
        case "refused" | "inexpressible" | "too_large":
            return f"Check providers.{provider.name}.quirks: it does not take a field that it was sent."
        case "rate_limited" | "overloaded":
            return "Its limit is reached or it is busy: wait, or raise the limit there."
        case "context_exceeded":
            return f"Check providers.{provider.name}.models.{patient.model}.context: this is a short prompt."
        case "unreachable" | "timeout" | "cut":
            return f"Check that {provider.base_url} is reachable from here: network, proxy, server started."
        case "malformed" | "server_error":
            return f"Check what is at {provider.base_url}: it does not answer in its dialect, or fails itself."
    if reply.status == 401:
        return "The gateway wants a key: export TENBIN_KEY=..."
    return "Look at what the gateway says (tenbin serve --log-level debug)."


def _messages(patient: Patient, body: dict[str, Any]) -> Check:
    """The same through the other dialect, which is what Claude Code speaks."""
    asked = {"model": body["model"], "max_tokens": MOST_OUTPUT, "messages": body["messages"]}
    reply = call(patient.url, "/v1/messages", key=patient.key, body=asked, seconds=SECONDS)
    if reply.status != 200:
        return Check("answers Anthropic's dialect", "failed", _error(reply), _remedy(reply, patient))
    return Check("answers Anthropic's dialect", "ok", f"stop reason {(reply.json() or {}).get('stop_reason')}")


def _streams(patient: Patient, body: dict[str, Any]) -> tuple[Check, dict[str, Any]]:
    asked = {**body, "stream": True, "stream_options": {"include_usage": True}}
    reply = call(patient.url, "/v1/chat/completions", key=patient.key, body=asked, seconds=SECONDS)
    if reply.status != 200:
        return Check("streams", "failed", _error(reply), _remedy(reply, patient)), {}
    lines = [line[5:].strip() for line in reply.body.split(b"\n") if line.startswith(b"data:")]
    events = [json.loads(line) for line in lines if line and line != b"[DONE]"]
    broken = [event["error"] for event in events if event.get("error")]
    usage: dict[str, Any] = next((event["usage"] for event in reversed(events) if event.get("usage")), {})
    fix = f"See `tenbin ledger` for what {patient.provider.base_url} did, or try another server."
    if broken:
        return Check("streams", "failed", f"the stream broke off: {broken[0].get('message')}", fix), usage
    if not lines or lines[-1] != b"[DONE]" or len(events) < 2:
        return Check("streams", "failed", f"the stream ended early, after {len(events)} events", fix), usage
    return Check("streams", "ok", f"{len(events)} events"), usage


def _sums(whole: dict[str, Any], streamed: dict[str, Any]) -> Check:
    """Prompt and output make the total, and the same prompt costs the same tokens, streamed or not."""
    name = "usage adds up"
    fix = "Its figures cannot be trusted. Compare with the provider's bill, and tell whoever runs the server."
    for kind, usage in (("unstreamed", whole), ("streamed", streamed)):
        prompt, output, total = (usage.get(f"{part}_tokens") for part in ("prompt", "completion", "total"))
        if not isinstance(prompt, int) or not isinstance(output, int):
            fix = "Nothing: Tenbin counts itself, and marks what it has counted as an estimate."
            return Check(name, "warning", f"the {kind} answer states no usage", fix)
        if isinstance(total, int) and prompt + output != total:
            return Check(name, "failed", f"{kind}: {prompt} + {output} is not {total}", fix)
    if whole["prompt_tokens"] != streamed["prompt_tokens"]:
        said = f"the same prompt is {whole['prompt_tokens']} tokens unstreamed, {streamed['prompt_tokens']} streamed"
        return Check(name, "failed", said, fix)
    return Check(name, "ok", f"{whole['prompt_tokens']} prompt tokens, streamed and unstreamed")


def _ledger(patient: Patient, reply: Reply, usage: dict[str, Any]) -> list[Check]:
    """The receipt says what the answer said, and knows what it cost."""
    receipt = patient.receipt(reply.headers.get("x-tenbin-request-id", ""))
    if receipt is None:
        fix = "Is it the ledger of this gateway? Name its folder with --data-dir."
        return [Check("is in the ledger", "failed", "there is no receipt of the request", fix)]
    booked, stated = receipt.usage, (usage.get("prompt_tokens"), usage.get("completion_tokens"))
    checks = []
    if booked.estimated:
        said = f"{booked.prompt} + {booked.output} tokens, by Tenbin's own count: the provider states none"
        checks.append(Check("is in the ledger", "warning", said, "Its cost is an estimate, and marked as one."))
    elif (booked.prompt, booked.output) != stated:
        said = f"the receipt has {booked.prompt} + {booked.output} tokens, the answer {stated[0]} + {stated[1]}"
        checks.append(Check("is in the ledger", "failed", said, "This is a mistake in Tenbin: please report it."))
    else:
        checks.append(Check("is in the ledger", "ok", f"{booked.prompt} + {booked.output} tokens"))
    if receipt.cost_nano is None:
        fix = f"Add providers.{patient.provider.name}.models.{patient.model}.price, or `free: true` to the provider."
        checks.append(Check("has a price", "warning", "its price is not known: costs are shown as unknown", fix))
    else:
        from tenbin.core.money import format_usd

        checks.append(Check("has a price", "ok", f"this request cost {format_usd(receipt.cost_nano)}"))
    return checks


def _count(patient: Patient, body: dict[str, Any], usage: dict[str, Any]) -> Check:
    """The prompt has as many tokens as it ought to: a count far below tells of a prompt that was cut."""
    name = "reads the whole prompt"
    asked = {"model": body["model"], "messages": body["messages"]}
    reply = call(patient.url, "/v1/messages/count_tokens", key=patient.key, body=asked, seconds=SECONDS)
    counted, used = (reply.json() or {}).get("input_tokens"), usage.get("prompt_tokens")
    if reply.status != 200 or not isinstance(counted, int):
        return Check(name, "warning", f"its tokens could not be counted: {_error(reply)}", "Nothing: it still answers.")
    if not isinstance(used, int):
        return Check(name, "warning", f"{counted} tokens by count; how many it read it does not say", "Nothing.")
    if used * 2 < counted:
        fix = "The server cuts prompts: raise its context, or set providers.*.models.*.context to what it really has."
        return Check(name, "failed", f"it read {used} tokens of about {counted}", fix)
    return Check(name, "ok", f"{used} tokens, {counted} expected")
