"""Embeddings: vectors in which texts that share words lie close, the same for the same text, in both "
"dialects."""

from __future__ import annotations

import math
import struct
from base64 import b64encode
from hashlib import sha256
from typing import Any

from tenbin.simulator import tokens
from tenbin.simulator.exchange import Exchange, encode
from tenbin.simulator.openai_chat import admit, identify
from tenbin.simulator.openai_checks import bad
from tenbin.simulator.prompt import ApiError, Block, Prompt, Turn

_DIMENSIONS = {"text-embedding-3-large": 3072}
_DEFAULT = 1536


def vector(text: str, dimensions: int) -> list[float]:
    """Return a unit vector of `text`: every token adds to eight places that its bytes choose."""
    values = [0.0] * dimensions
    for token in tokens.token_ids(text) or [0]:
        digest = sha256(str(token).encode()).digest()
        for place in range(8):
            at = int.from_bytes(digest[place * 3 : place * 3 + 3], "big") % dimensions
            values[at] += 1.0 if digest[24 + place] % 2 else -1.0
    length = math.sqrt(sum(value * value for value in values)) or 1.0
    return [value / length for value in values]


def _texts(given: Any) -> list[str]:
    """Return the texts of an `input` field: a string, strings, token ids, or lists of token ids."""
    if isinstance(given, str) or (given and isinstance(given, list) and isinstance(given[0], int)):
        given = [given]
    if not isinstance(given, list) or not given:
        raise bad("'input' must be a string or an array of strings or token ids.", "input")
    texts = []
    for item in given:
        if item == "" or not isinstance(item, (str, list)):
            raise bad("'$.input' is invalid. Please check the API reference.", "input")
        texts.append(item if isinstance(item, str) else tokens.text_of(item))
    return texts


async def create(exchange: Exchange) -> None:
    """POST /v1/embeddings. Raises ApiError."""
    body, model, habits = admit(exchange)
    texts = _texts(body.get("input"))
    size = body.get("dimensions") or _DIMENSIONS.get(model.name, _DEFAULT)
    blocks = [Block("messages", text, tokens.count(text)) for text in texts]
    longest = max(block.tokens for block in blocks)
    if longest > model.context:
        message = (
            f"This model's maximum context length is {model.context} tokens, however you requested {longest} tokens."
        )
        raise bad(message)
    prompt = Prompt(model, body["model"], blocks, [Turn("user", texts[-1])], headers=exchange.headers)
    if habits.needs_key:
        exchange.extra_headers += exchange.simulator.limits.openai_headers(exchange.credential)
    script = exchange.admit(prompt)
    identify(exchange)
    total = sum(block.tokens for block in blocks)
    if not script.fails:
        exchange.settle({"input": total, "output": 0})
    rows = []
    for index, text in enumerate(texts):
        values: Any = vector(text, size)
        if body.get("encoding_format") == "base64":
            values = b64encode(struct.pack(f"<{size}f", *values)).decode()
        rows.append({"object": "embedding", "index": index, "embedding": values})
    answer: dict[str, Any] = {"object": "list", "data": rows, "model": body["model"]}
    if not script.no_usage:
        stated = total + script.wrong_usage
        answer["usage"] = {"prompt_tokens": stated, "total_tokens": stated, **script.usage}
    await exchange.reply_whole(encode(answer))


async def embed(exchange: Exchange) -> None:
    """POST /api/embed of Ollama. Raises ApiError."""
    body = exchange.json()
    model = exchange.simulator.models.find(str(body.get("model", "")))
    if model is None:
        raise ApiError(404, f'model "{body.get("model")}" not found, try pulling it first')
    texts = _texts(body.get("input"))
    prompt = Prompt(model, body["model"], [], [Turn("user", texts[-1])], headers=exchange.headers)
    script = exchange.admit(prompt)
    total = sum(map(tokens.count, texts))
    if not script.fails:
        exchange.settle({"input": total, "output": 0})
    answer = {
        "model": body["model"],
        "embeddings": [vector(text, int(body.get("dimensions") or 768)) for text in texts],
        "total_duration": 14_143_917,
        "load_duration": 1_019_500,
        "prompt_eval_count": total,
    }
    await exchange.reply_whole(encode(answer))
