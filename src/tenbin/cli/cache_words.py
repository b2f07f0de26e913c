"""What the response cache did for one request, in words: a part of `tenbin explain --request`."""

from typing import TYPE_CHECKING

from tenbin.cli.language import say

if TYPE_CHECKING:
    from tenbin.core.cached import Cached


def told(cached: "Cached | None") -> list[str]:
    """One line; none where the cache had nothing to do with it."""
    if cached is None:
        return []
    if cached.result != "hit":
        why = cached.why or "-"
        if cached.result == "bypass":
            return [say(f"The cache was passed by: {why}.", f"キャッシュは使われませんでした: {why}")]
        return [say(f"The cache had no answer: {why}.", f"キャッシュに該当なし: {why}")]
    from tenbin.core.money import format_usd

    how = {
        "exact": say("the same request", "同じリクエスト"),
        "semantic": say("the same question in other words", "言い換えた同じ質問"),
    }[cached.tier or "exact"]
    saved = say("an unknown amount", "不明") if cached.saved_nano is None else format_usd(cached.saved_nano)
    age = cached.age_ms // 1_000
    return [
        say(
            f"Answered from the cache ({how}, entry {cached.entry}, {age:,} s old), which saved {saved}.",
            f"キャッシュから応答しました ({how}、エントリ {cached.entry}、{age:,} 秒前)。節約: {saved}",
        )
    ]
