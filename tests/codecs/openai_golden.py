"""The golden transcripts of OpenAI's dialects: streams as providers send them, and the deltas that they must become.

`python -m tests.codecs.openai_golden` writes the deltas anew; look at the difference before you commit it.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from tenbin.codecs.dialect import Dialect
from tenbin.codecs.openai_chat import OPENAI_CHAT
from tenbin.codecs.openai_responses import OPENAI_RESPONSES
from tenbin.core.answer import Delta
from tenbin.core.target import Quirks, Target

FOLDER = Path(__file__).parent.parent / "golden" / "openai"
STREAMS = sorted(path.stem for path in FOLDER.glob("*.sse"))
CHAT_STREAMS = [name for name in STREAMS if name.startswith("chat_")]
RESPONSES_STREAMS = [name for name in STREAMS if name.startswith("responses_")]


def target(model: str = "m", **quirks: Any) -> Target:
    return Target(provider="p", model=model, dialects=("openai_chat",), quirks=Quirks(**quirks))


def dialect_of(name: str) -> Dialect:
    return OPENAI_CHAT if name.startswith("chat_") else OPENAI_RESPONSES


def stream(name: str) -> bytes:
    return (FOLDER / f"{name}.sse").read_bytes()


def cut(data: bytes, places: Iterable[int]) -> Iterator[bytes]:
    """The bytes, cut at these places."""
    start = 0
    for place in sorted({place % (len(data) + 1) for place in places}):
        yield data[start:place]
        start = place
    yield data[start:]


def deltas_of(dialect: Dialect, pieces: Iterable[bytes], streamed: bool = True) -> list[Delta]:
    reader = dialect.reader(streamed=streamed, target=target())
    deltas: list[Delta] = []
    for piece in pieces:
        deltas += reader.feed(piece)
    return deltas + reader.finish()


def as_json(deltas: Iterable[Delta]) -> list[Any]:
    return msgspec.json.decode(
        msgspec.json.encode([{"delta": type(delta).__name__, **_fields(delta)} for delta in deltas])
    )


def _fields(delta: Delta) -> dict[str, Any]:
    """Without the tag by which a stored delta is read again: the class's name says the same."""
    return {name: value for name, value in msgspec.to_builtins(delta).items() if name != "type"}


def expected(name: str) -> list[Any]:
    return msgspec.json.decode((FOLDER / f"{name}.deltas.json").read_bytes())


def main() -> None:
    for name in STREAMS:
        lines = [msgspec.json.encode(delta) for delta in as_json(deltas_of(dialect_of(name), [stream(name)]))]
        (FOLDER / f"{name}.deltas.json").write_bytes(b"[\n" + b",\n".join(lines) + b"\n]\n")


if __name__ == "__main__":
    main()
