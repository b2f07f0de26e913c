"""Simulated embeddings, in OpenAI's form and in Ollama's."""

import base64
import struct
from typing import Any

from tenbin.simulator.embeddings import vector
from tests.simulator.conftest import Client

REFUSED: list[Any] = ["", [], None, [{}]]


def test_near_texts_have_near_vectors() -> None:
    def likeness(one: str, other: str) -> float:
        return sum(a * b for a, b in zip(vector(one, 256), vector(other, 256), strict=True))

    assert likeness("weigh the grain", "weigh the grain") > 0.999
    assert likeness("weigh the grain", "weigh the gold") > likeness("weigh the grain", "sing a song") + 0.2


def test_input_forms_and_encodings(client: Client) -> None:
    body = {"model": "text-embedding-3-small", "input": ["a cat", "a dog"], "dimensions": 64}
    floats = client.post("/v1/embeddings", body).json()
    packed = client.post("/v1/embeddings", {**body, "encoding_format": "base64"}).json()
    for row, other in zip(floats["data"], packed["data"], strict=True):
        unpacked = struct.unpack("<64f", base64.b64decode(other["embedding"]))
        assert all(abs(a - b) < 1e-6 for a, b in zip(row["embedding"], unpacked, strict=True))
    assert floats["usage"]["prompt_tokens"] == floats["usage"]["total_tokens"] == 4
    for given in ("one", [1, 2, 3], [[1, 2], [3]]):
        assert client.post("/v1/embeddings", {**body, "input": given}).status_code == 200
    for wrong in REFUSED:
        assert client.post("/v1/embeddings", {**body, "input": wrong}).status_code == 400


def test_scripts_apply(client: Client) -> None:
    body = {"model": "text-embedding-3-small", "input": "x"}
    assert client.post("/v1/embeddings", body, status=429, retry_after=2).headers["retry-after"] == "2"
    assert "usage" not in client.post("/v1/embeddings", body, no_usage=True).json()


def test_ollama(client: Client) -> None:
    said = client.post("/api/embed", {"model": "nomic-embed-text", "input": ["a", "b"]}).json()
    assert len(said["embeddings"]) == 2
    assert said["prompt_eval_count"] == 2
