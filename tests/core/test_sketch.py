"""The estimate of a prompt's tokens, held against the tokenizer that counts them where no provider does."""

import json
from pathlib import Path

import msgspec
import pytest

from tenbin.codecs.registry import dialect
from tenbin.codecs.tokens import count_conversation
from tenbin.core.sketch import IMAGE_TOKENS, estimated_tokens

ROOT = Path(__file__).parents[2]
JAPANESE = (
    "天秤は、依頼の内容を読み取り、最も安くて十分に良い答えを返すモデルへ届けるゲートウェイです。会話が長くなると、途中で"
    "モデルを切り替えるたびにキャッシュが冷え、かえって高くつくことがあります。契約書の第三条に定める秘密保持義務は、契約"
    "終了後も五年間存続するものとする。データベースの接続が切れたとき、エラーが表示されずにプログラムが終了してしまいます。"
) * 5
CHINESE = (
    "天平是一个网关，它读取请求的内容，并将其发送到最便宜且足够好的模型。数据库连接断开时程序会直接退出，请查明原因。"
    * 8
)
RUSSIAN = "Весы читают запрос и отправляют его самой дешёвой модели, которая достаточно хороша. " * 12
GERMAN = "Über die Größe der Häuser lässt sich streiten, größtenteils jedoch wären sich die Bürger einig. " * 12
ENGLISH = (ROOT / "README.md").read_text()
CODE = (ROOT / "src" / "tenbin" / "codecs" / "splice.py").read_text()


def off(body: bytes) -> float:
    """The estimate as a share of the count."""
    spoken = dialect("anthropic")
    return estimated_tokens(spoken.sketch(body)) / count_conversation(spoken.read(body))


@pytest.mark.parametrize("escaped", [False, True])
@pytest.mark.parametrize(
    "words",
    [JAPANESE, CHINESE, RUSSIAN, GERMAN, ENGLISH, CODE, JAPANESE + CODE[:2_000], (ENGLISH + JAPANESE) * 20],
    ids=["ja", "zh", "ru", "de", "en", "code", "ja+code", "long en+ja"],
)
def test_within_a_fifth_of_a_count(words: str, escaped: bool) -> None:
    message = {"role": "user", "content": words}
    body = json.dumps({"model": "m", "max_tokens": 9, "messages": [message]}, ensure_ascii=escaped).encode()
    assert 0.8 < off(body) < 1.2


def test_a_coding_agents_transcript() -> None:
    turns: list[dict[str, object]] = [{"role": "user", "content": "Find out where bodies are spliced, and add a test."}]
    for at, path in enumerate(sorted((ROOT / "src" / "tenbin" / "codecs").glob("*.py"))):
        call = {"type": "tool_use", "id": f"toolu_{at}", "name": "Read", "input": {"file_path": str(path.name)}}
        turns.append({"role": "assistant", "content": [{"type": "text", "text": "I read on."}, call]})
        result = {"type": "tool_result", "tool_use_id": f"toolu_{at}", "content": path.read_text()}
        turns.append({"role": "user", "content": [result]})
    assert 0.85 < off(msgspec.json.encode({"model": "m", "max_tokens": 9, "messages": turns})) < 1.15


def test_an_image_is_not_estimated_from_its_bytes() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD" * 100_000}}
    words = {"type": "text", "text": JAPANESE}
    message = {"role": "user", "content": [image, words]}
    body = msgspec.json.encode({"model": "m", "max_tokens": 9, "messages": [message]})
    assert 0.85 < (estimated_tokens(dialect("anthropic").sketch(body)) - IMAGE_TOKENS) / len(JAPANESE) < 1.25
